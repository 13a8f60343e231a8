//! The engine over a real store: runs that end, processes that die in the middle of a call, runs that wait outside of
//! the memory, cancellation, sealed values, and the fence between two engines. A process is a runtime of its own;
//! when it is dropped, every task of it is gone at once, as after `kill -9`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod callbacks;
mod control;
mod failing;
mod faults;
mod kept;
mod queue;
mod replicas;

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use riposte::api::AutomationRuleSpec;
use riposte::definition::{self, ActionId, BlockId};
use riposte::engine::call::{Admission, Answer, Brake, Call, CallError, Services};
use riposte::engine::content::{Content, GivenParameter, Playbook, Undecided};
use riposte::engine::event::{Event, FrameId, NodeId, Opened};
use riposte::engine::start::Request;
use riposte::engine::state::State;
use riposte::engine::status::RunStatus;
use riposte::engine::{Engine, Haste, Notice, journal, view};
use riposte::expression::{Object, Value};
use riposte::grants::Permission;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::store::{Append, EventRow, Location, NewRun, Next, Operation, RunRow, Sealer, Store, Transaction};
use serde_json::json;
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

const CANARY: &str = "canary-5f1c77";
const HOUR: i64 = 3_600_000;
/// A test that waits longer for something has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the service says to calls of `METHOD path`.
#[derive(Clone)]
enum Says {
    Status(u16),
    /// 200 with a body.
    Body(Value),
    /// 202: the answer will be at this place.
    Promise(&'static str),
    /// 200, and a setting of the store that changes together with the end of the action.
    Writes(&'static str),
    /// 200, once the test says so.
    When(Arc<Notify>),
    /// Never anything.
    Nothing,
}

/// The outside world of one process; tells the test of each call.
struct Scripted {
    says: HashMap<&'static str, Says>,
    called: mpsc::UnboundedSender<Call>,
}

#[async_trait]
impl Services for Scripted {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        let says = self
            .says
            .get(format!("{} {}", call.method, call.path).as_str())
            .cloned();
        self.called.send(call.clone()).unwrap();
        let answer = |status| Answer {
            status,
            ..Answer::default()
        };
        Ok(
            match says.unwrap_or_else(|| panic!("nothing answers {} {}", call.method, call.path)) {
                Says::Status(status) => answer(status),
                Says::Body(body) => Answer {
                    body: Some(body),
                    ..answer(200)
                },
                Says::Promise(location) => {
                    let mut headers = Object::new();
                    headers.insert("Location", location);
                    headers.insert("Retry-After", "0");
                    Answer { headers, ..answer(202) }
                }
                Says::Writes(key) => {
                    let value = call.idempotency_key.clone();
                    let operation = Operation::PutSetting { key: key.into(), value };
                    Answer {
                        writes: vec![operation],
                        ..answer(200)
                    }
                }
                Says::When(answers) => {
                    answers.notified().await;
                    answer(200)
                }
                Says::Nothing => std::future::pending().await,
            },
        )
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

/// A catalog of one playbook, or none once it is taken out.
#[derive(Clone)]
struct Catalog(Arc<Mutex<Option<Playbook>>>);

impl Catalog {
    fn of(playbook: &Playbook) -> Self {
        Self(Arc::new(Mutex::new(Some(playbook.clone()))))
    }

    fn put(&self, playbook: Option<Playbook>) {
        *self.0.lock().unwrap() = playbook;
    }
}

#[async_trait]
impl Content for Catalog {
    fn playbook(&self, _: &str, name: &str) -> Option<Playbook> {
        let playbook = self.0.lock().unwrap();
        playbook.clone().filter(|playbook| playbook.name == name)
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
        "parameters": {"key": {"type": "securestring", "defaultValue": ""}},
        "actions": actions,
    });
    let (workflow, _) = definition::parse(&Value::from(&definition)).unwrap();
    Playbook {
        namespace: "soc".into(),
        name: "respond".into(),
        definition: definition.to_string().into(),
        hash: "hash".into(),
        workflow: Arc::new(workflow),
        settings: Vec::new(),
        parameters: vec![GivenParameter {
            name: "key".into(),
            value: Ok(CANARY.into()),
            secret: true,
        }],
        connections: Vec::new(),
        suspended: false,
    }
}

/// One process.
struct Process {
    runtime: tokio::runtime::Runtime,
    stop: CancellationToken,
    store: Store,
    engine: Engine,
    catalog: Catalog,
    calls: mpsc::UnboundedReceiver<Call>,
}

impl Process {
    fn start(place: impl Into<Location>, playbook: &Playbook, says: &[(&'static str, Says)]) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        let store = runtime.block_on(Store::open(place)).unwrap();
        let catalog = Catalog::of(playbook);
        let (engine, calls) = engine(&store, &catalog, says);
        let (serving, stop) = (engine.clone(), CancellationToken::new());
        let stopped = stop.clone();
        runtime.spawn(async move { serving.serve(stopped).await });
        Self {
            stop,
            runtime,
            store,
            engine,
            catalog,
            calls,
        }
    }

    /// Waits for something, but not for ever.
    fn within<T>(&self, future: impl Future<Output = T>) -> T {
        let timed = async { tokio::time::timeout(PATIENCE, future).await };
        self.runtime.block_on(timed).expect("it happens in time")
    }

    fn run(&self) -> String {
        let mut ids = self.within(self.engine.start(&request())).unwrap();
        ids.pop().unwrap()
    }

    fn next_call(&mut self) -> Call {
        let timed = async { tokio::time::timeout(PATIENCE, self.calls.recv()).await };
        let call = self.runtime.block_on(timed).expect("a call is made in time");
        call.unwrap()
    }

    fn ended(&self, run: &str) -> RunStatus {
        self.within(self.engine.ended(run)).unwrap()
    }

    /// Waits until the row of a run is as it should be.
    fn row_where(&self, run: &str, is_it: impl Fn(&RunRow) -> bool) -> RunRow {
        self.within(async {
            let mut commits = self.store.subscribe();
            loop {
                let row = self.store.run(run).await.unwrap().unwrap();
                if is_it(&row) {
                    return row;
                }
                commits.changed().await.unwrap();
            }
        })
    }

    /// The run for people, from its journal.
    fn view(&self, run: &str) -> Value {
        let (workflow, events) = self.within(self.engine.history(run)).unwrap();
        view::run(&workflow, &State::fold(&workflow, &events).unwrap())
    }

    fn kill(self) {
        drop(self);
    }

    /// Methods and paths of the calls that were made and not yet looked at.
    fn other_calls(&mut self) -> Vec<String> {
        let calls = std::iter::from_fn(|| self.calls.try_recv().ok());
        calls.map(|call| format!("{} {}", call.method, call.path)).collect()
    }
}

fn engine(store: &Store, catalog: &Catalog, says: &[(&'static str, Says)]) -> (Engine, mpsc::UnboundedReceiver<Call>) {
    let (called, calls) = mpsc::unbounded_channel();
    let services = Scripted {
        says: says.iter().cloned().collect(),
        called,
    };
    let workspaces = WorkspaceIds {
        public_url: "https://riposte.example".into(),
        ..WorkspaceIds::default()
    };
    let desk = Desk::new(store.clone(), workspaces);
    let catalog = Arc::new(catalog.clone());
    (
        Engine::new(store.clone(), Sealer::new([7; 32]), Arc::new(services), catalog, desk),
        calls,
    )
}

fn request() -> Request {
    Request {
        namespace: "soc".into(),
        playbook: "respond".into(),
        requester: "user/test".into(),
        ..Request::default()
    }
}

/// A run of the playbook as the store takes it, due at once.
fn stored(id: &str, at: i64, events: Vec<EventRow>) -> NewRun {
    NewRun {
        id: id.into(),
        kind: "playbook".into(),
        namespace: "soc".into(),
        name: "respond".into(),
        incident: None,
        parent: None,
        resubmit_of: None,
        definition: Some("hash".into()),
        created_at: at,
        wake_at: at,
        lane: 3,
        events,
        payloads: Vec::new(),
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// An HTTP action.
fn http(method: &str, path: &str, after: Option<&str>) -> serde_json::Value {
    let run_after = after.map(|name| (name.to_owned(), json!(["Succeeded"])));
    json!({
        "type": "Http",
        "runAfter": run_after.into_iter().collect::<serde_json::Map<_, _>>(),
        "inputs": {"method": method, "uri": path, "retryPolicy": {"type": "fixed", "count": 3, "interval": "PT1H"}},
    })
}

fn status_of<'a>(view: &'a Value, action: &str) -> &'a str {
    view.at(&["actions", action, "status"]).and_then(Value::as_str).unwrap()
}

#[test]
fn a_run_ends_and_is_in_the_store() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({
        "Get": http("GET", "/host", None),
        "Use": {"type": "Compose", "runAfter": {"Get": ["Succeeded"]}, "inputs": "@body('Get')"},
    }));
    let process = Process::start(folder.path(), &playbook, &[("GET /host", Says::Body("web-1".into()))]);
    let run = process.run();
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    let view = process.view(&run);
    assert_eq!(view.at(&["actions", "Use", "outputs"]), Some(&Value::from("web-1")));
    let row = process.within(process.store.run(&run)).unwrap().unwrap();
    assert_eq!((row.status.as_deref(), row.wake_at), (Some("Succeeded"), None));
}

#[test]
fn after_a_kill_answers_are_not_asked_for_again_and_a_safe_call_is_repeated() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({
        "Open": http("POST", "/ticket", None),
        "Get": http("GET", "/host", Some("Open")),
        "Use": {"type": "Compose", "runAfter": {"Get": ["Succeeded"]}, "inputs": "@concat(body('Open'),body('Get'))"},
    }));
    let says = [("POST /ticket", Says::Body("T1/".into())), ("GET /host", Says::Nothing)];
    let mut process = Process::start(folder.path(), &playbook, &says);
    let run = process.run();
    assert_eq!(process.next_call().path, "/ticket");
    let lost = process.next_call();
    assert_eq!(lost.path, "/host");
    process.kill();

    let mut process = Process::start(folder.path(), &playbook, &[("GET /host", Says::Body("web-1".into()))]);
    let repeated = process.next_call();
    assert_eq!(repeated, lost, "the same call, with the same idempotency key");
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    assert_eq!(process.other_calls(), Vec::<String>::new());
    let outputs = process.view(&run).at(&["actions", "Use", "outputs"]).cloned();
    assert_eq!(outputs, Some(Value::from("T1/web-1")));
}

#[test]
fn after_a_kill_an_unsafe_call_is_not_sent_again() {
    let folder = TempDir::new().unwrap();
    let mut declared = http("POST", "/declared", None);
    declared["metadata"] = json!({"riposte.dev/safe-to-repeat": true});
    let playbook = playbook(&json!({"Isolate": http("POST", "/isolate", None), "Declared": declared}));
    let says = [("POST /isolate", Says::Nothing), ("POST /declared", Says::Nothing)];
    let mut process = Process::start(folder.path(), &playbook, &says);
    let run = process.run();
    process.next_call();
    process.next_call();
    process.kill();

    let mut process = Process::start(folder.path(), &playbook, &[("POST /declared", Says::Status(200))]);
    assert_eq!(process.ended(&run), RunStatus::Failed);
    assert_eq!(process.other_calls(), ["POST /declared"]);
    let view = process.view(&run);
    let code = view.at(&["actions", "Isolate", "code"]).and_then(Value::as_str);
    assert_eq!(
        (code, status_of(&view, "Declared")),
        (Some("OutcomeUnknown"), "Succeeded")
    );
}

#[test]
fn a_cancelled_run_ends_whether_it_calls_or_waits() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({"Get": http("GET", "/host", None)}));
    let mut process = Process::start(folder.path(), &playbook, &[("GET /host", Says::Nothing)]);
    let run = process.run();
    process.next_call();
    process
        .within(process.engine.cancel(&run, "user/ada", Haste::Now))
        .unwrap();
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
    assert_eq!(status_of(&process.view(&run), "Get"), "Cancelled");
    process.kill();

    let mut process = Process::start(folder.path(), &playbook, &[("GET /host", Says::Status(503))]);
    for _ in 0..20 {
        let run = process.run();
        process.next_call();
        // At any moment between the answer and the time when the run has left the memory.
        process
            .within(process.engine.cancel(&run, "user/ada", Haste::Now))
            .unwrap();
        assert_eq!(process.ended(&run), RunStatus::Cancelled);
    }
    let run = process.run();
    process.row_where(&run, |row| row.wake_at.is_some_and(|at| at > now() + HOUR / 2));
    process
        .within(process.engine.cancel(&run, "user/ada", Haste::Now))
        .unwrap();
    assert_eq!(process.ended(&run), RunStatus::Cancelled);
    let message = process.view(&run).at(&["error", "message"]).cloned();
    assert_eq!(message, Some(Value::from("The run was cancelled by user/ada.")));
}

#[test]
fn a_run_that_waits_long_leaves_the_memory_and_an_early_alarm_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({"Get": http("GET", "/host", None)}));
    let mut process = Process::start(folder.path(), &playbook, &[("GET /host", Says::Status(503))]);
    let run = process.run();
    process.next_call();
    let row = process.row_where(&run, |row| row.wake_at.is_some_and(|at| at > now() + HOUR / 2));
    let snapshot = process.within(process.store.snapshot(&run)).unwrap();
    assert_eq!(snapshot.map(|(seq, _)| seq), Some(row.seq));

    let early = Append {
        run: run.clone(),
        expected_seq: row.seq,
        events: Vec::new(),
        payloads: Vec::new(),
        snapshot: None,
        next: Next::WakeAt(now()),
    };
    let operations = vec![Operation::Append(early)];
    process
        .within(process.store.commit(Transaction { operations }))
        .unwrap();
    process.engine.poke();
    let again = process.row_where(&run, |row| row.wake_at.is_some_and(|at| at > now() + HOUR / 2));
    assert_eq!(again, row, "the alarm is set back, and nothing else happened");
    assert_eq!(process.other_calls(), Vec::<String>::new());
}

#[test]
fn a_waiting_run_is_woken_and_goes_on_from_its_snapshot() {
    let folder = TempDir::new().unwrap();
    let mut get = http("GET", "/host", Some("Note"));
    get["inputs"]["retryPolicy"]["interval"] = json!("PT5S");
    let playbook = playbook(&json!({
        "Note": {"type": "Compose", "inputs": "@concat('before ',parameters('key'))"},
        "Get": get,
        "Use": {"type": "Compose", "runAfter": {"Get": ["Succeeded"]}, "inputs": "@outputs('Note')"},
        "Send": {"type": "Http", "runAfter": {"Use": ["Succeeded"]},
                 "inputs": {"method": "POST", "uri": "/send", "body": "@outputs('Use')"}},
    }));
    let mut process = Process::start(folder.path(), &playbook, &[("GET /host", Says::Status(503))]);
    let run = process.run();
    process.next_call();
    process.row_where(&run, |row| {
        row.wake_at.is_some_and(|at| at < now() + 10_000 && row.seq > 3)
    });
    process.kill();

    // Without the events that the snapshot covers, only the snapshot can tell what was before.
    let says = [("GET /host", Says::Status(200)), ("POST /send", Says::Status(200))];
    let database = folder.path().join("riposte.db");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
        let mut connection: SqliteConnection = options.connect().await.unwrap();
        sqlx::query("DELETE FROM events")
            .execute(&mut connection)
            .await
            .unwrap();
    });
    let mut process = Process::start(folder.path(), &playbook, &says);
    assert_eq!(process.ended(&run), RunStatus::Succeeded);
    assert_eq!(process.next_call().path, "/host");
    let body = process.next_call().body;
    assert_eq!(body, Some(Value::from(format!("before {CANARY}"))));
}

#[test]
fn a_container_that_timed_out_while_no_process_ran_ends_at_once() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({
        "Scope": {"type": "Scope", "limit": {"timeout": "PT10S"}, "actions": {"Get": http("GET", "/host", None)}},
        "Late": {"type": "Compose", "runAfter": {"Scope": ["TimedOut"]}, "inputs": 1},
    }));
    let is_inside = |block: &definition::Block| block.owner == Some(ActionId(0));
    let block = playbook.workflow.blocks.iter().position(is_inside).unwrap();
    let (at, node) = (now() - 60_000, NodeId(FrameId(0), ActionId(0)));
    let opened = Opened {
        at,
        run: "run-1".into(),
        definition: "hash".into(),
        ..Opened::default()
    };
    let entered = Event::Entered {
        at,
        node,
        block: BlockId(u32::try_from(block).unwrap()),
        inputs: None,
        deadline: Some(at + 10_000),
    };
    let events = [Event::Opened(Box::new(opened)), entered];
    let events = events.iter().map(|event| journal::row(event).unwrap()).collect();
    let new = stored("run-1", at, events);
    let (hash, text) = ("hash".into(), playbook.definition.to_string());
    let operations = vec![Operation::PutDefinition { hash, text }, Operation::CreateRun(new)];
    let mut process = Process::start(folder.path(), &playbook, &[]);
    process
        .within(process.store.commit(Transaction { operations }))
        .unwrap();
    process.engine.poke();
    assert_eq!(process.ended("run-1"), RunStatus::Succeeded);
    assert_eq!(process.other_calls(), Vec::<String>::new());
    assert_eq!(status_of(&process.view("run-1"), "Get"), "Skipped");
}

#[test]
fn a_change_commits_with_its_event_and_the_run_then_waits_for_its_other_branch() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({
        "Busy": http("GET", "/busy", None),
        "First": http("GET", "/first", None),
        "Comment": http("POST", "/comment", Some("First")),
        "Join": {"type": "Compose", "runAfter": {"Busy": ["Succeeded"], "Comment": ["Succeeded"]}, "inputs": 1},
    }));
    let says = [
        ("GET /first", Says::Status(200)),
        ("GET /busy", Says::Status(503)),
        ("POST /comment", Says::Writes("comment")),
    ];
    let process = Process::start(folder.path(), &playbook, &says);
    let run = process.run();
    process.row_where(&run, |row| row.wake_at.is_some_and(|at| at > now() + HOUR / 2));
    let written = process.within(process.store.setting("comment")).unwrap();
    assert_eq!(written, Some(format!("{run}/Comment/0")));
    let view = process.view(&run);
    assert_eq!(
        (status_of(&view, "Comment"), status_of(&view, "Busy")),
        ("Succeeded", "Waiting")
    );
}

#[test]
fn what_is_secure_is_in_no_file_and_in_no_notice() {
    let folder = TempDir::new().unwrap();
    let mut login = http("POST", "/login", Some("Keep"));
    login["inputs"]["headers"] = json!({"Authorization": "Bearer @{parameters('key')}"});
    login["inputs"]["body"] = json!("@variables('keep')");
    login["runtimeConfiguration"] = json!({"secureData": {"properties": ["outputs"]}});
    let playbook = playbook(&json!({
        "Keep": {"type": "InitializeVariable", "inputs": {
            "variables": [{"name": "keep", "type": "string", "value": "@parameters('key')"}]}},
        "Login": login,
        "Copy": {"type": "Compose", "runAfter": {"Login": ["Succeeded"]}, "inputs": "@body('Login')"},
        "Fail": {"type": "Compose", "runAfter": {"Copy": ["Succeeded"]}, "inputs": "@int(parameters('key'))"},
    }));
    const PLACE: &str = "/place/canary-5f1c77";
    let says = [
        ("POST /login", Says::Promise(PLACE)),
        ("GET /place/canary-5f1c77", Says::Nothing),
    ];
    let mut process = Process::start(folder.path(), &playbook, &says);
    let mut notices = process.engine.watch();
    let run = process.run();
    let call = process.next_call();
    assert_eq!(call.body, Some(Value::from(CANARY)), "the service gets the value");
    assert!(
        call.headers
            .contains(&("Authorization".into(), format!("Bearer {CANARY}")))
    );
    assert!(!format!("{call:?}").contains(CANARY));
    assert_eq!(process.next_call().path, PLACE);
    let mut told = told(&mut notices);
    assert_nowhere(folder.path());
    process.kill();

    let says = [("GET /place/canary-5f1c77", Says::Body(CANARY.into()))];
    let mut process = Process::start(folder.path(), &playbook, &says);
    let mut notices = process.engine.watch();
    assert_eq!(process.next_call().path, PLACE, "the place of the answer was unsealed");
    assert_eq!(process.ended(&run), RunStatus::Failed);
    told.extend(self::told(&mut notices));
    told.push(process.view(&run).to_json());
    let events = process
        .within(journal::events(&process.store, &Sealer::new([7; 32]), &run))
        .unwrap();
    told.push(format!("{events:?}"));
    assert!(told.len() > 5);
    assert!(told.iter().all(|text| !text.contains(CANARY)), "{told:#?}");
    assert_nowhere(folder.path());
}

/// What watchers were told, as they may print it.
fn told(notices: &mut tokio::sync::broadcast::Receiver<Notice>) -> Vec<String> {
    let notices = std::iter::from_fn(|| notices.try_recv().ok());
    let texts = notices.flat_map(|notice| match &notice {
        Notice::Run { event, .. } => vec![serde_json::to_string(event).unwrap(), format!("{event:?}")],
        Notice::Ended { .. } | Notice::Waiting { .. } => vec![format!("{notice:?}")],
    });
    texts.collect()
}

fn assert_nowhere(folder: &Path) {
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.iter().any(|file| file.ends_with("riposte.db")));
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} holds the secret", file.display());
    }
}

#[test]
fn two_engines_on_one_store_never_both_go_on_with_a_run() {
    let folder = TempDir::new().unwrap();
    let playbook = playbook(&json!({
        "Each": {"type": "Foreach", "foreach": "@range(0,20)", "operationOptions": "Sequential",
                 "actions": {"Get": {"type": "Http", "inputs": {"method": "GET", "uri": "/host"}}}},
    }));
    let says = [("GET /host", Says::Status(200))];
    let process = Process::start(folder.path(), &playbook, &says);
    let (other, _other_calls) = engine(&process.store, &Catalog::of(&playbook), &says);
    let serving = other.clone();
    process
        .runtime
        .spawn(async move { serving.serve(CancellationToken::new()).await });
    for _ in 0..10 {
        let run = process.run();
        other.poke();
        let row = process.row_where(&run, |row| row.ended_at.is_some());
        assert_eq!(row.status.as_deref(), Some("Succeeded"));
        // Folding refuses an event that another writer brought in between.
        let view = process.view(&run);
        let count = view.at(&["actions", "Get", "repetitionCount"]).and_then(Value::as_int);
        assert_eq!(count, Some(20));
    }
}
