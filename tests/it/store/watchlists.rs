//! Watchlists and their items.

use riposte::store::{Operation, Refusal, Store, WatchlistChange, WatchlistItemRow, WatchlistRow};

use super::{Kind, commit, new_store, on_both, refusal, setting};

on_both![
    an_alias_names_one_watchlist_of_its_workspace,
    items_keep_their_order_and_each_is_there_once,
    a_removed_watchlist_takes_its_items_along,
];

fn row(id: &str, alias: &str, document: &str) -> WatchlistRow {
    WatchlistRow {
        id: id.into(),
        workspace: "soc".into(),
        alias: alias.into(),
        version: 0,
        document: document.into(),
    }
}

fn put(expected_version: i64, row: WatchlistRow) -> Operation {
    Operation::ChangeWatchlist(WatchlistChange::Put { expected_version, row })
}

fn item(id: &str, document: &str) -> WatchlistItemRow {
    WatchlistItemRow {
        position: 0,
        id: id.into(),
        document: document.into(),
    }
}

fn add(items: &[(&str, &str)]) -> Operation {
    Operation::ChangeWatchlist(WatchlistChange::AddItems {
        watchlist: "w1".into(),
        items: items.iter().map(|(id, document)| item(id, document)).collect(),
    })
}

async fn documents(store: &Store, after: i64, limit: i64) -> Vec<String> {
    let rows = store.watchlist_items("w1", after, limit).await.unwrap();
    rows.into_iter().map(|row| row.document).collect()
}

async fn an_alias_names_one_watchlist_of_its_workspace(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [put(0, row("w1", "Scanners", "1"))]).await;
    let stored = store.watchlist("soc", "sCANNERS").await.unwrap().unwrap();
    assert_eq!((stored.id.as_str(), stored.version), ("w1", 1));
    assert_eq!(store.watchlist("other", "Scanners").await.unwrap(), None);

    let again = refusal(&store, [setting("x", "1"), put(0, row("w2", "scanners", "2"))]).await;
    assert_eq!(again, Refusal::StaleWatchlist("scanners".into()));
    assert_eq!(store.setting("x").await.unwrap(), None);
    commit(&store, [put(1, row("w1", "Scanners", "2"))]).await;
    let stale = refusal(&store, [put(1, row("w1", "Scanners", "3"))]).await;
    assert_eq!(stale, Refusal::StaleWatchlist("Scanners".into()));
    let stored = store.watchlist("soc", "Scanners").await.unwrap().unwrap();
    assert_eq!((stored.document.as_str(), stored.version), ("2", 2));
}

async fn items_keep_their_order_and_each_is_there_once(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(
        &store,
        [put(0, row("w1", "list", "{}")), add(&[("c", "1"), ("a", "2")])],
    )
    .await;
    commit(&store, [add(&[("a", "never"), ("b", "3")])]).await;
    assert_eq!(documents(&store, 0, 9).await, ["1", "2", "3"]);
    let second = store.watchlist_items("w1", 0, 2).await.unwrap()[1].position;
    assert_eq!(documents(&store, second, 9).await, ["3"]);

    let set = |id: &str| {
        Operation::ChangeWatchlist(WatchlistChange::SetItem {
            watchlist: "w1".into(),
            item: item(id, "changed"),
        })
    };
    let remove = |id: &str| {
        Operation::ChangeWatchlist(WatchlistChange::RemoveItem {
            watchlist: "w1".into(),
            item: id.into(),
        })
    };
    commit(&store, [set("a"), remove("b"), remove("b")]).await;
    assert_eq!(documents(&store, 0, 9).await, ["1", "changed"]);
    assert_eq!(refusal(&store, [set("b")]).await, Refusal::StaleWatchlist("w1".into()));
    assert_eq!(store.watchlist_size("w1").await.unwrap(), 2);
}

async fn a_removed_watchlist_takes_its_items_along(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let remove = || Operation::ChangeWatchlist(WatchlistChange::Remove { watchlist: "w1".into() });
    commit(&store, [put(0, row("w1", "list", "{}")), add(&[("a", "1")])]).await;
    commit(&store, [remove(), remove()]).await;
    assert_eq!(store.watchlist("soc", "list").await.unwrap(), None);
    assert_eq!(store.watchlist_item("w1", "a").await.unwrap(), None);
    let orphan = refusal(&store, [add(&[("b", "1")])]).await;
    assert_eq!(orphan, Refusal::StaleWatchlist("w1".into()));
}
