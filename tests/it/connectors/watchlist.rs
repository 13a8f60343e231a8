//! Watchlists by calls of the Sentinel connector, and by a run whose process dies in the middle.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use riposte::api::AutomationRuleSpec;
use riposte::connectors::{Client, ConnectorServices};
use riposte::definition;
use riposte::engine::call::{Admission, Answer, Brake, Call, CallError, Services, Target};
use riposte::engine::content::{Connection, Content, Playbook, Undecided};
use riposte::engine::start::Request;
use riposte::engine::state::State;
use riposte::engine::status::RunStatus;
use riposte::engine::{Engine, view};
use riposte::expression::Value;
use riposte::grants::Permission;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::store::{Error, Refusal, Sealer, Store, Transaction};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::client::egress;
use super::sentinel::{World, ZEROS};
use super::services::Fixed;
use super::{built_in, call, json as read};

/// A test that waits longer for something has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A workspace whose calls are all different actions.
struct Lists {
    world: World,
    calls: AtomicUsize,
}

impl Lists {
    async fn new() -> Self {
        let calls = AtomicUsize::new(0);
        let world = World::new().await;
        Self { world, calls }
    }

    /// The answer of a call; what it planned is not committed.
    async fn ask(&self, method: &str, path: &str, token: &str, body: Value) -> Answer {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let call = Call {
            idempotency_key: format!("run-1/Watch/{number}"),
            queries: vec![("skipToken".to_owned(), token.to_owned())],
            body: (!body.is_null()).then_some(body),
            ..call("sentinel", method, path)
        };
        self.world.services.call(&call).await.unwrap()
    }

    async fn commit(&self, answer: &Answer) -> Result<(), Error> {
        let operations = answer.writes.clone();
        self.world.store.commit(Transaction { operations }).await.map(drop)
    }

    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, "", body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {:?}", answer.body);
        self.commit(&answer).await.unwrap();
        answer.body.unwrap_or_default()
    }

    async fn refused(&self, status: u16, method: &str, path: &str, body: &str) -> String {
        let answer = self.ask(method, path, "", read(body)).await;
        assert_eq!(answer.status, status, "{body}: {:?}", answer.body);
        assert!(answer.writes.is_empty());
        let body = answer.body.unwrap();
        let message = body.at(&["error", "message"]).and_then(Value::as_str);
        message.unwrap().to_owned()
    }

    /// The values of all items, as the first version of the connector lists them.
    async fn items(&self) -> String {
        let answer = self.done("GET", &path("/watchlistItems"), Value::Null).await;
        let listed = answer.at(&["properties", "watchlistItems"]).cloned().unwrap();
        let values = listed.as_array().unwrap().iter();
        let values = values.map(|item| {
            let flat = item.get("properties.itemsKeyValue").cloned().unwrap();
            assert_eq!(item.at(&["properties", "itemsKeyValue"]), Some(&flat));
            flat
        });
        Value::array(values).to_json()
    }
}

fn path(rest: &str) -> String {
    format!("/Watchlists/subscriptions/{ZEROS}/resourceGroups/soc/workspaces/soc/watchlists/Scanners{rest}")
}

fn filled(content: &str) -> Value {
    let mut body = read(
        r#"{"displayName":"Known scanners","provider":"SOC","source":"Local file",
        "itemsSearchKey":"address","contentType":"text/csv","numberOfLinesToSkip":1}"#,
    )
    .as_object()
    .unwrap()
    .clone();
    body.insert("rawContent", content);
    Value::from(body)
}

#[tokio::test]
async fn a_watchlist_is_made_filled_again_and_removed() {
    let lists = Lists::new().await;
    lists.refused(404, "GET", &path(""), "null").await;
    let content = "from the wiki\naddress,owner\n192.0.2.1,\"lab, north\"\n192.0.2.2,\n192.0.2.1,\"lab, north\"\n";
    let made = lists.done("PUT", &path(""), filled(content)).await;
    assert_eq!(made.get("name"), Some(&Value::from("Scanners")));
    let expected = [
        ("watchlistAlias", Value::from("Scanners")),
        ("displayName", Value::from("Known scanners")),
        ("itemsSearchKey", Value::from("address")),
        ("numberOfLinesToSkip", Value::from(1)),
        ("watchlistItemsCount", Value::from(2)),
        ("isDeleted", Value::from(false)),
    ];
    for (name, value) in expected {
        assert_eq!(made.at(&["properties", name]), Some(&value), "{name}");
    }
    assert_eq!(
        lists.items().await,
        r#"[{"address":"192.0.2.1","owner":"lab, north"},{"address":"192.0.2.2","owner":""}]"#
    );

    let more = filled("\naddress,owner\n192.0.2.2,\n192.0.2.3,x\n");
    let again = lists.done("PUT", &path(""), more).await;
    assert_eq!(again.at(&["properties", "watchlistItemsCount"]), Some(&Value::from(3)));
    let found = lists
        .done("GET", &path("").replace("Scanners", "sCANNERS"), Value::Null)
        .await;
    assert_eq!(found, again);

    for _ in 0..2 {
        lists.done("DELETE", &path(""), Value::Null).await;
    }
    lists.refused(404, "GET", &path("/watchlistItems"), "null").await;
}

#[tokio::test]
async fn items_are_added_read_changed_and_removed() {
    let lists = Lists::new().await;
    lists.done("PUT", &path(""), filled("")).await;
    let body = read(r#"{"address":"192.0.2.1"}"#);
    let answer = lists.ask("PUT", &path("/watchlistItem"), "", body).await;
    for _ in 0..2 {
        lists.commit(&answer).await.unwrap();
    }
    let added = answer.body.unwrap();
    assert_eq!(
        lists.items().await,
        r#"[{"address":"192.0.2.1"}]"#,
        "an action adds once"
    );

    let id = added.get("name").and_then(Value::as_str).unwrap().to_uppercase();
    let item = path(&format!("/watchlistItem/{id}"));
    let found = lists.done("GET", &item, Value::Null).await;
    let values = ["properties", "watchlistItem", "properties.itemsKeyValue", "address"];
    assert_eq!(found.at(&values), Some(&Value::from("192.0.2.1")));
    lists.done("PUT", &item, read(r#""{\"address\":\"192.0.2.9\"}""#)).await;
    assert_eq!(lists.items().await, r#"[{"address":"192.0.2.9"}]"#);
    lists.done("DELETE", &format!("/V2{item}"), Value::Null).await;
    assert_eq!(lists.items().await, "[]");
    lists.refused(404, "PUT", &item, r#"{"address":"x"}"#).await;
}

#[tokio::test]
async fn pages_follow_a_token() {
    let lists = Lists::new().await;
    let lines: Vec<String> = (0..1_001).map(|number| format!("10.0.0.{number}")).collect();
    lists
        .done("PUT", &path(""), filled(&format!("\naddress\n{}", lines.join("\n"))))
        .await;
    let pages = format!("/V2{}", path("/watchlistItems/"));
    let mut token = String::new();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let answer = lists.ask("GET", &pages, &token, Value::Null).await;
        let page = answer.body.unwrap();
        let items = page.get("value").and_then(Value::as_array).unwrap();
        seen.extend(items.iter().filter_map(|item| {
            let address = item.at(&["properties", "itemsKeyValue", "address"])?;
            Some(address.as_str()?.to_owned())
        }));
        token = page
            .get("skipToken")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
    }
    assert_eq!((seen, token.as_str()), (lines, ""));
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let lists = Lists::new().await;
    for (rest, body, word) in [
        ("", r#"{"displayName":"x"}"#, "itemsSearchKey"),
        (
            "",
            r#"{"itemsSearchKey":"a","contentType":"text/html","rawContent":"a"}"#,
            "text/html",
        ),
        ("", r#"{"itemsSearchKey":"a","rawContent":["a"]}"#, "no text"),
        (
            "",
            r#"{"itemsSearchKey":"a","numberOfLinesToSkip":-1}"#,
            "numberOfLinesToSkip",
        ),
        ("", r#"{"itemsSearchKey":"a","rawContent":"a\n1,2"}"#, "item 1"),
        ("/largeWatchlist", r#"{"sasUri":"x"}"#, "large watchlist"),
    ] {
        let message = lists.refused(400, "PUT", &path(rest), body).await;
        assert!(message.contains(word), "{body}: {message}");
    }
    let short = path("").replace("Scanners", "_x");
    lists.refused(400, "PUT", &short, r#"{"itemsSearchKey":"a"}"#).await;
    lists.refused(404, "PUT", &path("/watchlistItem"), r#"{"a":"1"}"#).await;
    let elsewhere = path("").replace(ZEROS, "1");
    lists.refused(404, "GET", &elsewhere, "null").await;

    lists.done("PUT", &path(""), filled("")).await;
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(10_240));
    for body in ["[]", "{}", "null", &long] {
        lists.refused(400, "PUT", &path("/watchlistItem"), body).await;
    }
}

#[tokio::test]
async fn a_change_that_was_overtaken_is_planned_anew() {
    let lists = Lists::new().await;
    let late = lists.ask("PUT", &path(""), "", filled("\naddress\n192.0.2.1")).await;
    lists.done("PUT", &path(""), filled("\naddress\n192.0.2.2")).await;
    let refused = lists.commit(&late).await;
    assert!(
        matches!(refused, Err(Error::Refused(Refusal::StaleWatchlist(_)))),
        "{refused:?}"
    );
    lists.done("PUT", &path(""), filled("\naddress\n192.0.2.1")).await;
    assert_eq!(
        lists.items().await,
        r#"[{"address":"192.0.2.2"},{"address":"192.0.2.1"}]"#
    );
}

/// The connector over a store; calls of Http actions are answered only if the gate is open, and counted.
struct Gated {
    connector: ConnectorServices,
    is_open: bool,
    knocked: mpsc::UnboundedSender<()>,
}

#[async_trait]
impl Services for Gated {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        if call.target != Target::Http {
            return self.connector.call(call).await;
        }
        self.knocked.send(()).unwrap();
        match self.is_open {
            true => Ok(Answer {
                status: 200,
                ..Answer::default()
            }),
            false => std::future::pending().await,
        }
    }

    fn admit(&self, _: &Call, _: i64) -> Admission {
        Admission::Go(None)
    }

    fn changes(&self, _: &Call) -> bool {
        false
    }

    fn brakes(&self, _: &Call) -> Vec<Brake> {
        Vec::new()
    }

    fn safe_to_repeat(&self, _: &Call) -> bool {
        true
    }
}

/// A catalog of one playbook.
struct OnePlaybook(Playbook);

#[async_trait]
impl Content for OnePlaybook {
    fn playbook(&self, _: &str, _: &str) -> Option<Playbook> {
        Some(self.0.clone())
    }

    fn rules(&self, _: &str) -> Vec<(String, AutomationRuleSpec)> {
        Vec::new()
    }

    async fn permit(&self, _: &str, _: &str, _: &str) -> Result<Permission, Undecided> {
        Ok(Permission::Granted)
    }
}

fn act(method: &str, rest: &str, body: Option<serde_json::Value>, after: &[(&str, &str)]) -> serde_json::Value {
    let after = after
        .iter()
        .map(|(action, status)| ((*action).to_owned(), json!([status])));
    let mut inputs = json!({
        "host": {"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}},
        "method": method,
        "path": path(rest),
    });
    inputs
        .as_object_mut()
        .unwrap()
        .extend(body.map(|body| ("body".to_owned(), body)));
    json!({"type": "ApiConnection", "runAfter": after.collect::<serde_json::Map<_, _>>(), "inputs": inputs})
}

/// Makes a watchlist unless it is there, adds two items, and after the gate reads them all.
fn watching() -> Playbook {
    let content = json!({"itemsSearchKey": "address", "rawContent": "address\n192.0.2.1"});
    let definition = json!({
        "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
        "parameters": {"$connections": {"type": "Object", "defaultValue": {}}},
        "actions": {
            "Find": act("get", "", None, &[]),
            "Make": act("put", "", Some(content), &[("Find", "Failed")]),
            "Each": {"type": "Foreach", "foreach": ["192.0.2.2", "192.0.2.3"], "runAfter": {"Make": ["Succeeded"]},
                "actions": {"Add": act("put", "/watchlistItem", Some(json!({"address": "@{item()}"})), &[])}},
            "Gate": {"type": "Http", "runAfter": {"Each": ["Succeeded"]},
                "inputs": {"method": "GET", "uri": "https://gate.example/"}},
            "Read": act("get", "/watchlistItems", None, &[("Gate", "Succeeded")]),
        },
    });
    let (workflow, _) = definition::parse(&Value::from(&definition)).unwrap();
    Playbook {
        namespace: "soc".into(),
        name: "watch".into(),
        definition: definition.to_string().into(),
        hash: "hash".into(),
        workflow: Arc::new(workflow),
        parameters: Vec::new(),
        settings: Vec::new(),
        connections: vec![Connection {
            alias: "azuresentinel".into(),
            name: "sentinel".into(),
            connector: Some("azuresentinel".into()),
        }],
        suspended: false,
    }
}

/// One process over the store in a folder; when its runtime is dropped, it is gone as after `kill -9`.
fn process(folder: &Path, is_open: bool) -> (Runtime, Engine, mpsc::UnboundedReceiver<()>) {
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(Store::open(folder)).unwrap();
    let desk = Desk::new(store.clone(), WorkspaceIds::default());
    let (knocked, knocks) = mpsc::unbounded_channel();
    let connections = Arc::new(Fixed(vec![("sentinel", built_in("azuresentinel", &[]))]));
    let connector = ConnectorServices::new(connections, Client::new(egress()), desk.clone());
    let services = Gated {
        connector,
        is_open,
        knocked,
    };
    let catalog = Arc::new(OnePlaybook(watching()));
    let engine = Engine::new(store, Sealer::new([7; 32]), Arc::new(services), catalog, desk);
    let serving = engine.clone();
    runtime.spawn(async move { serving.serve(CancellationToken::new()).await });
    (runtime, engine, knocks)
}

#[test]
fn a_run_that_dies_changes_a_watchlist_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let (runtime, engine, mut knocks) = process(folder.path(), false);
    let request = Request {
        namespace: "soc".into(),
        playbook: "watch".into(),
        requester: "user/test".into(),
        ..Request::default()
    };
    let run = runtime.block_on(engine.start(&request)).unwrap().remove(0);
    let knock = async { tokio::time::timeout(PATIENCE, knocks.recv()).await };
    runtime.block_on(knock).expect("the run reaches the gate in time");
    drop((engine, runtime));

    let (runtime, engine, _knocks) = process(folder.path(), true);
    let ended = async { tokio::time::timeout(PATIENCE, engine.ended(&run)).await };
    let status = runtime.block_on(ended).expect("the run ends in time").unwrap();
    assert_eq!(status, RunStatus::Succeeded);
    let (workflow, events) = runtime.block_on(engine.history(&run)).unwrap();
    let view = view::run(&workflow, &State::fold(&workflow, &events).unwrap());
    let items = view.at(&["actions", "Read", "outputs", "body", "properties", "watchlistItems"]);
    let address = |item: &Value| item.at(&["properties.itemsKeyValue", "address"]).cloned();
    let items: Vec<_> = items
        .and_then(Value::as_array)
        .unwrap()
        .iter()
        .filter_map(address)
        .collect();
    assert_eq!(items.len(), 3, "{items:?}");
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert!(items.contains(&Value::from(address)), "{address}: {items:?}");
    }
}
