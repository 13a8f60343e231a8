//! Answers watchlist commands from Riposte's own watchlists. Reads now, plans what is to be written.

use super::WatchlistCommand;
use super::answer::Refused;
use super::perform::{Act, Done};
use super::watchlist::WatchlistWish;
use crate::expression::{Object, Value};
use crate::incidents::FoundItems;
use crate::rules::{Ids, Watchlist, WatchlistItem, body};

/// Does what a command wants.
pub(super) async fn perform(act: &Act<'_>, command: WatchlistCommand) -> Done {
    let WatchlistCommand { workspace, alias, wish } = command;
    let (desk, author, now, id) = (act.desk, act.author(), act.now, act.id());
    let namespace = act.namespace(&workspace)?;
    if wish.is_change() {
        act.may_change(&namespace).await?;
    }
    let (namespace, alias) = (namespace.as_str(), alias.as_str());
    let ids = desk.workspaces().ids(namespace);
    match wish {
        WatchlistWish::Create(draft) => {
            let planned = desk.plan_watchlist(namespace, alias, &draft, &author, now, &id).await?;
            let found = planned.value;
            let answer = body::watchlist_resource(&found.watchlist, found.size, &ids);
            Ok((answer, planned.operations))
        }
        WatchlistWish::Get => {
            let found = desk.watchlist(namespace, alias).await?;
            let answer = body::watchlist_resource(&found.watchlist, found.size, &ids);
            Ok((answer, Vec::new()))
        }
        WatchlistWish::Delete => {
            let planned = desk.plan_watchlist_removal(namespace, alias).await?;
            Ok((Value::Null, planned.operations))
        }
        WatchlistWish::AddItem(values) => {
            let planned = desk
                .plan_watchlist_item(namespace, alias, values, &author, now, &id)
                .await?;
            Ok((one(&planned.value, &ids), planned.operations))
        }
        WatchlistWish::GetItem(item) => {
            let found = desk.watchlist_item(namespace, alias, &item).await?;
            Ok((one(&found, &ids), Vec::new()))
        }
        WatchlistWish::UpdateItem(item, values) => {
            let planned = desk
                .plan_watchlist_item_values(namespace, alias, &item, values, &author, now)
                .await?;
            Ok((one(&planned.value, &ids), planned.operations))
        }
        WatchlistWish::DeleteItem(item) => {
            let planned = desk.plan_watchlist_item_removal(namespace, alias, &item).await?;
            Ok((Value::Null, planned.operations))
        }
        WatchlistWish::Items { after, limit, paged } => {
            let found = desk.watchlist_items(namespace, alias, after, limit).await?;
            Ok((several(&found, limit, paged, &ids)?, Vec::new()))
        }
    }
}

fn one((watchlist, item): &(Watchlist, WatchlistItem), ids: &Ids) -> Value {
    body::watchlist_item_answer(&watchlist.alias, item, ids)
}

/// The items where the first version lists them, `properties.watchlistItems`, or as a page of the second, `value`.
fn several(found: &FoundItems, limit: usize, paged: bool, ids: &Ids) -> Result<Value, Refused> {
    let alias = found.watchlist.alias.as_str();
    let items = found.items.iter();
    let items = Value::array(items.map(|item| body::watchlist_item_resource(alias, item, ids)));
    if paged {
        let mut page = Object::new();
        page.insert("value", items);
        page.insert(
            "skipToken",
            Value::from(found.next.map(|position| position.to_string())),
        );
        return Ok(Value::from(page));
    }
    if found.next.is_some() {
        let advice = "read it page by page with version 2 of this operation";
        let message = format!("watchlist '{alias}' has more than {limit} items; {advice}");
        return Err(Refused::Answer(400, message));
    }
    Ok(Value::object([(
        "properties",
        Value::object([("watchlistItems", items)]),
    )]))
}
