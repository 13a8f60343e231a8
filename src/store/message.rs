//! Messages that wait for the release of their batch (Logic Apps: `SendToBatch`).
//! Invariant: an identity is one message of its partition, and a message leaves with exactly one release.

use serde_json::json;

use super::error::Fault;
use super::sql::{Connection, FromRow, Row, Text, query};
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
    /// How many changes by automation led to it.
    pub depth: u32,
}

impl FromRow for Partition {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(Partition {
            namespace: row.get("namespace")?,
            playbook: row.get("playbook")?,
            batch: row.get("batch")?,
            name: row.get("partition")?,
        })
    }
}

impl FromRow for MessageRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(MessageRow {
            position: row.get("position")?,
            id: row.get("id")?,
            size: row.get("size")?,
            content: row.get("content")?,
            depth: u32::try_from(row.get::<i64>("depth")?).unwrap_or(u32::MAX),
        })
    }
}

pub(super) async fn insert(
    connection: &mut Connection,
    partition: Partition,
    message: MessageRow,
) -> Result<(), Fault> {
    query(
        "INSERT INTO messages (namespace, playbook, batch, partition, id, size, content, depth)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (namespace, playbook, batch, partition, id) DO NOTHING",
    )
    .bind(partition.namespace)
    .bind(partition.playbook)
    .bind(partition.batch)
    .bind(partition.name)
    .bind(message.id)
    .bind(message.size)
    .bind(message.content)
    .bind(i64::from(message.depth))
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes messages out, all of them or none.
pub(super) async fn take(connection: &mut Connection, positions: &[i64]) -> Result<(), Fault> {
    let sql = Text::Each {
        sqlite: "DELETE FROM messages WHERE position IN (SELECT value FROM json_each($1))",
        postgres: "DELETE FROM messages
            WHERE position IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text($1::json))",
    };
    let taken = query(sql)
        .bind(json!(positions).to_string())
        .execute(connection)
        .await?;
    match usize::try_from(taken) {
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
        let query = query("SELECT DISTINCT namespace, playbook, batch, partition FROM messages");
        Ok(query.all(&self.readers).await?)
    }

    /// How many messages a partition has, and how many bytes.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn weight(&self, partition: &Partition) -> Result<(i64, i64), Error> {
        let query = query(
            "SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM messages
             WHERE namespace = $1 AND playbook = $2 AND batch = $3 AND partition = $4",
        );
        let query = query.bind(&partition.namespace).bind(&partition.playbook);
        let query = query.bind(&partition.batch).bind(&partition.name);
        Ok(query.one(&self.readers).await?)
    }

    /// The first messages of a partition, in the order of their arrival.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn messages(&self, partition: &Partition, limit: u32) -> Result<Vec<MessageRow>, Error> {
        let query = query(
            "SELECT position, id, size, content, depth FROM messages
             WHERE namespace = $1 AND playbook = $2 AND batch = $3 AND partition = $4 ORDER BY position LIMIT $5",
        );
        let query = query.bind(&partition.namespace).bind(&partition.playbook);
        let query = query.bind(&partition.batch).bind(&partition.name).bind(limit);
        Ok(query.all(&self.readers).await?)
    }
}
