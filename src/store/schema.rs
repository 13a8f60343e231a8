//! The schema as an ordered list of migrations for each database, embedded in the program. Both lists come to the same
//! tables: a change of one has a migration of the same number in the other. PostgreSQL's begins with the sum of SQLite's
//! first ones, and has what only replicas need. Invariant: a published migration never changes; what changes is added as the next one.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::Error;
use super::sql::Connection;

/// Version, name and text of a migration.
type Step = (i64, &'static str, &'static str);

const SQLITE: &[Step] = &[
    (1, "initial", include_str!("migrations/sqlite/0001_initial.sql")),
    (2, "changes", include_str!("migrations/sqlite/0002_changes.sql")),
    (3, "evaluations", include_str!("migrations/sqlite/0003_evaluations.sql")),
    (4, "schedules", include_str!("migrations/sqlite/0004_schedules.sql")),
    (5, "watchlists", include_str!("migrations/sqlite/0005_watchlists.sql")),
    (6, "inbox", include_str!("migrations/sqlite/0006_inbox.sql")),
    (9, "triggers", include_str!("migrations/sqlite/0009_triggers.sql")),
    (10, "approvals", include_str!("migrations/sqlite/0010_approvals.sql")),
    (11, "control", include_str!("migrations/sqlite/0011_control.sql")),
    (12, "brakes", include_str!("migrations/sqlite/0012_brakes.sql")),
    (13, "activities", include_str!("migrations/sqlite/0013_activities.sql")),
];

const POSTGRES: &[Step] = &[
    (6, "initial", include_str!("migrations/postgres/0006_initial.sql")),
    (8, "shards", include_str!("migrations/postgres/0008_shards.sql")),
    (9, "triggers", include_str!("migrations/postgres/0009_triggers.sql")),
    (10, "approvals", include_str!("migrations/postgres/0010_approvals.sql")),
    (11, "control", include_str!("migrations/postgres/0011_control.sql")),
    (12, "brakes", include_str!("migrations/postgres/0012_brakes.sql")),
    (
        13,
        "activities",
        include_str!("migrations/postgres/0013_activities.sql"),
    ),
];

/// Brings the database to the schema of this program.
pub(super) async fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let migrated = match connection {
        Connection::Sqlite(connection) => migrator(SQLITE).run_direct(None, connection, false).await,
        Connection::Postgres(connection) => migrator(POSTGRES).run_direct(None, connection, false).await,
    };
    match migrated {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(_)) => Err(Error::Newer),
        Err(error) => Err(Error::Database(error.to_string())),
    }
}

fn migrator(steps: &[Step]) -> Migrator {
    let migrations = steps.iter().map(|(version, name, sql)| {
        Migration::new(
            *version,
            (*name).into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}
