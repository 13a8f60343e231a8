//! Two replicas of one database: they share the runs, take over what a dead one leaves, and what one of them is asked it
//! does for runs that the other drives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use riposte::engine::Haste;
use riposte::engine::answer::Reply;
use riposte::engine::content::Playbook;
use riposte::engine::event::Event;
use riposte::engine::invoke::Invoked;
use riposte::engine::start::Request;
use riposte::engine::status::RunStatus;
use riposte::expression::Value;
use serde_json::json;
use tokio::sync::Notify;
use uuid::Uuid;

use super::callbacks::{approvals, asleep, deliver, said};
use super::queue::one_at_once;
use super::{Process, Says, http, playbook, request, status_of};
use crate::postgres::Database;

/// How soon the runs of a dead replica go on.
const TAKEOVER: Duration = Duration::from_secs(10);

fn database() -> Database {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(Database::new())
}

/// Waits until a process holds so many shards and gives up none.
fn holds(process: &Process, count: u32) {
    process.within(async {
        let mut standing = process.store.lease().subscribe().unwrap();
        let settled = standing.wait_for(|standing| standing.held.count() == count && standing.leaving.is_empty());
        settled.await.unwrap();
    });
}

/// Two replicas that share the runs.
fn two(playbook: &Playbook, one: &[(&'static str, Says)], other: &[(&'static str, Says)]) -> (Process, Process) {
    let database = database();
    let one = Process::start(database.address(), playbook, one);
    holds(&one, 64);
    let other = Process::start(database.address(), playbook, other);
    holds(&one, 32);
    holds(&other, 32);
    (one, other)
}

/// A request whose run a process drives.
fn driven_by(process: &Process) -> Request {
    let ids = std::iter::repeat_with(Uuid::new_v4);
    let id = ids.take(10_000).find(|id| process.store.lease().takes(&id.to_string()));
    Request {
        id: Some(id.unwrap()),
        ..request()
    }
}

fn start(process: &Process, request: &Request) -> String {
    process.within(process.engine.start(request)).unwrap().pop().unwrap()
}

#[test]
fn runs_are_shared_and_each_call_is_made_once() {
    let playbook = playbook(&json!({"Get": http("GET", "/host", None), "Post": http("POST", "/ticket", Some("Get"))}));
    let says = [("GET /host", Says::Status(200)), ("POST /ticket", Says::Status(200))];
    let (mut one, mut other) = two(&playbook, &says, &says);
    let runs: Vec<String> = (0..60)
        .map(|n| if n % 2 == 0 { one.run() } else { other.run() })
        .collect();
    for run in &runs {
        assert_eq!(one.ended(run), RunStatus::Succeeded);
        assert_eq!(other.ended(run), RunStatus::Succeeded);
    }
    let calls = [&mut one, &mut other].map(|process| {
        let calls: Vec<_> = std::iter::from_fn(|| process.calls.try_recv().ok()).collect();
        assert!(calls.iter().all(|call| process.store.lease().holds(&call.run)));
        calls
    });
    assert!(calls.iter().all(|calls| calls.len() > 20), "both drive some");
    let mut made = BTreeMap::new();
    for call in calls.iter().flatten() {
        *made.entry(&call.idempotency_key).or_insert(0) += 1;
    }
    assert_eq!((made.len(), made.values().max()), (120, Some(&1)));
}

#[test]
fn what_a_dead_replica_leaves_is_taken_over() {
    let playbook = playbook(&json!({"Get": http("GET", "/host", None), "Use": http("POST", "/use", Some("Get"))}));
    let silent = [("GET /host", Says::Nothing), ("POST /use", Says::Nothing)];
    let says = [("GET /host", Says::Status(200)), ("POST /use", Says::Status(200))];
    let (mut one, other) = two(&playbook, &silent, &says);
    let runs: Vec<String> = (0..40).map(|_| start(&other, &driven_by(&one))).collect();
    for _ in &runs {
        one.next_call();
    }
    one.kill();
    let killed = Instant::now();
    for run in &runs {
        assert_eq!(other.ended(run), RunStatus::Succeeded);
    }
    assert!(killed.elapsed() < TAKEOVER, "{:?}", killed.elapsed());
    holds(&other, 64);
}

#[test]
fn a_replica_that_stops_gives_its_runs_up_at_once() {
    let playbook = playbook(&json!({"Get": http("GET", "/host", None)}));
    let (mut one, other) = two(
        &playbook,
        &[("GET /host", Says::Nothing)],
        &[("GET /host", Says::Status(200))],
    );
    let run = start(&one, &driven_by(&one));
    one.next_call();
    one.stop.cancel();
    let stopped = Instant::now();
    assert_eq!(other.ended(&run), RunStatus::Succeeded);
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
}

#[test]
fn a_replica_that_joins_gets_runs_whose_calls_have_landed() {
    let database = database();
    let playbook =
        playbook(&json!({"Isolate": http("POST", "/isolate", None), "Say": http("POST", "/say", Some("Isolate"))}));
    let answers = Arc::new(Notify::new());
    let says = [
        ("POST /isolate", Says::When(answers.clone())),
        ("POST /say", Says::Status(200)),
    ];
    let mut one = Process::start(database.address(), &playbook, &says);
    holds(&one, 64);
    let runs: Vec<String> = (0..20).map(|_| one.run()).collect();
    for _ in &runs {
        one.next_call();
    }
    let mut other = Process::start(database.address(), &playbook, &[("POST /say", Says::Status(200))]);
    one.within(async {
        let mut standing = one.store.lease().subscribe().unwrap();
        standing
            .wait_for(|standing| !standing.leaving.is_empty())
            .await
            .unwrap();
    });
    for _ in &runs {
        answers.notify_one();
    }
    for run in &runs {
        assert_eq!(
            other.ended(run),
            RunStatus::Succeeded,
            "no call was cut off: its outcome would be unknown"
        );
    }
    holds(&other, 32);
    let said = [one.other_calls().len(), other.other_calls().len()];
    assert!(said[1] > 0 && said[0] + said[1] == runs.len(), "{said:?}");
}

#[test]
fn a_caller_gets_the_answer_of_a_run_that_another_replica_drives() {
    let respond = playbook(&json!({
        "Get": http("GET", "/host", None),
        "Response": {"type": "Response", "runAfter": {"Get": ["Succeeded"]},
                     "inputs": {"statusCode": 201, "body": "@body('Get')"}},
    }));
    let says = |name: &'static str| [("GET /host", Says::Body(name.into()))];
    let (one, other) = two(&respond, &says("one"), &says("other"));
    for (asked, drives, name) in [(&one, &other, "other"), (&other, &one, "one")] {
        let request = driven_by(drives);
        let invoked = asked.within(asked.engine.invoke(&request, TAKEOVER)).unwrap();
        let Invoked::Answered(_, Reply { status, body, .. }) = invoked else {
            panic!("{invoked:?}")
        };
        assert_eq!((status, body), (201, name.as_bytes().to_vec()));
    }
}

#[test]
fn a_run_is_cancelled_through_another_replica() {
    let playbook = playbook(&json!({"Get": http("GET", "/host", None)}));
    let says = [("GET /host", Says::Nothing)];
    let (mut one, other) = two(&playbook, &says, &says);
    let run = start(&one, &driven_by(&one));
    one.next_call();
    other.within(other.engine.cancel(&run, "user/ada", Haste::Now)).unwrap();
    assert_eq!(other.ended(&run), RunStatus::Cancelled);
    assert_eq!(status_of(&one.view(&run), "Get"), "Cancelled");
    // One that has ended is no error, nor one whose end was wished already.
    other.within(other.engine.cancel(&run, "user/ada", Haste::Now)).unwrap();
}

#[test]
fn a_call_in_flight_ends_before_a_run_that_is_cancelled_through_another_replica() {
    let playbook = playbook(&json!({"Get": http("GET", "/host", None), "Post": http("POST", "/ticket", Some("Get"))}));
    let answers = Arc::new(Notify::new());
    let (mut one, other) = two(&playbook, &[("GET /host", Says::When(answers.clone()))], &[]);
    let run = start(&one, &driven_by(&one));
    one.next_call();
    other
        .within(other.engine.cancel(&run, "user/ada", Haste::Gracefully))
        .unwrap();
    let is_told = |event: &Event| matches!(event, Event::Cancelling { .. });
    other.within(async {
        loop {
            let (_, events) = other.engine.history(&run).await.unwrap();
            if events.iter().any(is_told) {
                return;
            }
            other.store.elsewhere().unwrap().changed().await.unwrap();
        }
    });
    answers.notify_one();
    assert_eq!(other.ended(&run), RunStatus::Cancelled);
    let view = one.view(&run);
    assert_eq!(
        (status_of(&view, "Get"), status_of(&view, "Post")),
        ("Succeeded", "Skipped")
    );
    assert_eq!(one.other_calls(), Vec::<String>::new());
}

#[test]
fn what_comes_to_a_link_reaches_the_run_through_any_replica() {
    let says = [
        ("POST /approvals", Says::Status(200)),
        ("DELETE /approvals", Says::Status(204)),
    ];
    let (mut one, mut other) = two(&approvals(None), &says, &says);
    let run = start(&one, &driven_by(&one));
    let first = one.next_call();
    asleep(&one, &run, 3);
    deliver(&other, &first, "mira").unwrap();
    let mut calls = [one.next_call(), one.next_call()];
    calls.sort_by_key(|call| call.method.clone());
    // The second may still be in memory, where nobody asks the store by itself.
    deliver(&other, &calls[1], "ada").unwrap();
    assert_eq!(other.ended(&run), RunStatus::Succeeded);
    assert_eq!(said(&other, &run), Some(Value::from("mira and ada")));
    assert_eq!(other.other_calls(), Vec::<String>::new());
}

#[test]
fn a_queue_of_runs_goes_on_over_replicas() {
    let (one, other) = two(
        &one_at_once(),
        &[("GET /host", Says::Status(200))],
        &[("GET /host", Says::Status(200))],
    );
    for _ in 0..5 {
        let runs = [
            start(&one, &driven_by(&one)),
            start(&one, &driven_by(&other)),
            start(&other, &driven_by(&one)),
        ];
        let begun = Instant::now();
        for run in &runs {
            assert_eq!(one.ended(run), RunStatus::Succeeded);
        }
        assert!(
            begun.elapsed() < TAKEOVER,
            "a run waited for its wake-up: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn pauses_through_two_replicas_at_once_all_hold() {
    let (one, other) = two(&one_at_once(), &[], &[]);
    let names = |from: &str| (0..20).map(|n| format!("{from}-{n}")).collect::<Vec<_>>();
    let pause = |process: &Process, names: Vec<String>| {
        let engine = process.engine.clone();
        process.runtime.spawn(async move {
            for name in names {
                engine.pause(Some(&name), "user/ada").await.unwrap();
            }
        })
    };
    let pausing = [pause(&one, names("one")), pause(&other, names("other"))];
    for pausing in pausing {
        one.within(pausing).unwrap();
    }
    let stored = one.within(one.store.setting("pauses")).unwrap().unwrap();
    for name in [names("one"), names("other")].concat() {
        assert!(
            stored.contains(&format!("\"{name}\"")),
            "{name} is not paused: {stored}"
        );
    }
}
