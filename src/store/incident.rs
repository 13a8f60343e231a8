//! Incidents: their numbers, versions and the columns by which they are listed.
//! Invariant: a workspace never gives a number twice, and a version says how often an incident was written.

use super::error::Fault;
use super::sql::{self, Connection, FromRow, Row, query};
use super::{Error, Millis, Refusal, Store};

/// A stored incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRow {
    /// Identity.
    pub id: String,
    /// Workspace.
    pub workspace: String,
    /// Number in the workspace; ignored by writes.
    pub number: i64,
    /// Version; ignored by writes.
    pub version: i64,
    /// `New`, `Active` or `Closed`.
    pub status: String,
    /// `High`, `Medium`, `Low` or `Informational`.
    pub severity: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
    /// The incident as JSON; number and version in it are ignored.
    pub document: String,
}

/// Which incidents to list; what is `None` is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Their workspace.
    pub workspace: Option<String>,
    /// Their status: `New`, `Active` or `Closed`.
    pub status: Option<String>,
    /// At most this many, the newest.
    pub limit: u32,
}

impl FromRow for IncidentRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(IncidentRow {
            id: row.get("id")?,
            workspace: row.get("workspace")?,
            number: row.get("number")?,
            version: row.get("version")?,
            status: row.get("status")?,
            severity: row.get("severity")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            document: row.get("document")?,
        })
    }
}

/// Stores a new incident and gives its number.
pub(super) async fn insert(connection: &mut Connection, incident: IncidentRow) -> Result<i64, Fault> {
    let number: i64 = query(
        "INSERT INTO incident_numbers (workspace, last) VALUES ($1, 1)
         ON CONFLICT (workspace) DO UPDATE SET last = incident_numbers.last + 1 RETURNING last",
    )
    .bind(incident.workspace.as_str())
    .one(&mut *connection)
    .await?;
    query(
        "INSERT INTO incidents (id, workspace, number, version, status, severity, created_at, updated_at, document)
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8)",
    )
    .bind(incident.id)
    .bind(incident.workspace)
    .bind(number)
    .bind(incident.status)
    .bind(incident.severity)
    .bind(incident.created_at)
    .bind(incident.updated_at)
    .bind(incident.document)
    .execute(connection)
    .await?;
    Ok(number)
}

pub(super) async fn update(
    connection: &mut Connection,
    expected_version: i64,
    incident: IncidentRow,
) -> Result<(), Fault> {
    let updated = query(
        "UPDATE incidents SET version = version + 1, status = $3, severity = $4, updated_at = $5, document = $6
         WHERE id = $1 AND version = $2",
    )
    .bind(incident.id.as_str())
    .bind(expected_version)
    .bind(incident.status)
    .bind(incident.severity)
    .bind(incident.updated_at)
    .bind(incident.document)
    .execute(connection)
    .await?;
    match updated {
        0 => Err(Refusal::StaleIncident(incident.id).into()),
        _ => Ok(()),
    }
}

impl Store {
    /// The incident with this identity.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn incident(&self, id: &str) -> Result<Option<IncidentRow>, Error> {
        let query = query("SELECT * FROM incidents WHERE id = $1").bind(id);
        Ok(query.optional(&self.readers).await?)
    }

    /// The incident of a workspace that has this number.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn incident_by_number(&self, workspace: &str, number: i64) -> Result<Option<IncidentRow>, Error> {
        let query = query("SELECT * FROM incidents WHERE workspace = $1 AND number = $2");
        Ok(query.bind(workspace).bind(number).optional(&self.readers).await?)
    }

    /// The incidents that a filter lets through, newest first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<IncidentRow>, Error> {
        let mut query = sql::made("SELECT * FROM incidents WHERE 1 = 1");
        for (condition, value) in [
            (" AND workspace = ", &filter.workspace),
            (" AND status = ", &filter.status),
        ] {
            if let Some(value) = value {
                query.push(condition);
                query.push_bind(value);
            }
        }
        query.push(" ORDER BY created_at DESC, number DESC LIMIT ");
        query.push_bind(filter.limit);
        Ok(query.all(&self.readers).await?)
    }
}
