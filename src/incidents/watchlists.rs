//! Watchlists of a workspace: read, and changed by plans as incidents are. Filling one again adds what is new and leaves
//! the rest: an item goes only when it is removed itself, as in Sentinel.

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Desk, Error, Planned, rows};
use crate::expression::{Object, Value};
use crate::rules::{Author, Watchlist, WatchlistDraft, WatchlistItem};
use crate::store::{Operation, WatchlistChange};

/// Items of a watchlist.
const MAX_ITEMS: usize = 100_000;
/// Characters of the values of an item (Sentinel: 10,240).
const MAX_ITEM: usize = 10_240;
/// Characters of an alias (Sentinel: 3 to 64).
const ALIAS: std::ops::RangeInclusive<usize> = 3..=64;

/// A watchlist and the number of its items.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundWatchlist {
    /// The watchlist.
    pub watchlist: Watchlist,
    /// How many items it has.
    pub size: usize,
}

/// Some items of a watchlist, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundItems {
    /// The watchlist.
    pub watchlist: Watchlist,
    /// The items.
    pub items: Vec<WatchlistItem>,
    /// The position behind which more items are; `None` if these are the last.
    pub next: Option<i64>,
}

impl Desk {
    /// The watchlist of this alias.
    ///
    /// # Errors
    /// No such watchlist, or a failure of the store.
    pub async fn watchlist(&self, workspace: &str, alias: &str) -> Result<FoundWatchlist, Error> {
        let found = self.known_watchlist(workspace, alias).await?;
        found.ok_or_else(|| Error::UnknownWatchlist(alias.to_owned()))
    }

    /// At most `limit` items of a watchlist behind a position, 0 for the first.
    ///
    /// # Errors
    /// No such watchlist, or a failure of the store.
    pub async fn watchlist_items(
        &self,
        workspace: &str,
        alias: &str,
        after: i64,
        limit: usize,
    ) -> Result<FoundItems, Error> {
        let watchlist = self.watchlist(workspace, alias).await?.watchlist;
        let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut rows = self.store.watchlist_items(&watchlist.id, after, one_more).await?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().map(|row| row.position).filter(|_| has_more);
        let items = rows.iter().map(rows::watchlist_item).collect::<Result<_, _>>()?;
        Ok(FoundItems { watchlist, items, next })
    }

    /// The item of a watchlist, with the watchlist.
    ///
    /// # Errors
    /// No such watchlist or item, or a failure of the store.
    pub async fn watchlist_item(
        &self,
        workspace: &str,
        alias: &str,
        item: &str,
    ) -> Result<(Watchlist, WatchlistItem), Error> {
        let watchlist = self.watchlist(workspace, alias).await?.watchlist;
        let row = self.store.watchlist_item(&watchlist.id, &item.to_lowercase()).await?;
        let row = row.ok_or_else(|| Error::UnknownItem {
            watchlist: watchlist.alias.clone(),
            item: item.to_owned(),
        })?;
        Ok((watchlist, rows::watchlist_item(&row)?))
    }

    /// A watchlist of this alias that is as the draft says and has at least its items ("Create a new watchlist"); `id`
    /// names it if it is new.
    ///
    /// # Errors
    /// An alias or item that is not allowed, too many items, a new watchlist without search key, or a failure of the
    /// store.
    pub async fn plan_watchlist(
        &self,
        workspace: &str,
        alias: &str,
        draft: &WatchlistDraft,
        author: &Author,
        now: Timestamp,
        id: &str,
    ) -> Result<Planned<FoundWatchlist>, Error> {
        let (by, time) = (author.to_string(), now.to_string());
        let known = self.known_watchlist(workspace, alias).await?;
        let (before, size) = match known {
            Some(known) => (known.watchlist, known.size),
            None => (blank(workspace, alias, draft, &by, &time, id)?, 0),
        };
        let added = self.new_items(&before, draft, &by, &time, id).await?;
        let mut watchlist = before.apply(draft, &by, &time);
        let mut operations = vec![change(WatchlistChange::Put {
            expected_version: before.version,
            row: rows::watchlist_row(&watchlist)?,
        })];
        check_size(&watchlist, size + added.len())?;
        let size = size + added.len();
        if !added.is_empty() {
            operations.push(adding(&watchlist, &added)?);
        }
        watchlist.version = before.version.saturating_add(1);
        let value = FoundWatchlist { watchlist, size };
        Ok(Planned { value, operations })
    }

    /// No watchlist of this alias; none that is there already is no error.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn plan_watchlist_removal(&self, workspace: &str, alias: &str) -> Result<Planned<()>, Error> {
        let known = self.known_watchlist(workspace, alias).await?;
        let operations = known.map(|known| {
            change(WatchlistChange::Remove {
                watchlist: known.watchlist.id,
            })
        });
        Ok(Planned {
            value: (),
            operations: operations.into_iter().collect(),
        })
    }

    /// A new item of this id; one that is there already stays as it is.
    ///
    /// # Errors
    /// No such watchlist, values that are not allowed, too many items, or a failure of the store.
    pub async fn plan_watchlist_item(
        &self,
        workspace: &str,
        alias: &str,
        values: Object,
        author: &Author,
        now: Timestamp,
        id: &str,
    ) -> Result<Planned<(Watchlist, WatchlistItem)>, Error> {
        let FoundWatchlist { watchlist, size } = self.watchlist(workspace, alias).await?;
        if let Some(row) = self.store.watchlist_item(&watchlist.id, id).await? {
            let item = rows::watchlist_item(&row)?;
            let operations = Vec::new();
            let value = (watchlist, item);
            return Ok(Planned { value, operations });
        }
        check_size(&watchlist, size + 1)?;
        let item = new_item(&watchlist, values, &author.to_string(), &now.to_string(), id.to_owned())?;
        let operations = vec![adding(&watchlist, std::slice::from_ref(&item))?];
        let value = (watchlist, item);
        Ok(Planned { value, operations })
    }

    /// An item with these values in place of those that it has.
    ///
    /// # Errors
    /// No such watchlist or item, values that are not allowed, or a failure of the store.
    pub async fn plan_watchlist_item_values(
        &self,
        workspace: &str,
        alias: &str,
        item: &str,
        values: Object,
        author: &Author,
        now: Timestamp,
    ) -> Result<Planned<(Watchlist, WatchlistItem)>, Error> {
        let (watchlist, before) = self.watchlist_item(workspace, alias, item).await?;
        let item = WatchlistItem {
            created_by: before.created_by,
            created_time: before.created_time,
            ..new_item(&watchlist, values, &author.to_string(), &now.to_string(), before.id)?
        };
        let operations = vec![change(WatchlistChange::SetItem {
            watchlist: watchlist.id.clone(),
            item: rows::watchlist_item_row(&item)?,
        })];
        let value = (watchlist, item);
        Ok(Planned { value, operations })
    }

    /// No item of this id; none that is there already is no error.
    ///
    /// # Errors
    /// No such watchlist, or a failure of the store.
    pub async fn plan_watchlist_item_removal(
        &self,
        workspace: &str,
        alias: &str,
        item: &str,
    ) -> Result<Planned<()>, Error> {
        let watchlist = self.watchlist(workspace, alias).await?.watchlist.id;
        let item = item.to_lowercase();
        let operations = vec![change(WatchlistChange::RemoveItem { watchlist, item })];
        Ok(Planned { value: (), operations })
    }

    async fn known_watchlist(&self, workspace: &str, alias: &str) -> Result<Option<FoundWatchlist>, Error> {
        let Some(row) = self.store.watchlist(workspace, alias).await? else {
            return Ok(None);
        };
        let size = self.store.watchlist_size(&row.id).await?;
        let watchlist = rows::watchlist(&row)?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        Ok(Some(FoundWatchlist { watchlist, size }))
    }

    /// The items of a draft that a watchlist has not yet, each once.
    async fn new_items(
        &self,
        watchlist: &Watchlist,
        draft: &WatchlistDraft,
        by: &str,
        time: &str,
        id: &str,
    ) -> Result<Vec<WatchlistItem>, Error> {
        if draft.items.is_empty() {
            return Ok(Vec::new());
        }
        check_size(watchlist, draft.items.len())?;
        let rows = self.store.watchlist_items(&watchlist.id, 0, i64::MAX).await?;
        let mut known = HashSet::new();
        for row in &rows {
            known.insert(rows::watchlist_item(row)?.values.to_json());
        }
        let new = draft.items.iter().enumerate();
        let new = new.filter(|(_, values)| known.insert(Value::from((*values).clone()).to_json()));
        let base = Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes());
        new.map(|(index, values)| {
            let id = Uuid::new_v5(&base, &index.to_be_bytes()).to_string();
            new_item(watchlist, values.clone(), by, time, id)
        })
        .collect()
    }
}

/// A watchlist that does not exist yet.
fn blank(
    workspace: &str,
    alias: &str,
    draft: &WatchlistDraft,
    by: &str,
    time: &str,
    id: &str,
) -> Result<Watchlist, Error> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ');
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let ends = ends_well(alias.chars().next()) && ends_well(alias.chars().last());
    if !ends || !ALIAS.contains(&alias.len()) || !alias.chars().all(is_inner) {
        let reason = "cannot be made: an alias has 3 to 64 letters and digits, inside also '-', '_' and spaces";
        return Err(wrong(alias, reason.to_owned()));
    }
    if draft.items_search_key.is_none() {
        return Err(wrong(alias, "cannot be made without an itemsSearchKey".to_owned()));
    }
    Ok(Watchlist {
        id: id.to_owned(),
        workspace: workspace.to_owned(),
        alias: alias.to_owned(),
        display_name: alias.to_owned(),
        created_by: by.to_owned(),
        created_time: time.to_owned(),
        ..Watchlist::default()
    })
}

fn new_item(watchlist: &Watchlist, values: Object, by: &str, time: &str, id: String) -> Result<WatchlistItem, Error> {
    if values.is_empty() {
        let reason = "takes no item without values; give an object of columns and values";
        return Err(wrong(&watchlist.alias, reason.to_owned()));
    }
    let values = Value::from(values);
    let length = values.to_json().chars().count();
    if length > MAX_ITEM {
        let reason = format!("takes items of at most {MAX_ITEM} characters, this one has {length}");
        return Err(wrong(&watchlist.alias, reason));
    }
    Ok(WatchlistItem {
        id,
        values,
        created_by: by.to_owned(),
        created_time: time.to_owned(),
        updated_by: by.to_owned(),
        updated_time: time.to_owned(),
    })
}

fn check_size(watchlist: &Watchlist, size: usize) -> Result<(), Error> {
    if size <= MAX_ITEMS {
        return Ok(());
    }
    let reason = format!("can have {MAX_ITEMS} items, not {size}; remove some or use a second watchlist");
    Err(wrong(&watchlist.alias, reason))
}

fn wrong(alias: &str, reason: String) -> Error {
    Error::Watchlist {
        watchlist: alias.to_owned(),
        reason,
    }
}

fn adding(watchlist: &Watchlist, items: &[WatchlistItem]) -> Result<Operation, Error> {
    let items = items.iter().map(rows::watchlist_item_row).collect::<Result<_, _>>()?;
    Ok(change(WatchlistChange::AddItems {
        watchlist: watchlist.id.clone(),
        items,
    }))
}

fn change(change: WatchlistChange) -> Operation {
    Operation::ChangeWatchlist(change)
}
