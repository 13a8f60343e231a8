//! What happens to a playbook while a run of it goes on: each run ends in a clear state.

use riposte::engine::content::Playbook;
use riposte::engine::shell::StartError;
use riposte::engine::start::Refused;
use riposte::engine::status::RunStatus;
use riposte::expression::Value;
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{Process, Says, http, playbook, request, status_of};

fn fetching(last: &str) -> Playbook {
    let use_it = json!({"type": "Compose", "runAfter": {"Get": ["Succeeded"]}, "inputs": last});
    playbook(&json!({"Get": http("GET", "/host", None), "Use": use_it}))
}

/// A run whose call is in flight, and what lets the service answer.
fn in_the_middle(folder: &TempDir) -> (Process, String, Arc<Notify>) {
    let answers = Arc::new(Notify::new());
    let says = [("GET /host", Says::When(answers.clone()))];
    let mut process = Process::start(folder.path(), &fetching("first"), &says);
    let run = process.run();
    process.next_call();
    (process, run, answers)
}

fn used(process: &Process, run: &str) -> Option<Value> {
    process.view(run).at(&["actions", "Use", "outputs"]).cloned()
}

#[test]
fn a_definition_that_changes_changes_no_run_that_goes_on() {
    let folder = TempDir::new().unwrap();
    let (process, run, answers) = in_the_middle(&folder);
    process.catalog.put(Some(Playbook {
        hash: "other".into(),
        ..fetching("second")
    }));
    answers.notify_one();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    assert_eq!(used(&process, &run), Some("first".into()));
    let next = process.run();
    answers.notify_one();
    assert_eq!(process.ended(&next), RunStatus::Succeeded);
    assert_eq!(used(&process, &next), Some("second".into()));
}

#[test]
fn a_run_of_a_playbook_that_is_deleted_goes_on_with_what_it_pinned() {
    let folder = TempDir::new().unwrap();
    let (process, run, _) = in_the_middle(&folder);
    process.catalog.put(None);
    let refused = process.within(process.engine.start(&request()));
    assert!(matches!(refused, Err(StartError::Refused(Refused::NotFound(_)))));
    process.kill();
    let process = Process::start(folder.path(), &fetching("other"), &[("GET /host", Says::Status(200))]);
    process.catalog.put(None);
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    assert_eq!(used(&process, &run), Some("first".into()));
}

#[test]
fn a_run_of_a_playbook_that_is_suspended_goes_on() {
    let folder = TempDir::new().unwrap();
    let (process, run, answers) = in_the_middle(&folder);
    process.catalog.put(Some(Playbook {
        suspended: true,
        ..fetching("first")
    }));
    let refused = process.within(process.engine.start(&request()));
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("'respond' is suspended"), "{message}");
    answers.notify_one();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
}

#[test]
fn an_expression_that_fails_fails_its_action_and_says_why() {
    let folder = TempDir::new().unwrap();
    let playbook = fetching("@div(1, sub(1, 1))");
    let process = Process::start(folder.path(), &playbook, &[("GET /host", Says::Status(200))]);
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::Failed);
    let view = process.view(&run);
    assert_eq!(status_of(&view, "Use"), "Failed");
    let error = |part| {
        view.at(&["actions", "Use", "error", part])
            .and_then(Value::as_str)
            .unwrap()
    };
    assert_eq!(error("code"), "InvalidTemplate");
    assert!(error("message").contains("div"), "{}", error("message"));
}
