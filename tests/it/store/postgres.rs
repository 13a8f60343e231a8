//! What is PostgreSQL's alone: the way to the server, several writers at a time, and connections that break.

use std::collections::BTreeSet;

use riposte::store::{Address, Error, NewRun, Next, Operation, Refusal, Store, Transaction};
use tokio::task::JoinSet;

use super::{Home, Kind, append, commit, end, events, incident, new_run, new_store, refusal, setting};
use crate::postgres::{Database, PASSWORD, Server};

/// Two stores that share a database.
async fn two_stores() -> (Home, Store, Store) {
    let (home, one) = new_store(Kind::Postgres).await;
    let other = Store::open(home.location()).await.unwrap();
    (home, one, other)
}

/// Tables and columns with what they hold, but for what one of the databases needs alone.
async fn columns(kind: Kind) -> BTreeSet<String> {
    let (home, _store) = new_store(kind).await;
    let sql = match kind {
        Kind::Sqlite => {
            "SELECT tables.name || '.' || columns.name || ' ' || columns.type ||
                CASE WHEN columns.\"notnull\" THEN '' ELSE '?' END
            FROM pragma_table_list AS tables, pragma_table_info(tables.name) AS columns
            WHERE tables.schema = 'main' AND tables.name NOT LIKE 'sqlite_%'"
        }
        Kind::Postgres => {
            "SELECT table_name || '.' || column_name || ' ' ||
                CASE data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB' ELSE upper(data_type) END ||
                CASE is_nullable WHEN 'NO' THEN '' ELSE '?' END
            FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let columns = home.raw().await.texts(sql).await;
    let ours = columns
        .into_iter()
        .filter(|column| !column.starts_with("_sqlx_migrations."));
    // A column that is SQLite's rowid is not declared as one without a value.
    ours.map(|column| match column.split_once(".position ") {
        Some((table, _)) => format!("{table}.position INTEGER"),
        None => column,
    })
    .collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let (sqlite, postgres) = (columns(Kind::Sqlite).await, columns(Kind::Postgres).await);
    assert!(sqlite.len() > 80, "{sqlite:#?}");
    let missing: Vec<_> = sqlite.difference(&postgres).collect();
    assert!(missing.is_empty(), "PostgreSQL has no {missing:#?}");
    let more: Vec<_> = postgres.difference(&sqlite).collect();
    let alone = [
        "replicas.name TEXT",
        "replicas.until INTEGER",
        "runs.place INTEGER",
        "runs.shard INTEGER",
        "shards.owner TEXT?",
        "shards.shard INTEGER",
        "shards.until INTEGER",
    ];
    assert_eq!(more, alone, "SQLite has none of these");
}

#[tokio::test]
async fn an_append_of_two_stores_goes_on_once() {
    let (_home, one, other) = two_stores().await;
    for round in 0..50_i64 {
        let run = format!("r{round}");
        commit(&one, [Operation::CreateRun(new_run(&run))]).await;
        let rival = |name| {
            let append = append(&run, 1, &[name], Next::WakeAt(9_000));
            Transaction {
                operations: vec![Operation::Append(append)],
            }
        };
        let outcomes = tokio::join!(one.commit(rival("one")), other.commit(rival("other")));
        let winner = match outcomes {
            (Ok(_), Err(Error::Refused(Refusal::StaleRun(_)))) => "one",
            (Err(Error::Refused(Refusal::StaleRun(_))), Ok(_)) => "other",
            outcomes => panic!("{outcomes:?}"),
        };
        assert_eq!(one.journal(&run, 0).await.unwrap(), events(&["started", winner]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn numbers_of_incidents_are_those_of_one_writer() {
    let (_home, one, other) = two_stores().await;
    let mut tasks = JoinSet::new();
    for n in 0..100 {
        let store = if n % 2 == 0 { one.clone() } else { other.clone() };
        let operations = vec![Operation::InsertIncident(incident(&format!("i{n}")))];
        tasks.spawn(async move { store.commit(Transaction { operations }).await.unwrap() });
    }
    let committed = tasks.join_all().await;
    let numbers = committed.into_iter().flat_map(|committed| committed.incident_numbers);
    let mut numbers: Vec<i64> = numbers.map(|(_, number)| number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_reads_the_log_on_misses_no_change_of_either_store() {
    const EACH: usize = 200;
    let (_home, one, other) = two_stores().await;
    let writers = [(one.clone(), "soc"), (other, "lab")].map(|(store, workspace)| {
        tokio::spawn(async move {
            for n in 0..EACH {
                let mut incident = incident(&format!("{workspace}{n}"));
                incident.workspace = workspace.into();
                commit(&store, [Operation::InsertIncident(incident)]).await;
            }
        })
    });
    let reading = async {
        let mut seen = Vec::new();
        while seen.len() < 2 * EACH {
            let after = seen.last().copied().unwrap_or(0);
            seen.extend(positions(&one, after).await);
        }
        seen
    };
    let seen = tokio::time::timeout(crate::program::DEADLINE, reading).await;
    assert_eq!(seen.expect("a change was missed"), positions(&one, 0).await);
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn positions(store: &Store, after: i64) -> Vec<i64> {
    let changes = store.changes(after, 1_000).await.unwrap();
    changes.iter().map(|change| change.position).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_limit_of_runs_holds_over_two_stores() {
    let (_home, one, other) = two_stores().await;
    for round in 0..50 {
        let begin = |store: &Store, run: &str| {
            let (store, name) = (store.clone(), format!("playbook{round}"));
            let run = NewRun {
                name: name.clone(),
                ..new_run(&format!("{run}{round}"))
            };
            let limit = Operation::LimitRuns {
                namespace: "soc".into(),
                name,
                most: 1,
            };
            let operations = vec![Operation::CreateRun(run), limit];
            tokio::spawn(async move { store.commit(Transaction { operations }).await.is_ok() })
        };
        let (a, b) = (begin(&one, "a"), begin(&other, "b"));
        assert!(a.await.unwrap() != b.await.unwrap(), "round {round}");
    }
}

#[tokio::test]
async fn a_delivery_beside_an_append_is_not_forgotten() {
    let (_home, one, other) = two_stores().await;
    for round in 0..50 {
        let run = format!("r{round}");
        commit(&one, [Operation::CreateRun(new_run(&run))]).await;
        let delivery = riposte::store::DeliveryRow {
            run: run.clone(),
            node: "0/1".into(),
            at: 5_000,
            bytes: vec![1],
        };
        let deliver = Transaction {
            operations: vec![Operation::Deliver(delivery)],
        };
        let goes_on = Transaction {
            operations: vec![Operation::Append(append(&run, 1, &["waits"], Next::WakeAt(90_000)))],
        };
        let (appended, delivered) = tokio::join!(one.commit(goes_on), other.commit(deliver));
        appended.unwrap();
        delivered.unwrap();
        let wake_at = one.run(&run).await.unwrap().unwrap().wake_at.unwrap();
        assert!(wake_at <= 5_000, "the run sleeps until {wake_at}");
    }
}

#[tokio::test]
async fn batches_that_cross_each_other_all_succeed() {
    let (_home, one, other) = two_stores().await;
    let runs: Vec<String> = (0..20).map(|n| format!("r{n:02}")).collect();
    commit(
        &one,
        runs.iter()
            .map(|run| Operation::CreateRun(new_run(run)))
            .collect::<Vec<_>>(),
    )
    .await;
    for round in 0..10_i64 {
        let half = |runs: Vec<String>| {
            let goes_on = |run: &String| Operation::Append(append(run, round + 1, &["on"], Next::WakeAt(9_000)));
            let settings = ["a", "b"].map(|key| setting(key, "1"));
            let mut operations: Vec<_> = runs.iter().map(goes_on).collect();
            operations.extend(settings);
            operations
        };
        let (first, mut second) = (runs[..10].to_vec(), runs[10..].to_vec());
        second.reverse();
        let (mut a, mut b) = (half(first), half(second));
        b.reverse();
        let transaction = |operations: &mut Vec<Operation>| Transaction {
            operations: std::mem::take(operations),
        };
        let (a, b) = (transaction(&mut a), transaction(&mut b));
        let (a, b) = tokio::join!(one.commit(a), other.commit(b));
        a.unwrap();
        b.unwrap();
    }
}

#[tokio::test]
async fn a_store_hears_of_commits_of_the_other() {
    let (_home, one, other) = two_stores().await;
    // The listener may not listen yet; then the tick tells.
    let mut elsewhere = one.elsewhere().unwrap();
    commit(
        &other,
        [Operation::CreateRun(NewRun {
            wake_at: 5,
            ..new_run("r1")
        })],
    )
    .await;
    tokio::time::timeout(crate::program::DEADLINE, elsewhere.changed())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(one.next_wake().await.unwrap(), Some(5));
    assert!(new_store(Kind::Sqlite).await.1.elsewhere().is_none());
}

#[tokio::test]
async fn a_connection_that_broke_is_made_anew() {
    let (home, store) = new_store(Kind::Postgres).await;
    commit(&store, [Operation::CreateRun(new_run("r1"))]).await;
    let end_all = "SELECT CAST(pg_terminate_backend(pid) AS TEXT) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for seq in 1..5 {
        let ended = home.raw().await.texts(end_all).await;
        assert!(!ended.is_empty());
        commit(
            &store,
            [Operation::Append(append("r1", seq, &["on"], Next::WakeAt(9_000)))],
        )
        .await;
        assert_eq!(store.run("r1").await.unwrap().unwrap().seq, seq + 1);
    }
}

#[tokio::test]
async fn a_text_that_the_server_cannot_hold_fails_its_own_transaction() {
    let (_home, store) = new_store(Kind::Postgres).await;
    commit(&store, ["r1", "r2"].map(|id| Operation::CreateRun(new_run(id)))).await;
    let transaction = |run: &str, status: &str| {
        let next = Next::End {
            status: status.to_owned(),
            at: 3_000,
            erase_at: 3_000,
        };
        Transaction {
            operations: vec![Operation::Append(append(run, 1, &["last"], next))],
        }
    };
    let (bad, good) = tokio::join!(
        store.commit(transaction("r1", "Succ\0eeded")),
        store.commit(transaction("r2", "Succeeded"))
    );
    assert!(
        matches!(&bad, Err(Error::Database(text)) if !text.contains("eeded")),
        "{bad:?}"
    );
    good.unwrap();
    assert_eq!(
        refusal(&store, [Operation::Append(append("r2", 1, &[], end(1, 1)))]).await,
        Refusal::StaleRun("r2".into())
    );
    commit(&store, [Operation::Append(append("r1", 1, &[], end(1, 1)))]).await;
}

#[tokio::test]
async fn the_way_to_the_server_is_encrypted_and_asks_for_the_password() {
    let database = Database::new().await;
    let certificate = Server::shared().certificate.display().to_string();
    let verified = database.tcp_url("riposte", &format!("sslmode=verify-full&sslrootcert={certificate}"));
    let address = Address::parse(&verified).unwrap();
    let store = Store::open(address.clone().with_password(PASSWORD)).await.unwrap();
    commit(&store, [setting("s", "1")]).await;
    assert_eq!(store.setting("s").await.unwrap().as_deref(), Some("1"));
    let wrong = [
        (address.with_password("canary"), "password"),
        (
            Address::parse(&database.tcp_url("riposte", "sslmode=verify-full")).unwrap(),
            "certificate",
        ),
        (
            Address::parse("postgres://riposte@127.0.0.1:1/none").unwrap(),
            "127.0.0.1:1",
        ),
    ];
    for (address, reason) in wrong {
        let error = Store::open(address.with_password("canary")).await.unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, Error::Unreachable { .. }) && text.contains(reason),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
    }
}
