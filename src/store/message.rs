//! Messages that wait for the release of their batch (Logic Apps: `SendToBatch`).
//! Invariant: an identity is one message of its partition, and a message leaves with exactly one release.

use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::error::Fault;
use super::{Error, Refusal, Store};

/// The messages of a batch that are released together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// Namespace of the playbook that collects.
    pub namespace: String,
    /// The playbook that collects.
    pub playbook: String,
    /// Name of the batch.
    pub batch: String,
    /// Name of the partition.
    pub name: String,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its place in the order of arrival; given by the store.
    pub position: i64,
    /// Identity in its partition.
    pub id: String,
    /// Bytes of its content before it was sealed.
    pub size: i64,
    /// Its content, sealed.
    pub content: Vec<u8>,
}

impl FromRow<'_, SqliteRow> for Partition {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Partition {
            namespace: row.try_get("namespace")?,
            playbook: row.try_get("playbook")?,
            batch: row.try_get("batch")?,
            name: row.try_get("partition")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for MessageRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(MessageRow {
            position: row.try_get("position")?,
            id: row.try_get("id")?,
            size: row.try_get("size")?,
            content: row.try_get("content")?,
        })
    }
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    partition: Partition,
    message: MessageRow,
) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO messages (namespace, playbook, batch, partition, id, size, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (namespace, playbook, batch, partition, id) DO NOTHING",
    )
    .bind(partition.namespace)
    .bind(partition.playbook)
    .bind(partition.batch)
    .bind(partition.name)
    .bind(message.id)
    .bind(message.size)
    .bind(message.content)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes messages out, all of them or none.
pub(super) async fn take(connection: &mut SqliteConnection, positions: &[i64]) -> Result<(), Fault> {
    let taken = sqlx::query("DELETE FROM messages WHERE position IN (SELECT value FROM json_each($1))")
        .bind(json!(positions).to_string())
        .execute(connection)
        .await?;
    match usize::try_from(taken.rows_affected()) {
        Ok(count) if count == positions.len() => Ok(()),
        Ok(_) | Err(_) => Err(Refusal::StaleBatch.into()),
    }
}

impl Store {
    /// Every partition that has messages.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn partitions(&self) -> Result<Vec<Partition>, Error> {
        let query = sqlx::query_as("SELECT DISTINCT namespace, playbook, batch, partition FROM messages");
        Ok(query.fetch_all(&self.readers).await?)
    }

    /// How many messages a partition has, and how many bytes.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn weight(&self, partition: &Partition) -> Result<(i64, i64), Error> {
        let query = sqlx::query_as(
            "SELECT count(*), coalesce(sum(size), 0) FROM messages
             WHERE namespace = $1 AND playbook = $2 AND batch = $3 AND partition = $4",
        );
        let query = query.bind(&partition.namespace).bind(&partition.playbook);
        let query = query.bind(&partition.batch).bind(&partition.name);
        Ok(query.fetch_one(&self.readers).await?)
    }

    /// The first messages of a partition, in the order of their arrival.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn messages(&self, partition: &Partition, limit: u32) -> Result<Vec<MessageRow>, Error> {
        let query = sqlx::query_as(
            "SELECT position, id, size, content FROM messages
             WHERE namespace = $1 AND playbook = $2 AND batch = $3 AND partition = $4 ORDER BY position LIMIT $5",
        );
        let query = query.bind(&partition.namespace).bind(&partition.playbook);
        let query = query.bind(&partition.batch).bind(&partition.name).bind(limit);
        Ok(query.fetch_all(&self.readers).await?)
    }
}
