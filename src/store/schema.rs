//! The schema as an ordered list of migrations, embedded in the program. Invariant: a published migration never changes;
//! what changes is added as the next one.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqliteConnection};

use super::Error;

/// Version, name and text of each migration.
const MIGRATIONS: [(i64, &str, &str); 6] = [
    (1, "initial", include_str!("migrations/0001_initial.sql")),
    (2, "changes", include_str!("migrations/0002_changes.sql")),
    (3, "evaluations", include_str!("migrations/0003_evaluations.sql")),
    (4, "schedules", include_str!("migrations/0004_schedules.sql")),
    (5, "watchlists", include_str!("migrations/0005_watchlists.sql")),
    (6, "inbox", include_str!("migrations/0006_inbox.sql")),
];

/// Brings the database to the schema of this program.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
    let migrations = MIGRATIONS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    match Migrator::with_migrations(migrations.into())
        .run_direct(None, connection, false)
        .await
    {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_)) => Err(Error::Newer),
        Err(error) => Err(Error::Database(error.to_string())),
    }
}
