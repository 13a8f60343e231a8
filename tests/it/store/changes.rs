//! The log of changes: what ended and what changed, in order, exactly if it is stored.

use riposte::store::{Changed, Next, Operation};

use super::{Kind, append, commit, end, incident, new_run, new_store, on_both, refusal};

on_both![
    ends_of_runs_and_changes_of_incidents_are_logged_in_order,
    runs_are_counted_by_their_end,
    what_is_acknowledged_is_forgotten_and_positions_go_on,
];

fn run(id: &str) -> Changed {
    Changed::Run(id.into())
}

fn changed(id: &str) -> Changed {
    Changed::Incident(id.into())
}

async fn ends_of_runs_and_changes_of_incidents_are_logged_in_order(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [Operation::InsertIncident(incident("i1"))]).await;
    let mut about = new_run("r1");
    about.incident = Some("i1".into());
    let mut evaluation = new_run("e1");
    evaluation.kind = "evaluation".into();
    evaluation.incident = Some("i1".into());
    commit(&store, [Operation::CreateRun(about), Operation::CreateRun(evaluation)]).await;
    let ends = |run, seq| Operation::Append(append(run, seq, &["last"], end(3_000, 3_000)));
    let goes_on = append("r1", 1, &["one"], Next::WakeAt(2_500));
    commit(&store, [Operation::Append(goes_on)]).await;
    commit(&store, [ends("r1", 2)]).await;
    commit(&store, [ends("e1", 1)]).await;
    let mut busy = new_run("e2");
    busy.kind = "evaluation".into();
    commit(&store, [Operation::CreateRun(busy)]).await;
    let matched = append("e2", 1, &["pinned", "matched"], Next::WakeAt(2_500));
    commit(&store, [Operation::Append(matched), ends("e2", 3)]).await;
    refusal(&store, [ends("r1", 3)]).await;
    let log = store.changes(0, 100).await.unwrap();
    let subjects: Vec<Changed> = log.iter().map(|change| change.subject.clone()).collect();
    let evaluated = Changed::Evaluation("e2".into());
    assert_eq!(
        subjects,
        [changed("i1"), changed("i1"), run("r1"), changed("i1"), evaluated]
    );
    assert!(log.windows(2).all(|pair| pair[0].position < pair[1].position));
    assert_eq!(store.changes(log[1].position, 1).await.unwrap(), log[2..3]);
}

async fn runs_are_counted_by_their_end(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    for (id, status) in [
        ("a", Some("Succeeded")),
        ("b", Some("Succeeded")),
        ("c", Some("Failed")),
        ("d", None),
    ] {
        commit(&store, [Operation::CreateRun(new_run(id))]).await;
        if let Some(status) = status {
            let next = Next::End {
                status: status.to_owned(),
                at: 3_000,
                erase_at: 3_000,
            };
            commit(&store, [Operation::Append(append(id, 1, &["last"], next))]).await;
        }
    }
    let tally = store.tally("soc", "enrich").await.unwrap();
    let expected = [
        (None, 1),
        (Some("Failed".to_owned()), 1),
        (Some("Succeeded".to_owned()), 2),
    ];
    assert_eq!(tally.by_status, expected);
    assert!(store.tally("soc", "other").await.unwrap().by_status.is_empty());
}

async fn what_is_acknowledged_is_forgotten_and_positions_go_on(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let positions = async || {
        let log = store.changes(0, 100).await.unwrap();
        log.iter().map(|change| change.position).collect::<Vec<_>>()
    };
    commit(&store, [Operation::DropChanges { before: 1 }]).await;
    for id in ["i1", "i2", "i3"] {
        commit(&store, [Operation::InsertIncident(incident(id))]).await;
    }
    commit(&store, [Operation::DropChanges { before: 2 }]).await;
    assert_eq!(positions().await, [2, 3]);
    commit(&store, [Operation::DropChanges { before: 100 }]).await;
    assert_eq!(positions().await, [3]);
    commit(&store, [Operation::InsertIncident(incident("i4"))]).await;
    assert_eq!(positions().await, [3, 4]);
}
