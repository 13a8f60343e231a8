//! Tests of the store: what each operation does and refuses, that commits are atomic and durable, that a folder has one
//! owner, and that sealed values are neither readable nor kept.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod changes;
mod durability;
mod incidents;
mod runs;
mod sealing;
mod watchlists;

use riposte::store::{AlertRow, Append, Committed, Error, EventRow, IncidentRow, NewRun, Next, NoteRow, Operation};
use riposte::store::{PayloadRow, Refusal, Store, Transaction};
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

/// A new store in its own folder, which lives as long as the folder's handle.
async fn new_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    (folder, store)
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

/// A connection beside the store, as a person with the sqlite3 tool has it.
async fn raw(folder: &TempDir) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("riposte.db"));
    options.connect().await.unwrap()
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
        definition: None,
        created_at: 1_000,
        wake_at: 2_000,
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
