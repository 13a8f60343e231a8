//! A process that runs playbooks: this test program again, in another role, with the engine, the store, the services and
//! the server of the product. It is a real process, so that nothing of it survives SIGKILL.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use riposte::api::AutomationRuleSpec;
use riposte::catalog;
use riposte::connectors::{Client, ConnectorServices, Egress};
use riposte::definition;
use riposte::engine::Engine;
use riposte::engine::call::{Admission, Answer, Brake, Call, CallError, Services};
use riposte::engine::content::{Content, Playbook, Undecided};
use riposte::expression;
use riposte::grants::Permission;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::server::{ServerState, Settings, serve};
use riposte::store::{Address, Location, Millis, Sealer, Store};
use serde::{Deserialize, Serialize};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::machine::Gate;
use super::world::{KEY, LIFE, PLAYBOOK};
use crate::patience::settled;

/// The variable that makes this program a worker.
pub(super) const TASK: &str = "CHAOS_WORKER";
/// The test that is the worker.
pub(super) const ROLE: &str = "chaos::worker::a_process_of_its_own";
/// How a worker says where it serves.
pub(super) const SERVES: &str = "chaos worker at ";
/// The token of its server.
pub(super) const TOKEN: &str = "chaos-0123456789";
/// The namespace of all playbooks.
pub(super) const NAMESPACE: &str = "soc";
/// How often a disk that lies gets what it said that it has.
const LAG: Duration = Duration::from_millis(150);
/// How long a store may be away at the beginning.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a worker has its store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Place {
    Folder(PathBuf),
    /// A folder that gets what was committed some time after it was said to be there: effects come before their intents
    /// are durable.
    Lagging(PathBuf),
    Server(String),
}

/// What a worker is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) place: Place,
    /// A file with the playbooks: name and definition.
    pub(super) playbooks: PathBuf,
    pub(super) machine: PathBuf,
    pub(super) life: u32,
}

#[test]
#[ignore = "a process that the harness starts and kills"]
fn a_process_of_its_own() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Task = serde_json::from_str(&task).unwrap();
    std::thread::spawn(|| {
        // It ends with the harness, however that ends.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let filter = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN);
    filter.with_writer(std::io::stderr).init();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(work(task));
}

async fn work(task: Task) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let location: Location = match &task.place {
        Place::Folder(folder) => folder.into(),
        Place::Lagging(disk) => cache(disk, task.life).await.into(),
        Place::Server(url) => Address::parse(url).unwrap().into(),
    };
    let store = open(location).await;
    if let Place::Lagging(disk) = &task.place {
        let lag = Lag::of(disk, task.life);
        lag.write().await;
        tokio::spawn(async move {
            let mut writes = tokio::time::interval(LAG);
            loop {
                writes.tick().await;
                lag.write().await;
            }
        });
    }
    let workspaces = WorkspaceIds {
        public_url: "http://callbacks.test".into(),
        ..WorkspaceIds::default()
    };
    let desk = Desk::new(store.clone(), workspaces);
    let egress = Egress {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        ..Egress::default()
    };
    let connections = Arc::new(catalog::Current::fixed(catalog::Catalog::default()));
    let outside = Outside {
        services: ConnectorServices::new(connections, Client::new(egress), desk.clone()),
        gate: Gate::of(&task.machine),
        life: task.life,
    };
    let shelf = Arc::new(Shelf::read(&task.playbooks));
    let engine = Engine::new(
        store.clone(),
        Sealer::new([7; 32]),
        Arc::new(outside),
        shelf,
        desk.clone(),
    );
    let mut settings = Settings::default();
    settings.tokens.add("chaos", TOKEN, "*".parse().unwrap()).unwrap();
    let state = ServerState::new(desk, engine.clone(), store, settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{SERVES}http://{}", listener.local_addr().unwrap());
    let driven = tokio::spawn(async move { engine.serve(CancellationToken::new()).await });
    serve(listener, state, CancellationToken::new()).await.unwrap();
    driven.await.unwrap();
}

/// Opens the store as soon as its server is there, as a pod does that is started again and again.
async fn open(location: Location) -> Store {
    let opened = settled(PATIENCE, async || Store::open(location.clone()).await).await;
    opened.unwrap_or_else(|error| panic!("{error}"))
}

/// The services of the product; each call says whose it is, and waits at a gate between its intent and its effect.
struct Outside {
    services: ConnectorServices,
    gate: Gate,
    life: u32,
}

#[async_trait]
impl Services for Outside {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        self.gate.pass().await;
        let mut call = call.clone();
        let marks = [
            (KEY, call.idempotency_key.clone()),
            (PLAYBOOK, call.playbook.clone()),
            (LIFE, self.life.to_string()),
        ];
        call.headers.extend(marks.map(|(name, value)| (name.to_owned(), value)));
        self.services.call(&call).await
    }

    fn admit(&self, call: &Call, now: Millis) -> Admission {
        self.services.admit(call, now)
    }

    fn changes(&self, call: &Call) -> bool {
        self.services.changes(call)
    }

    fn brakes(&self, call: &Call) -> Vec<Brake> {
        self.services.brakes(call)
    }

    fn safe_to_repeat(&self, call: &Call) -> bool {
        self.services.safe_to_repeat(call)
    }
}

struct Shelf(BTreeMap<String, Playbook>);

impl Shelf {
    fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        let all: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        let playbooks = all.into_iter().map(|(name, definition)| {
            let (workflow, _) = definition::parse(&expression::Value::from(&definition)).unwrap();
            let playbook = Playbook {
                namespace: NAMESPACE.into(),
                name: name.clone(),
                definition: definition.to_string().into(),
                hash: format!("hash of {name}"),
                workflow: Arc::new(workflow),
                parameters: Vec::new(),
                connections: Vec::new(),
                settings: Vec::new(),
                suspended: false,
            };
            (name, playbook)
        });
        Self(playbooks.collect())
    }
}

#[async_trait]
impl Content for Shelf {
    fn playbook(&self, _: &str, name: &str) -> Option<Playbook> {
        self.0.get(name).cloned()
    }

    fn rules(&self, _: &str) -> Vec<(String, AutomationRuleSpec)> {
        Vec::new()
    }

    async fn permit(&self, _: &str, _: &str, _: &str) -> Result<Permission, Undecided> {
        Ok(Permission::Granted)
    }
}

/// Where a disk that lies keeps what is not durable yet; it begins with what is.
async fn cache(disk: &Path, life: u32) -> PathBuf {
    let cache = disk.join(format!("cache-{life}"));
    std::fs::create_dir_all(&cache).unwrap();
    let durable = disk.join("riposte.db");
    if durable.exists() {
        std::fs::copy(durable, cache.join("riposte.db")).unwrap();
    }
    cache
}

/// Brings what was committed to the disk, all of it at once.
struct Lag {
    cache: PathBuf,
    draft: PathBuf,
    durable: PathBuf,
}

impl Lag {
    fn of(disk: &Path, life: u32) -> Self {
        Self {
            cache: disk.join(format!("cache-{life}/riposte.db")),
            draft: disk.join(format!("draft-{life}.db")),
            durable: disk.join("riposte.db"),
        }
    }

    async fn write(&self) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&self.cache);
        let mut connection: SqliteConnection = options.connect().await.unwrap();
        let copy = sqlx::query("VACUUM INTO $1").bind(self.draft.to_string_lossy().into_owned());
        copy.execute(&mut connection).await.unwrap();
        std::fs::rename(&self.draft, &self.durable).unwrap();
    }
}
