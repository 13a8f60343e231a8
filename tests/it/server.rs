//! The server on a real listener, over a real store and a real engine whose services are a stub.

mod access;
mod aggregated;
mod called;
mod front_proxy;
mod intake;
mod journal;
mod page;
mod views;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use riposte::api::AutomationRuleSpec;
use riposte::catalog::{Catalog, Current};
use riposte::definition;
use riposte::engine::Engine;
use riposte::engine::approval::{Approval, Choice};
use riposte::engine::call::{Admission, Answer, Brake, Call, CallError, Services};
use riposte::engine::content::{Content, GivenParameter, Playbook, Undecided};
use riposte::expression::Value;
use riposte::grants::{self, Permission};
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::server::{ServerState, Settings, serve};
use riposte::store::{Sealer, Store};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Reaches every workspace.
const MASTER: &str = "master-0123456789";
/// Reaches `soc` only.
const SENDER: &str = "sender-0123456789";
/// How long something may take that is awaited.
const DEADLINE: Duration = Duration::from_secs(20);

/// A running server with everything behind it.
struct House {
    address: SocketAddr,
    state: ServerState,
    store: Store,
    engine: Engine,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    folder: TempDir,
    asked: Arc<Mutex<Vec<Call>>>,
}

impl House {
    async fn open() -> Self {
        Self::with(|_, _| {}).await
    }

    /// A house whose settings are changed, given its port.
    async fn with(change: impl FnOnce(&mut Settings, u16)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let workspaces = WorkspaceIds {
            public_url: format!("http://{address}"),
            ..WorkspaceIds::default()
        };
        let desk = Desk::new(store.clone(), workspaces);
        let sealer = Sealer::new([7; 32]);
        let (services, content) = (Arc::new(Silence::default()), Arc::new(Shelf));
        let asked = services.asked.clone();
        let engine = Engine::new(store.clone(), sealer, services, content, desk.clone());
        let mut settings = Settings::default();
        settings
            .tokens
            .add("mira", MASTER, "*".parse().expect("a reach"))
            .expect("a usable token");
        settings
            .tokens
            .add("falco", SENDER, "soc".parse().expect("a reach"))
            .expect("a usable token");
        change(&mut settings, address.port());
        let state = ServerState::new(desk, engine.clone(), store.clone(), settings)
            .with_catalog(Current::fixed(Catalog::default()));
        let stop = CancellationToken::new();
        let (driver, stopped) = (engine.clone(), stop.clone());
        tokio::spawn(async move { driver.serve(stopped).await });
        let serving = tokio::spawn(serve(listener, state.clone(), stop.clone()));
        Self {
            address,
            state,
            store,
            engine,
            stop,
            serving,
            folder,
            asked,
        }
    }

    /// The subscriptions that were made.
    fn asked(&self) -> Vec<Call> {
        self.asked.lock().unwrap().clone()
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(&Ask::get(path)).await
    }

    async fn post(&self, path: &str, body: &Json) -> Reply {
        self.send(&Ask::post(path, &body.to_string())).await
    }

    async fn send(&self, ask: &Ask) -> Reply {
        self.raw(ask.text().as_bytes()).await
    }

    /// Sends bytes and reads until the server closes the connection.
    async fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(bytes).await.expect("sent");
        Reply::read(&mut stream).await
    }

    /// Asks again after each commit until the answer is as wanted.
    async fn get_until(&self, path: &str, wanted: impl Fn(&Json) -> bool) -> Json {
        let mut commits = self.store.subscribe();
        let asking = async {
            loop {
                let answer = self.get(path).await.json();
                if wanted(&answer) {
                    return answer;
                }
                commits.changed().await.expect("an open store");
            }
        };
        tokio::time::timeout(DEADLINE, asking)
            .await
            .expect("what is wanted comes in time")
    }
}

/// A request as it is written.
struct Ask {
    method: &'static str,
    path: String,
    token: Option<String>,
    host: String,
    content_type: Option<&'static str>,
    accept: Option<&'static str>,
    body: String,
}

impl Ask {
    fn get(path: &str) -> Self {
        Self {
            method: "GET",
            path: path.to_owned(),
            token: Some(MASTER.to_owned()),
            host: "localhost".to_owned(),
            content_type: None,
            accept: None,
            body: String::new(),
        }
    }

    fn post(path: &str, body: &str) -> Self {
        Self {
            method: "POST",
            content_type: Some("application/json"),
            body: body.to_owned(),
            ..Self::get(path)
        }
    }

    fn delete(path: &str) -> Self {
        Self {
            method: "DELETE",
            ..Self::get(path)
        }
    }

    fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    fn head(&self) -> String {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.method, self.path, self.host
        );
        if let Some(token) = &self.token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        if let Some(content_type) = self.content_type {
            head += &format!("Content-Type: {content_type}\r\n");
        }
        if let Some(accept) = self.accept {
            head += &format!("Accept: {accept}\r\n");
        }
        head
    }

    fn text(&self) -> String {
        format!(
            "{}Content-Length: {}\r\n\r\n{}",
            self.head(),
            self.body.len(),
            self.body
        )
    }
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: HashMap<String, String>,
    body: String,
}

impl Reply {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let reading = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut bytes));
        reading.await.expect("an answer in time").expect("an answer");
        let text = String::from_utf8(bytes).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .expect("a status line");
        let status = status.parse().expect("a status");
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status,
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The detail of a problem of this status, after checking its form.
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(
            problem["type"]
                .as_str()
                .unwrap_or_default()
                .starts_with("urn:riposte:problem:")
        );
        assert!(!problem["title"].as_str().unwrap_or_default().is_empty());
        problem["detail"].as_str().expect("a detail").to_owned()
    }
}

/// No service ever answers, but one that takes subscriptions, and one that asks people.
#[derive(Default)]
struct Silence {
    asked: Arc<Mutex<Vec<Call>>>,
}

#[async_trait]
impl Services for Silence {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        if call.path == "https://asks.example/" {
            self.asked.lock().unwrap().push(call.clone());
            return Ok(Answer {
                status: 200,
                ..Answer::default()
            });
        }
        if call.path == "https://people.example/" {
            let option = |name: &str| Choice {
                name: name.into(),
                ..Choice::default()
            };
            let asks = Approval {
                action: call.action.clone(),
                title: "Isolate?".into(),
                options: vec![option("Yes"), option("No")],
                recipients: vec!["mira".into()],
                needed: 1,
                ..Approval::default()
            };
            return Ok(Answer {
                status: 200,
                asks: Some(Box::new(asks)),
                ..Answer::default()
            });
        }
        std::future::pending().await
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

/// The playbooks and rules of every workspace.
struct Shelf;

#[async_trait]
impl Content for Shelf {
    fn playbook(&self, namespace: &str, name: &str) -> Option<Playbook> {
        let sentinel = |path: &str| {
            json!({ "trigger": { "type": "ApiConnectionWebhook", "inputs": {
                "host": { "connection": { "name": "@parameters('$connections')['azuresentinel']['connectionId']" } },
                "body": { "callback_url": "@{listCallbackUrl()}" }, "path": path } } })
        };
        let request = json!({ "manual": { "type": "Request", "kind": "Http" } });
        let title =
            json!({ "Title": { "type": "Compose", "inputs": "@triggerBody()?['object']?['properties']?['title']" } });
        let (triggers, actions) = match name {
            "triage" | "ungranted" => (sentinel("/incident-creation"), title),
            "on-alert" => (
                sentinel("/subscribe"),
                json!({ "Name": { "type": "Compose", "inputs": "@triggerBody()?['AlertDisplayName']" } }),
            ),
            "on-ip" => (
                sentinel("/entity/@{encodeURIComponent('IP')}"),
                json!({ "Address": { "type": "Compose", "inputs": "@triggerBody()?['Entity']?['properties']?['Address']" } }),
            ),
            "asking" => {
                let subscribe =
                    json!({ "method": "POST", "uri": "https://people.example/", "body": "@listCallbackUrl()" });
                let ask = json!({ "type": "HttpWebhook", "inputs": { "subscribe": subscribe, "unsubscribe": {} } });
                (request, json!({ "Ask": ask }))
            }
            "waiting" => (
                request,
                json!({ "Ask": { "type": "Http", "inputs": { "method": "GET", "uri": "https://service.example/" } } }),
            ),
            "secretive" | "suspended" => (
                request,
                json!({ "Use": { "type": "Compose", "inputs": "key @{parameters('key')} for @{triggerBody()?['who']}" } }),
            ),
            _ => called(name)?,
        };
        let text = json!({
            "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
            "contentVersion": "1.0.0.0",
            "parameters": { "$connections": { "type": "Object", "defaultValue": {} }, "key": { "type": "SecureString", "defaultValue": "" } },
            "triggers": triggers, "actions": actions
        });
        let (workflow, _) = definition::parse(&Value::from(&text)).expect("a valid definition");
        Some(Playbook {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            definition: text.to_string().into(),
            hash: format!("hash of {name}"),
            workflow: Arc::new(workflow),
            settings: Vec::new(),
            parameters: vec![GivenParameter {
                name: "key".into(),
                value: Ok(Value::from("open-sesame")),
                secret: true,
            }],
            connections: Vec::new(),
            suspended: name == "suspended",
        })
    }

    fn rules(&self, _: &str) -> Vec<(String, AutomationRuleSpec)> {
        let rule = |display_name: &str, order: u16, playbook: &str| {
            let spec = json!({
                "displayName": display_name, "order": order, "triggersOn": "Incidents",
                "actions": [{ "runPlaybook": { "name": playbook } }]
            });
            (playbook.to_owned(), serde_json::from_value(spec).expect("a rule"))
        };
        vec![
            rule("Triage <all>", 1, "triage"),
            rule("Without a grant", 2, "ungranted"),
        ]
    }

    async fn permit(&self, workspace: &str, namespace: &str, playbook: &str) -> Result<Permission, Undecided> {
        if playbook == "ungranted" {
            return Ok(grants::permit(workspace, namespace, playbook, std::iter::empty()));
        }
        Ok(Permission::Granted)
    }
}

/// A Response with a body.
fn reply(body: Json) -> Json {
    json!({ "type": "Response", "inputs": { "statusCode": 200, "body": body } })
}

/// Actions of playbooks that a request starts, and that answer in several ways.
fn answering(name: &str) -> Option<Json> {
    let ask = json!({ "type": "Http", "inputs": { "method": "GET", "uri": "https://service.example/" } });
    let after = |action: &str, mut reply: Json| {
        reply["runAfter"] = json!({ action: ["Succeeded"] });
        reply
    };
    let mut promise = reply(json!("kept"));
    promise["operationOptions"] = json!("Asynchronous");
    Some(match name {
        "answers" => {
            let mut reply = reply(json!("@triggerOutputs()"));
            reply["inputs"]["statusCode"] = json!(201);
            reply["inputs"]["headers"] = json!({ "x-a": 1 });
            json!({ "Reply": reply })
        }
        "refuses" => {
            let mut reply = reply(json!("no such thing"));
            reply["inputs"]["statusCode"] = json!(404);
            json!({ "Reply": reply })
        }
        "mute" => {
            let fail = json!({ "type": "Compose", "inputs": "@int('x')" });
            json!({ "Fail": fail, "Reply": after("Fail", reply(json!("never"))) })
        }
        "slow" => json!({ "Ask": ask, "Reply": after("Ask", reply(json!("late"))) }),
        "tardy" => {
            let wait = json!({ "type": "Wait", "inputs": { "interval": { "count": 1, "unit": "Second" } } });
            json!({ "Wait": wait, "Reply": after("Wait", reply(json!("late"))) })
        }
        "promises" => json!({ "Reply": promise }),
        "promises-late" => json!({ "Ask": ask, "Reply": after("Ask", promise) }),
        _ => return None,
    })
}

/// Triggers and actions of playbooks that are called over HTTP.
fn called(name: &str) -> Option<(Json, Json)> {
    let request = json!({ "manual": { "type": "Request" } });
    let ask = json!({ "type": "Http", "inputs": { "method": "GET", "uri": "https://service.example/" } });
    let subscribe = json!({ "method": "POST", "uri": "https://asks.example/", "body": "@listCallbackUrl()" });
    Some(match name {
        "strict" => {
            let schema = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "integer" } } });
            let inputs = json!({ "method": "PUT", "relativePath": "customer/{name}", "schema": schema });
            let trigger = json!({ "type": "Request", "operationOptions": "EnableSchemaValidation", "inputs": inputs });
            (
                json!({ "manual": trigger }),
                json!({ "Reply": reply(json!("@triggerOutputs()")) }),
            )
        }
        "hushed" => {
            let inputs = json!({ "method": "POST", "schema": {} });
            let option = "SuppressWorkflowHeadersOnResponse";
            let trigger = json!({ "type": "Request", "operationOptions": option, "inputs": inputs });
            (
                json!({ "manual": trigger }),
                json!({ "Reply": reply(json!("@trigger()['inputs']")) }),
            )
        }
        "picky" => {
            let trigger = json!({ "type": "Request", "conditions": [{ "expression": "@equals(1, 2)" }] });
            (json!({ "manual": trigger }), json!({}))
        }
        "limited" => {
            let limit = json!({ "concurrency": { "runs": 1, "maximumWaitingRuns": 1 } });
            let trigger = json!({ "type": "Request", "runtimeConfiguration": limit });
            (json!({ "manual": trigger }), json!({ "Ask": ask }))
        }
        "asks" => {
            let webhook = json!({ "type": "HttpWebhook", "inputs": { "subscribe": subscribe } });
            (request, json!({ "Ask": webhook }))
        }
        "hooked" => {
            let trigger = json!({ "type": "HttpWebhook", "inputs": { "subscribe": subscribe } });
            (
                json!({ "manual": trigger }),
                json!({ "Reply": reply(json!("@triggerBody()?['who']")) }),
            )
        }
        _ => (request, answering(name)?),
    })
}

/// A native alert; like ones differ by `id` only.
fn alert(id: &str) -> Json {
    json!({ "title": "Shell in container", "severity": "High", "id": id, "ruleName": "shell",
        "entities": [{ "kind": "Ip", "properties": { "address": "203.0.113.7" } }] })
}
