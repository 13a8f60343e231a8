//! What came to callback URLs, until the runs that wait for it take it. Invariants: an action is delivered to once; a run
//! that has something to take is due.

use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::error::Fault;
use super::{Error, Millis, Refusal, RunId, Store};

/// Something that came for an action of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// The run.
    pub run: RunId,
    /// The execution of an action that it came for; opaque to the store.
    pub node: String,
    /// When it came.
    pub at: Millis,
    /// What came, sealed; opaque to the store.
    pub bytes: Vec<u8>,
}

impl FromRow<'_, SqliteRow> for DeliveryRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            run: row.try_get("run")?,
            node: row.try_get("node")?,
            at: row.try_get("at")?,
            bytes: row.try_get("bytes")?,
        })
    }
}

/// Stores what came and makes its run due.
pub(super) async fn deliver(connection: &mut SqliteConnection, row: DeliveryRow) -> Result<(), Fault> {
    let woken = sqlx::query("UPDATE runs SET wake_at = min(wake_at, $2) WHERE id = $1 AND ended_at IS NULL")
        .bind(&row.run)
        .bind(row.at)
        .execute(&mut *connection)
        .await?;
    if woken.rows_affected() == 0 {
        return Err(Refusal::StaleRun(row.run).into());
    }
    let sql = "INSERT INTO inbox (run, node, at, bytes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let query = sqlx::query(sql)
        .bind(&row.run)
        .bind(row.node)
        .bind(row.at)
        .bind(row.bytes);
    if query.execute(connection).await?.rows_affected() == 0 {
        return Err(Refusal::Delivered(row.run).into());
    }
    Ok(())
}

/// Marks what came as taken and forgets its value. What never came is marked too: it would come too late.
pub(super) async fn take(
    connection: &mut SqliteConnection,
    run: &str,
    node: &str,
    at: Millis,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO inbox (run, node, at, taken, bytes) VALUES ($1, $2, $3, 1, x'')
        ON CONFLICT DO UPDATE SET taken = 1, bytes = x''";
    let query = sqlx::query(sql).bind(run).bind(node).bind(at);
    query.execute(connection).await.map(drop)
}

/// Forgets what came for runs that have ended.
pub(super) async fn forget(connection: &mut SqliteConnection, runs: &[RunId]) -> Result<(), sqlx::Error> {
    let sql = "UPDATE inbox SET taken = 1, bytes = x'' WHERE taken = 0 AND run IN (SELECT value FROM json_each($1))";
    let query = sqlx::query(sql).bind(json!(runs).to_string());
    query.execute(connection).await.map(drop)
}

impl Store {
    /// What came for a run and is not taken, the oldest first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn inbox(&self, run: &str) -> Result<Vec<DeliveryRow>, Error> {
        let query =
            sqlx::query_as("SELECT run, node, at, bytes FROM inbox WHERE run = $1 AND taken = 0 ORDER BY at, node");
        Ok(query.bind(run).fetch_all(&self.readers).await?)
    }
}
