//! Watchlists and their items: small documents under an alias, each in an order that pages can follow.
//! Invariant: a workspace has one watchlist of an alias, and an item never outlives its watchlist.

use serde_json::json;

use super::error::Fault;
use super::sql::{Connection, FromRow, Row, Text, query};
use super::{Error, Refusal, Store};

/// A stored watchlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchlistRow {
    /// Identity.
    pub id: String,
    /// Workspace.
    pub workspace: String,
    /// Alias, unique in the workspace without regard to case.
    pub alias: String,
    /// Version; ignored by writes.
    pub version: i64,
    /// The watchlist as JSON.
    pub document: String,
}

/// A stored item of a watchlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchlistItemRow {
    /// Its place among all items; ignored by writes.
    pub position: i64,
    /// Identity in the watchlist.
    pub id: String,
    /// The item as JSON.
    pub document: String,
}

/// A change of a watchlist. Each but a removal is refused with [`Refusal::StaleWatchlist`] if what it was computed on
/// is there no more.
#[derive(Clone, Debug)]
pub enum WatchlistChange {
    /// A new or changed watchlist.
    Put {
        /// The version that the change was computed on; 0 if there was none.
        expected_version: i64,
        /// The watchlist; its version becomes `expected_version + 1`.
        row: WatchlistRow,
    },
    /// No watchlist of this identity any more, nor its items.
    Remove {
        /// The watchlist.
        watchlist: String,
    },
    /// More items, in order; the same id twice is one item.
    AddItems {
        /// The watchlist.
        watchlist: String,
        /// The items.
        items: Vec<WatchlistItemRow>,
    },
    /// A changed item.
    SetItem {
        /// The watchlist.
        watchlist: String,
        /// The item.
        item: WatchlistItemRow,
    },
    /// No item of this identity any more.
    RemoveItem {
        /// The watchlist.
        watchlist: String,
        /// The item.
        item: String,
    },
}

impl FromRow for WatchlistRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(WatchlistRow {
            id: row.get("id")?,
            workspace: row.get("workspace")?,
            alias: row.get("alias")?,
            version: row.get("version")?,
            document: row.get("document")?,
        })
    }
}

impl FromRow for WatchlistItemRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(WatchlistItemRow {
            position: row.get("position")?,
            id: row.get("id")?,
            document: row.get("document")?,
        })
    }
}

pub(super) async fn apply(connection: &mut Connection, change: WatchlistChange) -> Result<(), Fault> {
    match change {
        WatchlistChange::Put { expected_version, row } => put(connection, expected_version, row).await,
        WatchlistChange::Remove { watchlist } => remove(connection, &watchlist).await,
        WatchlistChange::AddItems { watchlist, items } => add_items(connection, watchlist, items).await,
        WatchlistChange::SetItem { watchlist, item } => set_item(connection, watchlist, item).await,
        WatchlistChange::RemoveItem { watchlist, item } => {
            let query = query("DELETE FROM watchlist_items WHERE watchlist = $1 AND id = $2");
            query.bind(watchlist).bind(item).execute(connection).await?;
            Ok(())
        }
    }
}

async fn put(connection: &mut Connection, expected_version: i64, row: WatchlistRow) -> Result<(), Fault> {
    let query = match expected_version {
        0 => query(
            "INSERT INTO watchlists (id, workspace, alias, version, document) VALUES ($1, $2, $3, $4 + 1, $5)
             ON CONFLICT DO NOTHING",
        ),
        _ => query(Text::Each {
            sqlite: "UPDATE watchlists SET version = version + 1, document = $5
                WHERE id = $1 AND workspace = $2 AND alias = $3 AND version = $4",
            postgres: "UPDATE watchlists SET version = version + 1, document = $5
                WHERE id = $1 AND workspace = $2 AND lower(alias) = lower($3 COLLATE \"C\") AND version = $4",
        }),
    };
    let written = query
        .bind(row.id)
        .bind(row.workspace)
        .bind(row.alias.as_str())
        .bind(expected_version)
        .bind(row.document)
        .execute(connection)
        .await?;
    fresh(written, row.alias)
}

async fn remove(connection: &mut Connection, watchlist: &str) -> Result<(), Fault> {
    for sql in [
        "DELETE FROM watchlist_items WHERE watchlist = $1",
        "DELETE FROM watchlists WHERE id = $1",
    ] {
        query(sql).bind(watchlist).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn add_items(connection: &mut Connection, watchlist: String, items: Vec<WatchlistItemRow>) -> Result<(), Fault> {
    let known: i64 = query("SELECT count(*) FROM watchlists WHERE id = $1")
        .bind(watchlist.as_str())
        .one(&mut *connection)
        .await?;
    fresh(known.unsigned_abs(), watchlist.clone())?;
    let rows: Vec<_> = items.into_iter().map(|item| json!([item.id, item.document])).collect();
    let query = query(Text::Each {
        sqlite: "INSERT INTO watchlist_items (watchlist, id, document)
            SELECT $1, new.value ->> 0, new.value ->> 1 FROM json_each($2) AS new WHERE true ORDER BY new.key
            ON CONFLICT (watchlist, id) DO NOTHING",
        postgres: "INSERT INTO watchlist_items (watchlist, id, document)
            SELECT $1, new.value ->> 0, new.value ->> 1
            FROM json_array_elements($2::json) WITH ORDINALITY AS new (value, key) ORDER BY new.key
            ON CONFLICT (watchlist, id) DO NOTHING",
    });
    let rows = json!(rows).to_string();
    query.bind(watchlist).bind(rows).execute(connection).await?;
    Ok(())
}

async fn set_item(connection: &mut Connection, watchlist: String, item: WatchlistItemRow) -> Result<(), Fault> {
    let query = query("UPDATE watchlist_items SET document = $3 WHERE watchlist = $1 AND id = $2");
    let query = query.bind(watchlist.as_str()).bind(item.id).bind(item.document);
    fresh(query.execute(connection).await?, watchlist)
}

/// Refuses if nothing was there.
fn fresh(found: u64, watchlist: String) -> Result<(), Fault> {
    match found {
        0 => Err(Refusal::StaleWatchlist(watchlist).into()),
        _ => Ok(()),
    }
}

impl Store {
    /// The watchlist of a workspace that has this alias, in any case.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn watchlist(&self, workspace: &str, alias: &str) -> Result<Option<WatchlistRow>, Error> {
        let query = query(Text::Each {
            sqlite: "SELECT * FROM watchlists WHERE workspace = $1 AND alias = $2",
            postgres: "SELECT * FROM watchlists WHERE workspace = $1 AND lower(alias) = lower($2 COLLATE \"C\")",
        });
        Ok(query.bind(workspace).bind(alias).optional(&self.readers).await?)
    }

    /// How many items a watchlist has.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn watchlist_size(&self, watchlist: &str) -> Result<i64, Error> {
        let query = query("SELECT count(*) FROM watchlist_items WHERE watchlist = $1");
        Ok(query.bind(watchlist).one(&self.readers).await?)
    }

    /// The items of a watchlist behind a position, in order.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn watchlist_items(
        &self,
        watchlist: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<WatchlistItemRow>, Error> {
        let query = query(
            "SELECT position, id, document FROM watchlist_items WHERE watchlist = $1 AND position > $2
             ORDER BY position LIMIT $3",
        );
        let query = query.bind(watchlist).bind(after).bind(limit);
        Ok(query.all(&self.readers).await?)
    }

    /// The item of a watchlist with this identity.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn watchlist_item(&self, watchlist: &str, id: &str) -> Result<Option<WatchlistItemRow>, Error> {
        let query = query("SELECT position, id, document FROM watchlist_items WHERE watchlist = $1 AND id = $2");
        Ok(query.bind(watchlist).bind(id).optional(&self.readers).await?)
    }
}
