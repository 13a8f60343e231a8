//! Calls that wait for their turn: by the limits of their connection, or because the service asked for it.

use axum::http::StatusCode;
use riposte::api::api_connection::ConnectionLimits;
use riposte::engine::Haste;
use riposte::engine::event::Event;
use riposte::engine::status::RunStatus;
use riposte::expression::Value;
use serde_json::json;
use tempfile::TempDir;

use super::{Process, ask, held, now, playbook};

const ONE_AT_A_TIME: ConnectionLimits = ConnectionLimits {
    requests_per_minute: None,
    concurrent: Some(1),
};
const TWO_A_MINUTE: ConnectionLimits = ConnectionLimits {
    requests_per_minute: Some(2),
    concurrent: None,
};

fn status<'a>(view: &'a Value, action: &str, field: &str) -> Option<&'a str> {
    view.at(&["actions", action, field]).and_then(Value::as_str)
}

#[test]
fn calls_beyond_the_limit_at_the_same_time_wait_and_none_fails() {
    let folder = TempDir::new().unwrap();
    let names = ["A", "B", "C", "D", "E"];
    let actions: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), ask(name))).collect();
    let process = Process::start(folder.path(), &playbook(&actions.into()), Some(ONE_AT_A_TIME));
    let runs = [process.run(), process.run()];
    for run in &runs {
        assert_eq!(process.ended(run), RunStatus::Succeeded);
    }
    assert_eq!(process.service.noted(|noted| noted.at_once), 1);
    assert_eq!(process.service.paths().len(), 10, "each was made once");
    let (_, events) = process.look(&runs[0]);
    let codes = held(&events);
    assert!(
        !codes.is_empty() && codes.iter().all(|code| *code == "ConnectionLimit"),
        "{codes:?}"
    );
    let released = events.iter().filter(|event| matches!(event, Event::Released { .. }));
    assert_eq!(released.count(), codes.len(), "each that was held went on once");
}

#[test]
fn a_call_beyond_the_minute_waits_outside_of_the_memory_and_survives_the_process() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({"A": ask("A"), "B": ask("B"), "C": ask("C")}));
    let process = Process::start(folder.path(), &playbook, Some(TWO_A_MINUTE));
    let begun = now();
    let run = process.run();
    let is_far = |at: i64| (begun + 59_000..begun + 90_000).contains(&at);
    let ended = |events: &[Event]| {
        events
            .iter()
            .filter(|event| matches!(event, Event::Ended { .. }))
            .count()
    };
    process.until(&run, |row, events| {
        ended(events) == 2 && row.wake_at.is_some_and(is_far)
    });
    let (view, events) = process.look(&run);
    assert_eq!(process.service.paths().len(), 2);
    assert_eq!(
        (status(&view, "C", "status"), status(&view, "C", "code")),
        (Some("Waiting"), Some("ConnectionLimit"))
    );
    assert_eq!(held(&events), ["ConnectionLimit"]);
    drop(process);

    let process = Process::start(folder.path(), &playbook, None);
    assert!(
        process
            .until(&run, |row, _| row.wake_at.is_some_and(is_far))
            .ended_at
            .is_none()
    );
    process
        .within(process.engine.cancel(&run, "user/ada", Haste::Now))
        .unwrap();
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
    assert!(process.service.paths().is_empty(), "a call that is held was not made");
}

#[test]
fn the_deadline_of_an_action_holds_while_it_waits_for_its_turn() {
    let folder = TempDir::new().unwrap();
    let mut late = ask("C");
    late["limit"] = json!({"timeout": "PT1S"});
    late["runAfter"] = json!({"A": ["Succeeded"], "B": ["Succeeded"]});
    let playbook = playbook(&json!({"A": ask("A"), "B": ask("B"), "C": late}));
    let process = Process::start(folder.path(), &playbook, Some(TWO_A_MINUTE));
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::TimedOut);
    assert_eq!(status(&process.look(&run).0, "C", "code"), Some("ActionTimedOut"));
    assert_eq!(process.service.paths().len(), 2);
}

#[test]
fn a_service_that_asks_to_wait_is_left_alone_by_all_calls_of_its_connection() {
    let folder = TempDir::new().unwrap();
    let mut next = ask("B");
    next["runAfter"] = json!({"A": ["Failed"]});
    let process = Process::start(folder.path(), &playbook(&json!({"A": ask("A"), "B": next})), None);
    process
        .service
        .noted(|noted| noted.busy.push((StatusCode::TOO_MANY_REQUESTS, "2")));
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    let (first, second) = process.service.noted(|noted| (noted.calls[0].0, noted.calls[1].0));
    assert!((second - first).as_millis() >= 1_900, "{:?}", second - first);
    assert_eq!(held(&process.look(&run).1), ["RetryAfter"]);
}

#[test]
fn a_retry_waits_as_long_as_the_service_asks() {
    let folder = TempDir::new().unwrap();
    let mut asking = ask("A");
    asking["inputs"]["retryPolicy"] = json!({"type": "fixed", "count": 1, "interval": "PT5S"});
    let process = Process::start(folder.path(), &playbook(&json!({"A": asking})), None);
    process
        .service
        .noted(|noted| noted.busy.push((StatusCode::SERVICE_UNAVAILABLE, "3600")));
    let (begun, run) = (now(), process.run());
    let is_it = |row: &riposte::store::RunRow, _: &[Event]| row.wake_at.is_some_and(|at| at >= begun + 3_600_000);
    process.until(&run, is_it);
    assert_eq!(process.service.paths(), ["A"]);
    process
        .within(process.engine.cancel(&run, "user/ada", Haste::Now))
        .unwrap();
}

#[test]
fn limits_that_are_lifted_let_the_next_call_go_on_at_once() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), &playbook(&json!({"A": ask("A")})), Some(TWO_A_MINUTE));
    for _ in 0..2 {
        assert_eq!(process.ended(&process.run()), RunStatus::Succeeded);
    }
    let run = process.run();
    process.until(&run, |_, events| !held(events).is_empty());
    *process.connections.limits.lock().unwrap() = None;
    assert_eq!(process.ended(&process.run()), RunStatus::Succeeded);
    process
        .within(process.engine.cancel(&run, "user/ada", Haste::Now))
        .unwrap();
}
