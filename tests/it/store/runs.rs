//! Runs, their journals and the times at which they need attention.

use riposte::store::{Append, EventRow, NewRun, Next, Operation, PayloadRow, Refusal, RunFilter, RunRow, Store};

use super::{Kind, append, commit, end, events, new_run, new_store, on_both, refusal, sealed};

on_both![
    a_new_run_has_its_first_events_and_a_wake_up,
    a_run_is_made_once,
    an_append_goes_on_after_the_events_that_it_expects,
    a_long_append_keeps_its_order,
    an_ended_run_takes_no_events_and_needs_no_attention,
    the_latest_snapshot_covers_the_events_of_its_append,
    due_runs_come_longest_waiting_first,
    a_run_is_left_also_where_the_clock_was_ahead,
    evaluations_of_one_incident_are_due_one_after_the_other,
    runs_are_listed_newest_first_by_what_is_asked,
    sealed_payloads_go_with_a_run_that_ended_well,
    sealed_payloads_of_a_failed_run_go_when_their_time_comes,
    the_schema_keeps_a_run_from_waiting_for_nothing,
];

/// The identities of the runs that a filter lets through, which asks what `ask` sets.
async fn list(store: &Store, ask: impl FnOnce(&mut RunFilter)) -> Vec<String> {
    let mut filter = RunFilter {
        limit: 100,
        ..RunFilter::default()
    };
    ask(&mut filter);
    store
        .runs(&filter)
        .await
        .unwrap()
        .into_iter()
        .map(|run| run.id)
        .collect()
}

async fn a_new_run_has_its_first_events_and_a_wake_up(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let new = NewRun {
        incident: Some("i1".into()),
        parent: Some("r0".into()),
        resubmit_of: Some("r-1".into()),
        definition: Some("h".into()),
        events: events(&["one", "two"]),
        payloads: vec![PayloadRow {
            id: 7,
            sealed: false,
            bytes: b"large".to_vec(),
        }],
        ..new_run("r1")
    };
    commit(&store, [Operation::CreateRun(new)]).await;
    let expected = RunRow {
        id: "r1".into(),
        kind: "playbook".into(),
        namespace: "soc".into(),
        name: "enrich".into(),
        incident: Some("i1".into()),
        parent: Some("r0".into()),
        resubmit_of: Some("r-1".into()),
        definition: Some("h".into()),
        created_at: 1_000,
        seq: 2,
        wake_at: Some(2_000),
        lane: 3,
        status: None,
        ended_at: None,
    };
    assert_eq!(store.run("r1").await.unwrap(), Some(expected));
    assert_eq!(store.journal("r1", 0).await.unwrap(), events(&["one", "two"]));
    let payloads = store.payloads("r1").await.unwrap();
    assert_eq!(
        payloads,
        [PayloadRow {
            id: 7,
            sealed: false,
            bytes: b"large".to_vec()
        }]
    );
    assert_eq!(store.run("r2").await.unwrap(), None);
}

async fn a_run_is_made_once(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::CreateRun(new_run("r1"))]).await;
    let again = NewRun {
        events: events(&["other"]),
        ..new_run("r1")
    };
    assert_eq!(
        refusal(&store, [Operation::CreateRun(again)]).await,
        Refusal::StaleRun("r1".into())
    );
    assert_eq!(store.journal("r1", 0).await.unwrap(), events(&["started"]));
}

async fn an_append_goes_on_after_the_events_that_it_expects(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::CreateRun(new_run("r1"))]).await;
    commit(
        &store,
        [Operation::Append(append(
            "r1",
            1,
            &["two", "three"],
            Next::WakeAt(9_000),
        ))],
    )
    .await;
    assert_eq!(
        store.journal("r1", 0).await.unwrap(),
        events(&["started", "two", "three"])
    );
    assert_eq!(store.journal("r1", 2).await.unwrap(), events(&["three"]));
    let run = store.run("r1").await.unwrap().unwrap();
    assert_eq!((run.seq, run.wake_at), (3, Some(9_000)));

    for stale in [0, 1, 2, 4] {
        let late = Operation::Append(append("r1", stale, &["late"], Next::WakeAt(1)));
        assert_eq!(
            refusal(&store, [late]).await,
            Refusal::StaleRun("r1".into()),
            "expected_seq {stale}"
        );
    }
    let unknown = Operation::Append(append("r9", 0, &["x"], Next::WakeAt(1)));
    assert_eq!(refusal(&store, [unknown]).await, Refusal::StaleRun("r9".into()));
    assert_eq!(store.journal("r1", 0).await.unwrap().len(), 3);
}

async fn a_long_append_keeps_its_order(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(
        &store,
        [Operation::CreateRun(NewRun {
            events: Vec::new(),
            ..new_run("r1")
        })],
    )
    .await;
    let many: Vec<_> = (0..1_234)
        .map(|n| EventRow {
            at: n,
            body: n.to_string(),
        })
        .collect();
    let long = Append {
        events: many.clone(),
        ..append("r1", 0, &[], Next::WakeAt(1))
    };
    commit(&store, [Operation::Append(long)]).await;
    assert_eq!(store.journal("r1", 0).await.unwrap(), many);
}

async fn an_ended_run_takes_no_events_and_needs_no_attention(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::CreateRun(new_run("r1"))]).await;
    commit(
        &store,
        [Operation::Append(append("r1", 1, &["ended"], end(5_000, 5_000)))],
    )
    .await;
    let run = store.run("r1").await.unwrap().unwrap();
    assert_eq!(
        (run.status.as_deref(), run.ended_at, run.wake_at),
        (Some("Succeeded"), Some(5_000), None)
    );
    let late = Operation::Append(append("r1", 2, &["late"], Next::WakeAt(1)));
    assert_eq!(refusal(&store, [late]).await, Refusal::StaleRun("r1".into()));
    assert!(store.due_runs(i64::MAX, None, 10).await.unwrap().is_empty());
    assert_eq!(store.next_wake().await.unwrap(), None);
    assert_eq!(store.open_runs_count().await.unwrap(), 0);
}

async fn the_latest_snapshot_covers_the_events_of_its_append(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::CreateRun(new_run("r1"))]).await;
    assert_eq!(store.snapshot("r1").await.unwrap(), None);
    for (seq, state) in [(1, "first"), (2, "second")] {
        let with = Append {
            snapshot: Some(state.into()),
            ..append("r1", seq, &["e"], Next::WakeAt(1))
        };
        commit(&store, [Operation::Append(with)]).await;
    }
    commit(
        &store,
        [Operation::Append(append("r1", 3, &["after"], Next::WakeAt(1)))],
    )
    .await;
    let (seq, state) = store.snapshot("r1").await.unwrap().unwrap();
    assert_eq!((seq, state.as_str()), (3, "second"));
    assert_eq!(store.journal("r1", seq).await.unwrap(), events(&["after"]));
}

async fn due_runs_come_longest_waiting_first(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    for (id, wake_at) in [("r1", 30), ("r2", 10), ("r3", 20), ("r4", 40)] {
        commit(&store, [Operation::CreateRun(NewRun { wake_at, ..new_run(id) })]).await;
    }
    let due = async |now, limit| {
        let runs = store.due_runs(now, None, limit).await.unwrap();
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(due(30, 10).await, ["r2", "r3", "r1"]);
    assert_eq!(due(30, 2).await, ["r2", "r3"]);
    assert!(due(9, 10).await.is_empty());
    let after = (20, "r3".to_owned());
    let rest = store.due_runs(50, Some(&after), 10).await.unwrap();
    let rest: Vec<_> = rest.into_iter().map(|run| run.id).collect();
    assert_eq!(rest, ["r1", "r4"]);
    assert_eq!(store.next_wake().await.unwrap(), Some(10));
    assert_eq!(store.open_runs_count().await.unwrap(), 4);
}

async fn a_run_is_left_also_where_the_clock_was_ahead(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let hour = 3_600_000;
    for (id, at, wake_at) in [
        ("due", 0, 9_000),
        ("waits", 0, hour),
        ("called", hour, hour + 60_000),
        ("waits-longer", hour, 2 * hour),
    ] {
        let body = "started".into();
        let new = NewRun {
            wake_at,
            events: vec![EventRow { at, body }],
            ..new_run(id)
        };
        commit(&store, [Operation::CreateRun(new)]).await;
    }
    let left = store.left_runs(10_000).await.unwrap();
    assert_eq!(
        left.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(),
        ["due", "called"]
    );
}

async fn evaluations_of_one_incident_are_due_one_after_the_other(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let evaluation = |id: &str, name: &str, incident: Option<&str>, wake_at| {
        Operation::CreateRun(NewRun {
            kind: "evaluation".into(),
            name: name.into(),
            incident: incident.map(str::to_owned),
            wake_at,
            ..new_run(id)
        })
    };
    let (created, updated, alert) = ("IncidentCreated", "IncidentUpdated", "AlertCreated");
    commit(
        &store,
        [
            evaluation("e1", created, Some("i1"), 500),
            evaluation("e2", updated, Some("i1"), 10),
            evaluation("e3", updated, Some("i1"), 10),
            evaluation("e4", updated, Some("i2"), 20),
            evaluation("e5", alert, Some("i1"), 30),
            evaluation("e6", alert, None, 30),
        ],
    )
    .await;
    let due = async |now| {
        let runs = store.due_runs(now, None, 10).await.unwrap();
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(
        due(100).await,
        ["e4", "e5", "e6"],
        "e1 goes on, so e2 waits although it is older by its time"
    );
    assert_eq!(store.next_wake().await.unwrap(), Some(20));
    let next = async || store.next_evaluation("i1").await.unwrap().map(|run| run.id);
    for (over, following) in [("e1", Some("e2")), ("e2", Some("e3")), ("e3", None)] {
        assert_eq!(next().await.as_deref(), Some(over));
        commit(
            &store,
            [Operation::Append(append(over, 1, &["last"], end(3_000, 3_000)))],
        )
        .await;
        assert_eq!(next().await.as_deref(), following);
    }
    assert_eq!(due(100).await, ["e4", "e5", "e6"]);
}

async fn runs_are_listed_newest_first_by_what_is_asked(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let some = |text: &str| Some(text.to_owned());
    let runs = [
        NewRun {
            created_at: 1,
            incident: some("i1"),
            ..new_run("r1")
        },
        NewRun {
            created_at: 2,
            kind: "evaluation".into(),
            namespace: "other".into(),
            ..new_run("r2")
        },
        NewRun {
            created_at: 3,
            name: "isolate".into(),
            parent: some("r2"),
            resubmit_of: some("r1"),
            ..new_run("r3")
        },
    ];
    commit(&store, runs.map(Operation::CreateRun)).await;
    commit(&store, [Operation::Append(append("r1", 1, &[], end(9, 9)))]).await;
    assert_eq!(list(&store, |_| ()).await, ["r3", "r2", "r1"]);
    assert_eq!(list(&store, |filter| filter.limit = 1).await, ["r3"]);
    assert_eq!(list(&store, |filter| filter.open_only = true).await, ["r3", "r2"]);
    assert_eq!(
        list(&store, |filter| filter.kind = some("playbook")).await,
        ["r3", "r1"]
    );
    assert_eq!(list(&store, |filter| filter.namespace = some("other")).await, ["r2"]);
    assert_eq!(list(&store, |filter| filter.name = some("isolate")).await, ["r3"]);
    assert_eq!(list(&store, |filter| filter.incident = some("i1")).await, ["r1"]);
    assert_eq!(list(&store, |filter| filter.parent = some("r2")).await, ["r3"]);
    assert_eq!(list(&store, |filter| filter.resubmit_of = some("r1")).await, ["r3"]);
    assert_eq!(list(&store, |filter| filter.since = Some(2)).await, ["r3", "r2"]);
    let succeeded = some("Succeeded");
    assert_eq!(
        list(&store, |filter| filter.statuses = vec![succeeded.clone()]).await,
        ["r1"]
    );
    let any = vec![None, succeeded];
    assert_eq!(list(&store, |filter| filter.statuses = any).await, ["r3", "r2", "r1"]);
}

async fn sealed_payloads_go_with_a_run_that_ended_well(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let plain = PayloadRow {
        id: 1,
        sealed: false,
        bytes: b"plain".to_vec(),
    };
    let new = NewRun {
        payloads: vec![plain.clone(), sealed(2, b"two")],
        ..new_run("r1")
    };
    commit(&store, [Operation::CreateRun(new)]).await;
    let last = Append {
        payloads: vec![sealed(3, b"three")],
        ..append("r1", 1, &["ended"], end(5_000, 5_000))
    };
    commit(&store, [Operation::Append(last)]).await;
    assert_eq!(store.payloads("r1").await.unwrap(), [plain]);
}

async fn sealed_payloads_of_a_failed_run_go_when_their_time_comes(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    for (id, erase_at) in [("r1", 6_000), ("r2", 7_000)] {
        let new = NewRun {
            payloads: vec![sealed(1, b"one"), sealed(2, b"two")],
            ..new_run(id)
        };
        let ended = Operation::Append(append(id, 1, &["ended"], end(5_000, erase_at)));
        commit(&store, [Operation::CreateRun(new), ended]).await;
    }
    assert_eq!(store.erase_due(5_999).await.unwrap(), 0);
    assert_eq!(store.payloads("r1").await.unwrap().len(), 2);
    assert_eq!(store.erase_due(6_000).await.unwrap(), 2);
    assert!(store.payloads("r1").await.unwrap().is_empty());
    assert_eq!(store.payloads("r2").await.unwrap().len(), 2);
    assert_eq!(store.erase_due(6_000).await.unwrap(), 0);
}

#[tokio::test]
async fn erased_pages_go_back_to_the_disk() {
    let (folder, store) = new_store(Kind::Sqlite).await;
    let large = vec![sealed(1, &vec![7; 3_000_000])];
    commit(
        &store,
        [Operation::CreateRun(NewRun {
            payloads: large,
            ..new_run("r1")
        })],
    )
    .await;
    commit(
        &store,
        [Operation::Append(append("r1", 1, &["ended"], end(5_000, 6_000)))],
    )
    .await;
    assert_eq!(store.erase_due(6_000).await.unwrap(), 1);
    store.close().await;
    let size = std::fs::metadata(folder.path().join("riposte.db")).unwrap().len();
    assert!(size < 1_000_000, "{size} bytes are left");
}

async fn the_schema_keeps_a_run_from_waiting_for_nothing(kind: Kind) {
    let (home, store) = new_store(kind).await;
    commit(&store, [Operation::CreateRun(new_run("r1"))]).await;
    let hung = home.raw().await.execute("UPDATE runs SET wake_at = NULL").await;
    let text = hung.unwrap_err().to_string();
    assert!(text.to_lowercase().contains("check constraint"), "{text}");
}
