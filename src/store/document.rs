//! Texts under a key: the definitions that runs pin, and the settings of the store itself.
//! Invariant: the text of a definition never changes, for its key is its hash.

use sqlx::SqliteConnection;

use super::error::Fault;
use super::{Error, Store};

pub(super) async fn put_definition(connection: &mut SqliteConnection, hash: String, text: String) -> Result<(), Fault> {
    let query = sqlx::query("INSERT INTO definitions (hash, text) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING");
    query.bind(hash).bind(text).execute(connection).await?;
    Ok(())
}

pub(super) async fn put_setting(connection: &mut SqliteConnection, key: String, value: String) -> Result<(), Fault> {
    let query = sqlx::query(
        "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    );
    query.bind(key).bind(value).execute(connection).await?;
    Ok(())
}

impl Store {
    /// The definition with this hash.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn definition(&self, hash: &str) -> Result<Option<String>, Error> {
        let query = sqlx::query_scalar("SELECT text FROM definitions WHERE hash = $1").bind(hash);
        Ok(query.fetch_optional(&self.readers).await?)
    }

    /// The value of a setting of the store.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        let query = sqlx::query_scalar("SELECT value FROM settings WHERE key = $1").bind(key);
        Ok(query.fetch_optional(&self.readers).await?)
    }
}
