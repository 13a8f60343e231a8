//! Webhook actions over a real store: what comes to their callback URLs, when it comes, and what a crash leaves of it.

use std::sync::Arc;

use riposte::engine::Haste;
use riposte::engine::Undelivered;
use riposte::engine::call::Call;
use riposte::engine::callback::{Invalid, Link, Ticket, parse_node};
use riposte::engine::content::Playbook;
use riposte::engine::incoming::Incoming;
use riposte::engine::status::RunStatus;
use riposte::expression::Value;
use riposte::store::{DeliveryRow, Operation, Sealer, Transaction};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{HOUR, Process, Says, now, playbook, status_of};

const SUBSCRIBE: &str = "POST /approvals";
const WITHDRAW: &str = "DELETE /approvals";

/// A playbook that asks twice, one after the other, and says what it was told.
pub(super) fn approvals(limit: Option<&str>) -> Playbook {
    let webhook = |after: Option<&str>| {
        let run_after = after.map(|name| (name.to_owned(), json!(["Succeeded"])));
        let mut action = json!({
            "type": "HttpWebhook",
            "runAfter": run_after.into_iter().collect::<serde_json::Map<_, _>>(),
            "inputs": {
                "subscribe": {"method": "POST", "uri": "/approvals", "body": "@listCallbackUrl()",
                              "retryPolicy": {"type": "none"}},
                "unsubscribe": {"method": "DELETE", "uri": "/approvals", "body": "@listCallbackUrl()"},
            },
        });
        if let Some(limit) = limit {
            action["limit"] = json!({ "timeout": limit });
        }
        action
    };
    playbook(&json!({
        "First": webhook(None),
        "Second": webhook(Some("First")),
        "Say": {"type": "Compose", "runAfter": {"Second": ["Succeeded"]},
                "inputs": "@concat(body('First')?['by'], ' and ', body('Second')?['by'])"},
    }))
}

/// The link that a service was given.
fn link(call: &Call) -> (Link, Ticket) {
    let url = url::Url::parse(call.body.as_ref().unwrap().as_str().unwrap()).unwrap();
    let mut segments = url.path_segments().unwrap().skip(2);
    let run = segments.next().unwrap().to_owned();
    let node = parse_node(segments.next().unwrap()).unwrap();
    let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let ticket = Ticket {
        expires: query("se").parse().ok(),
        signature: query("sig"),
    };
    (Link::Action { run, node }, ticket)
}

pub(super) fn deliver(process: &Process, call: &Call, by: &str) -> Result<(), Undelivered> {
    let (link, ticket) = link(call);
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let body = json!({ "by": by }).to_string();
    let incoming = Incoming {
        headers: &headers,
        body: body.as_bytes(),
    };
    process.within(process.engine.deliver(&link, &ticket, incoming))
}

pub(super) fn said(process: &Process, run: &str) -> Option<Value> {
    process.view(run).at(&["actions", "Say", "outputs"]).cloned()
}

/// Waits until the run waits outside of the memory.
pub(super) fn asleep(process: &Process, run: &str, seq: i64) {
    process.row_where(run, |row| {
        row.seq >= seq && row.wake_at.is_some_and(|at| at > now() + HOUR)
    });
}

#[test]
fn a_link_is_used_once_and_the_service_is_told_that_it_is_of_no_more_use() {
    let folder = TempDir::new().unwrap();
    let says = [(SUBSCRIBE, Says::Status(200)), (WITHDRAW, Says::Status(204))];
    let mut process = Process::start(folder.path(), &approvals(None), &says);
    let run = process.run();
    let first = process.next_call();
    asleep(&process, &run, 3);
    deliver(&process, &first, "mira").unwrap();
    let mut calls = [process.next_call(), process.next_call()];
    calls.sort_by_key(|call| call.method.clone());
    let [withdrawn, second] = calls;
    assert_eq!((withdrawn.method.as_str(), &withdrawn.body), ("DELETE", &first.body));
    assert_ne!(second.body, first.body, "each action has a link of its own");
    assert!(matches!(deliver(&process, &first, "eve"), Err(Undelivered::Used)));

    let (node, mut ticket) = link(&second);
    let nothing = Incoming {
        headers: &[],
        body: b"",
    };
    ticket.expires = ticket.expires.map(|at| at + 1);
    let forged = process.within(process.engine.deliver(&node, &ticket, nothing));
    assert!(matches!(forged, Err(Undelivered::Invalid(Invalid::Forged))));

    deliver(&process, &second, "ada").unwrap();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    assert_eq!(said(&process, &run), Some(Value::from("mira and ada")));
    assert!(matches!(deliver(&process, &second, "eve"), Err(Undelivered::Ended)));
    let signature = link(&first).1.signature;
    assert_nowhere(folder.path(), &signature);
    assert!(!process.view(&run).to_json().contains(&signature));
}

fn assert_nowhere(folder: &std::path::Path, text: &str) {
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()));
    }
}

#[test]
fn what_came_before_a_crash_is_taken_once_after_it() {
    let folder = TempDir::new().unwrap();
    let says = [(SUBSCRIBE, Says::Status(200)), (WITHDRAW, Says::Status(204))];
    let mut process = Process::start(folder.path(), &approvals(None), &says);
    let run = process.run();
    let first = process.next_call();
    asleep(&process, &run, 3);
    // On disk, but the process dies before the run hears of it.
    let node = "0-0".to_owned();
    let plain = json!({ "headers": {}, "body": { "by": "mira" } }).to_string();
    let bytes = Sealer::new([7; 32]).seal(&format!("inbox/{run}/{node}"), plain.as_bytes());
    let row = DeliveryRow {
        run: run.clone(),
        node,
        at: now(),
        bytes,
    };
    let operations = vec![Operation::Deliver(row)];
    process
        .within(process.store.commit(Transaction { operations }))
        .unwrap();
    process.kill();

    let mut process = Process::start(folder.path(), &approvals(None), &says);
    let mut calls = [process.next_call(), process.next_call()];
    calls.sort_by_key(|call| call.method.clone());
    let [_, second] = calls;
    assert!(matches!(deliver(&process, &first, "eve"), Err(Undelivered::Used)));
    deliver(&process, &second, "ada").unwrap();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    assert_eq!(said(&process, &run), Some(Value::from("mira and ada")));
    assert_eq!(process.within(process.store.inbox(&run)).unwrap(), []);
}

#[test]
fn what_comes_before_the_subscription_is_answered_is_kept() {
    let folder = TempDir::new().unwrap();
    let answers = Arc::new(Notify::new());
    let says = [(SUBSCRIBE, Says::When(answers.clone())), (WITHDRAW, Says::Status(204))];
    let mut process = Process::start(folder.path(), &approvals(None), &says);
    let run = process.run();
    let first = process.next_call();
    deliver(&process, &first, "mira").unwrap();
    assert_eq!(status_of(&process.view(&run), "First"), "Running");
    answers.notify_one();
    let mut calls = [process.next_call(), process.next_call()];
    calls.sort_by_key(|call| call.method.clone());
    let [_, second] = calls;

    // The answer of a subscription is lost with the process, but what came says that it was made.
    deliver(&process, &second, "ada").unwrap();
    process.kill();
    let mut process = Process::start(folder.path(), &approvals(None), &[(WITHDRAW, Says::Status(204))]);
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    assert_eq!(process.next_call().method, "DELETE");
    assert_eq!(said(&process, &run), Some(Value::from("mira and ada")));
}

#[test]
fn silence_times_out_and_the_subscription_is_taken_back() {
    let folder = TempDir::new().unwrap();
    let says = [(SUBSCRIBE, Says::Status(200)), (WITHDRAW, Says::Status(503))];
    let mut process = Process::start(folder.path(), &approvals(Some("PT1S")), &says);
    let run = process.run();
    let first = process.next_call();
    assert_eq!(process.ended(&run), RunStatus::TimedOut);
    assert_eq!(status_of(&process.view(&run), "First"), "TimedOut");
    assert_eq!(process.next_call().method, "DELETE");
    let late = deliver(&process, &first, "late");
    assert!(matches!(late, Err(Undelivered::Invalid(Invalid::Expired))));
}

#[test]
fn a_cancelled_run_and_a_refused_subscription_are_taken_back() {
    let folder = TempDir::new().unwrap();
    let says = [(SUBSCRIBE, Says::Status(200)), (WITHDRAW, Says::Status(204))];
    let mut process = Process::start(folder.path(), &approvals(None), &says);
    let run = process.run();
    process.next_call();
    asleep(&process, &run, 3);
    process
        .within(process.engine.cancel(&run, "user/ada", Haste::Now))
        .unwrap();
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
    assert_eq!(process.next_call().method, "DELETE");
    process.kill();

    let says = [(SUBSCRIBE, Says::Status(400)), (WITHDRAW, Says::Status(204))];
    let mut process = Process::start(folder.path(), &approvals(None), &says);
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::Failed);
    assert_eq!(
        [process.next_call().method, process.next_call().method],
        ["POST", "DELETE"]
    );
}

#[test]
fn what_comes_for_an_action_that_has_ended_lets_the_run_rest() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({
        "Ask": {"type": "HttpWebhook", "inputs": {"subscribe": {
            "method": "POST", "uri": "/approvals", "body": "@listCallbackUrl()", "retryPolicy": {"type": "none"}}}},
        "Rest": {"type": "Wait", "runAfter": {"Ask": ["Failed"]}, "inputs": {"interval": {"count": 2, "unit": "Hour"}}},
    }));
    let mut process = Process::start(folder.path(), &playbook, &[(SUBSCRIBE, Says::Status(400))]);
    let run = process.run();
    // The service refuses the subscription, and calls back all the same.
    let call = process.next_call();
    asleep(&process, &run, 4);
    deliver(&process, &call, "mira").unwrap();
    asleep(&process, &run, 4);
    assert_eq!(process.within(process.store.inbox(&run)).unwrap(), []);
}
