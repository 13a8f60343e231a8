//! Long loops on the pure core: work that grows with the square of the iterations would not end in a test's time.

use riposte::definition;
use riposte::engine::call::Answer;
use riposte::engine::callback::Links;
use riposte::engine::clock::Moment;
use riposte::engine::event::{Event, NodeId, Opened};
use riposte::engine::plan::Planner;
use riposte::engine::state::{Ready, State};
use riposte::engine::status::RunStatus;
use riposte::engine::view;
use riposte::expression::Value;
use serde_json::json;

const ITERATIONS: i64 = 20_000;

/// Drives a run as the shell does, with a service that answers 200 at once, and looks at its timer after each event.
fn drive(actions: &serde_json::Value) -> (definition::Workflow, State) {
    let trigger = json!({"manual": {"type": "Request", "kind": "Http", "inputs": {}}});
    let definition = json!({"triggers": trigger, "actions": actions});
    let (workflow, _) = definition::parse(&Value::from(&definition)).unwrap();
    let opened = Opened {
        at: 1_700_000_000_000,
        ..Opened::default()
    };
    let (mut state, mut ready) = State::open(&workflow, &opened);
    let links = Links::new("", &[]);
    let mut calls: Vec<NodeId> = Vec::new();
    while state.closed.is_none() {
        let moment = Moment::new(opened.at, [7; 32]);
        let planner = Planner {
            workflow: &workflow,
            state: &state,
            moment: &moment,
            links: &links,
        };
        let (events, call) = match ready.pop() {
            Some(next) => {
                assert!(state.is_open(next));
                let planned = planner.plan(next);
                (planned.events, planned.call.map(|(id, _)| id))
            }
            None => {
                let answer = Answer {
                    status: 200,
                    ..Answer::default()
                };
                (vec![planner.conclude(calls.pop().unwrap(), &Ok(answer))], None)
            }
        };
        for event in &events {
            ready.extend(state.apply(&workflow, event).unwrap());
            assert!(state.next_timer() > opened.at);
        }
        calls.extend(call);
    }
    (workflow, state)
}

fn succeeded(actions: &serde_json::Value) -> State {
    let (workflow, state) = drive(actions);
    assert_eq!(
        state.closed.as_ref().unwrap().status,
        RunStatus::Succeeded,
        "{:?}",
        state.closed
    );
    let shown = view::run(&workflow, &state);
    assert_eq!(shown.get("status").and_then(Value::as_str), Some("Succeeded"));
    assert!(state.ready(&workflow).is_empty());
    state
}

#[test]
fn a_long_loop_appends_to_an_array_and_a_text() {
    let state = succeeded(&json!({
        "List": {"type": "InitializeVariable", "inputs": {"variables": [{"name": "list", "type": "array"}]}},
        "Text": {"type": "InitializeVariable", "runAfter": {"List": ["Succeeded"]},
                 "inputs": {"variables": [{"name": "text", "type": "string"}]}},
        "Each": {"type": "Foreach", "foreach": format!("@range(0,{ITERATIONS})"),
                 "runAfter": {"Text": ["Succeeded"]}, "operationOptions": "Sequential",
                 "actions": {
                     "Append": {"type": "AppendToArrayVariable", "inputs": {"name": "list", "value": "@items('Each')"}},
                     "Write": {"type": "AppendToStringVariable", "runAfter": {"Append": ["Succeeded"]},
                               "inputs": {"name": "text", "value": "@items('Each')"}}}},
        "Count": {"type": "Compose", "runAfter": {"Each": ["Succeeded"]}, "inputs": "@length(outputs('Append'))"},
    }));
    let list = &state.variables["list"].value.value;
    assert_eq!(list.as_array().map(<[Value]>::len), usize::try_from(ITERATIONS).ok());
}

#[test]
fn a_long_loop_calls_a_service_in_parallel() {
    let state = succeeded(&json!({
        "Each": {"type": "Foreach", "foreach": format!("@range(0,{ITERATIONS})"),
                 "runtimeConfiguration": {"concurrency": {"repetitions": 50}},
                 "actions": {
                     "Get": {"type": "Http", "inputs": {"method": "GET", "uri": "https://service.test/"}},
                     "Test": {"type": "If", "runAfter": {"Get": ["Succeeded"]},
                              "expression": {"equals": ["@outputs('Get')['statusCode']", 200]},
                              "actions": {"Yes": {"type": "Compose", "inputs": "@items('Each')"}}},
                     "Use": {"type": "Compose", "runAfter": {"Test": ["Succeeded"]}, "inputs": "@outputs('Yes')"}}},
    }));
    assert!(state.active.is_empty());
}

#[test]
fn a_loop_in_a_long_loop_ends() {
    let actions = json!({
        "Outer": {"type": "Foreach", "foreach": format!("@range(0,{})", ITERATIONS / 10), "actions": {
            "Inner": {"type": "Foreach", "foreach": "@range(0,10)", "actions": {
                "Sum": {"type": "Compose", "inputs": "@add(items('Outer'),items('Inner'))"}}},
            "Seen": {"type": "Compose", "runAfter": {"Inner": ["Succeeded"]}, "inputs": "@length(outputs('Sum'))"}}},
    });
    let state = succeeded(&actions);
    assert_eq!(
        state.frames.len(),
        usize::try_from(1 + ITERATIONS / 10 + ITERATIONS).unwrap()
    );
}

#[test]
fn a_long_empty_loop_ends_at_once() {
    let state = succeeded(&json!({
        "Each": {"type": "Foreach", "foreach": format!("@range(0,{ITERATIONS})"), "actions": {}},
    }));
    assert_eq!(state.seq, 4);
}

#[test]
fn a_journal_that_does_not_fit_is_refused_without_a_panic() {
    let (workflow, state) = drive(&json!({"A": {"type": "Scope", "actions": {"B": {"type": "Compose", "inputs": 1}}}}));
    let (mut fresh, ready) = State::open(&workflow, &state.opened);
    let Some(Ready::Start(node)) = ready.first().copied() else {
        panic!("something begins");
    };
    let before = fresh.clone();
    let entered = |block| Event::Entered {
        at: 0,
        node,
        block,
        inputs: None,
        deadline: None,
    };
    let events = [
        entered(definition::BlockId(99)),
        entered(definition::BlockId(0)),
        Event::Looped {
            at: 0,
            node,
            items: riposte::engine::event::Payload::default(),
            deadline: None,
        },
        Event::Called {
            at: 0,
            node,
            attempt: 1,
            inputs: None,
            credentials: None,
            deadline: None,
        },
        Event::Opened(Box::default()),
    ];
    for event in events {
        assert!(fresh.apply(&workflow, &event).is_err(), "{event:?}");
        assert_eq!(fresh, before, "a refused event changes nothing");
    }
}
