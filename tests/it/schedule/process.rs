//! One process: a store, an engine that looks after schedules, playbooks that can change, and services over real HTTP.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use riposte::api::AutomationRuleSpec;
use riposte::catalog;
use riposte::connectors::{Client, ConnectorServices, Egress};
use riposte::definition;
use riposte::engine::content::{Changes, Content, Playbook, Undecided};
use riposte::engine::event::{Event, Opened};
use riposte::engine::start::Request;
use riposte::engine::state::State;
use riposte::engine::status::RunStatus;
use riposte::engine::{Engine, clock, journal, view};
use riposte::expression;
use riposte::grants::Permission;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::store::{Location, RunFilter, RunRow, ScheduleRow, Sealer, Store};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const NAMESPACE: &str = "soc";
const KEY: [u8; 32] = [7; 32];
/// A test that waits longer for something has failed.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A time as `startTime` writes it.
pub(super) fn time(at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at).unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time as the trigger shows it.
pub(super) fn round_trip(at: i64) -> String {
    clock::round_trip(at)
}

/// A playbook of the catalog.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) trigger: Value,
    pub(super) suspended: bool,
    pub(super) playbook: Playbook,
}

pub(super) fn playbook(name: &str, trigger: &Value, actions: &Value) -> Entry {
    let definition = json!({"triggers": {"start": trigger}, "actions": actions}).to_string();
    let value = expression::Value::from_json(&definition).unwrap();
    let (workflow, _) = definition::parse(&value).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
    let hash = Sha256::digest(&definition)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Entry {
        trigger: trigger.clone(),
        suspended: false,
        playbook: Playbook {
            namespace: NAMESPACE.into(),
            name: name.into(),
            definition: definition.into(),
            hash,
            workflow: Arc::new(workflow),
            parameters: Vec::new(),
            settings: Vec::new(),
            connections: Vec::new(),
            suspended: false,
        },
    }
}

type Playbooks = BTreeMap<String, Playbook>;

fn table(entries: Vec<Entry>) -> Arc<Playbooks> {
    let playbooks = entries.into_iter().map(|entry| Playbook {
        suspended: entry.suspended,
        ..entry.playbook
    });
    Arc::new(playbooks.map(|playbook| (playbook.name.clone(), playbook)).collect())
}

struct Shelf(watch::Receiver<Arc<Playbooks>>, catalog::Current);

struct Next(watch::Receiver<Arc<Playbooks>>);

#[async_trait]
impl Changes for Next {
    async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

#[async_trait]
impl Content for Shelf {
    fn playbook(&self, namespace: &str, name: &str) -> Option<Playbook> {
        let found = self.0.borrow().get(name).cloned();
        found.filter(|playbook| playbook.namespace == namespace)
    }

    fn kept(&self) -> Vec<Playbook> {
        let all = self.0.borrow();
        let kept = all
            .values()
            .filter(|playbook| playbook.workflow.triggers[0].kind.is_kept());
        kept.cloned().collect()
    }

    fn destination(&self, namespace: &str, connection: &str) -> Option<String> {
        self.1.destination(namespace, connection)
    }

    fn changes(&self) -> Box<dyn Changes> {
        Box::new(Next(self.0.clone()))
    }

    fn rules(&self, _: &str) -> Vec<(String, AutomationRuleSpec)> {
        Vec::new()
    }

    async fn permit(&self, _: &str, _: &str, _: &str) -> Result<Permission, Undecided> {
        Ok(Permission::Granted)
    }
}

/// What a process stands in.
pub(super) struct Surroundings {
    /// Connections and connectors.
    pub(super) catalog: catalog::Current,
    /// By what others reach it; empty where nobody does.
    pub(super) public_url: String,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            catalog: catalog::Current::fixed(catalog::Catalog::default()),
            public_url: String::new(),
        }
    }
}

pub(super) struct Process {
    runtime: tokio::runtime::Runtime,
    pub(super) store: Store,
    desk: Desk,
    pub(super) engine: Engine,
    playbooks: watch::Sender<Arc<Playbooks>>,
}

impl Process {
    /// A process that runs everything.
    pub(super) fn start(folder: &Path, playbooks: Vec<Entry>) -> Self {
        Self::start_in(folder, playbooks, Surroundings::default())
    }

    /// The same somewhere.
    pub(super) fn start_in(store: impl Into<Location>, playbooks: Vec<Entry>, surroundings: Surroundings) -> Self {
        let process = Self::idle_in(store, playbooks, surroundings);
        let (serving, keeping) = (process.engine.clone(), process.engine.clone());
        process
            .runtime
            .spawn(async move { serving.serve(CancellationToken::new()).await });
        process
            .runtime
            .spawn(async move { keeping.keep_schedules(CancellationToken::new()).await });
        process
    }

    /// A process that runs nothing.
    pub(super) fn idle(folder: &Path, playbooks: Vec<Entry>) -> Self {
        Self::idle_in(folder, playbooks, Surroundings::default())
    }

    fn idle_in(store: impl Into<Location>, playbooks: Vec<Entry>, surroundings: Surroundings) -> Self {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        let store = runtime.block_on(Store::open(store)).unwrap();
        let ids = WorkspaceIds {
            public_url: surroundings.public_url,
            ..WorkspaceIds::default()
        };
        let desk = Desk::new(store.clone(), ids);
        let egress = Egress {
            allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
            ..Egress::default()
        };
        let connections = surroundings.catalog;
        let services = ConnectorServices::new(Arc::new(connections.clone()), Client::new(egress), desk.clone());
        let (playbooks, shelf) = watch::channel(table(playbooks));
        let content = Arc::new(Shelf(shelf, connections));
        let engine = Engine::new(
            store.clone(),
            Sealer::new(KEY),
            Arc::new(services),
            content,
            desk.clone(),
        );
        Self {
            runtime,
            store,
            desk,
            engine,
            playbooks,
        }
    }

    /// Serves its API.
    pub(super) fn serve(&self, listener: std::net::TcpListener) {
        let settings = riposte::server::Settings::default();
        let state =
            riposte::server::ServerState::new(self.desk.clone(), self.engine.clone(), self.store.clone(), settings);
        self.runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            riposte::server::serve(listener, state, CancellationToken::new()).await
        });
    }

    pub(super) fn publish(&self, playbooks: Vec<Entry>) {
        self.playbooks.send_replace(table(playbooks));
    }

    pub(super) fn kill(self) {
        drop(self);
    }

    /// Waits for something, but not for ever.
    pub(super) fn within<T>(&self, future: impl Future<Output = T>) -> T {
        let timed = async { tokio::time::timeout(PATIENCE, future).await };
        self.runtime.block_on(timed).expect("it happens in time")
    }

    /// Starts a playbook with a body and waits for its end.
    pub(super) fn run(&self, playbook: &str, body: &Value) -> RunStatus {
        let request = Request {
            namespace: NAMESPACE.into(),
            playbook: playbook.into(),
            body: body.into(),
            requester: "user/test".into(),
            ..Request::default()
        };
        self.within(async {
            let runs = self.engine.start(&request).await.unwrap();
            self.engine.ended(&runs[0]).await.unwrap()
        })
    }

    /// The runs of a playbook, the oldest first.
    pub(super) fn runs(&self, playbook: &str) -> Vec<RunRow> {
        let filter = RunFilter {
            name: Some(playbook.into()),
            limit: 10_000,
            ..RunFilter::default()
        };
        let mut runs = self.within(self.store.runs(&filter)).unwrap();
        runs.reverse();
        runs
    }

    /// The runs of a playbook, as soon as they are as they should be.
    pub(super) fn runs_where(&self, playbook: &str, are_they: impl Fn(&[RunRow]) -> bool) -> Vec<RunRow> {
        self.until(|| {
            let runs = self.runs(playbook);
            are_they(&runs).then_some(runs)
        })
    }

    /// The runs of a playbook, as soon as so many have ended.
    pub(super) fn ended_runs(&self, playbook: &str, count: usize) -> Vec<RunRow> {
        let have_ended = |runs: &[RunRow]| runs.iter().filter(|run| run.ended_at.is_some()).count() >= count;
        self.runs_where(playbook, have_ended)
    }

    /// The schedule of a playbook, as soon as it is as it should be.
    pub(super) fn schedule_where(&self, playbook: &str, is_it: impl Fn(&ScheduleRow) -> bool) -> ScheduleRow {
        self.until(|| {
            let rows = self.within(self.store.schedules()).unwrap();
            rows.into_iter().find(|row| row.key.playbook == playbook && is_it(row))
        })
    }

    /// Awaits what comes with a commit, with a deadline.
    pub(super) fn until<T>(&self, mut found: impl FnMut() -> Option<T>) -> T {
        let mut commits = self.store.subscribe();
        let begin = std::time::Instant::now();
        loop {
            if let Some(found) = found() {
                return found;
            }
            assert!(begin.elapsed() < PATIENCE, "it happens in time");
            self.within(commits.changed()).unwrap();
        }
    }

    /// How a run began.
    pub(super) fn opened(&self, run: &str) -> Opened {
        let events = self
            .within(journal::events(&self.store, &Sealer::new(KEY), run))
            .unwrap();
        match events.into_iter().next() {
            Some(Event::Opened(opened)) => *opened,
            other => panic!("{other:?}"),
        }
    }

    /// The outputs of an action in each ended run of a playbook, the oldest first.
    pub(super) fn outputs(&self, playbook: &str, action: &str) -> Vec<Value> {
        let ended = self.runs(playbook).into_iter().filter(|run| run.ended_at.is_some());
        let outputs = ended.map(|run| {
            let (workflow, events) = self.within(self.engine.history(&run.id)).unwrap();
            let view = view::run(&workflow, &State::fold(&workflow, &events).unwrap());
            let outputs = view.at(&["actions", action, "outputs"]);
            outputs.map(Value::from).unwrap_or_default()
        });
        outputs.collect()
    }
}
