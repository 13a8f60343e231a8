//! What came to callback URLs, until the runs that wait for it take it. Invariants: an action is delivered to once; a run
//! that has something to take is due.

use serde_json::json;

use super::error::Fault;
use super::sql::{Connection, FromRow, Row, in_list, query};
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

impl FromRow for DeliveryRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            run: row.get("run")?,
            node: row.get("node")?,
            at: row.get("at")?,
            bytes: row.get("bytes")?,
        })
    }
}

/// Makes a run due, and says whether it was there and open.
pub(super) async fn wake(connection: &mut Connection, run: &str, at: Millis) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE runs SET wake_at = CASE WHEN wake_at < $2 THEN wake_at ELSE $2 END
        WHERE id = $1 AND ended_at IS NULL";
    Ok(query(sql).bind(run).bind(at).execute(connection).await? > 0)
}

/// Stores what came and makes its run due.
pub(super) async fn deliver(connection: &mut Connection, row: DeliveryRow) -> Result<(), Fault> {
    if !wake(connection, &row.run, row.at).await? {
        return Err(Refusal::StaleRun(row.run).into());
    }
    let sql = "INSERT INTO inbox (run, node, at, bytes) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let query = query(sql).bind(&row.run).bind(row.node).bind(row.at).bind(row.bytes);
    if query.execute(connection).await? == 0 {
        return Err(Refusal::Delivered(row.run).into());
    }
    Ok(())
}

/// Marks what came as taken and forgets its value. What never came is marked too: it would come too late.
pub(super) async fn take(connection: &mut Connection, run: &str, node: &str, at: Millis) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO inbox (run, node, at, taken, bytes) VALUES ($1, $2, $3, 1, $4)
        ON CONFLICT (run, node) DO UPDATE SET taken = 1, bytes = excluded.bytes";
    let query = query(sql).bind(run).bind(node).bind(at).bind(Vec::new());
    query.execute(connection).await.map(drop)
}

/// Forgets what came for runs that have ended.
pub(super) async fn forget(connection: &mut Connection, runs: &[RunId]) -> Result<(), sqlx::Error> {
    let sql = in_list!("UPDATE inbox SET taken = 1, bytes = $2 WHERE taken = 0 AND run ", "");
    let query = query(sql).bind(json!(runs).to_string()).bind(Vec::new());
    query.execute(connection).await.map(drop)
}

impl Store {
    /// The runs for which something came that is not taken.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn delivered_runs(&self) -> Result<Vec<RunId>, Error> {
        let query = query("SELECT DISTINCT run FROM inbox WHERE taken = 0");
        Ok(query.all(&self.readers).await?)
    }

    /// What came for a run and is not taken, the oldest first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn inbox(&self, run: &str) -> Result<Vec<DeliveryRow>, Error> {
        let query = query("SELECT run, node, at, bytes FROM inbox WHERE run = $1 AND taken = 0 ORDER BY at, node");
        Ok(query.bind(run).all(&self.readers).await?)
    }
}
