//! From a watchlist operation of the connector to what is wanted of Riposte's own watchlists. Pure.

use super::command::{BadRequest, WorkspaceRef, number, place, text, workspace};
use super::content;
use crate::connectors::spec::Match;
use crate::expression::{Object, Value};
use crate::rules::WatchlistDraft;

/// Items that the second version of "Get all watchlist items" answers at once.
const PAGE: usize = 1_000;
/// Items that its first version answers, which has no pages.
const UNPAGED: usize = 10_000;

/// What an operation does with a watchlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchlistOperation {
    /// Create a new watchlist.
    Create,
    /// Create a large watchlist, from a storage account.
    CreateLarge,
    /// Get a watchlist by its alias.
    Get,
    /// Delete a watchlist.
    Delete,
    /// Add a new item.
    AddItem,
    /// Get an item by its id.
    GetItem,
    /// Update an item.
    UpdateItem,
    /// Delete an item.
    DeleteItem,
    /// Get all items.
    ListItems,
    /// Get all items (V2), page by page.
    PageItems,
}

/// What a call wants of a watchlist.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchlistCommand {
    /// Where the watchlist is.
    pub workspace: WorkspaceRef,
    /// Its alias.
    pub alias: String,
    /// What is wanted.
    pub wish: WatchlistWish,
}

/// What is wanted of a watchlist.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchlistWish {
    /// It is there and has these items.
    Create(WatchlistDraft),
    /// It as it is.
    Get,
    /// It is not there.
    Delete,
    /// It has one more item of these values.
    AddItem(Object),
    /// One item.
    GetItem(String),
    /// An item has these values.
    UpdateItem(String, Object),
    /// An item is not there.
    DeleteItem(String),
    /// Its items.
    Items {
        /// The position behind which they begin.
        after: i64,
        /// At most this many.
        limit: usize,
        /// Whether the answer names the next page; without pages more items than the limit are an error.
        paged: bool,
    },
}

impl WatchlistWish {
    /// Whether something may be different afterwards.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Create(_) | Self::Delete | Self::AddItem(_) | Self::UpdateItem(..) | Self::DeleteItem(_) => true,
            Self::Get | Self::GetItem(_) | Self::Items { .. } => false,
        }
    }
}

impl WatchlistCommand {
    /// What a matched operation with this body and these queries wants.
    ///
    /// # Errors
    /// A body, query or path that lacks something or holds a value that cannot be read.
    pub(super) fn read(
        operation: WatchlistOperation,
        found: &Match<'_>,
        body: &Value,
        queries: &[(String, String)],
    ) -> Result<Self, BadRequest> {
        let item = || place(found, "item");
        let wish = match operation {
            WatchlistOperation::Create => WatchlistWish::Create(draft(body)?),
            WatchlistOperation::CreateLarge => {
                let message = "a large watchlist, filled from a storage account, is not supported; \
                               fill it by rawContent, in several calls if need be";
                return Err(BadRequest(message.to_owned()));
            }
            WatchlistOperation::Get => WatchlistWish::Get,
            WatchlistOperation::Delete => WatchlistWish::Delete,
            WatchlistOperation::AddItem => WatchlistWish::AddItem(values(body)?),
            WatchlistOperation::GetItem => WatchlistWish::GetItem(item()?),
            WatchlistOperation::UpdateItem => WatchlistWish::UpdateItem(item()?, values(body)?),
            WatchlistOperation::DeleteItem => WatchlistWish::DeleteItem(item()?),
            WatchlistOperation::ListItems => WatchlistWish::Items {
                after: 0,
                limit: UNPAGED,
                paged: false,
            },
            WatchlistOperation::PageItems => WatchlistWish::Items {
                after: skipped(queries)?,
                limit: PAGE,
                paged: true,
            },
        };
        Ok(Self {
            workspace: workspace(found)?,
            alias: place(found, "alias")?,
            wish,
        })
    }
}

fn draft(body: &Value) -> Result<WatchlistDraft, BadRequest> {
    let content_type = text(body, "contentType").unwrap_or_else(|| "text/csv".to_owned());
    let lines_to_skip = number(body, "numberOfLinesToSkip")?.unwrap_or_default();
    let items = match body.get("rawContent") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(raw)) => content::items(raw, content::separator(&content_type)?, lines_to_skip)?,
        Some(other) => return Err(BadRequest(format!("rawContent is no text but {}", other.kind()))),
    };
    Ok(WatchlistDraft {
        display_name: text(body, "displayName"),
        description: text(body, "description"),
        provider: text(body, "provider"),
        source: text(body, "source").or_else(|| text(body, "sourceType")),
        items_search_key: text(body, "itemsSearchKey"),
        content_type,
        lines_to_skip,
        items,
    })
}

fn values(body: &Value) -> Result<Object, BadRequest> {
    let object = body.as_object().filter(|values| !values.is_empty()).cloned();
    object.ok_or_else(|| BadRequest("the body is no object of columns and values".to_owned()))
}

fn skipped(queries: &[(String, String)]) -> Result<i64, BadRequest> {
    let given = queries.iter().find(|(name, _)| name.eq_ignore_ascii_case("skipToken"));
    let Some((_, token)) = given.filter(|(_, token)| !token.is_empty()) else {
        return Ok(0);
    };
    let position = token.parse().ok().filter(|position| *position >= 0);
    position.ok_or_else(|| BadRequest(format!("skipToken '{token}' is none that an answer named")))
}
