//! What people do with runs: they cancel them, and resubmit them as a whole or from an action on.

use std::sync::Arc;

use riposte::engine::Haste;
use riposte::engine::content::Playbook;
use riposte::engine::event::Event;
use riposte::engine::resubmit::{Resubmission, ResubmitError};
use riposte::engine::shell::StartError;
use riposte::engine::start::{Refused, Request};
use riposte::engine::status::RunStatus;
use riposte::expression::Value;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{CANARY, Process, Says, http, playbook, request, status_of};

/// A call, and what follows it.
fn two_calls() -> Playbook {
    playbook(&json!({"Get": http("GET", "/host", None), "Post": http("POST", "/ticket", Some("Get"))}))
}

/// Waits until the journal of a run has an event like this.
fn event_where(process: &Process, run: &str, is_it: impl Fn(&Event) -> bool) {
    process.within(async {
        let mut commits = process.store.subscribe();
        loop {
            let (_, events) = process.engine.history(run).await.unwrap();
            if events.iter().any(&is_it) {
                return;
            }
            commits.changed().await.unwrap();
        }
    });
}

fn cancel(process: &Process, run: &str, haste: Haste) {
    process.within(process.engine.cancel(run, "user/ada", haste)).unwrap();
}

/// Cancels a run whose calls are in flight: it goes on until they have ended.
fn cancel_in_flight(process: &Process, run: &str) {
    cancel(process, run, Haste::Gracefully);
    event_where(process, run, |event| matches!(event, Event::Cancelling { .. }));
}

#[test]
fn a_call_in_flight_ends_before_a_gracefully_cancelled_run() {
    let folder = TempDir::new().unwrap();
    let answers = Arc::new(Notify::new());
    let says = [("GET /host", Says::When(answers.clone()))];
    let mut process = Process::start(folder.path(), &two_calls(), &says);
    let run = process.run();
    process.next_call();
    cancel_in_flight(&process, &run);
    assert_eq!(status_of(&process.view(&run), "Get"), "Running", "it is not broken off");
    cancel(&process, &run, Haste::Gracefully);
    answers.notify_one();
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
    let view = process.view(&run);
    assert_eq!(
        (status_of(&view, "Get"), status_of(&view, "Post")),
        ("Succeeded", "Skipped")
    );
    assert_eq!(process.other_calls(), Vec::<String>::new(), "nothing begins any more");
}

#[test]
fn a_wish_to_end_a_run_survives_the_process_that_took_it() {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path(), &two_calls(), &[("GET /host", Says::Nothing)]);
    let run = process.run();
    process.next_call();
    cancel(&process, &run, Haste::Gracefully);
    process.kill();
    let says = [("GET /host", Says::Status(200)), ("POST /ticket", Says::Status(200))];
    let process = Process::start(folder.path(), &two_calls(), &says);
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
}

#[test]
fn who_has_no_patience_ends_the_run_at_once() {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path(), &two_calls(), &[("GET /host", Says::Nothing)]);
    let run = process.run();
    process.next_call();
    cancel_in_flight(&process, &run);
    cancel(&process, &run, Haste::Now);
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
    assert_eq!(status_of(&process.view(&run), "Get"), "Cancelled");
}

#[test]
fn a_cancelled_run_begins_nothing_after_a_crash() {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path(), &two_calls(), &[("GET /host", Says::Nothing)]);
    let run = process.run();
    process.next_call();
    cancel_in_flight(&process, &run);
    process.kill();
    let mut process = Process::start(folder.path(), &two_calls(), &[]);
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
    assert_eq!(process.other_calls(), Vec::<String>::new());
    let message = process.view(&run).at(&["error", "message"]).cloned();
    assert_eq!(message, Some(Value::from("The run was cancelled by user/ada.")));
}

#[test]
fn a_failed_call_of_a_cancelled_run_is_not_tried_again() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({
        "Get": http("GET", "/host", None),
        "Retry": {"type": "Http", "inputs": {"method": "GET", "uri": "/busy",
            "retryPolicy": {"type": "fixed", "count": 90, "interval": "PT5S"}}},
    }));
    let answers = Arc::new(Notify::new());
    let says = [
        ("GET /host", Says::When(answers.clone())),
        ("GET /busy", Says::Status(503)),
    ];
    let mut process = Process::start(folder.path(), &playbook, &says);
    let run = process.run();
    process.next_call();
    process.next_call();
    event_where(&process, &run, |event| matches!(event, Event::Retrying { .. }));
    cancel_in_flight(&process, &run);
    answers.notify_one();
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
    let view = process.view(&run);
    assert_eq!(
        (status_of(&view, "Get"), status_of(&view, "Retry")),
        ("Succeeded", "Cancelled")
    );
    assert_eq!(process.other_calls(), Vec::<String>::new());
}

fn wish(run: &str) -> Resubmission {
    Resubmission {
        run: run.into(),
        requester: "user/ada".into(),
        ..Resubmission::default()
    }
}

fn from(run: &str, action: &str) -> Resubmission {
    Resubmission {
        from: Some(action.into()),
        ..wish(run)
    }
}

fn resubmit(process: &Process, wish: &Resubmission) -> String {
    process.within(process.engine.resubmit(wish)).unwrap()
}

fn refused(process: &Process, wish: &Resubmission) -> Refused {
    match process.within(process.engine.resubmit(wish)) {
        Err(ResubmitError::Start(StartError::Refused(refused))) => refused,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

/// Starts the playbook with this body.
fn started_with(process: &Process, body: &serde_json::Value) -> String {
    let request = Request {
        body: Value::from(body),
        ..request()
    };
    process.within(process.engine.start(&request)).unwrap().pop().unwrap()
}

fn output(process: &Process, run: &str, action: &str) -> Value {
    let view = process.view(run);
    view.at(&["actions", action, "outputs"]).cloned().unwrap_or_default()
}

fn echo(prefix: &str) -> Playbook {
    let inputs = format!("{prefix}@{{triggerBody()?['who']}}");
    playbook(&json!({"Echo": {"type": "Compose", "inputs": inputs}}))
}

#[test]
fn a_resubmitted_run_has_the_same_trigger_and_the_definition_of_today_or_its_own() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), &echo("before "), &[]);
    let run = started_with(&process, &json!({"who": "eve"}));
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    process.catalog.put(Some(Playbook {
        hash: "other".into(),
        ..echo("now ")
    }));
    let again = resubmit(&process, &wish(&run));
    assert_eq!(process.ended(&again), RunStatus::Succeeded);
    assert_eq!(output(&process, &again, "Echo"), Value::from("now eve"));
    let row = process.within(process.store.run(&again)).unwrap().unwrap();
    assert_eq!(row.resubmit_of.as_deref(), Some(run.as_str()));
    assert_eq!(row.definition.as_deref(), Some("other"));
    let (_, events) = process.within(process.engine.history(&again)).unwrap();
    let Event::Opened(opened) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(
        (opened.requester.as_str(), opened.resubmit_of.as_ref()),
        ("user/ada", Some(&run))
    );

    let pinned = Resubmission {
        is_pinned: true,
        ..wish(&run)
    };
    let third = resubmit(&process, &pinned);
    assert_eq!(process.ended(&third), RunStatus::Succeeded);
    assert_eq!(output(&process, &third, "Echo"), Value::from("before eve"));
}

#[test]
fn the_same_wish_with_the_same_key_makes_one_run() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), &echo(""), &[]);
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    let keyed = |key: &str| Resubmission {
        key: Some(key.into()),
        ..wish(&run)
    };
    let first = resubmit(&process, &keyed("a"));
    assert_eq!(resubmit(&process, &keyed("a")), first);
    assert_ne!(resubmit(&process, &keyed("b")), first);
    assert_ne!(resubmit(&process, &wish(&run)), first);
}

/// An order: a variable that a loop counts up, a ticket, a call that may fail, and what is made of all.
fn order(last: &str) -> serde_json::Value {
    json!({
        "Count": {"type": "InitializeVariable", "inputs": {"variables": [{"name": "n", "type": "integer", "value": 0}]}},
        "Loop": {"type": "Foreach", "foreach": [1, 2, 3], "runAfter": {"Count": ["Succeeded"]}, "actions": {
            "If": {"type": "If", "expression": "@equals(item(), 2)",
                "actions": {"Two": {"type": "Compose", "inputs": "two"}},
                "else": {"actions": {"Other": {"type": "Compose", "inputs": "other"}}}},
            "Up": {"type": "IncrementVariable", "runAfter": {"If": ["Succeeded"]}, "inputs": {"name": "n", "value": 1}},
        }, "operationOptions": "Sequential"},
        "Open": http("POST", "/ticket", Some("Loop")),
        "Beside": http("POST", "/beside", Some("Loop")),
        "Fetch": {"type": "Http", "runAfter": {"Open": ["Succeeded"]},
            "inputs": {"method": "GET", "uri": "/host", "retryPolicy": {"type": "none"}}},
        "Use": {"type": "Compose", "runAfter": {"Fetch": ["Succeeded"], "Beside": ["Succeeded"]}, "inputs": last},
    })
}

const USED: &str = "@concat(string(variables('n')), body('Open'), body('Fetch'))";
const SAYS: [(&str, Says); 3] = [
    ("POST /ticket", Says::Status(200)),
    ("POST /beside", Says::Status(200)),
    ("GET /host", Says::Status(500)),
];

#[test]
fn from_an_action_on_what_ended_before_keeps_its_end() {
    let folder = TempDir::new().unwrap();
    let says = |host: Says| {
        let ticket = Says::Body("-T1-".into());
        [
            ("POST /ticket", ticket),
            ("POST /beside", Says::Status(200)),
            ("GET /host", host),
        ]
    };
    let mut process = Process::start(folder.path(), &playbook(&order(USED)), &says(Says::Status(500)));
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::Failed);
    assert_eq!(process.other_calls().len(), 3);
    process.kill();

    let mut process = Process::start(
        folder.path(),
        &playbook(&order(USED)),
        &says(Says::Body("web-1".into())),
    );
    let again = resubmit(&process, &from(&run, "fetch"));
    assert_eq!(process.ended(&again), RunStatus::Succeeded);
    assert_eq!(process.other_calls(), ["GET /host"]);
    assert_eq!(output(&process, &again, "Use"), Value::from("3-T1-web-1"));
    let (before, after) = (process.view(&run), process.view(&again));
    for action in ["Loop", "If", "Up", "Two", "Open", "Beside"] {
        assert_eq!(
            before.at(&["actions", action]),
            after.at(&["actions", action]),
            "{action}"
        );
    }
    // What a run took over it can hand on.
    let third = resubmit(&process, &from(&again, "Use"));
    assert_eq!(process.ended(&third), RunStatus::Succeeded);
    assert_eq!(process.other_calls(), Vec::<String>::new());
    assert_eq!(output(&process, &third, "Use"), Value::from("3-T1-web-1"));
}

#[test]
fn from_an_action_on_the_definition_may_be_another_if_what_was_recorded_fits() {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path(), &playbook(&order("@div(1, 0)")), &{
        let mut says = SAYS;
        says[2].1 = Says::Body("web-1".into());
        says
    });
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::Failed);
    process.other_calls();
    // An action before all others moves the numbers of the rest.
    let mut fixed = json!({"First": {"type": "Compose", "inputs": "new"}});
    let rest = order("@concat(string(variables('n')), body('Fetch'))");
    for (name, action) in rest.as_object().unwrap() {
        fixed[name] = action.clone();
    }
    process.catalog.put(Some(Playbook {
        hash: "fixed".into(),
        ..playbook(&fixed)
    }));
    let again = resubmit(&process, &from(&run, "Use"));
    assert_eq!(process.ended(&again), RunStatus::Succeeded);
    assert_eq!(output(&process, &again, "Use"), Value::from("3web-1"));
    assert_eq!(
        output(&process, &again, "First"),
        Value::from("new"),
        "what is new runs"
    );
    assert_eq!(process.other_calls(), Vec::<String>::new());

    fixed["Loop"]["actions"] = json!({"Up": {"type": "Compose", "inputs": 1}});
    process.catalog.put(Some(Playbook {
        hash: "apart".into(),
        ..playbook(&fixed)
    }));
    let refusal = refused(&process, &from(&run, "Use")).to_string();
    assert!(refusal.contains("does not fit the definition"), "{refusal}");
    let pinned = Resubmission {
        is_pinned: true,
        ..from(&run, "Use")
    };
    assert_eq!(process.ended(&resubmit(&process, &pinned)), RunStatus::Failed);
}

#[test]
fn what_cannot_be_resubmitted_is_refused_with_a_reason() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), &playbook(&order(USED)), &SAYS);
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::Failed);
    for (wish, part) in [
        (wish("none"), "there is no such run"),
        (from(&run, "Nothing"), "has no action 'Nothing'"),
        (from(&run, "two"), "'Two' stands inside of 'Loop'"),
        (from(&run, "Use"), "'Use' did not run in it"),
    ] {
        let refusal = refused(&process, &wish);
        assert_eq!(refusal.code(), "NotResubmittable");
        assert!(refusal.to_string().contains(part), "{refusal}");
    }
    let suspended = Playbook {
        suspended: true,
        ..playbook(&order(USED))
    };
    process.catalog.put(Some(suspended));
    assert!(matches!(refused(&process, &wish(&run)), Refused::Suspended(_)));
    process.catalog.put(None);
    assert!(matches!(refused(&process, &wish(&run)), Refused::NotFound(_)));
}

/// A playbook whose trigger and call have secure outputs; `last` decides how it ends.
fn secretive(last: &str) -> Playbook {
    let mut secure = http("GET", "/host", None);
    secure["runtimeConfiguration"] = json!({"secureData": {"properties": ["outputs"]}});
    let use_it = json!({"type": "Compose", "runAfter": {"Get": ["Succeeded"]}, "inputs": last});
    playbook(&json!({"Get": secure, "Use": use_it}))
}

#[test]
fn sealed_values_of_a_failed_run_are_there_for_its_resubmission_and_others_are_not() {
    let folder = TempDir::new().unwrap();
    let says = [("GET /host", Says::Body(CANARY.into()))];
    let mut process = Process::start(folder.path(), &secretive("@div(length(body('Get')), 0)"), &says);
    let failed = process.run();
    assert_eq!(process.ended(&failed), RunStatus::Failed);
    process.other_calls();
    process.catalog.put(Some(Playbook {
        hash: "fixed".into(),
        ..secretive("@length(body('Get'))")
    }));
    let again = resubmit(&process, &from(&failed, "Use"));
    assert_eq!(process.ended(&again), RunStatus::Succeeded);
    assert_eq!(process.other_calls(), Vec::<String>::new());
    super::assert_nowhere(folder.path());

    let refusal = refused(&process, &from(&again, "Use")).to_string();
    assert!(refusal.contains("were erased"), "it ended well: {refusal}");
    assert_eq!(process.ended(&resubmit(&process, &wish(&again))), RunStatus::Succeeded);
    let in_a_year = super::now() + 365 * 24 * super::HOUR;
    process.within(process.store.erase_due(in_a_year)).unwrap();
    let refusal = refused(&process, &from(&failed, "Use")).to_string();
    assert!(refusal.contains("were erased"), "its time is over: {refusal}");
}
