//! What a run remembers: its events, the values beside them and its latest snapshot.
//! Invariant: the events of a run are numbered from 1 without a gap.

use serde_json::json;

use super::sql::{self, Connection, FromRow, Row, in_list, query};
use super::{Committed, Error, Millis, RunId, Store};

/// Rows of one INSERT at most. Each number of rows is a statement of its own, and all of them stay prepared.
pub(super) const ROWS_PER_INSERT: usize = 100;
/// Runs or alerts that one transaction forgets or erases at most, so that others wait for it a moment only.
pub(super) const STEP: u32 = 100;

/// One event of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// When it happened.
    pub at: Millis,
    /// The event as JSON; opaque to the store.
    pub body: String,
}

/// A value beside the journal: too large for an event, or sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadRow {
    /// Number in the run; events refer to it.
    pub id: i64,
    /// Whether `bytes` is ciphertext, erased when the run ends well.
    pub sealed: bool,
    /// The value as JSON, or its ciphertext.
    pub bytes: Vec<u8>,
}

/// The number of events as the database counts.
pub(super) fn count(events: &[EventRow]) -> i64 {
    i64::try_from(events.len()).unwrap_or(i64::MAX)
}

impl FromRow for EventRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(EventRow {
            at: row.get("at")?,
            body: row.get("body")?,
        })
    }
}

impl FromRow for PayloadRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(PayloadRow {
            id: row.get("id")?,
            sealed: row.flag("sealed")?,
            bytes: row.get("bytes")?,
        })
    }
}

/// Events that are stored together just before the commit: one INSERT for many transactions. The sequence of its run
/// guards each event already, so none can be refused by then.
#[derive(Default)]
pub(super) struct Events {
    rows: Vec<(RunId, i64, EventRow)>,
}

impl Events {
    /// Adds the events that follow the first `seq` ones of a run.
    pub(super) fn add(&mut self, run: &RunId, seq: i64, events: Vec<EventRow>) {
        self.rows
            .extend((seq + 1..).zip(events).map(|(seq, event)| (run.clone(), seq, event)));
    }

    /// How many there are, to come back to.
    pub(super) fn mark(&self) -> usize {
        self.rows.len()
    }

    /// Forgets what was added after the mark, because its transaction is refused.
    pub(super) fn forget_after(&mut self, mark: usize) {
        self.rows.truncate(mark);
    }

    pub(super) async fn store(self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        let mut rows = self.rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut query = sql::made("INSERT INTO events (run, seq, at, body) VALUES ");
            for (place, (run, seq, event)) in rows.by_ref().take(ROWS_PER_INSERT).enumerate() {
                query.push(if place == 0 { "(" } else { ", (" });
                query.push_bind(run);
                query.push(", ");
                query.push_bind(seq);
                query.push(", ");
                query.push_bind(event.at);
                query.push(", ");
                query.push_bind(event.body);
                query.push(")");
            }
            query.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

pub(super) async fn insert_payloads(
    connection: &mut Connection,
    run: &str,
    payloads: Vec<PayloadRow>,
) -> Result<(), sqlx::Error> {
    for payload in payloads {
        query("INSERT INTO payloads (run, id, sealed, bytes) VALUES ($1, $2, $3, $4)")
            .bind(run)
            .bind(payload.id)
            .bind(payload.sealed)
            .bind(payload.bytes)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn put_snapshot(
    connection: &mut Connection,
    run: &str,
    seq: i64,
    state: String,
) -> Result<(), sqlx::Error> {
    let query = query(
        "INSERT INTO snapshots (run, seq, state) VALUES ($1, $2, $3)
         ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, state = excluded.state",
    );
    query.bind(run).bind(seq).bind(state).execute(connection).await?;
    Ok(())
}

/// Erases the sealed payloads of these runs.
pub(super) async fn erase(connection: &mut Connection, runs: &[RunId]) -> Result<(), sqlx::Error> {
    let sql = in_list!("DELETE FROM payloads WHERE sealed = 1 AND run ", "");
    query(sql).bind(json!(runs).to_string()).execute(connection).await?;
    Ok(())
}

/// The runs of one step whose sealed values are erased.
macro_rules! due_to_erase {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            "(SELECT id FROM runs WHERE erase_at <= $1 ORDER BY erase_at, id LIMIT $2)",
            $after
        )
    };
}

/// Erases the sealed payloads of the runs whose time has come, as many runs as one step has, and gives their pages back.
/// Notes how many payloads they were, and whether more may be due.
pub(super) async fn erase_due(
    connection: &mut Connection,
    now: Millis,
    committed: &mut Committed,
) -> Result<(), sqlx::Error> {
    let payloads = query(due_to_erase!("DELETE FROM payloads WHERE sealed = 1 AND run IN ", ""));
    let payloads = payloads.bind(now).bind(STEP).execute(&mut *connection).await?;
    let runs = query(due_to_erase!("UPDATE runs SET erase_at = NULL WHERE id IN ", ""));
    let runs = runs.bind(now).bind(STEP).execute(&mut *connection).await?;
    committed.erased_payloads += payloads;
    committed.has_more |= runs >= u64::from(STEP);
    give_back(connection).await
}

/// Gives pages that deletions left empty back to the disk, a few at a time. PostgreSQL does so by itself.
pub(super) async fn give_back(connection: &mut Connection) -> Result<(), sqlx::Error> {
    if let Connection::Sqlite(connection) = connection {
        sqlx::query("PRAGMA incremental_vacuum(1000)")
            .fetch_all(connection)
            .await?;
    }
    Ok(())
}

impl Store {
    /// The events of a run that follow the first `after_seq` ones, in order.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn journal(&self, run: &str, after_seq: i64) -> Result<Vec<EventRow>, Error> {
        let query = query("SELECT at, body FROM events WHERE run = $1 AND seq > $2 ORDER BY seq");
        Ok(query.bind(run).bind(after_seq).all(&self.readers).await?)
    }

    /// The latest snapshot of a run: how many events it covers, and the state after them.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn snapshot(&self, run: &str) -> Result<Option<(i64, String)>, Error> {
        let query = query("SELECT seq, state FROM snapshots WHERE run = $1").bind(run);
        Ok(query.optional(&self.readers).await?)
    }

    /// The payloads of a run, by number; erased ones are missing.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn payloads(&self, run: &str) -> Result<Vec<PayloadRow>, Error> {
        let query = query("SELECT id, sealed, bytes FROM payloads WHERE run = $1 ORDER BY id").bind(run);
        Ok(query.all(&self.readers).await?)
    }
}
