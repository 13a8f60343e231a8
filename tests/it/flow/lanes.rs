//! More runs than are driven at a time: who goes first, and what is told to who brings more.

use std::time::Duration;

use riposte::engine::Haste;
use riposte::engine::lanes::Lane;
use riposte::engine::nested::Settings;
use riposte::engine::start::{Request, StartKind};
use riposte::engine::status::RunStatus;
use riposte::server::{ServerState, serve};
use riposte::store::Location;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{PATIENCE, Process, ask, playbook, request};
use crate::postgres::Database;

const TOKEN: &str = "sender-0123456789";

/// A process that drives one run at a time, of a playbook that asks about its body.
fn one_place(place: impl Into<Location>) -> Process {
    let settings = Settings {
        places: 1,
        ..Settings::default()
    };
    let playbook = playbook(&json!({"A": ask("@{triggerBody()}")}));
    Process::with(place, &playbook, None, settings)
}

/// Waits until the run is under way that holds the place.
fn await_hold(process: &Process) {
    let is_held = async || match process.service.paths().contains(&"hold".to_owned()) {
        true => Ok(()),
        false => Err("nothing is called"),
    };
    process.within(crate::patience::settled(PATIENCE, is_held)).unwrap();
}

fn about(name: &str) -> Request {
    Request {
        body: name.into(),
        ..request()
    }
}

#[test]
fn runs_that_wait_for_a_place_go_by_urgency_and_namespaces_take_turns() {
    let folder = TempDir::new().unwrap();
    let process = one_place(folder.path());
    let mut runs = vec![process.start_run(about("hold"))];
    await_hold(&process);
    let wishes = [
        Request {
            requester: "schedule".into(),
            scheduled_at: Some(1),
            ..about("schedule")
        },
        Request {
            requester: "request/manual".into(),
            ..about("webhook")
        },
        about("first"),
        about("second"),
        Request {
            namespace: "other".into(),
            ..about("other")
        },
    ];
    runs.extend(wishes.map(|wish| process.start_run(wish)));
    assert_eq!(process.service.paths(), ["hold"], "there is one place");
    assert!(process.engine.behind(Lane::Evaluation).is_zero());
    process.service.noted(|noted| noted.is_open.send_replace(true));
    for run in &runs {
        assert_eq!(process.ended(run), RunStatus::Succeeded);
    }
    assert_eq!(
        process.service.paths(),
        ["hold", "first", "other", "second", "webhook", "schedule"]
    );
    assert!(process.engine.behind(Lane::Schedule).is_zero());
}

#[test]
fn a_run_that_waits_for_a_place_is_not_lost_with_its_process_and_can_be_cancelled() {
    let folder = TempDir::new().unwrap();
    let process = one_place(folder.path());
    let held = process.start_run(about("hold"));
    await_hold(&process);
    let (waiting, unwanted) = (process.start_run(about("late")), process.start_run(about("unwanted")));
    process
        .within(process.engine.cancel(&unwanted, "user/ada", Haste::Now))
        .unwrap();
    assert_eq!(process.ended(&unwanted), RunStatus::Cancelled);
    drop(process);

    let process = one_place(folder.path());
    process.service.noted(|noted| noted.is_open.send_replace(true));
    assert_eq!(process.ended(&waiting), RunStatus::Succeeded);
    assert_eq!(process.ended(&held), RunStatus::Succeeded, "a question may be repeated");
    assert!(!process.service.paths().contains(&"unwanted".to_owned()));
}

#[test]
fn a_run_that_is_cancelled_while_it_waits_for_a_place_begins_nothing() {
    let folder = TempDir::new().unwrap();
    let process = one_place(folder.path());
    process.start_run(about("hold"));
    await_hold(&process);
    for haste in [Haste::Gracefully, Haste::Now] {
        let unwanted = process.start_run(about("unwanted"));
        process
            .within(process.engine.cancel(&unwanted, "user/ada", haste))
            .unwrap();
        assert_eq!(process.ended(&unwanted), RunStatus::Cancelled);
        assert_eq!(process.service.paths(), ["hold"], "{haste:?}");
    }
}

#[test]
fn a_process_that_stops_begins_no_run_that_waits_for_a_place() {
    let folder = TempDir::new().unwrap();
    let mut process = one_place(folder.path());
    let held = process.start_run(about("hold"));
    await_hold(&process);
    let waiting = process.start_run(about("late"));
    process.stop.cancel();
    process.runtime.block_on(&mut process.serving).unwrap();
    process.service.noted(|noted| noted.is_open.send_replace(true));
    assert_eq!(process.ended(&held), RunStatus::Succeeded);
    let is_at_rest = async || process.engine.is_idle(&held).then_some(()).ok_or("it is driven");
    process.within(crate::patience::settled(PATIENCE, is_at_rest)).unwrap();
    assert!(process.engine.is_idle(&waiting));
    assert_eq!(process.service.paths(), ["hold"]);
    drop(process);

    let process = one_place(folder.path());
    assert_eq!(process.ended(&waiting), RunStatus::Succeeded);
}

/// Waits until a replica holds so many shards and gives up none.
fn holds(process: &Process, count: u32) {
    process.within(async {
        let mut standing = process.store.lease().subscribe().unwrap();
        let settled = standing.wait_for(|standing| standing.held.count() == count && standing.leaving.is_empty());
        settled.await.unwrap();
    });
}

#[test]
fn a_run_that_waits_for_a_place_in_one_replica_is_cancelled_through_another() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let database = runtime.block_on(Database::new());
    let one = one_place(database.address());
    holds(&one, 64);
    let other = one_place(database.address());
    holds(&one, 32);
    holds(&other, 32);
    let start = |name: &str| {
        let mut ids = std::iter::repeat_with(Uuid::new_v4);
        let id = ids.find(|id| one.store.lease().takes(&id.to_string()));
        one.start_run(Request { id, ..about(name) })
    };
    start("hold");
    await_hold(&one);
    let waiting = start("unwanted");
    other
        .within(other.engine.cancel(&waiting, "user/ada", Haste::Gracefully))
        .unwrap();
    assert_eq!(other.ended(&waiting), RunStatus::Cancelled);
    assert_eq!(one.service.paths(), ["hold"], "it needs no place to end");
}

/// Status and `Retry-After` of an alert that is delivered.
async fn deliver(port: u16, id: &str) -> (u16, Option<String>) {
    let alert = json!({"id": id, "title": "Odd", "severity": "Low", "ruleName": "Odd"});
    let sent = reqwest::Client::new()
        .post(format!("http://127.0.0.1:{port}/v1/workspaces/soc/alerts"))
        .bearer_auth(TOKEN)
        .header("content-type", "application/json")
        .body(alert.to_string())
        .send();
    let answer = sent.await.unwrap();
    let after = answer
        .headers()
        .get("retry-after")
        .map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), after)
}

#[test]
fn while_responses_wait_too_long_no_more_is_taken_in() {
    let folder = TempDir::new().unwrap();
    let process = one_place(folder.path());
    let mut settings = riposte::server::Settings {
        max_waiting: Duration::from_millis(1),
        ..riposte::server::Settings::default()
    };
    settings.tokens.add("falco", TOKEN, "soc".parse().unwrap()).unwrap();
    let state = ServerState::new(
        process.desk.clone(),
        process.engine.clone(),
        process.store.clone(),
        settings,
    );
    let listener = process.within(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    process.runtime.spawn(serve(listener, state, CancellationToken::new()));
    assert_eq!(process.within(deliver(port, "a")).0, 202);

    process.start_run(about("hold"));
    await_hold(&process);
    let waiting = process.start_run(Request {
        kind: StartKind::Body,
        ..about("late")
    });
    let is_behind = async || match process.engine.behind(Lane::Response) {
        waited if waited > Duration::from_millis(1) => Ok(()),
        waited => Err(waited),
    };
    process.within(crate::patience::settled(PATIENCE, is_behind)).unwrap();
    assert_eq!(process.within(deliver(port, "b")), (429, Some("1".to_owned())));
    process.service.noted(|noted| noted.is_open.send_replace(true));
    assert_eq!(process.ended(&waiting), RunStatus::Succeeded);
    assert_eq!(process.within(deliver(port, "b")).0, 202);
}
