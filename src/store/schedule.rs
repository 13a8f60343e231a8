//! What starts runs by time: the schedules of playbooks, each with the time at which it is due.
//! Invariant: a schedule moves on only from the version that the step was computed on, so an occurrence is taken once.

use super::error::Fault;
use super::sql::{Connection, FromRow, Row, query};
use super::{Error, Millis, Refusal, Store};

/// Whose schedule it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScheduleKey {
    /// Namespace of the playbook.
    pub namespace: String,
    /// The playbook.
    pub playbook: String,
    /// Its trigger.
    pub trigger: String,
    /// The batch whose release is scheduled; empty for the trigger itself.
    pub batch: String,
}

impl ScheduleKey {
    /// The same in one text.
    pub fn path(&self) -> String {
        format!("{}/{}/{}/{}", self.namespace, self.playbook, self.trigger, self.batch)
    }
}

/// A stored schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Whose it is.
    pub key: ScheduleKey,
    /// What it was computed from; another one makes it a new schedule.
    pub fingerprint: String,
    /// How often it was stored.
    pub version: i64,
    /// When it is due; `None` while it rests.
    pub next_at: Option<Millis>,
    /// How far it is, as JSON; opaque to the store.
    pub state: String,
    /// Where a service is asked next, sealed.
    pub cursor: Option<Vec<u8>>,
}

impl FromRow for ScheduleRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(ScheduleRow {
            key: ScheduleKey {
                namespace: row.get("namespace")?,
                playbook: row.get("playbook")?,
                trigger: row.get("trigger")?,
                batch: row.get("batch")?,
            },
            fingerprint: row.get("fingerprint")?,
            version: row.get("version")?,
            next_at: row.get("next_at")?,
            state: row.get("state")?,
            cursor: row.get("cursor")?,
        })
    }
}

/// Stores a schedule, if the stored version is the one before its own; a first version needs that there is none.
pub(super) async fn put(connection: &mut Connection, row: ScheduleRow) -> Result<(), Fault> {
    let sql = if row.version <= 1 {
        "INSERT INTO schedules (namespace, playbook, trigger, batch, fingerprint, version, next_at, state, cursor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
    } else {
        "UPDATE schedules SET fingerprint = $5, version = $6, next_at = $7, state = $8, cursor = $9
         WHERE namespace = $1 AND playbook = $2 AND trigger = $3 AND batch = $4 AND version = $6 - 1"
    };
    let stored = query(sql)
        .bind(row.key.namespace)
        .bind(row.key.playbook.as_str())
        .bind(row.key.trigger)
        .bind(row.key.batch)
        .bind(row.fingerprint)
        .bind(row.version)
        .bind(row.next_at)
        .bind(row.state)
        .bind(row.cursor)
        .execute(connection)
        .await?;
    match stored {
        1 => Ok(()),
        _ => Err(Refusal::StaleSchedule(row.key.playbook).into()),
    }
}

pub(super) async fn drop(connection: &mut Connection, key: ScheduleKey) -> Result<(), Fault> {
    let sql = "DELETE FROM schedules WHERE namespace = $1 AND playbook = $2 AND trigger = $3 AND batch = $4";
    let query = query(sql).bind(key.namespace).bind(key.playbook);
    query.bind(key.trigger).bind(key.batch).execute(connection).await?;
    Ok(())
}

impl Store {
    /// Every schedule.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn schedules(&self) -> Result<Vec<ScheduleRow>, Error> {
        let query = query("SELECT * FROM schedules ORDER BY namespace, playbook, trigger, batch");
        Ok(query.all(&self.readers).await?)
    }

    /// The schedules that are due by now, the longest waiting first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn due_schedules(&self, now: Millis, limit: u32) -> Result<Vec<ScheduleRow>, Error> {
        let query = query("SELECT * FROM schedules WHERE next_at <= $1 ORDER BY next_at LIMIT $2");
        Ok(query.bind(now).bind(limit).all(&self.readers).await?)
    }

    /// When the first schedule is due after a time; `None` if none is.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn next_schedule(&self, after: Millis) -> Result<Option<Millis>, Error> {
        let query = query("SELECT min(next_at) FROM schedules WHERE next_at > $1").bind(after);
        Ok(query.one(&self.readers).await?)
    }
}
