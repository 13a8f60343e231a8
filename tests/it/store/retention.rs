//! What is kept for a time only, and what goes with it.

use riposte::store::{Append, Forget, IncidentRow, NewRun, Next, Operation, PayloadRow, Refusal, Retention, Store};

use tokio_util::sync::CancellationToken;

use super::{Kind, alert, append, commit, end, incident, new_run, new_store, on_both, refusal, sealed};

const DAY: i64 = 86_400_000;

on_both![
    an_ended_run_is_forgotten_with_all_that_belongs_to_it,
    a_run_that_goes_on_is_not_forgotten,
    old_runs_go_and_those_that_others_need_stay,
    only_the_newest_runs_are_kept,
    an_old_alert_stays_while_its_incident_is_open,
    the_log_of_changes_is_dropped_where_nobody_reads_it,
    many_runs_go_in_small_steps,
];

#[tokio::test]
async fn an_open_store_is_looked_after_until_it_is_told_to_stop() {
    let (_home, store) = new_store(Kind::Sqlite).await;
    for id in ["i1", "i2", "i3"] {
        commit(&store, [Operation::InsertIncident(incident(id))]).await;
    }
    let retention = Retention {
        drops_changes: true,
        ..Retention::default()
    };
    let stop = CancellationToken::new();
    stop.cancel();
    store.clone().look_after(retention.clone(), || false, stop).await;
    assert_eq!(store.changes(0, 10).await.unwrap().len(), 3, "others look after it");

    let (stop, mut commits) = (CancellationToken::new(), store.subscribe());
    let looking = tokio::spawn(store.clone().look_after(retention, || true, stop.clone()));
    while store.changes(0, 10).await.unwrap().len() > 1 {
        commits.changed().await.unwrap();
    }
    stop.cancel();
    looking.await.unwrap();
}

/// A run that was made at one time and ended at another.
async fn ended(store: &Store, new: NewRun, at: i64) {
    let id = new.id.clone();
    let last = Append {
        payloads: vec![PayloadRow {
            id: 9,
            sealed: false,
            bytes: b"large".to_vec(),
        }],
        snapshot: Some("state".into()),
        ..append(&id, 1, &["ended"], end(at, at))
    };
    commit(store, [Operation::CreateRun(new), Operation::Append(last)]).await;
}

/// Another change, so that none of a run is the last, which stays.
async fn change(store: &Store) {
    commit(store, [Operation::InsertIncident(incident("last"))]).await;
}

fn made(id: &str, created_at: i64) -> NewRun {
    NewRun {
        created_at,
        ..new_run(id)
    }
}

async fn left(store: &Store, ids: &[&str]) -> Vec<String> {
    let mut left = Vec::new();
    for id in ids {
        left.extend(store.run(id).await.unwrap().map(|row| row.id));
    }
    left
}

async fn an_ended_run_is_forgotten_with_all_that_belongs_to_it(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    ended(&store, new_run("r1"), 5_000).await;
    let position = store.changes(0, 100).await.unwrap().last().unwrap().position;
    let forget = Operation::Forget(Forget::Runs {
        runs: vec!["r1".into()],
        is_told: true,
    });
    commit(&store, [forget.clone()]).await;
    assert_eq!(store.run("r1").await.unwrap(), None);
    assert!(store.journal("r1", 0).await.unwrap().is_empty());
    assert!(store.payloads("r1").await.unwrap().is_empty());
    assert_eq!(store.snapshot("r1").await.unwrap(), None);
    let told = store.changes(position, 100).await.unwrap();
    assert_eq!(told.len(), 1, "who shows runs hears of it: {told:?}");
    assert_eq!(refusal(&store, [forget]).await, Refusal::StaleRun("r1".into()));
}

async fn a_run_that_goes_on_is_not_forgotten(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    ended(&store, new_run("r1"), 5_000).await;
    commit(&store, [Operation::CreateRun(new_run("r2"))]).await;
    let forget = Operation::Forget(Forget::Runs {
        runs: vec!["r1".into(), "r2".into()],
        is_told: false,
    });
    assert_eq!(refusal(&store, [forget]).await, Refusal::StaleRun("r1".into()));
    assert_eq!(left(&store, &["r1", "r2"]).await, ["r1", "r2"]);
}

async fn old_runs_go_and_those_that_others_need_stay(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    ended(&store, made("old", DAY), 2 * DAY).await;
    ended(&store, made("long", DAY), 9 * DAY).await;
    commit(&store, [Operation::CreateRun(made("open", DAY))]).await;
    let child = NewRun {
        parent: Some("open".into()),
        ..made("child", DAY)
    };
    ended(&store, child, 2 * DAY).await;
    let retention = Retention {
        runs_for: Some(3 * DAY),
        ..Retention::default()
    };
    let all = ["old", "long", "open", "child"];
    store.tidy(&retention, 10 * DAY).await.unwrap();
    assert_eq!(left(&store, &all).await, all, "their ends are still to be shown");
    change(&store).await;
    let last = store.changes(0, 100).await.unwrap().last().unwrap().position;
    commit(&store, [Operation::DropChanges { before: last }]).await;
    store.tidy(&retention, 10 * DAY).await.unwrap();
    assert_eq!(left(&store, &all).await, ["long", "open", "child"]);
    commit(
        &store,
        [Operation::Append(append(
            "open",
            1,
            &["ended"],
            end(10 * DAY, 10 * DAY),
        ))],
    )
    .await;
    store.tidy(&retention, 10 * DAY).await.unwrap();
    assert_eq!(left(&store, &all).await, ["long", "open"]);
}

async fn only_the_newest_runs_are_kept(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    for (id, at) in [("a", 1_000), ("b", 2_000), ("c", 3_000)] {
        ended(&store, made(id, at), at + 1).await;
    }
    change(&store).await;
    let retention = Retention {
        runs: Some(2),
        drops_changes: true,
        ..Retention::default()
    };
    store.tidy(&retention, 5_000).await.unwrap();
    assert_eq!(
        left(&store, &["a", "b", "c"]).await,
        ["a", "b", "c"],
        "it has just ended"
    );
    store.tidy(&retention, DAY).await.unwrap();
    assert_eq!(left(&store, &["a", "b", "c"]).await, ["b", "c"]);
}

async fn an_old_alert_stays_while_its_incident_is_open(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let linked = |alert: &str, incident: &str| Operation::LinkAlert {
        alert: alert.into(),
        incident: incident.into(),
    };
    let closed = IncidentRow {
        status: "Closed".into(),
        ..incident("i2")
    };
    commit(
        &store,
        [
            Operation::InsertAlert(alert("alone", "a")),
            Operation::InsertAlert(alert("open", "b")),
            Operation::InsertAlert(alert("closed", "c")),
            Operation::InsertIncident(incident("i1")),
            Operation::InsertIncident(closed),
            linked("open", "i1"),
            linked("closed", "i2"),
        ],
    )
    .await;
    let retention = Retention {
        alerts_for: Some(DAY),
        ..Retention::default()
    };
    store.tidy(&retention, DAY + 999).await.unwrap();
    assert!(store.alert("alone").await.unwrap().is_some(), "not old enough");
    store.tidy(&retention, DAY + 1_000).await.unwrap();
    assert_eq!(store.alert("alone").await.unwrap(), None);
    assert_eq!(store.alert("closed").await.unwrap(), None);
    assert!(store.alerts_of("i2").await.unwrap().is_empty());
    assert_eq!(store.alerts_of("i1").await.unwrap().len(), 1);
    let forget = Operation::Forget(Forget::Alerts {
        alerts: vec!["open".into()],
        unchanged_since: DAY,
    });
    assert_eq!(refusal(&store, [forget]).await, Refusal::StaleIncident("i1".into()));
}

async fn the_log_of_changes_is_dropped_where_nobody_reads_it(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    for id in ["i1", "i2", "i3"] {
        commit(&store, [Operation::InsertIncident(incident(id))]).await;
    }
    let kept = store.changes(0, 100).await.unwrap();
    store.tidy(&Retention::default(), 1_000).await.unwrap();
    assert_eq!(store.changes(0, 100).await.unwrap(), kept);
    let retention = Retention {
        drops_changes: true,
        ..Retention::default()
    };
    store.tidy(&retention, 1_000).await.unwrap();
    assert_eq!(store.changes(0, 100).await.unwrap(), kept[2..]);
}

async fn many_runs_go_in_small_steps(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    for number in 0..250 {
        let new = NewRun {
            payloads: vec![sealed(1, b"one")],
            ..made(&format!("r{number:03}"), 1_000)
        };
        let failed = Next::End {
            status: "Failed".into(),
            at: 2_000,
            erase_at: 3_000,
        };
        let id = new.id.clone();
        let ended = Operation::Append(append(&id, 1, &["ended"], failed));
        commit(&store, [Operation::CreateRun(new), ended]).await;
    }
    assert_eq!(store.erase_due(3_000).await.unwrap(), 250);
    let retention = Retention {
        runs_for: Some(DAY),
        drops_changes: true,
        ..Retention::default()
    };
    store.tidy(&retention, 2 * DAY).await.unwrap();
    assert_eq!(
        left(&store, &["r000", "r100", "r248", "r249"]).await,
        ["r249"],
        "the last change stays"
    );
}
