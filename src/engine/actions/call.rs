//! ApiConnection and Http: from the action to the call, and from the answer to what happens next.

use std::time::Duration;

use super::{Failure, kind_of};
use crate::connectors::code_of;
use crate::definition::workflow::CallAction;
use crate::definition::{Action, ActionKind};
use crate::engine::call::{Answer, Call, CallError, Target};
use crate::engine::event::{ActionError, Event, NodeId, Payload};
use crate::engine::plan::{Planned, Planner};
use crate::engine::retry;
use crate::engine::scope::RunScope;
use crate::engine::state::Phase;
use crate::engine::status::Status;
use crate::expression::{Object, Template, Value};

/// How long one attempt of a call may take, as in Logic Apps.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(120);
/// How long until a promised answer is asked for, where the service does not say.
const POLL_INTERVAL: Duration = Duration::from_secs(20);
/// Headers that carry credentials: sealed, and shown nowhere.
const SECRET_HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-apikey",
];
/// What stands in the visible inputs for a header that is not shown.
const HIDDEN: &str = "*** hidden ***";

impl Planner<'_> {
    pub(in crate::engine) fn start_call(
        &self,
        id: NodeId,
        action: &Action,
        call: &CallAction,
        scope: &RunScope<'_>,
    ) -> Planned {
        let evaluated = evaluate(action, call, scope).and_then(|(inputs, credentials)| {
            self.build(id, action, &inputs, credentials.as_ref())
                .map(|call| (inputs, credentials, call))
        });
        match evaluated {
            Err(failure) => Planned {
                events: vec![self.done(id, action, Err(failure))],
                call: None,
            },
            Ok((inputs, credentials, call)) => {
                let event = Event::Called {
                    at: self.moment.now,
                    node: id,
                    attempt: 1,
                    inputs: Some(Payload::hidden_if(action.secure_inputs, inputs)),
                    credentials: credentials.map(|value| Payload::hidden_if(true, value)),
                    deadline: self.deadline(action),
                };
                Planned {
                    events: vec![event],
                    call: Some((id, call)),
                }
            }
        }
    }

    /// The next attempt of an action whose last attempt failed.
    pub(in crate::engine) fn call_again(&self, id: NodeId, attempt: u32) -> Planned {
        let at = self.moment.now;
        let event = Event::Called {
            at,
            node: id,
            attempt,
            inputs: None,
            credentials: None,
            deadline: None,
        };
        Planned {
            events: vec![event],
            call: self.rebuild(id).map(|call| (id, call)),
        }
    }

    /// The call of an action that has begun, from its journaled inputs: the same call, key included.
    pub fn rebuild(&self, id: NodeId) -> Option<Call> {
        let node = self.state.node(id)?;
        let inputs = &node.inputs.as_ref()?.value;
        let credentials = node.credentials.as_ref().map(|payload| &payload.value);
        self.build(id, self.workflow.action(id.1), inputs, credentials).ok()
    }

    /// The call that fetches a promised answer.
    pub(in crate::engine) fn poll(&self, id: NodeId, location: &Payload) -> Option<Call> {
        let call = self.rebuild(id)?;
        let (queries, body) = (Vec::new(), None);
        Some(Call {
            method: "GET".into(),
            path: location.value.to_text(),
            queries,
            body,
            ..call
        })
    }

    fn build(&self, id: NodeId, action: &Action, inputs: &Value, credentials: Option<&Value>) -> Result<Call, Failure> {
        let invalid = |reason: String| {
            let message = format!("The inputs of action '{}' are not valid: {reason}.", action.name);
            Failure::new("BadRequest", "InvalidTemplate", message).with_inputs(inputs.clone())
        };
        let text = |name: &str| match inputs.get(name) {
            Some(Value::String(text)) => Ok(text.to_string()),
            Some(other) => Err(invalid(format!(
                "'{name}' must be of type String, not {}",
                kind_of(other)
            ))),
            None => Err(invalid(format!("'{name}' is missing"))),
        };
        let target = self.target(action, inputs).map_err(invalid)?;
        let path = text(if target == Target::Http { "uri" } else { "path" })?;
        let mut headers = pairs(inputs.get("headers"));
        for (name, value) in pairs(credentials.and_then(|credentials| credentials.get("headers"))) {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            headers.push((name, value));
        }
        let opened = &self.state.opened;
        Ok(Call {
            idempotency_key: self.idempotency_key(id),
            run: opened.run.clone(),
            namespace: opened.namespace.clone(),
            playbook: opened.playbook.clone(),
            action: action.name.to_string(),
            depth: opened.depth,
            target,
            method: text("method")?.to_uppercase(),
            path,
            queries: pairs(inputs.get("queries")),
            headers,
            body: inputs.get("body").cloned(),
            authentication: credentials
                .and_then(|credentials| credentials.get("authentication"))
                .cloned(),
            timeout: action
                .timeout
                .map_or(ATTEMPT_TIMEOUT, |limit| limit.min(ATTEMPT_TIMEOUT)),
        })
    }

    /// Run, action and iteration: the same for each attempt and after each crash.
    fn idempotency_key(&self, id: NodeId) -> String {
        format!(
            "{}/{}/{}",
            self.state.opened.run,
            self.workflow.action(id.1).name,
            id.0.0
        )
    }

    fn target(&self, action: &Action, inputs: &Value) -> Result<Target, String> {
        if matches!(action.kind, ActionKind::Http(_)) {
            return Ok(Target::Http);
        }
        let name = inputs.at(&["host", "connection", "name"]).and_then(Value::as_str);
        let name = name.ok_or("'host.connection.name' must name a connection")?;
        let last = name.rsplit('/').next().unwrap_or(name);
        let connections = &self.state.opened.connections;
        let is_it = |(alias, connection): &&(String, String)| {
            connection.eq_ignore_ascii_case(last) || alias.eq_ignore_ascii_case(last)
        };
        let (_, connection) = connections
            .iter()
            .find(is_it)
            .ok_or_else(|| format!("the playbook binds no connection '{last}'; add it to `spec.connections`"))?;
        Ok(Target::Connection(connection.clone()))
    }

    /// What an answer, or its absence, means for the action.
    pub fn conclude(&self, id: NodeId, outcome: &Result<Answer, CallError>) -> Event {
        let action = self.workflow.action(id.1);
        let (ActionKind::ApiConnection(call) | ActionKind::Http(call)) = &action.kind else {
            let error = ActionError::new("InternalError", "an answer came for an action that makes no calls");
            return self.ended(id, Status::Failed, "InternalError", Some(error));
        };
        match outcome {
            Err(error) => {
                let wait = error.retryable.then(|| self.wait(id, call, None)).flatten();
                self.failed(
                    id,
                    &error.code,
                    ActionError::new(&error.code, &error.message),
                    wait,
                    None,
                )
            }
            Ok(answer) => self.answered(id, action, call, answer),
        }
    }

    fn answered(&self, id: NodeId, action: &Action, call: &CallAction, answer: &Answer) -> Event {
        let header = |name: &str| answer.headers.get(name).and_then(Value::as_str);
        if let (202, Some(location), false) = (answer.status, header("location"), call.disable_async_pattern) {
            let wait = header("retry-after").and_then(|text| retry::retry_after(text, self.moment.now));
            let next_at = self.after(wait.unwrap_or(POLL_INTERVAL));
            return Event::Polling {
                at: self.moment.now,
                node: id,
                location: Payload::hidden_if(action.secure_outputs, location.into()),
                next_at,
                attempt: 1,
            };
        }
        let code = code_of(answer.status);
        let outputs = Payload::hidden_if(action.secure_outputs, outputs(answer));
        if (200..300).contains(&answer.status) {
            let mut ended = self.ended(id, Status::Succeeded, &code, None);
            if let Event::Ended { outputs: place, .. } = &mut ended {
                *place = Some(outputs);
            }
            return ended;
        }
        let asked = header("retry-after").and_then(|text| retry::retry_after(text, self.moment.now));
        let wait = retry::is_retried(answer.status)
            .then(|| self.wait(id, call, asked))
            .flatten();
        let message = format!(
            "The service answered {} {code} to action '{}'.",
            answer.status, action.name
        );
        self.failed(id, &code, ActionError::new(&*code, message), wait, Some(outputs))
    }

    /// The wait before the next attempt; `None` if there is none.
    fn wait(&self, id: NodeId, call: &CallAction, asked: Option<Duration>) -> Option<Duration> {
        let attempts = self.state.node(id).map_or(1, |node| node.attempts);
        let wait = retry::delay(&call.retry, attempts, self.moment.fraction())?;
        Some(asked.map_or(wait, |asked| asked.max(wait)))
    }

    fn failed(
        &self,
        id: NodeId,
        code: &str,
        error: ActionError,
        wait: Option<Duration>,
        outputs: Option<Payload>,
    ) -> Event {
        let at = self.moment.now;
        let node = self.state.node(id);
        match (wait, node.map(|node| (&node.phase, node.attempts))) {
            // The call itself was answered: only the question for its result is repeated.
            (Some(wait), Some((Phase::Polling { location, .. }, attempts))) => {
                let (location, next_at, attempt) = (location.clone(), self.after(wait), attempts + 1);
                Event::Polling {
                    at,
                    node: id,
                    location,
                    next_at,
                    attempt,
                }
            }
            (Some(wait), _) => Event::Retrying {
                at,
                node: id,
                code: code.into(),
                message: error.message,
                next_at: self.after(wait),
            },
            (None, _) => {
                let (status, code, error) = (Status::Failed, code.to_owned(), Some(error));
                Event::Ended {
                    at,
                    node: id,
                    status,
                    code,
                    inputs: None,
                    outputs,
                    error,
                }
            }
        }
    }

    fn after(&self, wait: Duration) -> i64 {
        self.moment
            .now
            .saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    }

    /// The end of an action whose call was in flight when the process ended, and must not be repeated blindly.
    pub fn outcome_unknown(&self, id: NodeId) -> Event {
        let message = format!(
            "The process ended while the call of action '{}' was in flight. It may have happened, and repeating it is \
             not declared safe: look at the service, then resubmit the run.",
            self.workflow.action(id.1).name
        );
        let error = ActionError::new("OutcomeUnknown", message);
        self.ended(id, Status::Failed, "OutcomeUnknown", Some(error))
    }

    /// Whether the author declared that the action's call may be repeated.
    pub fn declared_safe(&self, id: NodeId) -> bool {
        match &self.workflow.action(id.1).kind {
            ActionKind::ApiConnection(call) | ActionKind::Http(call) => call.safe_to_repeat,
            _ => false,
        }
    }
}

/// The inputs as people see them, and apart from them what is secret.
fn evaluate(action: &Action, call: &CallAction, scope: &RunScope<'_>) -> Result<(Value, Option<Value>), Failure> {
    let value = |template: &Template| {
        template
            .evaluate(scope)
            .map_err(|error| Failure::expression(&action.name, &error))
    };
    let optional = |template: &Option<Template>| template.as_ref().map(value).transpose();
    let mut inputs = Object::new();
    let is_http = matches!(action.kind, ActionKind::Http(_));
    if let Some(name) = optional(&call.connection)? {
        inputs.insert("host", Value::object([("connection", Value::object([("name", name)]))]));
    }
    inputs.insert("method", value(&call.method)?);
    inputs.insert(if is_http { "uri" } else { "path" }, value(&call.path)?);
    let mut secrets = Object::new();
    if let Some(queries) = optional(&call.queries)? {
        inputs.insert("queries", queries);
    }
    if let Some(headers) = optional(&call.headers)? {
        let (shown, hidden) = split_headers(&headers);
        inputs.insert("headers", shown);
        if !hidden.is_empty() {
            secrets.insert("headers", hidden);
        }
    }
    if let Some(cookie) = optional(&call.cookie)? {
        let mut headers = secrets
            .get_exact("headers")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        headers.insert("Cookie", cookie);
        secrets.insert("headers", headers);
        inputs.insert("cookie", HIDDEN);
    }
    if let Some(body) = optional(&call.body)? {
        inputs.insert("body", body);
    }
    if let Some(authentication) = optional(&call.authentication)? {
        let kind = authentication.get("type").cloned().unwrap_or_default();
        inputs.insert("authentication", Value::object([("type", kind)]));
        secrets.insert("authentication", authentication);
    }
    Ok((inputs.into(), (!secrets.is_empty()).then(|| secrets.into())))
}

/// Headers as people see them, and those that carry credentials.
fn split_headers(headers: &Value) -> (Value, Object) {
    let Some(all) = headers.as_object() else {
        return (headers.clone(), Object::new());
    };
    let (mut shown, mut hidden) = (Object::new(), Object::new());
    for (name, value) in all.iter() {
        if SECRET_HEADERS.contains(&name.to_lowercase().as_str()) {
            shown.insert(name.clone(), HIDDEN);
            hidden.insert(name.clone(), value.clone());
        } else {
            shown.insert(name.clone(), value.clone());
        }
    }
    (shown.into(), hidden)
}

/// The members of an object as texts; members that are null are left out.
fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let Some(object) = value.and_then(Value::as_object) else {
        return Vec::new();
    };
    let given = object.iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.to_string(), value.to_text())).collect()
}

fn outputs(answer: &Answer) -> Value {
    let mut outputs = Object::new();
    outputs.insert("statusCode", i64::from(answer.status));
    outputs.insert("headers", Value::from(answer.headers.clone()));
    if let Some(body) = &answer.body {
        outputs.insert("body", body.clone());
    }
    outputs.into()
}
