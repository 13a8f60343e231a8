//! Calls that the engine performs itself: other playbooks (action type `Workflow`) and scripts (`JavaScriptCode`).
//! Everything else goes to the services outside.
//!
//! Invariants: however often a call of a playbook is made it starts one run, because the run's identity follows from
//! the call's; a run that waits for another for long leaves the memory, and asks again later.

use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::actions::call::SECRET_HEADERS;
use super::call::{Admission, Answer, Brake, Call, CallError, Services, Target};
use super::content::Playbook;
use super::event::Event;
use super::journal::Error;
use super::places::PLACES;
use super::shell::{Engine, Notice, PLAYBOOK, Shared, StartError, now};
use super::start::{Request, StartKind};
use super::state::State;
use crate::api::dns_label;
use crate::definition::ActionKind;
use crate::definition::workflow::{TriggerKind, Workflow};
use crate::expression::{Object, Value};
use crate::grants::Permission;
use crate::script::{Outcome, Scripts, Task};
use crate::store::{Error as StoreError, Millis, Refusal, RunRow};

/// The place of an answer that a run waits for, followed by the id of the run that gives it.
const PLACE: &str = "run:";
/// The most playbooks that call each other in a row.
const CHAIN_MAX: usize = 24;
/// The part of its age after which a run that has not answered is asked again: one in ten.
const PATIENCE: i64 = 10;
/// The longest time between two questions, in seconds.
const ASKED_AGAIN: i64 = 300;

/// How runs are driven, and how calls of playbooks and scripts are performed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a call waits in memory for the answer of another playbook.
    pub hold: Duration,
    /// What runs scripts.
    pub scripts: Scripts,
    /// How many runs are driven at a time; those beyond wait in their lanes.
    pub places: usize,
    /// Namespaces whose actions are paused as long as the process lives; `*` is all.
    pub paused: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hold: Duration::from_secs(30),
            scripts: Scripts::default(),
            places: PLACES,
            paused: Vec::new(),
        }
    }
}

/// The services of an engine: its own, and those outside.
pub(super) struct Nested {
    outside: Arc<dyn Services>,
    /// The engine, which holds these services.
    shared: Weak<Shared>,
    settings: Settings,
}

impl Nested {
    pub(super) fn new(outside: Arc<dyn Services>, shared: Weak<Shared>, settings: Settings) -> Self {
        Self {
            outside,
            shared,
            settings,
        }
    }

    /// Starts the playbook, or finds the run that an earlier call of the same started, and waits for its answer.
    async fn playbook(&self, call: &Call, id: &str) -> Result<Answer, CallError> {
        let shared = self.shared.upgrade();
        let shared = shared.ok_or_else(|| failed("EngineStopped", "the engine has stopped", true))?;
        if let Some(run) = call.path.strip_prefix(PLACE) {
            return match answer(&shared, run).await? {
                Some(answer) => Ok(answer),
                None => promise(&shared, run).await,
            };
        }
        if !call.path.is_empty() {
            // The other playbook itself promised an answer at a place of its own.
            let poll = Call {
                target: Target::Http,
                headers: Vec::new(),
                ..call.clone()
            };
            return self.outside.call(&poll).await;
        }
        let run = Uuid::new_v5(
            &Uuid::NAMESPACE_OID,
            format!("call/{}", call.idempotency_key).as_bytes(),
        );
        // Before the run begins, so that no news are missed.
        let mut notices = shared.notices.subscribe();
        if shared.store.run(&run.to_string()).await.map_err(store)?.is_none() {
            begin(&shared, call, id, run).await?;
        }
        let run = run.to_string();
        let waiting = async {
            loop {
                if let Some(answer) = answer(&shared, &run).await? {
                    return Ok(answer);
                }
                tokio::select! {
                    () = news(&mut notices, &run) => {}
                    () = shared.moved_elsewhere(&run) => {}
                }
            }
        };
        match tokio::time::timeout(self.settings.hold, waiting).await {
            Ok(answered) => answered,
            Err(_) => promise(&shared, &run).await,
        }
    }

    async fn script(&self, call: &Call, code: &str, context: &Value) -> Result<Answer, CallError> {
        let task = Task {
            code: code.to_owned(),
            context: context.clone(),
        };
        let outcome = self.settings.scripts.run(&task).await;
        match outcome.map_err(|error| failed("ScriptNotExecuted", error.to_string(), false))? {
            Outcome::Result(result) => Ok(Answer {
                status: 200,
                body: Some(result),
                ..Answer::default()
            }),
            Outcome::Failed(reason) => {
                let message = format!("The script of action '{}' failed: {reason}.", call.action);
                Err(failed("InlineCodeScriptRuntimeFailure", message, false))
            }
        }
    }
}

#[async_trait]
impl Services for Nested {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        match &call.target {
            Target::Playbook(id) if !self.outside.stands_in(call) => self.playbook(call, id).await,
            Target::Script { code, context } if !self.outside.stands_in(call) => self.script(call, code, context).await,
            Target::Http
            | Target::Connection(_)
            | Target::Operation { .. }
            | Target::Playbook(_)
            | Target::Batch { .. }
            | Target::Script { .. } => self.outside.call(call).await,
        }
    }

    fn stands_in(&self, call: &Call) -> bool {
        self.outside.stands_in(call)
    }

    fn admit(&self, call: &Call, now: Millis) -> Admission {
        self.outside.admit(call, now)
    }

    fn changes(&self, call: &Call) -> bool {
        self.outside.changes(call)
    }

    fn brakes(&self, call: &Call) -> Vec<Brake> {
        self.outside.brakes(call)
    }

    fn safe_to_repeat(&self, call: &Call) -> bool {
        match &call.target {
            Target::Playbook(_) | Target::Script { .. } => true,
            Target::Http | Target::Connection(_) | Target::Operation { .. } | Target::Batch { .. } => {
                self.outside.safe_to_repeat(call)
            }
        }
    }
}

/// Starts the run of a playbook that a call names.
async fn begin(shared: &Arc<Shared>, call: &Call, id: &str, run: Uuid) -> Result<(), CallError> {
    let callers = callers(shared, call).await?;
    let playbook = find(shared, call, id)?;
    callable(&playbook)?;
    permit(shared, call, &playbook).await?;
    let header = |name: &str| {
        let mut headers = call.headers.iter();
        headers.find(|(given, _)| given.eq_ignore_ascii_case(name))
    };
    let mut headers: Object = Object::new();
    // The other run would show credentials, which this one hides.
    let is_shown = |(name, _): &&(String, String)| !SECRET_HEADERS.contains(&name.to_lowercase().as_str());
    for (name, value) in call.headers.iter().filter(is_shown) {
        headers.insert(name.as_str(), value.as_str());
    }
    if header("content-type").is_none() && matches!(call.body, Some(Value::Object(_) | Value::Array(_))) {
        headers.insert("Content-Type", "application/json; charset=utf-8");
    }
    if header("traceparent").is_none() && !call.traceparent.is_empty() {
        headers.insert("traceparent", call.traceparent.as_str());
    }
    let mut outputs = Object::new();
    outputs.insert("headers", headers);
    if !call.queries.is_empty() {
        let queries = call.queries.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        outputs.insert("queries", Value::object(queries));
    }
    outputs.insert("body", call.body.clone().unwrap_or_default());
    let request = Request {
        outputs: Some(outputs),
        namespace: playbook.namespace,
        playbook: playbook.name,
        kind: StartKind::Body,
        incident: callers.first().and_then(|caller| caller.incident.clone()),
        requester: format!("playbook/{}", call.playbook),
        parent: Some(call.run.clone()),
        id: Some(run),
        depth: call.depth,
        tracking_id: header("x-ms-client-tracking-id").map(|(_, value)| value.clone()),
        ..Request::default()
    };
    match Engine::of(shared.clone()).start(&request).await {
        Ok(_) | Err(StartError::Store(StoreError::Refused(Refusal::StaleRun(_)))) => Ok(()),
        Err(StartError::Store(error)) => Err(store(error)),
        Err(StartError::Refused(refused)) => Err(failed(refused.code(), refused.to_string(), false)),
    }
}

/// The run that calls and those that called it, the nearest first.
async fn callers(shared: &Shared, call: &Call) -> Result<Vec<RunRow>, CallError> {
    let mut callers: Vec<RunRow> = Vec::new();
    let mut next = Some(call.run.clone());
    while let Some(run) = next.take() {
        let row = shared.store.run(&run).await.map_err(store)?;
        let Some(row) = row.filter(|row| row.kind == PLAYBOOK) else {
            break;
        };
        next.clone_from(&row.parent);
        callers.push(row);
        if callers.len() > CHAIN_MAX {
            let mut names: Vec<&str> = callers.iter().map(|caller| caller.name.as_str()).collect();
            names.truncate(3);
            names.reverse();
            let names = names.join("' calls '");
            let message = format!(
                "more than {CHAIN_MAX} playbooks called each other in a row: '{names}'; let none of them call itself, \
                 not by way of another either"
            );
            return Err(failed("PlaybookChainTooLong", message, false));
        }
    }
    Ok(callers)
}

/// The playbook of an ARM id or a name; as importers make names of Kubernetes of the names of Azure, so are they read.
fn find(shared: &Shared, call: &Call, id: &str) -> Result<Playbook, CallError> {
    let invalid = || {
        let message = format!("'{id}' names no playbook: give its name, or an ARM id that ends with /workflows/NAME");
        failed("InvalidPlaybookId", message, false)
    };
    let parsed = shared.desk.workspaces().parse_playbook_id(id, &call.namespace);
    let (namespace, name) = parsed.ok_or_else(invalid)?;
    let exact = shared.content.playbook(&namespace, &name);
    let imported = || shared.content.playbook(&namespace, &dns_label(&name)?);
    exact.or_else(imported).ok_or_else(|| {
        let message = format!(
            "the playbook '{namespace}/{name}', which action '{}' calls, does not exist or is not valid",
            call.action
        );
        failed("PlaybookNotFound", message, false)
    })
}

/// Whether a playbook can be called: by a request, which it answers.
fn callable(playbook: &Playbook) -> Result<(), CallError> {
    let Playbook {
        namespace,
        name,
        workflow,
        ..
    } = playbook;
    let trigger = workflow.triggers.first().map(|trigger| &trigger.kind);
    if let Some(other) = trigger.filter(|kind| !matches!(kind, TriggerKind::Request(_))) {
        let message = format!(
            "the playbook '{namespace}/{name}' starts with {}; only one that starts with an HTTP request can be called",
            other.describe()
        );
        return Err(failed("UnsupportedTrigger", message, false));
    }
    if answers(workflow) {
        return Ok(());
    }
    let message = format!("the playbook '{namespace}/{name}' has no Response action, so it cannot be called; add one");
    Err(failed("NestedWorkflowDoesNotContainResponseAction", message, false))
}

fn answers(workflow: &Workflow) -> bool {
    let mut actions = workflow.actions.iter();
    actions.any(|action| matches!(action.kind, ActionKind::Response(_)))
}

/// A playbook of another namespace runs only if the own one is let.
async fn permit(shared: &Shared, call: &Call, playbook: &Playbook) -> Result<(), CallError> {
    let Playbook { namespace, name, .. } = playbook;
    if *namespace == call.namespace {
        return Ok(());
    }
    match shared.content.permit(&call.namespace, namespace, name).await {
        Ok(Permission::Granted) => Ok(()),
        Ok(Permission::Missing(missing)) => {
            let message = format!("{missing}:\n{}", missing.command());
            Err(failed("MissingGrant", message, false))
        }
        Err(undecided) => Err(failed("PermissionUndecided", undecided.to_string(), true)),
    }
}

/// What a run answers: its Response, or that it ended without one; `None` while neither is so.
async fn answer(shared: &Arc<Shared>, run: &str) -> Result<Option<Answer>, CallError> {
    let row = shared.store.run(run).await.map_err(store)?;
    let row = row.ok_or_else(|| failed("RunNotFound", format!("the run '{run}' is gone"), false))?;
    let unread = |error: Error| failed("RunUnreadable", error.to_string(), true);
    let (workflow, events) = Engine::of(shared.clone()).history(run).await.map_err(unread)?;
    let state = State::fold(&workflow, &events);
    let state = state.map_err(|error| failed("RunUnreadable", error.to_string(), false))?;
    if let Some(response) = state.response(&workflow) {
        let outputs = response.outputs.as_ref().map(|outputs| &outputs.value);
        return response_of(outputs.unwrap_or(&Value::Null), run).map(Some);
    }
    Ok(row.status.map(|status| no_response(&row.name, run, &status)))
}

fn response_of(outputs: &Value, run: &str) -> Result<Answer, CallError> {
    let status = outputs.get("statusCode").and_then(Value::as_int);
    let status = status.and_then(|status| u16::try_from(status).ok()).ok_or_else(|| {
        let message = format!("the response of run '{run}' is erased, because it is secure and the run has ended");
        failed("ResponseErased", message, false)
    })?;
    let headers = outputs.get("headers").and_then(Value::as_object).cloned();
    Ok(Answer {
        status,
        headers: headers.unwrap_or_default(),
        body: outputs.get("body").cloned(),
        ..Answer::default()
    })
}

/// What the caller of a run gets that ends without a Response, as in the original.
fn no_response(playbook: &str, run: &str, status: &str) -> Answer {
    let message = format!("the run '{run}' of playbook '{playbook}' ended as {status} without a response");
    let error = Value::object([("code", "NoResponse"), ("message", message.as_str())]);
    Answer {
        status: 502,
        body: Some(Value::object([("error", error)])),
        ..Answer::default()
    }
}

/// That the answer comes later: the older the run is, the later it is asked again.
async fn promise(shared: &Shared, run: &str) -> Result<Answer, CallError> {
    let row = shared.store.run(run).await.map_err(store)?;
    let age = row.map_or(0, |row| now() - row.created_at) / 1_000;
    let mut headers = Object::new();
    headers.insert("Location", format!("{PLACE}{run}"));
    headers.insert("Retry-After", (age / PATIENCE).clamp(1, ASKED_AGAIN).to_string());
    Ok(Answer {
        status: 202,
        headers,
        ..Answer::default()
    })
}

/// Waits until a run may have answered.
async fn news(notices: &mut broadcast::Receiver<Notice>, run: &str) {
    loop {
        match notices.recv().await {
            Ok(Notice::Run {
                run: other,
                workflow,
                event,
            }) if other == run => {
                if let Event::Ended { node, .. } = &*event
                    && matches!(workflow.action(node.1).kind, ActionKind::Response(_))
                {
                    return;
                }
            }
            Ok(Notice::Ended { run: other, .. }) if other == run => return,
            Ok(Notice::Run { .. } | Notice::Waiting { .. } | Notice::Ended { .. }) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            // The engine is gone; what waits for it is asked again after the next start.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

fn failed(code: &str, message: impl Into<String>, retryable: bool) -> CallError {
    CallError {
        code: code.to_owned(),
        message: message.into(),
        retryable,
        reached: false,
    }
}

fn store(error: StoreError) -> CallError {
    failed("StoreFailed", error.to_string(), true)
}
