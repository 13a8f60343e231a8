//! Triggers that ask a service, against a real server with a cursor.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{Entry, Process, Surroundings, playbook};
use super::subscribe::{bound, connections};

/// One answer: status, headers, body.
type Answer = (u16, Vec<(&'static str, &'static str)>, Value);

/// A service that answers from a list, then for ever that there is nothing new, and remembers what it was asked.
#[derive(Clone, Default)]
struct Service {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Serves on loopback in a thread of its own, which outlives the processes of the test; gives its address.
    fn start(answers: Vec<Answer>) -> (Self, String) {
        let service = Self {
            answers: Arc::new(Mutex::new(answers.into())),
            asked: Arc::default(),
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(service.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        (service, address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(service): State<Service>, request: Request) -> Response {
    let secret = request.headers().get("x-api-key").map_or("", |_| " with key");
    let asked = format!("{} {}{secret}", request.method(), request.uri());
    service.asked.lock().unwrap().push(asked);
    let next = service.answers.lock().unwrap().pop_front();
    let here = HeaderValue::from_str(&request.uri().to_string()).unwrap();
    let Some((status, headers, body)) = next else {
        return (StatusCode::ACCEPTED, [("location", here)]).into_response();
    };
    let mut response = (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response();
    for (name, value) in headers {
        let header = (HeaderName::from_static(name), HeaderValue::from_static(value));
        response.headers_mut().insert(header.0, header.1);
    }
    response
}

fn polling(address: &str, more: &Value) -> Entry {
    let mut trigger = json!({
        "type": "Http",
        "recurrence": {"frequency": "Second", "interval": 1},
        "inputs": {
            "method": "GET", "uri": format!("{address}/items"), "queries": {"since": 0}, "headers": {"x-api-key": "k"},
            "retryPolicy": {"type": "fixed", "count": 1, "interval": "PT5S"},
        },
    });
    for (name, value) in more.as_object().unwrap() {
        trigger[name] = value.clone();
    }
    playbook(
        "poll",
        &trigger,
        &json!({"Show": {"type": "Compose", "inputs": "@trigger()"}}),
    )
}

#[test]
fn what_a_service_has_starts_runs_and_the_cursor_survives_a_crash() {
    let (service, address) = Service::start(vec![
        (202, Vec::new(), Value::Null),
        (
            200,
            vec![("location", "/items?since=2")],
            json!({"value": [{"id": 1}, {"id": 2}]}),
        ),
    ]);
    let playbooks = || vec![polling(&address, &json!({"splitOn": "@triggerBody()?['value']"}))];
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), playbooks());
    process.ended_runs("poll", 2);
    process.kill();
    let asked = service.asked().len();
    let process = Process::start(folder.path(), playbooks());
    process.until(|| (service.asked().len() > asked + 1).then_some(()));
    let all = service.asked();
    assert_eq!(all[..2], ["GET /items?since=0 with key", "GET /items?since=0 with key"]);
    assert!(
        all[2..].iter().all(|one| one == "GET /items?since=2 with key"),
        "{all:?}"
    );
    let shown = process.outputs("poll", "Show");
    let mut bodies: Vec<_> = shown
        .iter()
        .map(|trigger| trigger["outputs"]["body"]["id"].as_i64().unwrap())
        .collect();
    bodies.sort_unstable();
    assert_eq!(bodies, [1, 2], "each element has one run");
    assert!(
        shown
            .iter()
            .all(|one| one["code"] == "OK" && one["outputs"]["statusCode"] == 200)
    );
}

#[test]
fn failures_go_through_the_retry_policy_and_then_wait_for_the_next_occurrence() {
    let busy = || (503, Vec::new(), Value::Null);
    let (service, address) = Service::start(vec![busy(), busy(), (200, Vec::new(), json!("late"))]);
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), vec![polling(&address, &json!({}))]);
    let row = process.schedule_where("poll", |row| row.state.contains("\"attempts\":1"));
    assert!(
        row.next_at.unwrap() > super::now() + 1_000,
        "the retry policy waits for five seconds"
    );
    process.ended_runs("poll", 1);
    assert!(service.asked().len() >= 3);
    let shown = process.outputs("poll", "Show");
    assert_eq!(shown[0]["outputs"]["body"], "late");
}

#[test]
fn a_condition_on_the_code_replaces_the_rule_and_other_conditions_narrow_it() {
    let missing = (404, Vec::new(), json!("gone"));
    let (_service, address) = Service::start(vec![(200, Vec::new(), json!("here")), missing]);
    let on_code = json!({"conditions": [{"expression": "@equals(trigger().code, 'NotFound')"}]});
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), vec![polling(&address, &on_code)]);
    process.ended_runs("poll", 1);
    let shown = process.outputs("poll", "Show");
    assert_eq!((shown.len(), &shown[0]["outputs"]["body"]), (1, &json!("gone")));
    process.kill();

    let answers = ["no", "yes"].map(|text| (200, Vec::new(), json!(text)));
    let (_service, address) = Service::start(answers.into());
    let on_body = json!({"conditions": [{"expression": "@equals(triggerBody(), 'yes')"}]});
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), vec![polling(&address, &on_body)]);
    process.ended_runs("poll", 1);
    let shown = process.outputs("poll", "Show");
    assert_eq!((shown.len(), &shown[0]["outputs"]["body"]), (1, &json!("yes")));
}

#[test]
fn a_service_can_put_the_next_question_off_and_its_place_is_sealed() {
    let later = vec![("retry-after", "3600"), ("location", "/items?cursor=canary-7731")];
    let (service, address) = Service::start(vec![(202, later, Value::Null)]);
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path(), vec![polling(&address, &json!({}))]);
    let row = process.schedule_where("poll", |row| row.cursor.is_some());
    assert!(row.next_at.unwrap() > super::now() + 3_000_000);
    assert_eq!(service.asked().len(), 1);
    process.kill();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(11).any(|part| part == b"canary-7731"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn an_operation_of_a_connector_is_asked_and_its_place_followed() {
    let (service, address) = Service::start(vec![
        (202, vec![("location", "/items?since=3")], Value::Null),
        (200, Vec::new(), json!({"value": [{"id": 4}]})),
    ]);
    let trigger = json!({
        "type": "ApiConnection",
        "recurrence": {"frequency": "Second", "interval": 1},
        "splitOn": "@triggerBody()?['value']",
        "inputs": {
            "host": {"connection": {"name": "hooks"}}, "method": "get", "path": "/items", "queries": {"since": 0},
        },
    });
    let poll = bound(playbook(
        "poll",
        &trigger,
        &json!({"Show": {"type": "Compose", "inputs": "@triggerBody()"}}),
    ));
    let surroundings = Surroundings {
        catalog: riposte::catalog::Current::fixed(connections(&address)),
        ..Surroundings::default()
    };
    let folder = TempDir::new().unwrap();
    let process = Process::start_in(folder.path(), vec![poll], surroundings);
    process.ended_runs("poll", 1);
    assert_eq!(service.asked()[..2], ["GET /items?since=0", "GET /items?since=3"]);
    assert_eq!(process.outputs("poll", "Show"), [json!({"id": 4})]);
}
