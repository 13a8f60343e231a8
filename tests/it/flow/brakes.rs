//! What would change something outside waits while it is paused, beyond its limits, or where it names something
//! protected; until somebody lets it go on, whatever becomes of the process.

use riposte::api::api_connection::{BrakeLimit, Brakes};
use riposte::connectors::catalog;
use riposte::engine::event::Event;
use riposte::engine::state::State;
use riposte::engine::status::RunStatus;
use riposte::engine::{Haste, Unreleased, view};
use riposte::expression::Value;
use riposte::store::{Operation, Transaction};
use serde_json::json;
use tempfile::TempDir;

use super::{Process, ask, held, playbook};

/// An action that changes something: it submits an address.
fn submit(address: &str) -> serde_json::Value {
    let mut action = ask("");
    action["inputs"]["method"] = json!("post");
    action["inputs"]["path"] = json!("/api/v3/urls");
    action["inputs"]["body"] = json!({"url": address});
    action
}

/// The id of its operation.
fn operation() -> String {
    let connector = catalog::built_in("virustotal").unwrap();
    connector.find("POST", "/api/v3/urls").unwrap().operation.id.clone()
}

fn limit(most: u32) -> Brakes {
    Brakes {
        limits: vec![BrakeLimit {
            operation: operation(),
            most,
            window_seconds: 3_600,
        }],
        ..Brakes::default()
    }
}

fn waits(process: &Process, run: &str, code: &str) {
    process.until(run, |_, events| held(events).last() == Some(&code));
    let (view, _) = process.look(run);
    let field = |name| view.at(&["actions", "Submit", name]).and_then(Value::as_str);
    assert_eq!((field("status"), field("code")), (Some("Waiting"), Some(code)));
    let (workflow, events) = process.within(process.engine.history(run)).unwrap();
    let told = view::waits(&workflow, &State::fold(&workflow, &events).unwrap());
    let told = told.iter().find(|wait| wait.action == "Submit").unwrap();
    let because = events.iter().rev().find_map(|event| match event {
        Event::Held { message, .. } => Some(message.clone()),
        _ => None,
    });
    assert_eq!((told.what, &told.because), ("its turn", &because));
}

/// Who let calls go on.
fn released(events: &[Event]) -> Vec<Option<&str>> {
    let by = events.iter().filter_map(|event| match event {
        Event::Released { by, .. } => Some(by.as_deref()),
        _ => None,
    });
    by.collect()
}

#[test]
fn what_is_paused_waits_across_a_restart_and_questions_go_on() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({"Ask": ask("A"), "Submit": submit("a")}));
    let process = Process::start(folder.path(), &playbook, None);
    process.within(process.engine.pause(Some("soc"), "user/ada")).unwrap();
    let run = process.run();
    waits(&process, &run, "ActionsPaused");
    process.until(&run, |_, events| {
        events.iter().any(|event| matches!(event, Event::Ended { .. }))
    });
    assert_eq!(process.service.paths(), ["A"]);
    let (_, events) = process.look(&run);
    let is_named = |event: &Event| matches!(event, Event::Held { message, .. } if message.contains("user/ada"));
    assert!(events.iter().any(is_named), "{events:?}");
    drop(process);

    let process = Process::start(folder.path(), &playbook, None);
    let other = process.run();
    waits(&process, &other, "ActionsPaused");
    process.within(process.engine.unpause(None, "user/mira")).unwrap();
    for run in [&run, &other] {
        assert_eq!(process.ended(run), RunStatus::Succeeded);
    }
    let mut paths = process.service.paths();
    paths.sort();
    assert_eq!(paths, ["A", "urls", "urls"]);
}

#[test]
fn a_pause_of_another_namespace_holds_nothing_and_one_of_all_holds_this_too() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), &playbook(&json!({"Submit": submit("a")})), None);
    process.within(process.engine.pause(Some("it"), "user/ada")).unwrap();
    assert_eq!(process.ended(&process.run()), RunStatus::Succeeded);
    process.within(process.engine.pause(None, "user/ada")).unwrap();
    let run = process.run();
    waits(&process, &run, "ActionsPaused");
    process
        .within(process.engine.release(&run, "Submit", "user/mira"))
        .unwrap();
    assert_eq!(process.ended(&run), RunStatus::Succeeded, "a person can let one go on");
    assert_eq!(released(&process.look(&run).1), [Some("user/mira")]);
}

#[test]
fn what_holds_executions_of_a_loop_is_told_once_with_its_beginning() {
    let folder = TempDir::new().unwrap();
    let each = json!({"type": "Foreach", "foreach": [1, 2], "runAfter": {}, "actions": {"Submit": submit("a")}});
    let process = Process::start(folder.path(), &playbook(&json!({"Each": each})), None);
    process.within(process.engine.pause(Some("soc"), "user/ada")).unwrap();
    let run = process.run();
    process.until(&run, |_, events| held(events).len() == 2);
    let (workflow, events) = process.within(process.engine.history(&run)).unwrap();
    let state = State::fold(&workflow, &events).unwrap();
    let holds = view::holds(&workflow, &state, &events);
    let times = events.iter().filter_map(|event| match event {
        Event::Held { at, .. } => Some(*at),
        _ => None,
    });
    assert_eq!((holds.len(), holds[0].executions, holds[0].is_brake), (1, 2, true));
    assert_eq!(Some(holds[0].since), times.min());
    let standing = view::standings(&workflow, &state)[holds[0].action.0 as usize];
    assert_eq!(
        (standing.status, standing.executions, standing.is_held),
        ("Waiting", 2, true)
    );
    process.within(process.engine.unpause(None, "user/ada")).unwrap();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    let (workflow, events) = process.within(process.engine.history(&run)).unwrap();
    let state = State::fold(&workflow, &events).unwrap();
    assert!(view::holds(&workflow, &state, &events).is_empty());
}

#[test]
fn what_exceeds_a_limit_waits_for_a_person_and_counts_across_a_restart() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({"Submit": submit("a")}));
    let process = Process::start(folder.path(), &playbook, None);
    *process.connections.brakes.lock().unwrap() = Some(limit(2));
    for _ in 0..2 {
        assert_eq!(process.ended(&process.run()), RunStatus::Succeeded);
    }
    let third = process.run();
    waits(&process, &third, "BrakeLimit");
    process
        .within(process.engine.cancel(&third, "user/ada", Haste::Now))
        .unwrap();
    assert_eq!(process.ended(&third), RunStatus::Cancelled);
    drop(process);

    let process = Process::start(folder.path(), &playbook, None);
    *process.connections.brakes.lock().unwrap() = Some(limit(2));
    let fourth = process.run();
    waits(&process, &fourth, "BrakeLimit");
    let unknown = process.within(process.engine.release(&fourth, "Nothing", "user/ada"));
    assert!(matches!(unknown, Err(Unreleased::NotHeld(_))));
    process
        .within(process.engine.release(&fourth, "Submit", "user/ada"))
        .unwrap();
    assert_eq!(process.ended(&fourth), RunStatus::Succeeded);
    assert_eq!(released(&process.look(&fourth).1), [Some("user/ada")]);
    assert_eq!(process.service.paths(), ["urls"]);
}

#[test]
fn a_call_that_names_something_protected_waits_and_others_do_not() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({
        "Other": submit("https://web-1.example"),
        "Submit": submit("https://DC01.corp.example/"),
    }));
    let process = Process::start(folder.path(), &playbook, None);
    *process.connections.brakes.lock().unwrap() = Some(Brakes {
        protected: vec!["dc01.corp".into()],
        ..Brakes::default()
    });
    let run = process.run();
    waits(&process, &run, "ProtectedTarget");
    process.until(&run, |_, events| {
        events.iter().any(|event| matches!(event, Event::Ended { .. }))
    });
    process
        .within(process.engine.release(&run, "Submit", "user/ada"))
        .unwrap();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
}

#[test]
fn the_deadline_of_an_action_holds_while_it_is_paused() {
    let folder = TempDir::new().unwrap();
    let mut late = submit("a");
    late["limit"] = json!({"timeout": "PT1S"});
    let process = Process::start(folder.path(), &playbook(&json!({"Submit": late})), None);
    process.within(process.engine.pause(Some("soc"), "user/ada")).unwrap();
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::TimedOut);
    assert!(process.service.paths().is_empty());
}

#[test]
fn nothing_is_driven_before_it_is_known_what_is_paused() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({"Submit": submit("a")}));
    let put = |process: &Process, value: &str| {
        let (key, value) = ("pauses".to_owned(), value.to_owned());
        let operations = vec![Operation::PutSetting { key, value }];
        process
            .within(process.store.commit(Transaction { operations }))
            .unwrap();
    };
    let process = Process::start(folder.path(), &playbook, None);
    put(&process, "unreadable");
    drop(process);
    let process = Process::start(folder.path(), &playbook, None);
    let run = process.run();
    put(&process, r#"{"namespaces": {"soc": {"by": "user/ada", "at": 1}}}"#);
    waits(&process, &run, "ActionsPaused");
    assert!(process.service.paths().is_empty());
}
