//! Calls that the engine performs itself, over a real store: playbooks that call each other and scripts. A process is
//! a runtime of its own; when it is dropped, every task of it is gone at once, as after `kill -9`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod playbook;
mod script;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use riposte::api::AutomationRuleSpec;
use riposte::definition;
use riposte::engine::call::{Admission, Answer, Brake, Call, CallError, Services};
use riposte::engine::content::{Content, Playbook, Undecided};
use riposte::engine::nested::Settings;
use riposte::engine::start::Request;
use riposte::engine::state::State;
use riposte::engine::status::RunStatus;
use riposte::engine::{Engine, view};
use riposte::expression::Value;
use riposte::grants::{MissingGrant, Permission};
use riposte::incidents::{Desk, WorkspaceIds, WorkspaceMapping};
use riposte::script::Scripts;
use riposte::store::{RunFilter, RunRow, Sealer, Store};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// A test that waits longer for something has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The services outside: `GET /never` never answers, everything else at once. Tells the test of each call.
struct Outside(mpsc::UnboundedSender<Call>);

#[async_trait]
impl Services for Outside {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        self.0.send(call.clone()).unwrap();
        if call.path == "/never" {
            std::future::pending::<()>().await;
        }
        Ok(Answer {
            status: 200,
            body: Some(call.path.as_str().into()),
            ..Answer::default()
        })
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

    fn safe_to_repeat(&self, call: &Call) -> bool {
        call.method == "GET"
    }
}

/// A catalog of these playbooks. The namespace `soc` may run what is in `shared`, but not what is in `closed`.
#[derive(Clone)]
struct Catalog(Vec<Playbook>);

#[async_trait]
impl Content for Catalog {
    fn playbook(&self, namespace: &str, name: &str) -> Option<Playbook> {
        let mut playbooks = self.0.iter();
        let found = playbooks.find(|playbook| playbook.namespace == namespace && playbook.name == name);
        found.cloned()
    }

    fn rules(&self, _: &str) -> Vec<(String, AutomationRuleSpec)> {
        Vec::new()
    }

    async fn permit(&self, workspace: &str, namespace: &str, playbook: &str) -> Result<Permission, Undecided> {
        Ok(if namespace == "shared" {
            Permission::Granted
        } else {
            Permission::Missing(MissingGrant {
                workspace: workspace.into(),
                namespace: namespace.into(),
                playbook: playbook.into(),
            })
        })
    }
}

/// A playbook that starts with an HTTP request.
fn playbook(namespace: &str, name: &str, actions: &Json) -> Playbook {
    let definition = json!({
        "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
        "actions": actions,
    });
    defined(namespace, name, &definition)
}

fn defined(namespace: &str, name: &str, definition: &Json) -> Playbook {
    let (workflow, _) = definition::parse(&Value::from(definition)).unwrap_or_else(|problems| panic!("{problems:#?}"));
    Playbook {
        namespace: namespace.into(),
        name: name.into(),
        definition: definition.to_string().into(),
        hash: format!("{namespace}/{name}"),
        workflow: Arc::new(workflow),
        parameters: Vec::new(),
        settings: Vec::new(),
        connections: Vec::new(),
        suspended: false,
    }
}

/// One process.
struct Process {
    runtime: tokio::runtime::Runtime,
    store: Store,
    engine: Engine,
    calls: mpsc::UnboundedReceiver<Call>,
}

impl Process {
    fn start(folder: &Path, playbooks: &[Playbook], hold: Duration) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        let store = runtime.block_on(Store::open(folder)).unwrap();
        let (called, calls) = mpsc::unbounded_channel();
        let mapping = WorkspaceMapping {
            subscription: "f00d".into(),
            resource_group: "RG-Shared".into(),
            workspace: "ws".into(),
            workspace_id: None,
            namespace: "shared".into(),
        };
        let ids = WorkspaceIds {
            workspaces: vec![mapping],
            ..WorkspaceIds::default()
        };
        let settings = Settings {
            hold,
            scripts: Scripts::new(Some(env!("CARGO_BIN_EXE_riposte").into())),
            ..Settings::default()
        };
        let engine = Engine::with(
            store.clone(),
            Sealer::new([7; 32]),
            Arc::new(Outside(called)),
            Arc::new(Catalog(playbooks.to_vec())),
            Desk::new(store.clone(), ids),
            settings,
        );
        let serving = engine.clone();
        runtime.spawn(async move { serving.serve(CancellationToken::new()).await });
        Self {
            runtime,
            store,
            engine,
            calls,
        }
    }

    /// Waits for something, but not for ever.
    fn within<T>(&self, future: impl Future<Output = T>) -> T {
        let timed = async { tokio::time::timeout(PATIENCE, future).await };
        self.runtime.block_on(timed).expect("it happens in time")
    }

    /// Starts `soc/parent`.
    fn run(&self, body: &Json) -> String {
        let request = Request {
            namespace: "soc".into(),
            playbook: "parent".into(),
            requester: "user/test".into(),
            body: Value::from(body),
            tracking_id: Some("track-1".into()),
            ..Request::default()
        };
        self.within(self.engine.start(&request)).unwrap().remove(0)
    }

    fn ended(&self, run: &str) -> RunStatus {
        self.within(self.engine.ended(run)).unwrap()
    }

    /// The run for people, from its journal.
    fn view(&self, run: &str) -> Value {
        let (workflow, events) = self.within(self.engine.history(run)).unwrap();
        view::run(&workflow, &State::fold(&workflow, &events).unwrap())
    }

    /// Starts `soc/parent` and gives its one action `name` when it has ended.
    fn action(&self, body: &Json, name: &str) -> Value {
        let run = self.run(body);
        self.ended(&run);
        self.view(&run).at(&["actions", name]).unwrap().clone()
    }

    /// The runs of a playbook.
    fn runs(&self, name: &str) -> Vec<RunRow> {
        let filter = RunFilter {
            name: Some(name.into()),
            limit: 100,
            ..RunFilter::default()
        };
        self.within(self.engine.runs(&filter)).unwrap()
    }

    fn next_call(&mut self) -> Call {
        let timed = async { tokio::time::timeout(PATIENCE, self.calls.recv()).await };
        let call = self.runtime.block_on(timed).expect("a call is made in time");
        call.unwrap()
    }
}

/// The text at a path of an action's view.
fn text(action: &Value, path: &[&str]) -> String {
    action.at(path).map(Value::to_text).unwrap_or_default()
}
