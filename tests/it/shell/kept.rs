//! Journals of each version, kept as they were written while their runs waited: this version goes on with every one of
//! them, asks for nothing again that was answered, and shows the run as the version did that began it.
//! A new version adds its journal with `UPDATE=1`; one that is kept is never written again.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use riposte::engine::content::Playbook;
use riposte::engine::status::RunStatus;
use riposte::expression::Value;
use riposte::store::{EventRow, NewRun, Operation, PayloadRow, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use super::{CANARY, Process, Says, http, playbook, stored};

/// A run that waited.
#[derive(Serialize, Deserialize)]
struct Kept {
    run: String,
    definition: String,
    /// Times and texts of its events.
    events: Vec<(i64, String)>,
    /// Numbers of the values beside them, whether they are sealed, and their bytes in base64.
    payloads: Vec<(i64, bool, String)>,
    /// Calls that were made after the wait.
    calls: Vec<String>,
    /// The run once it had ended, without times.
    view: serde_json::Value,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/journals")
}

/// What the services say, before the wait and after it.
fn says() -> Vec<(&'static str, Says)> {
    vec![
        (
            "GET /users",
            Says::Body(Value::from(
                &json!([{"name": "mira", "risk": 7}, {"name": "ada", "risk": 2}]),
            )),
        ),
        ("POST /block", Says::Status(200)),
        ("GET /flaky", Says::Status(503)),
        ("POST /job", Says::Promise("/done")),
        ("GET /done", Says::Body("finished".into())),
        ("GET /token", Says::Body("t0ken".into())),
        ("POST /ticket", Says::Status(201)),
    ]
}

/// A playbook with an event of most kinds before its wait, and a use of what it remembers after it.
fn rich() -> Playbook {
    let after = |name: &str, status: &str| json!({ name: [status] });
    let mut token = http("GET", "/token", Some("Rounds"));
    token["runtimeConfiguration"] = json!({"secureData": {"properties": ["outputs"]}});
    let mut flaky = http("GET", "/flaky", None);
    flaky["inputs"]["retryPolicy"] = json!({"type": "fixed", "count": 1, "interval": "PT5S"});
    let mut ticket = http("POST", "/ticket", Some("Pause"));
    ticket["inputs"]["body"] = json!({
        "token": "@body('Token')", "count": "@variables('count')", "blocked": "@length(body('Users'))",
        "last": "@last(outputs('Large'))", "key": "@parameters('key')"});
    playbook(&json!({
        "Count": {"type": "InitializeVariable", "inputs": {"variables": [
            {"name": "count", "type": "Integer", "value": 0}]}},
        "Users": http("GET", "/users", Some("Count")),
        "Each": {"type": "Foreach", "foreach": "@body('Users')", "runAfter": after("Users", "Succeeded"), "actions": {
            "Risky": {"type": "If", "expression": {"greater": ["@item()['risk']", 5]}, "actions": {
                "Block": http("POST", "/block", None)}, "else": {"actions": {
                "Spare": {"type": "Compose", "inputs": "@item()['name']"}}}}}},
        "Try": {"type": "Scope", "runAfter": after("Each", "Succeeded"), "actions": {"Flaky": flaky}},
        "Handle": {"type": "Compose", "inputs": "@result('Try')[0]['code']", "runAfter": after("Try", "Failed")},
        "Job": http("POST", "/job", Some("Handle")),
        "Rounds": {"type": "Until", "expression": "@greaterOrEquals(variables('count'), 2)",
            "runAfter": after("Job", "Succeeded"), "limit": {"count": 5, "timeout": "PT1H"}, "actions": {
                "Add": {"type": "IncrementVariable", "inputs": {"name": "count", "value": 1}}}},
        "Token": token,
        "Large": {"type": "Compose", "inputs": "@range(0, 3300)", "runAfter": after("Token", "Succeeded")},
        "Pause": {"type": "Wait", "inputs": {"interval": {"count": 2, "unit": "Second"}},
            "runAfter": after("Large", "Succeeded")},
        "Ticket": ticket,
        "Which": {"type": "Switch", "expression": "@outputs('Ticket')['statusCode']", "runAfter": after("Ticket", "Succeeded"),
            "cases": {"Made": {"case": 201, "actions": {"Note": {"type": "Compose", "inputs": "made"}}}}, "default": {"actions": {}}},
    }))
}

/// A view without what the time of day gives.
fn timeless(view: &serde_json::Value) -> serde_json::Value {
    match view {
        serde_json::Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !["startTime", "endTime"].contains(&name.as_str()))
            .map(|(name, member)| (name.clone(), timeless(member)))
            .collect(),
        serde_json::Value::Array(items) => items.iter().map(timeless).collect(),
        other => other.clone(),
    }
}

fn shown(process: &Process, run: &str) -> serde_json::Value {
    timeless(&serde_json::from_str(&process.view(run).to_json()).unwrap())
}

/// Runs the playbook in this version, and keeps what is in the store while it waits.
fn record() -> Kept {
    let place = TempDir::new().unwrap();
    let playbook = rich();
    let mut process = Process::start(place.path(), &playbook, &says());
    let run = process.run();
    let waits = |events: &[EventRow]| events.iter().any(|event| event.body.contains(r#""type":"paused""#));
    let (events, payloads) = process.within(async {
        let mut commits = process.store.subscribe();
        loop {
            let events = process.store.journal(&run, 0).await.unwrap();
            if waits(&events) {
                return (events, process.store.payloads(&run).await.unwrap());
            }
            commits.changed().await.unwrap();
        }
    });
    process.other_calls();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    let in_text = |row: PayloadRow| (row.id, row.sealed, STANDARD.encode(row.bytes));
    Kept {
        definition: playbook.definition.to_string(),
        events: events.into_iter().map(|event| (event.at, event.body)).collect(),
        payloads: payloads.into_iter().map(in_text).collect(),
        calls: process.other_calls(),
        view: shown(&process, &run),
        run,
    }
}

/// The run as a row of the store, due now.
fn row(kept: &Kept) -> NewRun {
    let (at, _) = kept.events[0];
    let events = kept.events.iter().cloned();
    let events = events.map(|(at, body)| EventRow { at, body }).collect();
    let payload = |(id, sealed, bytes): &(i64, bool, String)| PayloadRow {
        id: *id,
        sealed: *sealed,
        bytes: STANDARD.decode(bytes).unwrap(),
    };
    NewRun {
        payloads: kept.payloads.iter().map(payload).collect(),
        ..stored(&kept.run, at, events)
    }
}

fn goes_on(kept: &Kept) {
    let place = TempDir::new().unwrap();
    let mut process = Process::start(place.path(), &rich(), &says());
    let (hash, text) = ("hash".into(), kept.definition.clone());
    let operations = vec![Operation::PutDefinition { hash, text }, Operation::CreateRun(row(kept))];
    process
        .within(process.store.commit(Transaction { operations }))
        .unwrap();
    process.engine.poke();
    assert_eq!(process.ended(&kept.run), RunStatus::Succeeded);
    assert_eq!(process.other_calls(), kept.calls);
    assert_eq!(shown(&process, &kept.run), kept.view);
}

#[test]
fn a_run_that_waited_in_an_older_version_goes_on_in_this_one() {
    let own = folder().join(format!("{}.json", env!("CARGO_PKG_VERSION")));
    if std::env::var_os("UPDATE").is_some() && !own.exists() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&own, serde_json::to_string(&record()).unwrap() + "\n").unwrap();
    }
    assert!(own.exists(), "keep the journal of this version with UPDATE=1");
    for file in std::fs::read_dir(folder()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(
            !text.contains(CANARY) && !text.contains("t0ken"),
            "a secret stands in a journal"
        );
        goes_on(&serde_json::from_str(&text).unwrap());
    }
}
