//! Alerts, and the incidents that they joined. Invariant: a deduplication key names one alert of a workspace.

use super::error::Fault;
use super::sql::{Connection, FromRow, Row, query};
use super::{Error, Millis, Refusal, Store, change};

/// A stored alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// Identity.
    pub id: String,
    /// Workspace.
    pub workspace: String,
    /// Deduplication key, unique in the workspace.
    pub dedup_key: String,
    /// When it came.
    pub created_at: Millis,
    /// The alert as JSON.
    pub document: String,
}

impl FromRow for AlertRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(AlertRow {
            id: row.get("id")?,
            workspace: row.get("workspace")?,
            dedup_key: row.get("dedup_key")?,
            created_at: row.get("created_at")?,
            document: row.get("document")?,
        })
    }
}

pub(super) async fn insert(connection: &mut Connection, alert: AlertRow) -> Result<(), Fault> {
    let inserted = query(
        "INSERT INTO alerts (id, workspace, dedup_key, created_at, document) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace, dedup_key) DO NOTHING",
    )
    .bind(alert.id)
    .bind(alert.workspace.as_str())
    .bind(alert.dedup_key.as_str())
    .bind(alert.created_at)
    .bind(alert.document)
    .execute(&mut *connection)
    .await?;
    if inserted == 1 {
        return Ok(());
    }
    let known = query("SELECT id FROM alerts WHERE workspace = $1 AND dedup_key = $2")
        .bind(alert.workspace)
        .bind(alert.dedup_key)
        .one(connection)
        .await?;
    Err(Refusal::DuplicateAlert(known).into())
}

pub(super) async fn link(connection: &mut Connection, alert: String, incident: String) -> Result<(), Fault> {
    query("INSERT INTO incident_alerts (incident, alert) VALUES ($1, $2) ON CONFLICT (incident, alert) DO NOTHING")
        .bind(incident)
        .bind(alert)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn unlink(connection: &mut Connection, alert: String, incident: String) -> Result<(), Fault> {
    change::incident(connection, &incident).await?;
    let query = query("DELETE FROM incident_alerts WHERE incident = $1 AND alert = $2");
    query.bind(incident).bind(alert).execute(connection).await?;
    Ok(())
}

impl Store {
    /// The alert with this identity.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn alert(&self, id: &str) -> Result<Option<AlertRow>, Error> {
        let query = query("SELECT * FROM alerts WHERE id = $1").bind(id);
        Ok(query.optional(&self.readers).await?)
    }

    /// The alert of a workspace that has this deduplication key.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn alert_by_dedup(&self, workspace: &str, key: &str) -> Result<Option<AlertRow>, Error> {
        let query = query("SELECT * FROM alerts WHERE workspace = $1 AND dedup_key = $2");
        Ok(query.bind(workspace).bind(key).optional(&self.readers).await?)
    }

    /// The alerts of an incident, in the order in which they joined.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn alerts_of(&self, incident: &str) -> Result<Vec<AlertRow>, Error> {
        let query = query(
            "SELECT alerts.* FROM incident_alerts JOIN alerts ON alerts.id = incident_alerts.alert
             WHERE incident_alerts.incident = $1 ORDER BY incident_alerts.position",
        );
        Ok(query.bind(incident).all(&self.readers).await?)
    }

    /// The incident that an alert joined first, if any.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn incident_of_alert(&self, alert: &str) -> Result<Option<String>, Error> {
        let query = query("SELECT incident FROM incident_alerts WHERE alert = $1 ORDER BY position LIMIT 1");
        Ok(query.bind(alert).optional(&self.readers).await?)
    }
}
