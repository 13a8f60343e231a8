//! Group commit, what a crash leaves, the lock of the folder and the version of the schema.

use std::path::Path;

use riposte::store::{Append, Committed, Error, NewRun, Next, Operation, Refusal, Store, Transaction};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{Kind, alert, append, commit, end, events, new_run, new_store, note, on_both, sealed, setting};

on_both![
    commits_at_the_same_time_share_an_fsync_and_are_all_durable,
    a_refused_transaction_leaves_its_batch_alone,
    appends_at_the_same_time_keep_their_order_and_fence_each_other,
    a_payload_number_that_is_taken_fails_its_own_append_only,
    a_failing_database_fails_the_batch_and_the_store_goes_on,
    a_newer_schema_is_refused,
    a_subscriber_hears_of_each_commit,
];

/// Commits each transaction from its own task, and says which ended how.
async fn commit_at_once(store: &Store, transactions: Vec<Vec<Operation>>) -> Vec<Result<Committed, Error>> {
    let mut tasks = JoinSet::new();
    for (index, operations) in transactions.into_iter().enumerate() {
        let store = store.clone();
        tasks.spawn(async move { (index, store.commit(Transaction { operations }).await) });
    }
    let mut outcomes = tasks.join_all().await;
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The database files as they are on the disk right now, which is what a killed process leaves.
fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["riposte.db", "riposte.db-wal"] {
        std::fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

async fn commits_at_the_same_time_share_an_fsync_and_are_all_durable(kind: Kind) {
    let (home, store) = new_store(kind).await;
    let commits = store.subscribe();
    let before = *commits.borrow();
    let runs = (0..64)
        .map(|n| vec![Operation::CreateRun(new_run(&format!("r{n}")))])
        .collect();
    assert!(commit_at_once(&store, runs).await.iter().all(Result::is_ok));
    assert!(
        *commits.borrow() - before < 64,
        "64 transactions took {} commits",
        *commits.borrow() - before
    );
    store.close().await;
    let store = Store::open(home.location()).await.unwrap();
    assert_eq!(store.open_runs_count().await.unwrap(), 64);
}

async fn a_refused_transaction_leaves_its_batch_alone(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let batch = vec![
        vec![Operation::InsertAlert(alert("a1", "k1")), setting("first", "1")],
        vec![setting("second", "1"), Operation::InsertAlert(alert("a2", "k1"))],
        vec![
            setting("third", "1"),
            Operation::InsertComment(note("c1", "unknown incident", "{}")),
        ],
        vec![setting("fourth", "1")],
    ];
    let outcomes = commit_at_once(&store, batch).await;
    assert!(outcomes[0].is_ok() && outcomes[3].is_ok());
    assert!(matches!(&outcomes[1], Err(Error::Refused(Refusal::DuplicateAlert(id))) if id == "a1"));
    assert!(matches!(&outcomes[2], Err(Error::Database(text)) if text.to_lowercase().contains("foreign key")));
    for (key, stored) in [("first", true), ("second", false), ("third", false), ("fourth", true)] {
        assert_eq!(store.setting(key).await.unwrap().is_some(), stored, "{key}");
    }
}

async fn appends_at_the_same_time_keep_their_order_and_fence_each_other(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, ["r1", "r2", "r3"].map(|id| Operation::CreateRun(new_run(id)))).await;
    let next = || Next::WakeAt(9_000);
    let batch = vec![
        vec![Operation::Append(append("r1", 1, &["two"], next()))],
        vec![Operation::Append(append("r2", 1, &["two"], end(5_000, 5_000)))],
        vec![Operation::Append(append("r1", 2, &["three"], next()))],
        vec![Operation::Append(append("r2", 2, &["late"], next()))],
        vec![Operation::Append(append("r3", 7, &["ahead"], next()))],
        vec![setting("s", "1"), Operation::Append(append("r1", 3, &["four"], next()))],
        vec![
            setting("t", "1"),
            Operation::Append(append("r1", 3, &["rival"], next())),
        ],
        vec![Operation::Append(append("r1", 4, &["five"], next()))],
        vec![Operation::Append(append("r1", 4, &["rival"], next()))],
    ];
    let outcomes = commit_at_once(&store, batch).await;
    let refused: Vec<_> = (0..outcomes.len()).filter(|index| outcomes[*index].is_err()).collect();
    assert_eq!(refused, [3, 4, 6, 8]);
    for (index, run) in [(3, "r2"), (4, "r3"), (6, "r1"), (8, "r1")] {
        assert!(
            matches!(&outcomes[index], Err(Error::Refused(Refusal::StaleRun(id))) if id == run),
            "{index}"
        );
    }
    assert_eq!(
        store.journal("r1", 0).await.unwrap(),
        events(&["started", "two", "three", "four", "five"])
    );
    assert_eq!(store.journal("r2", 0).await.unwrap(), events(&["started", "two"]));
    assert_eq!(store.journal("r3", 0).await.unwrap(), events(&["started"]));
    assert_eq!(store.run("r1").await.unwrap().map(|run| run.seq), Some(5));
    assert_eq!(store.setting("t").await.unwrap(), None);
}

async fn a_payload_number_that_is_taken_fails_its_own_append_only(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    let new = NewRun {
        payloads: vec![sealed(1, b"one")],
        ..new_run("r1")
    };
    commit(&store, [Operation::CreateRun(new), Operation::CreateRun(new_run("r2"))]).await;
    let taken = Append {
        payloads: vec![sealed(1, b"other")],
        ..append("r1", 1, &["two"], Next::WakeAt(1))
    };
    let good = append("r2", 1, &["two"], Next::WakeAt(1));
    let outcomes = commit_at_once(
        &store,
        vec![vec![Operation::Append(taken)], vec![Operation::Append(good)]],
    )
    .await;
    assert!(matches!(&outcomes[0], Err(Error::Database(text)) if text.to_lowercase().contains("unique")));
    assert!(outcomes[1].is_ok());
    assert_eq!(store.journal("r1", 0).await.unwrap(), events(&["started"]));
    assert_eq!(store.payloads("r1").await.unwrap(), [sealed(1, b"one")]);
}

async fn a_failing_database_fails_the_batch_and_the_store_goes_on(kind: Kind) {
    let (home, store) = new_store(kind).await;
    let mut raw = home.raw().await;
    raw.execute("ALTER TABLE settings RENAME TO gone").await.unwrap();
    let missing = match kind {
        Kind::Sqlite => "no such table",
        Kind::Postgres => "does not exist",
    };
    let batch = vec![vec![Operation::CreateRun(new_run("r1"))], vec![setting("s", "1")]];
    for outcome in commit_at_once(&store, batch).await {
        assert!(matches!(outcome, Err(Error::Database(text)) if text.contains(missing)));
    }
    assert_eq!(store.run("r1").await.unwrap(), None);
    raw.execute("ALTER TABLE gone RENAME TO settings").await.unwrap();
    commit(&store, [setting("s", "1")]).await;
    assert_eq!(store.setting("s").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn what_is_answered_survives_a_kill() {
    let (folder, store) = new_store(Kind::Sqlite).await;
    commit(&store, [setting("s", "kept"), Operation::CreateRun(new_run("r1"))]).await;
    let copy = copy_of(folder.path());
    let recovered = Store::open(copy.path()).await.unwrap();
    assert_eq!(recovered.setting("s").await.unwrap().as_deref(), Some("kept"));
    assert_eq!(recovered.due_runs(2_000, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_torn_commit_is_lost_whole() {
    let (folder, store) = new_store(Kind::Sqlite).await;
    commit(&store, [setting("s", "kept")]).await;
    let runs = (0..200)
        .map(|n| Operation::CreateRun(new_run(&format!("r{n}"))))
        .collect::<Vec<_>>();
    commit(&store, runs).await;
    let copy = copy_of(folder.path());
    let log = std::fs::OpenOptions::new()
        .write(true)
        .open(copy.path().join("riposte.db-wal"))
        .unwrap();
    log.set_len(log.metadata().unwrap().len() - 1).unwrap();
    let recovered = Store::open(copy.path()).await.unwrap();
    assert_eq!(recovered.setting("s").await.unwrap().as_deref(), Some("kept"));
    assert_eq!(recovered.open_runs_count().await.unwrap(), 0);
}

#[tokio::test]
async fn closing_commits_what_is_queued_and_leaves_one_file() {
    let (folder, store) = new_store(Kind::Sqlite).await;
    tokio::select! {
        biased;
        _ = store.commit(Transaction { operations: vec![setting("s", "1")] }) => panic!("committed without its writer"),
        () = std::future::ready(()) => {}
    }
    store.close().await;
    assert!(folder.path().join("riposte.db").exists());
    assert!(
        !folder.path().join("riposte.db-wal").exists(),
        "a clean close checkpoints the log"
    );
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.setting("s").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let (folder, store) = new_store(Kind::Sqlite).await;
    let clone = store.clone();
    drop(store);
    let second = Store::open(folder.path()).await;
    assert!(matches!(second, Err(Error::Locked(path)) if path == folder.path().display().to_string()));
    clone.close().await;
    Store::open(folder.path()).await.unwrap();
}

async fn a_newer_schema_is_refused(kind: Kind) {
    let (home, store) = new_store(kind).await;
    store.close().await;
    let migrated = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                    SELECT 999, 'of the future', TRUE, checksum, 0 FROM _sqlx_migrations LIMIT 1";
    home.raw().await.execute(migrated).await.unwrap();
    assert!(matches!(Store::open(home.location()).await, Err(Error::Newer)));
}

#[tokio::test]
async fn the_database_gives_pages_back_and_is_private() {
    let (folder, _store) = new_store(Kind::Sqlite).await;
    let mut raw = folder.raw().await;
    let auto_vacuum = "SELECT CAST(auto_vacuum AS TEXT) FROM pragma_auto_vacuum";
    assert_eq!(raw.texts(auto_vacuum).await, ["2"]);
    assert_eq!(raw.texts("PRAGMA journal_mode").await, ["wal"]);
    #[cfg(unix)]
    for name in ["riposte.db", "riposte.db-wal", "riposte.lock"] {
        let metadata = std::fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777,
            0o600,
            "{name}"
        );
    }
}

async fn a_subscriber_hears_of_each_commit(kind: Kind) {
    let (_home, store) = new_store(kind).await;
    commit(&store, [setting("s", "1")]).await;
    let mut commits = store.subscribe();
    assert!(!commits.has_changed().unwrap(), "what was before is no news");
    commit(
        &store,
        [Operation::CreateRun(NewRun {
            wake_at: 5,
            ..new_run("r1")
        })],
    )
    .await;
    assert!(commits.has_changed().unwrap());
    commits.changed().await.unwrap();
    assert_eq!(store.next_wake().await.unwrap(), Some(5));
}

#[test]
fn without_its_writer_the_store_answers_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let store = first.block_on(Store::open(folder.path())).unwrap();
    drop(first);
    let outcome = runtime().block_on(store.commit(Transaction {
        operations: vec![setting("s", "1")],
    }));
    assert!(matches!(outcome, Err(Error::Database(text)) if text.contains("writer")));
}
