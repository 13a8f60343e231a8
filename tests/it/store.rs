//! Tests of the store: what each operation does and refuses, that commits are atomic and durable, that a folder has one
//! owner, and that sealed values are neither readable nor kept.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod approvals;
mod brakes;
mod changes;
mod durability;
mod incidents;
mod postgres;
mod retention;
mod runs;
mod sealing;
mod watchlists;

use riposte::store::{AlertRow, Append, Committed, Error, EventRow, IncidentRow, Location, NewRun, Next, NoteRow};
use riposte::store::{Operation, PayloadRow, Refusal, Store, Transaction};
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::postgres::Database;

/// Makes a test of each function that takes a kind of database, for both kinds.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::store::Kind::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::store::Kind::Postgres).await;
            })*
        }
    };
}
use on_both;

/// The database of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

/// Where a store is, as long as the test goes on.
enum Home {
    Folder(TempDir),
    Server(Database),
}

/// A connection beside the store, as a person with the database's own tool has it.
enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Home {
    async fn new(kind: Kind) -> Home {
        match kind {
            Kind::Sqlite => Home::Folder(tempfile::tempdir().unwrap()),
            Kind::Postgres => Home::Server(Database::new().await),
        }
    }

    fn location(&self) -> Location {
        match self {
            Home::Folder(folder) => folder.path().into(),
            Home::Server(database) => database.address().into(),
        }
    }

    fn path(&self) -> &std::path::Path {
        match self {
            Home::Folder(folder) => folder.path(),
            Home::Server(database) => panic!("{database:?} is in no folder"),
        }
    }

    async fn raw(&self) -> Raw {
        match self {
            Home::Folder(folder) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("riposte.db"));
                Raw::Sqlite(options.connect().await.unwrap())
            }
            Home::Server(database) => Raw::Postgres(database.connect().await),
        }
    }
}

impl Raw {
    async fn execute(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Raw::Sqlite(connection) => sqlx::query(sql).execute(connection).await.map(drop),
            Raw::Postgres(connection) => sqlx::query(sql).execute(connection).await.map(drop),
        }
    }

    /// The texts of the first column.
    async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        let texts = match self {
            Raw::Sqlite(connection) => sqlx::query_scalar(sql).fetch_all(connection).await,
            Raw::Postgres(connection) => sqlx::query_scalar(sql).fetch_all(connection).await,
        };
        texts.unwrap()
    }
}

/// A new store in a place of its own.
async fn new_store(kind: Kind) -> (Home, Store) {
    let home = Home::new(kind).await;
    let store = Store::open(home.location()).await.unwrap();
    (home, store)
}

async fn commit(store: &Store, operations: impl Into<Vec<Operation>>) -> Committed {
    store
        .commit(Transaction {
            operations: operations.into(),
        })
        .await
        .unwrap()
}

/// Why the store refuses these operations.
async fn refusal(store: &Store, operations: impl Into<Vec<Operation>>) -> Refusal {
    match store
        .commit(Transaction {
            operations: operations.into(),
        })
        .await
    {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

fn alert(id: &str, key: &str) -> AlertRow {
    AlertRow {
        id: id.into(),
        workspace: "soc".into(),
        dedup_key: key.into(),
        created_at: 1_000,
        document: format!(r#"{{"name":"{id}"}}"#),
    }
}

fn incident(id: &str) -> IncidentRow {
    IncidentRow {
        id: id.into(),
        workspace: "soc".into(),
        number: 0,
        version: 0,
        status: "New".into(),
        severity: "High".into(),
        created_at: 1_000,
        updated_at: 1_000,
        document: "{}".into(),
    }
}

fn note(id: &str, incident: &str, document: &str) -> NoteRow {
    NoteRow {
        id: id.into(),
        incident: incident.into(),
        created_at: 1_000,
        document: document.into(),
    }
}

fn setting(key: &str, value: &str) -> Operation {
    Operation::PutSetting {
        key: key.into(),
        value: value.into(),
    }
}

fn events(bodies: &[&str]) -> Vec<EventRow> {
    bodies
        .iter()
        .map(|body| EventRow {
            at: 1_000,
            body: (*body).into(),
        })
        .collect()
}

fn new_run(id: &str) -> NewRun {
    NewRun {
        id: id.into(),
        kind: "playbook".into(),
        namespace: "soc".into(),
        name: "enrich".into(),
        incident: None,
        parent: None,
        resubmit_of: None,
        definition: None,
        created_at: 1_000,
        wake_at: 2_000,
        lane: 3,
        events: events(&["started"]),
        payloads: Vec::new(),
    }
}

fn append(run: &str, expected_seq: i64, bodies: &[&str], next: Next) -> Append {
    Append {
        run: run.into(),
        expected_seq,
        events: events(bodies),
        payloads: Vec::new(),
        snapshot: None,
        next,
    }
}

fn end(at: i64, erase_at: i64) -> Next {
    Next::End {
        status: "Succeeded".into(),
        at,
        erase_at,
    }
}

fn sealed(id: i64, bytes: &[u8]) -> PayloadRow {
    PayloadRow {
        id,
        sealed: true,
        bytes: bytes.into(),
    }
}
