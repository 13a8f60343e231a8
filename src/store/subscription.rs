//! Subscriptions of triggers at services that call back (Logic Apps: webhook triggers).
//! Invariant: a subscription moves on only from the version that the step was computed on.

use super::error::Fault;
use super::sql::{Connection, FromRow, Row, query};
use super::{Error, Millis, Refusal, Store};

/// Whose subscription it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionKey {
    /// Namespace of the playbook.
    pub namespace: String,
    /// The playbook.
    pub playbook: String,
    /// Its trigger.
    pub trigger: String,
}

impl SubscriptionKey {
    /// The same in one text.
    pub fn path(&self) -> String {
        format!("subscription/{}/{}/{}", self.namespace, self.playbook, self.trigger)
    }
}

/// A stored subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Whose it is.
    pub key: SubscriptionKey,
    /// What it follows from; another one makes it a new subscription.
    pub fingerprint: String,
    /// How often it was stored.
    pub version: i64,
    /// When there is something to do; `None` while there is nothing.
    pub next_at: Option<Millis>,
    /// How far it is, as JSON; opaque to the store.
    pub state: String,
    /// The calls that make it and take it back, sealed.
    pub calls: Vec<u8>,
}

impl FromRow for SubscriptionRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(SubscriptionRow {
            key: SubscriptionKey {
                namespace: row.get("namespace")?,
                playbook: row.get("playbook")?,
                trigger: row.get("trigger")?,
            },
            fingerprint: row.get("fingerprint")?,
            version: row.get("version")?,
            next_at: row.get("next_at")?,
            state: row.get("state")?,
            calls: row.get("calls")?,
        })
    }
}

/// Stores a subscription, if the stored version is the one before its own; a first version needs that there is none.
pub(super) async fn put(connection: &mut Connection, row: SubscriptionRow) -> Result<(), Fault> {
    let sql = if row.version <= 1 {
        "INSERT INTO subscriptions (namespace, playbook, trigger, fingerprint, version, next_at, state, calls)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
    } else {
        "UPDATE subscriptions SET fingerprint = $4, version = $5, next_at = $6, state = $7, calls = $8
         WHERE namespace = $1 AND playbook = $2 AND trigger = $3 AND version = $5 - 1"
    };
    let stored = query(sql)
        .bind(row.key.namespace)
        .bind(row.key.playbook.as_str())
        .bind(row.key.trigger)
        .bind(row.fingerprint)
        .bind(row.version)
        .bind(row.next_at)
        .bind(row.state)
        .bind(row.calls)
        .execute(connection)
        .await?;
    one(stored, row.key.playbook)
}

/// Forgets a subscription, if the stored version is this one.
pub(super) async fn drop(connection: &mut Connection, key: SubscriptionKey, version: i64) -> Result<(), Fault> {
    let sql = "DELETE FROM subscriptions WHERE namespace = $1 AND playbook = $2 AND trigger = $3 AND version = $4";
    let query = query(sql).bind(key.namespace).bind(key.playbook.as_str());
    let dropped = query.bind(key.trigger).bind(version).execute(connection).await?;
    one(dropped, key.playbook)
}

fn one(changed: u64, playbook: String) -> Result<(), Fault> {
    match changed {
        1 => Ok(()),
        _ => Err(Refusal::StaleSubscription(playbook).into()),
    }
}

impl Store {
    /// Every subscription.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, Error> {
        let query = query("SELECT * FROM subscriptions ORDER BY namespace, playbook, trigger");
        Ok(query.all(&self.readers).await?)
    }
}
