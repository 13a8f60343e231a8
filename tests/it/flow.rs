//! What holds calls back: the limits of API connections and the wishes of their services, over a real store, a real
//! engine and a real HTTP server.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod brakes;
mod lanes;
mod limits;

use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request as HttpRequest, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use riposte::api::api_connection::{Brakes, ConnectionLimits};
use riposte::api::{AutomationRuleSpec, SecretString};
use riposte::connectors::{Client, Connections, ConnectorServices, Egress, ResolvedConnection, catalog};
use riposte::definition;
use riposte::engine::content::{Connection, Content, Playbook, Undecided};
use riposte::engine::event::Event;
use riposte::engine::nested::Settings;
use riposte::engine::start::Request;
use riposte::engine::state::State;
use riposte::engine::status::RunStatus;
use riposte::engine::{Engine, view};
use riposte::expression::Value;
use riposte::grants::Permission;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::store::{Location, RunRow, Sealer, Store};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A test that waits longer for something has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A service that notes who called when, how many did at once, and answers as it is told.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    calls: Vec<(Instant, String)>,
    under_way: usize,
    at_once: usize,
    /// Calls of the path `hold` wait until it is opened.
    is_open: watch::Sender<bool>,
    /// What the next calls are answered instead of 200.
    busy: Vec<(StatusCode, &'static str)>,
}

impl Service {
    /// Serves on loopback; gives its port.
    async fn serve(&self) -> u16 {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        port
    }

    fn noted<T>(&self, look: impl FnOnce(&mut Noted) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn paths(&self) -> Vec<String> {
        self.noted(|noted| noted.calls.iter().map(|(_, path)| path.clone()).collect())
    }
}

async fn answer(Shared(service): Shared<Service>, request: HttpRequest) -> Response {
    let path = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let busy = service.noted(|noted| {
        noted.calls.push((Instant::now(), path.clone()));
        noted.under_way += 1;
        noted.at_once = noted.at_once.max(noted.under_way);
        (!noted.busy.is_empty()).then(|| noted.busy.remove(0))
    });
    if path == "hold" {
        let mut opened = service.noted(|noted| noted.is_open.subscribe());
        // The test ends where nothing opens it any more.
        let _ = opened.wait_for(|is_open| *is_open).await;
    }
    // Others have time to come while this call is under way.
    tokio::time::sleep(Duration::from_millis(20)).await;
    service.noted(|noted| noted.under_way -= 1);
    match busy {
        Some((status, after)) => (status, [("retry-after", after)]).into_response(),
        None => "{}".into_response(),
    }
}

/// One connection to the service, whose limits can change.
struct Bound {
    port: u16,
    limits: Mutex<Option<ConnectionLimits>>,
    brakes: Mutex<Option<Brakes>>,
}

impl Connections for Bound {
    fn connection(&self, _: &str, name: &str) -> Result<ResolvedConnection, String> {
        Ok(ResolvedConnection {
            name: name.to_owned(),
            connector: catalog::built_in("virustotal").unwrap(),
            base_url: Some(format!("http://127.0.0.1:{}", self.port)),
            parameters: vec![("api_key".to_owned(), SecretString::from("key"))],
            authentication: None,
            hosts: Vec::new(),
            allowed_networks: Vec::new(),
        })
    }

    fn identity(&self, (namespace, _): (&str, &str), identity: &str) -> Result<ResolvedConnection, String> {
        self.connection(namespace, identity)
    }

    fn connection_limits(&self, _: &str, _: &str) -> Option<ConnectionLimits> {
        *self.limits.lock().unwrap()
    }

    fn brakes(&self, _: &str, _: &str) -> Option<Brakes> {
        self.brakes.lock().unwrap().clone()
    }
}

/// A catalog of one playbook.
struct Catalog(Playbook);

#[async_trait]
impl Content for Catalog {
    fn playbook(&self, _: &str, name: &str) -> Option<Playbook> {
        (self.0.name == name).then(|| self.0.clone())
    }

    fn rules(&self, _: &str) -> Vec<(String, AutomationRuleSpec)> {
        Vec::new()
    }

    async fn permit(&self, _: &str, _: &str, _: &str) -> Result<Permission, Undecided> {
        Ok(Permission::Granted)
    }
}

fn playbook(actions: &serde_json::Value) -> Playbook {
    let definition = json!({
        "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
        "parameters": {"$connections": {"type": "Object", "defaultValue": {}}},
        "actions": actions,
    });
    let (workflow, _) = definition::parse(&Value::from(&definition)).unwrap();
    Playbook {
        namespace: "soc".into(),
        name: "enrich".into(),
        definition: definition.to_string().into(),
        hash: "hash".into(),
        workflow: Arc::new(workflow),
        parameters: Vec::new(),
        settings: Vec::new(),
        connections: vec![Connection {
            alias: "virustotal".into(),
            name: "vt".into(),
            connector: Some("virustotal".into()),
        }],
        suspended: false,
    }
}

/// An action that asks the service about an address, without retries.
fn ask(address: &str) -> serde_json::Value {
    json!({
        "type": "ApiConnection",
        "inputs": {
            "host": {"connection": {"name": "@parameters('$connections')['virustotal']['connectionId']"}},
            "method": "get",
            "path": format!("/api/v3/ip_addresses/{address}"),
            "retryPolicy": {"type": "none"},
        },
    })
}

/// One process; when its runtime is dropped, it is gone as after `kill -9`.
struct Process {
    runtime: tokio::runtime::Runtime,
    store: Store,
    desk: Desk,
    engine: Engine,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    connections: Arc<Bound>,
    service: Service,
}

impl Process {
    fn start(folder: &Path, playbook: &Playbook, limits: Option<ConnectionLimits>) -> Self {
        Self::with(folder, playbook, limits, Settings::default())
    }

    fn with(
        place: impl Into<Location>,
        playbook: &Playbook,
        limits: Option<ConnectionLimits>,
        settings: Settings,
    ) -> Self {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        let store = runtime.block_on(Store::open(place)).unwrap();
        let desk = Desk::new(store.clone(), WorkspaceIds::default());
        let service = Service::default();
        let connections = Arc::new(Bound {
            port: runtime.block_on(service.serve()),
            limits: Mutex::new(limits),
            brakes: Mutex::default(),
        });
        let egress = Egress {
            allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
            ..Egress::default()
        };
        let services = ConnectorServices::new(connections.clone(), Client::new(egress), desk.clone());
        let catalog = Arc::new(Catalog(playbook.clone()));
        let (sealer, services) = (Sealer::new([7; 32]), Arc::new(services));
        let engine = Engine::with(store.clone(), sealer, services, catalog, desk.clone(), settings);
        let (served, stop) = (engine.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let serving = runtime.spawn(async move { served.serve(stopped).await });
        Self {
            runtime,
            store,
            desk,
            engine,
            stop,
            serving,
            connections,
            service,
        }
    }

    /// Waits for something, but not for ever.
    fn within<T>(&self, future: impl Future<Output = T>) -> T {
        let timed = async { tokio::time::timeout(PATIENCE, future).await };
        self.runtime.block_on(timed).expect("it happens in time")
    }

    fn run(&self) -> String {
        self.start_run(request())
    }

    fn start_run(&self, request: Request) -> String {
        self.within(self.engine.start(&request)).unwrap().remove(0)
    }

    fn ended(&self, run: &str) -> RunStatus {
        self.within(self.engine.ended(run)).unwrap()
    }

    /// Waits until the run is as it should be.
    fn until(&self, run: &str, is_it: impl Fn(&RunRow, &[Event]) -> bool) -> RunRow {
        self.within(async {
            let mut commits = self.store.subscribe();
            loop {
                let row = self.store.run(run).await.unwrap().unwrap();
                if is_it(&row, &self.engine.history(run).await.unwrap().1) {
                    return row;
                }
                commits.changed().await.unwrap();
            }
        })
    }

    /// The run for people, and its events.
    fn look(&self, run: &str) -> (Value, Vec<Event>) {
        let (workflow, events) = self.within(self.engine.history(run)).unwrap();
        (view::run(&workflow, &State::fold(&workflow, &events).unwrap()), events)
    }
}

fn request() -> Request {
    Request {
        namespace: "soc".into(),
        playbook: "enrich".into(),
        requester: "user/test".into(),
        ..Request::default()
    }
}

/// The codes of what held calls, in order.
fn held(events: &[Event]) -> Vec<&str> {
    let codes = events.iter().filter_map(|event| match event {
        Event::Held { code, .. } => Some(code.as_str()),
        _ => None,
    });
    codes.collect()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
