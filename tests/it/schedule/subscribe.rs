//! Triggers that are subscribed at a service, against a real server that remembers what it was asked.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use riposte::catalog::{Catalog, Current, Source};
use riposte::engine::content::Connection;
use riposte::engine::subscription::{self, Subscription};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::postgres::Database;

use super::process::{Entry, Process, Surroundings, playbook};

/// What a service was asked.
#[derive(Clone, Debug)]
struct Asked {
    /// Method and path.
    line: String,
    key: String,
    body: Value,
}

/// How a service answers when it does not do so well.
#[derive(Clone, Copy)]
enum Mood {
    Well,
    Status(u16),
    Never,
}

/// A service that takes subscriptions, and names the place of each.
#[derive(Clone)]
struct Service {
    moods: Arc<Mutex<VecDeque<Mood>>>,
    asked: watch::Sender<Vec<Asked>>,
    address: String,
}

impl Service {
    /// Serves on loopback in a thread of its own, which outlives the processes of the test.
    fn start(moods: &[Mood]) -> Self {
        let (listener, address) = listen();
        let service = Self {
            moods: Arc::new(Mutex::new(moods.iter().copied().collect())),
            asked: watch::Sender::default(),
            address,
        };
        let router = Router::new().fallback(answer).with_state(service.clone());
        std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        service
    }

    /// What it was asked, as soon as that is so much.
    fn asked(&self, process: &Process, count: usize) -> Vec<Asked> {
        let mut asked = self.asked.subscribe();
        process.within(async move { asked.wait_for(|all| all.len() >= count).await.unwrap().clone() })
    }

    fn lines(&self, process: &Process, count: usize) -> Vec<String> {
        self.asked(process, count).into_iter().map(|asked| asked.line).collect()
    }
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

async fn answer(State(service): State<Service>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let key = parts
        .headers
        .get("idempotency-key")
        .map_or("", |key| key.to_str().unwrap());
    let body = to_bytes(body, 100_000).await.unwrap();
    let asked = Asked {
        line: format!("{} {}", parts.method, parts.uri),
        key: key.to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let mood = service.moods.lock().unwrap().pop_front().unwrap_or(Mood::Well);
    let mut number = 0;
    service.asked.send_modify(|all| {
        all.push(asked);
        number = all.len();
    });
    match mood {
        Mood::Never => std::future::pending().await,
        Mood::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Mood::Well if parts.method == Method::DELETE => StatusCode::NO_CONTENT.into_response(),
        Mood::Well => {
            let place = format!("{}/places/{number}", service.address);
            let body = axum::Json(json!({ "id": number }));
            (StatusCode::CREATED, [("location", place)], body).into_response()
        }
    }
}

const SHOW: &str =
    "@json(concat('{\"n\":', string(triggerBody()?['n']), ',\"by\":\"', triggerOutputs()['headers']['x-by'], '\"}'))";

fn actions() -> Value {
    json!({"Show": {"type": "Compose", "inputs": SHOW}})
}

/// A playbook that is subscribed at `address`/hooks.
fn subscribed(address: &str, path: &str) -> Entry {
    let trigger = json!({
        "type": "HttpWebhook",
        "splitOn": "@triggerBody()?['items']",
        "conditions": [{"expression": "@not(empty(triggerBody()?['items']))"}],
        "inputs": {
            "subscribe": {"method": "POST", "uri": format!("{address}{path}"), "body": {"url": "@{listCallbackUrl()}", "at": "@utcNow()"}},
            "unsubscribe": {"method": "DELETE", "uri": format!("{address}{path}/@{{triggerOutputs()?['body']?['id']}}")},
        },
    });
    playbook("hook", &trigger, &actions())
}

fn reachable(public_url: &str) -> Surroundings {
    Surroundings {
        public_url: public_url.to_owned(),
        ..Surroundings::default()
    }
}

/// How the subscription of `hook` stands, as soon as it does as it should.
fn stands(process: &Process, does_it: impl Fn(&Subscription) -> bool) -> Subscription {
    let key = ("soc".to_owned(), "hook".to_owned());
    let mut told = process.engine.subscriptions();
    process.within(async move {
        let told = told.wait_for(|all| all.get(&key).is_some_and(&does_it)).await.unwrap();
        told[&key].clone()
    })
}

fn is_subscribed(subscription: &Subscription) -> bool {
    subscription.state == subscription::State::Subscribed
}

/// Waits until nothing is subscribed, nor being taken back.
fn nothing_left(process: &Process) {
    process.until(|| {
        process
            .within(process.store.subscriptions())
            .unwrap()
            .is_empty()
            .then_some(())
    });
}

/// Posts JSON to a URL as a service does, and gives the status.
fn post(url: &str, body: &Value) -> u16 {
    let url = url::Url::parse(url).unwrap();
    let body = body.to_string();
    let target = &url[url::Position::BeforePath..];
    let request = format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\nx-by: service\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn what_a_service_posts_starts_runs_until_it_is_told_to_stop() {
    let (service, folder) = (Service::start(&[]), TempDir::new().unwrap());
    let (listener, own) = listen();
    let hook = subscribed(&service.address, "/hooks");
    let process = Process::start_in(folder.path(), vec![hook.clone()], reachable(&own));
    process.serve(listener);
    let first = service.asked(&process, 1).remove(0);
    assert_eq!(first.line, "POST /hooks");
    stands(&process, is_subscribed);
    let url = first.body["url"].as_str().unwrap();
    assert!(url.starts_with(&format!(
        "{own}/v1/namespaces/soc/playbooks/hook/triggers/start/invoke?sv=1&sig="
    )));
    assert_eq!(post(url, &json!({"items": [{"n": 1}, {"n": 2}]})), 202);
    assert_eq!(post(url, &json!({"items": []})), 202, "a condition does not hold");
    assert_eq!(
        post(&url.replace("&sig=", "&sig=x"), &json!({"items": [{"n": 3}]})),
        401
    );
    process.ended_runs("hook", 2);
    let mut shown = process.outputs("hook", "Show");
    shown.sort_by_key(|one| one["n"].as_i64());
    assert_eq!(
        shown,
        [json!({"n": 1, "by": "service"}), json!({"n": 2, "by": "service"})]
    );

    // Other actions are no other subscription; another address is, and the old one goes first.
    let other_actions = playbook(
        "hook",
        &hook.trigger,
        &json!({"Other": {"type": "Compose", "inputs": 1}}),
    );
    process.publish(vec![other_actions]);
    let moved = subscribed(&service.address, "/others");
    process.publish(vec![moved.clone()]);
    assert_eq!(service.lines(&process, 3)[1..], ["DELETE /hooks/1", "POST /others"]);
    stands(&process, is_subscribed);
    let suspended = Entry {
        suspended: true,
        ..moved.clone()
    };
    process.publish(vec![suspended]);
    assert_eq!(service.lines(&process, 4)[3], "DELETE /others/3");
    nothing_left(&process);
    process.publish(vec![moved]);
    assert_eq!(service.lines(&process, 5)[4], "POST /others");
    stands(&process, is_subscribed);
    process.publish(Vec::new());
    assert_eq!(service.lines(&process, 6)[5], "DELETE /others/5");
    nothing_left(&process);
    assert_eq!(service.asked(&process, 6).len(), 6);
}

#[test]
fn a_subscription_whose_answer_a_crash_took_is_made_again_with_the_same_key() {
    let (service, folder) = (Service::start(&[Mood::Never]), TempDir::new().unwrap());
    let playbooks = || vec![subscribed(&service.address, "/hooks")];
    let surroundings = || reachable("https://riposte.example");
    let process = Process::start_in(folder.path(), playbooks(), surroundings());
    service.asked(&process, 1);
    process.kill();
    let process = Process::start_in(folder.path(), playbooks(), surroundings());
    let asked = service.asked(&process, 2);
    assert!(!asked[0].key.is_empty());
    assert_eq!((&asked[0].key, &asked[0].body), (&asked[1].key, &asked[1].body));
    stands(&process, is_subscribed);
    process.kill();
    // What was deleted meanwhile is taken back; what takes it back stands sealed in the store.
    let signature = asked[0].body["url"]
        .as_str()
        .unwrap()
        .rsplit_once("sig=")
        .unwrap()
        .1
        .to_owned();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(signature.len()).any(|part| part == signature.as_bytes()));
    }
    let process = Process::start_in(folder.path(), Vec::new(), surroundings());
    assert_eq!(service.lines(&process, 3)[2], "DELETE /hooks/2");
    nothing_left(&process);
    process.kill();
    // And what was not, is not asked for again.
    let process = Process::start_in(folder.path(), playbooks(), surroundings());
    stands(&process, is_subscribed);
    process.kill();
    let process = Process::start_in(folder.path(), playbooks(), surroundings());
    stands(&process, is_subscribed);
    assert_eq!(service.asked(&process, 4).len(), 4);
}

#[test]
fn a_service_that_refuses_is_asked_again_and_one_that_forgot_need_not_be_told() {
    let moods = [Mood::Status(503), Mood::Well, Mood::Status(500), Mood::Status(404)];
    let (service, folder) = (Service::start(&moods), TempDir::new().unwrap());
    let playbooks = vec![subscribed(&service.address, "/hooks")];
    let process = Process::start_in(folder.path(), playbooks, reachable("https://riposte.example"));
    let refused = stands(&process, |one| one.state == subscription::State::Failed);
    assert_eq!(refused.code, "ServiceRefused");
    assert!(refused.message.contains("the service answered 503"), "{refused:?}");
    stands(&process, is_subscribed);
    process.publish(Vec::new());
    nothing_left(&process);
    assert_eq!(
        service.lines(&process, 4),
        ["POST /hooks", "POST /hooks", "DELETE /hooks/2", "DELETE /hooks/2"]
    );
}

#[test]
fn where_nobody_can_call_nobody_is_asked_to() {
    let (service, folder) = (Service::start(&[]), TempDir::new().unwrap());
    let playbooks = || vec![subscribed(&service.address, "/hooks")];
    let process = Process::start_in(folder.path(), playbooks(), Surroundings::default());
    let stood = stands(&process, |_| true);
    assert_eq!((stood.state, stood.code), (subscription::State::Failed, "NoPublicUrl"));
    assert!(stood.message.contains("--public-url"), "{stood:?}");
    process.kill();
    for (url, asked) in [("https://one.example", 1), ("https://two.example", 3)] {
        let process = Process::start_in(folder.path(), playbooks(), reachable(url));
        assert!(
            service.asked(&process, asked)[asked - 1].body["url"]
                .as_str()
                .unwrap()
                .starts_with(url)
        );
        stands(&process, is_subscribed);
        process.kill();
    }
    let process = Process::start_in(folder.path(), playbooks(), Surroundings::default());
    nothing_left(&process);
    assert_eq!(
        service.lines(&process, 4),
        ["POST /hooks", "DELETE /hooks/1", "POST /hooks", "DELETE /hooks/3"]
    );
}

const CONNECTOR: &str = "apiVersion: riposte.dev/v1alpha1
kind: Connector
metadata: {name: hooks, namespace: soc}
spec:
  openapi:
    inline:
      swagger: '2.0'
      host: hooks.example.com
      paths:
        /hooks: {post: {operationId: Hook, responses: {'201': {description: done}}}}
        /items: {get: {operationId: Items, responses: {'200': {description: what is new}}}}
";

/// A connection `hooks` on a service.
pub(super) fn connections(address: &str) -> Catalog {
    let connection = json!({
        "apiVersion": "riposte.dev/v1alpha1", "kind": "ApiConnection", "metadata": {"name": "hooks", "namespace": "soc"},
        "spec": {"connector": "hooks", "baseUrl": address, "allowedNetworks": ["127.0.0.0/8"]},
    });
    let sources = [
        Source::read("connector.yaml", CONNECTOR),
        Source::read("connection.json", &connection.to_string()),
    ];
    let catalog = Catalog::build(&sources);
    let problems: Vec<_> = catalog.diagnostics.iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new());
    catalog
}

/// The same playbook with that connection.
pub(super) fn bound(mut entry: Entry) -> Entry {
    let hooks = || "hooks".to_owned();
    entry.playbook.connections = vec![Connection {
        alias: hooks(),
        name: hooks(),
        connector: Some(hooks()),
    }];
    entry
}

#[test]
fn a_connector_is_told_to_forget_at_the_place_that_it_named() {
    let [one, two] = [Service::start(&[]), Service::start(&[])];
    let trigger = json!({
        "type": "ApiConnectionWebhook",
        "inputs": {
            "host": {"connection": {"name": "hooks"}}, "path": "/hooks", "body": {"url": "@listCallbackUrl()"},
        },
    });
    let hook = bound(playbook("hook", &trigger, &actions()));
    let (catalogs, catalog) = watch::channel(Arc::new(connections(&one.address)));
    let surroundings = Surroundings {
        catalog: Current(catalog),
        ..reachable("https://riposte.example")
    };
    let folder = TempDir::new().unwrap();
    let process = Process::start_in(folder.path(), vec![hook.clone()], surroundings);
    let asked = one.asked(&process, 1).remove(0);
    assert_eq!(asked.line, "POST /hooks");
    assert!(
        asked.body["url"]
            .as_str()
            .unwrap()
            .starts_with("https://riposte.example/v1/")
    );
    stands(&process, is_subscribed);
    process.publish(Vec::new());
    assert_eq!(one.lines(&process, 2)[1], "DELETE /places/1");
    nothing_left(&process);

    process.publish(vec![hook.clone()]);
    one.asked(&process, 3);
    stands(&process, is_subscribed);
    // The connection leads elsewhere now, and no more to the place that was named.
    catalogs.send_replace(Arc::new(connections(&two.address)));
    process.publish(vec![hook]);
    assert_eq!(two.asked(&process, 1)[0].line, "POST /hooks");
    stands(&process, is_subscribed);
    assert_eq!(one.asked(&process, 3).len(), 3);
}

#[test]
fn replicas_share_subscriptions_and_take_over_those_of_a_dead_one() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let database = builder.enable_all().build().unwrap().block_on(Database::new());
    let service = Service::start(&[]);
    let hooks = |count: usize| {
        let named = |number| {
            let mut hook = subscribed(&service.address, &format!("/{number}"));
            hook.playbook.name = format!("hook-{number}");
            hook
        };
        (0..count).map(named).collect::<Vec<_>>()
    };
    let start = |count| Process::start_in(database.address(), hooks(count), reachable("https://riposte.example"));
    let (one, other) = (start(12), start(12));
    let all_subscribed = |process: &Process, count: usize| {
        let mut told = process.engine.subscriptions();
        process.within(async move {
            let told = told.wait_for(|all| all.len() == count && all.values().all(is_subscribed));
            told.await.unwrap();
        });
    };
    all_subscribed(&one, 12);
    all_subscribed(&other, 12);
    let asked = service.asked(&one, 12);
    let distinct = |of: fn(&Asked) -> &str| asked.iter().map(of).collect::<BTreeSet<_>>().len();
    assert_eq!(
        (distinct(|one| &one.line), distinct(|one| &one.key)),
        (12, 12),
        "each is one subscription"
    );
    one.kill();
    other.publish(hooks(3));
    other.until(|| (other.within(other.store.subscriptions()).unwrap().len() == 3).then_some(()));
    let all = service.lines(&other, asked.len() + 9);
    let gone = all.iter().filter(|line| line.starts_with("DELETE "));
    assert_eq!(gone.collect::<BTreeSet<_>>().len(), 9);
    all_subscribed(&other, 3);
}
