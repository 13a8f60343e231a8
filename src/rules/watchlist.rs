//! Watchlists: named tables that playbooks and queries look things up in, such as addresses that are never blocked.

use serde::{Deserialize, Serialize};

use crate::expression::{Object, Value};

/// A watchlist without its items.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Watchlist {
    /// Identity, a UUID.
    pub id: String,
    /// The workspace.
    pub workspace: String,
    /// The name by which playbooks and queries call it.
    pub alias: String,
    /// The name that people see.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Who provides it.
    pub provider: String,
    /// Where its items come from.
    pub source: String,
    /// The column that queries look up.
    pub items_search_key: String,
    /// Media type of the content that it was last filled from.
    pub content_type: String,
    /// How many lines of that content stood before its header.
    pub lines_to_skip: usize,
    /// Who made it.
    pub created_by: String,
    /// When it was made, RFC 3339.
    pub created_time: String,
    /// Who last changed it.
    pub updated_by: String,
    /// When it last changed, RFC 3339.
    pub updated_time: String,
    /// How often it was written; the store counts.
    #[serde(skip)]
    pub version: i64,
}

/// An item of a watchlist.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct WatchlistItem {
    /// Identity, a UUID.
    pub id: String,
    /// Its values by column.
    pub values: Value,
    /// Who made it.
    pub created_by: String,
    /// When it was made, RFC 3339.
    pub created_time: String,
    /// Who last changed it.
    pub updated_by: String,
    /// When it last changed, RFC 3339.
    pub updated_time: String,
}

/// What "Create a new watchlist" says of a watchlist; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchlistDraft {
    /// The name that people see.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Who provides it.
    pub provider: Option<String>,
    /// Where its items come from.
    pub source: Option<String>,
    /// The column that queries look up; a new watchlist needs it.
    pub items_search_key: Option<String>,
    /// Media type of the content.
    pub content_type: String,
    /// How many lines of the content stand before its header.
    pub lines_to_skip: usize,
    /// The content, item by item.
    pub items: Vec<Object>,
}

impl Watchlist {
    /// The watchlist after a draft, written by `author` at `now`.
    pub fn apply(&self, draft: &WatchlistDraft, author: &str, now: &str) -> Self {
        let or = |given: &Option<String>, known: &String| given.clone().unwrap_or_else(|| known.clone());
        Self {
            display_name: or(&draft.display_name, &self.display_name),
            description: or(&draft.description, &self.description),
            provider: or(&draft.provider, &self.provider),
            source: or(&draft.source, &self.source),
            items_search_key: or(&draft.items_search_key, &self.items_search_key),
            content_type: draft.content_type.clone(),
            lines_to_skip: draft.lines_to_skip,
            updated_by: author.to_owned(),
            updated_time: now.to_owned(),
            ..self.clone()
        }
    }
}
