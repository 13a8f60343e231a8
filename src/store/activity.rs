//! What changes did to incidents: a small document for each, under the version of the incident that it made.
//! Invariant: an incident keeps its last [`KEPT`] ones, so a playbook that changes it for ever fills no disk.

use super::error::Fault;
use super::sql::{Connection, FromRow, Row, query};
use super::{Error, Store};

/// How many versions back the changes of an incident are kept.
pub const KEPT: i64 = 500;

/// A stored change of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    /// The incident.
    pub incident: String,
    /// The version that the change made of it.
    pub version: i64,
    /// What changed, and who did it, as JSON.
    pub document: String,
}

impl FromRow for ActivityRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(ActivityRow {
            incident: row.get("incident")?,
            version: row.get("version")?,
            document: row.get("document")?,
        })
    }
}

pub(super) async fn insert(connection: &mut Connection, activity: ActivityRow) -> Result<(), Fault> {
    query("DELETE FROM activities WHERE incident = $1 AND version <= $2")
        .bind(activity.incident.as_str())
        .bind(activity.version.saturating_sub(KEPT))
        .execute(&mut *connection)
        .await?;
    query(
        "INSERT INTO activities (incident, version, document) VALUES ($1, $2, $3)
         ON CONFLICT (incident, version) DO NOTHING",
    )
    .bind(activity.incident)
    .bind(activity.version)
    .bind(activity.document)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// The last changes of an incident, the newest first and at most so many.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn activities(&self, incident: &str, limit: u32) -> Result<Vec<ActivityRow>, Error> {
        let query = query("SELECT * FROM activities WHERE incident = $1 ORDER BY version DESC LIMIT $2");
        Ok(query.bind(incident).bind(limit).all(&self.readers).await?)
    }
}
