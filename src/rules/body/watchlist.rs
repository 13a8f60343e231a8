//! Watchlists and their items as playbooks see them.

use uuid::Uuid;

use super::incident::client;
use crate::expression::{Object, Value};
use crate::rules::Ids;
use crate::rules::watchlist::{Watchlist, WatchlistItem};

/// A watchlist without its items, as "Get a watchlist by alias" answers.
pub fn watchlist_resource(watchlist: &Watchlist, size: usize, ids: &Ids) -> Value {
    let count = |number: usize| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
    let text = |text: &str| Value::from(text);
    let properties = Value::object([
        ("watchlistId", text(&watchlist.id)),
        ("watchlistAlias", text(&watchlist.alias)),
        ("displayName", text(&watchlist.display_name)),
        ("description", text(&watchlist.description)),
        ("provider", text(&watchlist.provider)),
        ("source", text(&watchlist.source)),
        ("itemsSearchKey", text(&watchlist.items_search_key)),
        ("contentType", text(&watchlist.content_type)),
        ("numberOfLinesToSkip", count(watchlist.lines_to_skip)),
        ("watchlistType", text("watchlist")),
        ("watchlistItemsCount", count(size)),
        ("uploadStatus", text("Complete")),
        ("isDeleted", Value::from(false)),
        ("labels", Value::array([])),
        ("created", text(&watchlist.created_time)),
        ("updated", text(&watchlist.updated_time)),
        ("createdBy", client(&watchlist.created_by)),
        ("updatedBy", client(&watchlist.updated_by)),
    ]);
    Value::object([
        ("id", Value::from(ids.arm_id("Watchlists", &watchlist.alias))),
        ("name", text(&watchlist.alias)),
        ("etag", Value::from(format!("\"{}\"", watchlist.version))),
        ("type", text("Microsoft.SecurityInsights/Watchlists")),
        ("properties", properties),
    ])
}

/// An item of a watchlist. Its values stand in `properties`, and once more under names with a dot: so the connector
/// lists them, and playbooks read `item()?['properties.itemsKeyValue']`.
pub fn watchlist_item_resource(alias: &str, item: &WatchlistItem, ids: &Ids) -> Value {
    Value::from(resource(alias, item, ids, properties(item)))
}

/// One item as an answer of its own: the item, and in its `properties` a `watchlistItem`, where playbooks look for it.
pub fn watchlist_item_answer(alias: &str, item: &WatchlistItem, ids: &Ids) -> Value {
    let mut properties = properties(item);
    properties.insert("watchlistItem", watchlist_item_resource(alias, item, ids));
    Value::from(resource(alias, item, ids, properties))
}

fn resource(alias: &str, item: &WatchlistItem, ids: &Ids, properties: Object) -> Object {
    let id = format!("{}/WatchlistItems/{}", ids.arm_id("Watchlists", alias), item.id);
    [
        ("id", Value::from(id)),
        ("name", Value::from(item.id.as_str())),
        ("etag", Value::from(etag(item))),
        (
            "type",
            Value::from("Microsoft.SecurityInsights/Watchlists/WatchlistItems"),
        ),
        ("properties.watchlistItemId", Value::from(item.id.as_str())),
        ("properties.itemsKeyValue", item.values.clone()),
        ("properties", Value::from(properties)),
    ]
    .into_iter()
    .collect()
}

fn properties(item: &WatchlistItem) -> Object {
    [
        ("watchlistItemId", Value::from(item.id.as_str())),
        ("watchlistItemType", Value::from("watchlist-item")),
        ("itemsKeyValue", item.values.clone()),
        ("entityMapping", Value::from(Object::new())),
        ("isDeleted", Value::from(false)),
        ("created", Value::from(item.created_time.as_str())),
        ("updated", Value::from(item.updated_time.as_str())),
        ("createdBy", client(&item.created_by)),
        ("updatedBy", client(&item.updated_by)),
    ]
    .into_iter()
    .collect()
}

/// Differs when the item differs.
fn etag(item: &WatchlistItem) -> String {
    let content = format!("{}/{}", item.updated_time, item.values.to_json());
    format!("\"{}\"", Uuid::new_v5(&Uuid::NAMESPACE_OID, content.as_bytes()))
}
