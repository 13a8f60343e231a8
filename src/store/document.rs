//! Texts under a key: the definitions that runs pin, and the settings of the store itself.
//! Invariant: the text of a definition never changes, for its key is its hash.

use super::error::Fault;
use super::sql::{Connection, query};
use super::{Error, Refusal, Store};

pub(super) async fn put_definition(connection: &mut Connection, hash: String, text: String) -> Result<(), Fault> {
    let query = query("INSERT INTO definitions (hash, text) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING");
    query.bind(hash).bind(text).execute(connection).await?;
    Ok(())
}

pub(super) async fn put_setting(connection: &mut Connection, key: String, value: String) -> Result<(), Fault> {
    let query = query(
        "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    query.bind(key).bind(value).execute(connection).await?;
    Ok(())
}

/// Changes a setting that is as it was read. In PostgreSQL the lock of order keeps others out in between.
pub(super) async fn change(
    connection: &mut Connection,
    key: String,
    before: Option<String>,
    value: String,
) -> Result<(), Fault> {
    let stored = query("SELECT value FROM settings WHERE key = $1").bind(&key);
    let stored: Option<String> = stored.optional(&mut *connection).await?;
    if stored != before {
        return Err(Refusal::StaleSetting(key).into());
    }
    put_setting(connection, key, value).await
}

impl Store {
    /// The definition with this hash.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn definition(&self, hash: &str) -> Result<Option<String>, Error> {
        let query = query("SELECT text FROM definitions WHERE hash = $1").bind(hash);
        Ok(query.optional(&self.readers).await?)
    }

    /// The value of a setting of the store.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        let query = query("SELECT value FROM settings WHERE key = $1").bind(key);
        Ok(query.optional(&self.readers).await?)
    }
}
