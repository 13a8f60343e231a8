//! Playbooks that call each other.

use std::time::Duration;

use riposte::engine::Haste;
use riposte::engine::content::Playbook;
use riposte::engine::status::RunStatus;
use riposte::expression::Value;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::{Process, defined, playbook, text};

const HOLD: Duration = Duration::from_secs(30);

/// An action that calls a playbook.
fn calling(id: &str) -> Json {
    json!({"type": "Workflow", "inputs": {
        "host": {"triggerName": "manual", "workflow": {"id": id}},
        "headers": {"x-mark": "m-1", "Authorization": "Bearer canary-91"},
        "queries": {"full": true}, "body": "@triggerBody()"}})
}

fn parent(id: &str) -> Playbook {
    playbook("soc", "parent", &json!({"Call": calling(id)}))
}

/// A playbook that answers with what it was asked, after it asked `path`.
fn echo(namespace: &str, name: &str, path: &str) -> Playbook {
    playbook(
        namespace,
        name,
        &json!({
            "Ask": {"type": "Http", "inputs": {"method": "GET", "uri": path}},
            "Response": {"type": "Response", "kind": "Http", "runAfter": {"Ask": ["Succeeded"]}, "inputs": {
                "statusCode": 201, "headers": {"x-from": "child"}, "body": {
                    "got": "@triggerBody()", "full": "@triggerOutputs()?['queries']?['full']", "mark": "@triggerOutputs()?['headers']?['x-mark']",
                    "tracking": "@trigger()?['clientTrackingId']",
                    "from": "@triggerOutputs()?['headers']?['x-ms-workflow-name']"}}},
        }),
    )
}

#[test]
fn a_playbook_is_called_and_its_response_is_the_answer() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(
        folder.path(),
        &[parent("block-ip"), echo("soc", "block-ip", "/x")],
        HOLD,
    );
    let run = process.run(&json!({"ip": "192.0.2.1"}));
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    let view = process.view(&run);
    let call = view.at(&["actions", "Call"]).unwrap();
    assert_eq!(text(call, &["outputs", "statusCode"]), "201");
    assert_eq!(text(call, &["outputs", "headers", "x-from"]), "child");
    let body = call.at(&["outputs", "body"]).unwrap();
    assert_eq!(
        body.to_json(),
        r#"{"got":{"ip":"192.0.2.1"},"full":"True","mark":"m-1","tracking":"track-1","from":"parent"}"#
    );
    let children = process.runs("block-ip");
    assert_eq!(children.len(), 1);
    assert_eq!(children[0].parent.as_deref(), Some(run.as_str()));
    let (_, events) = process.within(process.engine.history(&children[0].id)).unwrap();
    assert!(
        !serde_json::to_string(&events).unwrap().contains("canary"),
        "{events:?}"
    );
}

#[test]
fn arm_ids_name_playbooks_of_this_and_of_other_namespaces() {
    let group = |subscription: &str, group: &str, name: &str| {
        format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Logic/workflows/{name}")
    };
    const ZEROS: &str = "00000000-0000-0000-0000-000000000000";
    let children = [
        echo("soc", "block-ip", "/x"),
        echo("shared", "block-ip", "/x"),
        echo("closed", "block-ip", "/x"),
    ];
    let cases = [
        (group("1234", "any", "Block-IP"), Ok("soc")),
        (group(ZEROS, "soc", "block-ip"), Ok("soc")),
        (group(ZEROS, "Shared", "Block IP"), Ok("shared")),
        (group("F00D", "rg-shared", "Block-IP"), Ok("shared")),
        (group(ZEROS, "closed", "block-ip"), Err("MissingGrant")),
        (group(ZEROS, "soc", "block-ips"), Err("PlaybookNotFound")),
        ("/subscriptions/x".to_owned(), Err("InvalidPlaybookId")),
    ];
    for (id, expected) in cases {
        let folder = TempDir::new().unwrap();
        let all = [&[parent(&id)][..], &children].concat();
        let process = Process::start(folder.path(), &all, HOLD);
        let action = process.action(&json!({}), "Call");
        let ran = process.runs("block-ip");
        match expected {
            Ok(namespace) => {
                assert_eq!(text(&action, &["status"]), "Succeeded", "{id}: {action:?}");
                assert_eq!(ran[0].namespace, namespace, "{id}");
            }
            Err(code) => {
                assert_eq!(text(&action, &["error", "code"]), code, "{id}");
                assert!(ran.is_empty(), "{id}");
            }
        }
        if expected == Err("MissingGrant") {
            let message = text(&action, &["error", "message"]);
            assert!(
                message.contains("system:serviceaccount:soc:riposte-automation"),
                "{message}"
            );
            assert!(message.contains("kubectl apply -f - <<'EOF'"), "{message}");
        }
    }
}

#[test]
fn what_cannot_answer_is_not_started() {
    let mute = playbook("soc", "mute", &json!({"Do": {"type": "Compose", "inputs": 1}}));
    let scheduled = defined(
        "soc",
        "scheduled",
        &json!({"triggers": {"Every": {"type": "Recurrence", "recurrence": {"frequency": "Day", "interval": 1}}},
            "actions": {"Do": {"type": "Compose", "inputs": 1}}}),
    );
    let mut suspended = echo("soc", "suspended", "/x");
    suspended.suspended = true;
    let cases = [
        ("mute", "NestedWorkflowDoesNotContainResponseAction"),
        ("scheduled", "UnsupportedTrigger"),
        ("suspended", "PlaybookSuspended"),
    ];
    for (name, code) in cases {
        let folder = TempDir::new().unwrap();
        let all = [parent(name), mute.clone(), scheduled.clone(), suspended.clone()];
        let process = Process::start(folder.path(), &all, HOLD);
        let action = process.action(&json!({}), "Call");
        assert_eq!(text(&action, &["error", "code"]), code, "{action:?}");
        assert!(process.runs(name).is_empty(), "{name}");
    }
}

#[test]
fn a_playbook_that_fails_before_it_answers_is_a_bad_gateway_and_runs_once() {
    let folder = TempDir::new().unwrap();
    let child = playbook(
        "soc",
        "child",
        &json!({
            "Fail": {"type": "Compose", "inputs": "@div(1, 0)"},
            "Response": {"type": "Response", "runAfter": {"Fail": ["Succeeded"]}, "inputs": {"statusCode": 200}},
        }),
    );
    let process = Process::start(folder.path(), &[parent("child"), child], HOLD);
    let action = process.action(&json!({}), "Call");
    assert_eq!(text(&action, &["code"]), "BadGateway", "{action:?}");
    assert_eq!(text(&action, &["outputs", "body", "error", "code"]), "NoResponse");
    assert_eq!(process.runs("child").len(), 1);
}

#[test]
fn a_playbook_that_calls_itself_comes_to_an_end() {
    let folder = TempDir::new().unwrap();
    let own = playbook(
        "soc",
        "parent",
        &json!({
            "Call": calling("parent"),
            "Response": {"type": "Response", "runAfter": {"Call": ["Succeeded", "Failed"]}, "inputs": {
                "statusCode": 200, "body": "@coalesce(actions('Call')?['error']?['message'], body('Call'))"}},
        }),
    );
    let process = Process::start(folder.path(), &[own], HOLD);
    let action = process.action(&json!({}), "Call");
    let innermost = text(&action, &["outputs", "body"]);
    assert!(innermost.contains("'parent' calls 'parent'"), "{innermost}");
    assert_eq!(process.runs("parent").len(), 25);
}

#[test]
fn a_run_that_waits_for_long_leaves_the_memory_and_both_survive_a_crash() {
    let folder = TempDir::new().unwrap();
    let (slow, fast) = (echo("soc", "child", "/never"), echo("soc", "child", "/now"));
    let mut process = Process::start(folder.path(), &[parent("child"), slow], Duration::ZERO);
    let run = process.run(&json!({"n": 7}));
    assert_eq!(process.next_call().path, "/never");
    process.within(async {
        let mut commits = process.store.subscribe();
        loop {
            let (workflow, events) = process.engine.history(&run).await.unwrap();
            let view = riposte::engine::view::run(
                &workflow,
                &riposte::engine::state::State::fold(&workflow, &events).unwrap(),
            );
            if text(&view, &["actions", "Call", "status"]) == "Waiting" {
                break;
            }
            commits.changed().await.unwrap();
        }
    });
    drop(process);

    // The definition that a run began with is pinned: its call is made again, and answered this time.
    let mut process = Process::start(folder.path(), &[parent("child"), fast], Duration::ZERO);
    assert_eq!(process.next_call().path, "/never");
    process
        .within(
            process
                .engine
                .cancel(&process.runs("child")[0].id, "user/test", Haste::Now),
        )
        .unwrap();
    assert_eq!(process.ended(&run), RunStatus::Failed);
    let children = process.runs("child");
    assert_eq!(children.len(), 1, "the child is one");
    let action = process
        .view(&run)
        .at(&["actions", "Call"])
        .cloned()
        .unwrap_or(Value::Null);
    assert_eq!(text(&action, &["code"]), "BadGateway", "{action:?}");
}

#[test]
fn a_run_that_is_cancelled_does_not_wait_for_another_playbook_which_goes_on() {
    let folder = TempDir::new().unwrap();
    let all = [parent("child"), echo("soc", "child", "/never")];
    let mut process = Process::start(folder.path(), &all, HOLD);
    let run = process.run(&json!({"n": 7}));
    process.next_call();
    process
        .within(process.engine.cancel(&run, "user/test", Haste::Gracefully))
        .unwrap();
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
    let child = &process.runs("child")[0];
    assert_eq!((child.ended_at, child.parent.as_ref()), (None, Some(&run)));
}

#[test]
fn a_crash_while_it_waits_starts_nothing_twice() {
    let folder = TempDir::new().unwrap();
    let all = [parent("child"), echo("soc", "child", "/never")];
    let mut process = Process::start(folder.path(), &all, HOLD);
    let run = process.run(&json!({"n": 7}));
    process.next_call();
    let child = process.runs("child")[0].id.clone();
    drop(process);

    let mut process = Process::start(folder.path(), &all, HOLD);
    process.next_call();
    process
        .within(process.engine.cancel(&child, "user/test", Haste::Now))
        .unwrap();
    assert_eq!(process.ended(&run), RunStatus::Failed);
    let children = process.runs("child");
    assert_eq!((children.len(), children[0].id.as_str()), (1, child.as_str()));
    let message = text(
        process.view(&run).at(&["actions", "Call"]).unwrap(),
        &["outputs", "body", "error", "message"],
    );
    assert!(message.contains("ended as Cancelled without a response"), "{message}");
}

#[test]
fn who_calls_is_told_unless_the_author_suppresses_it() {
    let folder = TempDir::new().unwrap();
    let asking = json!({"type": "Http", "inputs": {"method": "GET", "uri": "/x", "headers": {
        "X-MS-Client-Tracking-Id": "own"}}});
    let mut silent = asking.clone();
    silent["operationOptions"] = json!("SuppressWorkflowHeaders");
    silent["runAfter"] = json!({"Told": ["Succeeded"]});
    let actions = json!({"Told": asking, "Silent": silent});
    let mut process = Process::start(folder.path(), &[playbook("soc", "parent", &actions)], HOLD);
    process.run(&json!({}));
    let (told, silent) = (process.next_call(), process.next_call());
    let header = |name: &str| {
        let mut headers = told.headers.iter();
        let found = headers.find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(header("x-ms-workflow-name"), Some("parent"));
    assert_eq!(header("x-ms-workflow-operation-name"), Some("Told"));
    assert_eq!(header("x-ms-workflow-run-id"), Some(told.run.as_str()));
    assert_eq!(header("x-ms-client-tracking-id"), Some("own"));
    assert_eq!(silent.headers.len(), 1, "{:?}", silent.headers);
}
