//! Approvals: a decision counts on what was read, and only while the run waits for it.

use riposte::store::{ApprovalChange, ApprovalFilter, ApprovalRow, Next, Operation, Refusal, Store};

use super::{Kind, append, commit, new_run, new_store, refusal};

super::on_both![
    a_decision_counts_on_what_was_read_and_while_it_is_open,
    the_end_of_a_run_closes_what_it_asks,
    approvals_are_listed_the_newest_first,
];

fn asked(run: &str, node: &str, at: i64) -> ApprovalRow {
    ApprovalRow {
        run: run.into(),
        node: node.into(),
        namespace: "soc".into(),
        playbook: "enrich".into(),
        created_at: at,
        expires_at: 9_000,
        version: 1,
        closed_at: None,
        bytes: b"asked".into(),
    }
}

fn insert(row: ApprovalRow) -> Operation {
    Operation::ChangeApproval(ApprovalChange::Insert(row))
}

fn update(row: ApprovalRow) -> Operation {
    Operation::ChangeApproval(ApprovalChange::Update(row))
}

/// Closes an approval of the run `r`.
fn close(node: &str, at: i64) -> Operation {
    let (run, node) = ("r".into(), node.into());
    Operation::ChangeApproval(ApprovalChange::Close { run, node, at })
}

async fn with_run(store: &Store, run: &str) {
    commit(store, [Operation::CreateRun(new_run(run))]).await;
}

async fn a_decision_counts_on_what_was_read_and_while_it_is_open(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    with_run(&store, "r").await;
    let first = asked("r", "0-1", 1_000);
    commit(&store, [insert(first.clone())]).await;
    let again = ApprovalRow {
        bytes: b"other".into(),
        ..first.clone()
    };
    commit(&store, [insert(again)]).await;
    assert_eq!(store.approval("r", "0-1").await.unwrap(), Some(first.clone()));

    let second = ApprovalRow {
        version: 2,
        bytes: b"decided".into(),
        ..first
    };
    commit(&store, [update(second.clone())]).await;
    let stale = refusal(&store, [update(second.clone())]).await;
    assert_eq!(stale, Refusal::StaleApproval("r".into()));
    let closing = close("0-1", 1_500);
    commit(&store, [closing]).await;
    let third = ApprovalRow {
        version: 3,
        ..second.clone()
    };
    let closed = refusal(&store, [update(third)]).await;
    assert_eq!(closed, Refusal::StaleApproval("r".into()));
    let later = close("0-1", 1_600);
    commit(&store, [later]).await;
    let expected = ApprovalRow {
        closed_at: Some(1_500),
        ..second
    };
    assert_eq!(store.approval("r", "0-1").await.unwrap(), Some(expected));
    assert_eq!(store.approval("r", "0-2").await.unwrap(), None);
}

async fn the_end_of_a_run_closes_what_it_asks(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    with_run(&store, "r").await;
    with_run(&store, "s").await;
    commit(&store, [insert(asked("r", "0-1", 1_000))]).await;
    commit(&store, [insert(asked("s", "0-1", 1_000))]).await;
    let end = Next::End {
        status: "Cancelled".into(),
        at: 3_000,
        erase_at: 3_000,
    };
    commit(&store, [Operation::Append(append("r", 1, &["closed"], end))]).await;
    let closed = async |run: &str| store.approval(run, "0-1").await.unwrap().unwrap().closed_at;
    assert_eq!((closed("r").await, closed("s").await), (Some(3_000), None));
}

async fn approvals_are_listed_the_newest_first(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    with_run(&store, "r").await;
    let mut other = new_run("s");
    other.namespace = "dev".into();
    commit(&store, [Operation::CreateRun(other)]).await;
    for row in [
        asked("r", "0-1", 1_000),
        asked("r", "0-2", 2_000),
        asked("s", "0-1", 1_500),
    ] {
        commit(&store, [insert(row)]).await;
    }
    let closing = close("0-2", 2_500);
    commit(&store, [closing]).await;
    let listed = async |filter: ApprovalFilter| {
        let rows = store.approvals(&filter).await.unwrap();
        rows.into_iter()
            .map(|row| format!("{}/{}/{}", row.namespace, row.run, row.node))
            .collect::<Vec<_>>()
    };
    let all = ApprovalFilter {
        limit: 10,
        ..ApprovalFilter::default()
    };
    assert_eq!(listed(all.clone()).await, ["soc/r/0-2", "dev/s/0-1", "soc/r/0-1"]);
    let open = ApprovalFilter {
        namespace: Some("soc".into()),
        open_only: true,
        ..all.clone()
    };
    assert_eq!(listed(open).await, ["soc/r/0-1"]);
    let one = ApprovalFilter {
        run: Some("r".into()),
        limit: 1,
        ..all
    };
    assert_eq!(listed(one).await, ["soc/r/0-2"]);
}
