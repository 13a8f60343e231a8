//! Actions that call something: from the action to the call, and from the answer to what happens next.

use std::time::Duration;

use super::Failure;
use super::target::{address, script_context, target_inputs};
use crate::connectors::code_of;
use crate::definition::workflow::{CallAction, CallTarget};
use crate::definition::{Action, ActionKind, Limit, Limits, function_app};
use crate::engine::call::{Answer, Call, CallError, Hold, Target};
use crate::engine::event::{ActionError, Event, NodeId, Payload};
use crate::engine::plan::{Planned, Planner, reason};
use crate::engine::retry;
use crate::engine::scope::RunScope;
use crate::engine::state::Phase;
use crate::engine::status::Status;
use crate::engine::trace::Trace;
use crate::expression::{Object, Scope, Template, Value};

/// How long until a promised answer is asked for, where the service does not say.
const POLL_INTERVAL: Duration = Duration::from_secs(20);
/// Headers that carry credentials: sealed, and shown nowhere.
pub(in crate::engine) const SECRET_HEADERS: &[&str] = &[
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
        let evaluated = evaluate(&action.name, call, scope).and_then(|(inputs, credentials)| {
            self.build(id, action, call, &inputs, credentials.as_ref())
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
        self.announced(id, event)
    }

    /// The event that announces the call of an action once more, and the call; where it cannot be built any more, the
    /// action fails.
    fn announced(&self, id: NodeId, event: Event) -> Planned {
        match self.rebuild(id) {
            Some(call) => Planned {
                events: vec![event],
                call: Some((id, call)),
            },
            None => {
                let error = ActionError::new("InternalError", "the call cannot be built again");
                Planned {
                    events: vec![self.ended(id, Status::Failed, "InternalError", Some(error))],
                    call: None,
                }
            }
        }
    }

    /// What a hold means for an announced call: it waits, and where it asks for a promised answer, it asks later.
    pub(in crate::engine) fn held(&self, id: NodeId, hold: Hold) -> Event {
        let at = self.moment.now;
        match self.state.node(id).map(|node| (&node.phase, node.attempts)) {
            Some((Phase::Polling { location, .. }, attempt)) => Event::Polling {
                at,
                node: id,
                location: location.clone(),
                next_at: hold.until,
                attempt,
            },
            _ => Event::Held {
                at,
                node: id,
                code: hold.code.into(),
                message: hold.message,
                next_at: hold.until,
            },
        }
    }

    /// The call that was held, whatever the time; it is to be asked whether it may go on. `by` says who lets it.
    pub(in crate::engine) fn go_on(&self, id: NodeId, by: Option<String>) -> Planned {
        let at = self.moment.now;
        self.announced(id, Event::Released { at, node: id, by })
    }

    /// The call of an action that has begun, from its journaled inputs: the same call, key included.
    pub fn rebuild(&self, id: NodeId) -> Option<Call> {
        let node = self.state.node(id)?;
        let inputs = &node.inputs.as_ref()?.value;
        let credentials = node.credentials.as_ref().map(|payload| &payload.value);
        let action = self.workflow.action(id.1);
        self.build(id, action, self.call_of(action)?, inputs, credentials).ok()
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

    /// The call of evaluated inputs. Those of a webhook lie among its credentials, because they hold the callback URL.
    pub(super) fn build(
        &self,
        id: NodeId,
        action: &Action,
        parts: &CallAction,
        inputs: &Value,
        credentials: Option<&Value>,
    ) -> Result<Call, Failure> {
        let inputs = credentials
            .and_then(|credentials| credentials.get("inputs"))
            .unwrap_or(inputs);
        let invalid = |reason: String| {
            let message = format!("The inputs of action '{}' are not valid: {reason}.", action.name);
            Failure::new("BadRequest", "InvalidTemplate", message).with_inputs(inputs.clone())
        };
        let target = self.target(id, parts, inputs).map_err(invalid)?;
        let (method, path) = address(&parts.target, inputs).map_err(invalid)?;
        let mut headers = pairs(inputs.get("headers"));
        for (name, value) in pairs(credentials.and_then(|credentials| credentials.get("headers"))) {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            headers.push((name, value));
        }
        for (name, value) in self.caller_headers(id, action, parts) {
            if !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(&name)) {
                headers.push((name, value));
            }
        }
        let longest = attempt_timeout(&self.workflow.limits);
        let opened = &self.state.opened;
        let body = if matches!(target, Target::Batch { .. }) {
            "content"
        } else {
            "body"
        };
        Ok(Call {
            idempotency_key: self.idempotency_key(id),
            run: opened.run.clone(),
            namespace: opened.namespace.clone(),
            playbook: opened.playbook.clone(),
            action: action.name.to_string(),
            depth: opened.depth,
            target,
            method,
            path,
            queries: pairs(inputs.get("queries")),
            headers,
            body: inputs.get(body).cloned(),
            authentication: credentials
                .and_then(|credentials| credentials.get("authentication"))
                .cloned(),
            minimum_items: parts.minimum_items,
            callback: matches!(action.kind, ActionKind::Webhook(_)).then(|| self.callback(id, action)),
            chunked: parts.chunked,
            timeout: action.timeout.map_or(longest, |limit| limit.min(longest)),
            traceparent: Trace::of(opened).parent_of_call(id),
        })
    }

    /// The call that an action makes: its own, or its subscription.
    fn call_of<'w>(&self, action: &'w Action) -> Option<&'w CallAction> {
        match &action.kind {
            ActionKind::Call(call) => Some(call),
            ActionKind::Webhook(webhook) => Some(&webhook.subscribe),
            _ => None,
        }
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

    fn target(&self, id: NodeId, call: &CallAction, inputs: &Value) -> Result<Target, String> {
        let text = |path: &[&str]| {
            let value = inputs.at(path).and_then(Value::as_str);
            value
                .map(str::to_owned)
                .ok_or_else(|| format!("'{}' must be a text", path.join(".")))
        };
        let connection = || {
            let name = text(&["host", "connection", "name"])?;
            self.bound(name.rsplit('/').next().unwrap_or(&name))
        };
        Ok(match &call.target {
            CallTarget::Uri => Target::Http,
            CallTarget::Connection(_) => Target::Connection(connection()?),
            CallTarget::Operation { .. } => Target::Operation {
                connection: connection()?,
                operation: text(&["host", "operationId"])?,
                parameters: inputs
                    .get("parameters")
                    .and_then(Value::as_object)
                    .cloned()
                    .unwrap_or_default(),
            },
            CallTarget::Playbook { .. } => Target::Playbook(text(&["host", "workflow", "id"])?),
            CallTarget::Function(_) => {
                let id = text(&["function", "id"])?;
                let app = function_app(&id).ok_or_else(|| format!("'{id}' is no id of a function"))?;
                Target::Connection(self.bound(app)?)
            }
            CallTarget::Batch { .. } => Target::Batch {
                playbook: text(&["host", "workflow", "id"])?,
                batch: text(&["batchName"])?,
                partition: text(&["partitionName"]).unwrap_or_else(|_| "DEFAULT".to_owned()),
                message_id: text(&["messageId"]).unwrap_or_else(|_| self.idempotency_key(id)),
            },
            CallTarget::Script(script) => Target::Script {
                code: script.code.clone(),
                context: script_context(script, &self.scope(id.0)),
            },
        })
    }

    /// The ApiConnection that the playbook binds to a name of `$connections`.
    fn bound(&self, name: &str) -> Result<String, String> {
        let is_it = |(alias, connection): &&(String, String)| {
            connection.eq_ignore_ascii_case(name) || alias.eq_ignore_ascii_case(name)
        };
        let found = self.state.opened.connections.iter().find(is_it);
        found
            .map(|(_, connection)| connection.clone())
            .ok_or_else(|| format!("the playbook binds no connection '{name}'; add it to `spec.connections`"))
    }

    /// What an answer, or its absence, means for the action.
    pub fn conclude(&self, id: NodeId, outcome: &Result<Answer, CallError>) -> Event {
        let action = self.workflow.action(id.1);
        let Some(call) = self.call_of(action) else {
            let error = ActionError::new("InternalError", "an answer came for an action that makes no calls");
            return self.ended(id, Status::Failed, "InternalError", Some(error));
        };
        match outcome {
            Err(error) => {
                // What a script says may hold what it saw.
                let is_script = matches!(call.target, CallTarget::Script(_));
                let is_secure = is_script && (action.secure_inputs || action.secure_outputs);
                let message = reason(is_secure, error.message.clone());
                let wait = error.retryable.then(|| self.wait(id, call, None)).flatten();
                self.failed(id, &error.code, ActionError::new(&error.code, message), wait, None)
            }
            Ok(answer) => self.answered(id, action, call, answer),
        }
    }

    fn answered(&self, id: NodeId, action: &Action, call: &CallAction, answer: &Answer) -> Event {
        let header = |name: &str| answer.headers.get(name).and_then(Value::as_str);
        let is_webhook = matches!(action.kind, ActionKind::Webhook(_));
        if is_webhook && (200..300).contains(&answer.status) {
            return self.subscribed(id, action, answer);
        }
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
        let outputs = if matches!(call.target, CallTarget::Script(_)) {
            Value::object([("body", answer.body.clone().unwrap_or_default())])
        } else {
            outputs(answer)
        };
        let outputs = Payload::hidden_if(action.secure_outputs, outputs);
        if (200..300).contains(&answer.status) {
            let mut ended = self.ended(id, Status::Succeeded, &code, None);
            if let Event::Ended { outputs: place, .. } = &mut ended {
                *place = Some(outputs);
            }
            return ended;
        }
        let asked = header("retry-after").and_then(|text| retry::retry_after(text, self.moment.now));
        // Another playbook is not started anew: its run has had its effects, and answers the same again.
        let is_final = matches!(call.target, CallTarget::Playbook { .. });
        let wait = (retry::is_retried(answer.status) && !is_final)
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
                    tracked: None,
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
        self.call_of(self.workflow.action(id.1))
            .is_some_and(|call| call.safe_to_repeat)
    }
}

/// The inputs as people see them, and apart from them what is secret.
pub(in crate::engine) fn evaluate(
    action: &str,
    call: &CallAction,
    scope: &dyn Scope,
) -> Result<(Value, Option<Value>), Failure> {
    let value = |template: &Template| {
        template
            .evaluate(scope)
            .map_err(|error| Failure::expression(action, &error))
    };
    let optional = |template: &Option<Template>| template.as_ref().map(value).transpose();
    let mut inputs = Object::new();
    target_inputs(call, &value, &mut inputs)?;
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
        let name = if matches!(call.target, CallTarget::Batch { .. }) {
            "content"
        } else {
            "body"
        };
        inputs.insert(name, body);
    }
    if let Some(authentication) = optional(&call.authentication)? {
        let kind = authentication.get("type").cloned().unwrap_or_default();
        inputs.insert("authentication", Value::object([("type", kind)]));
        secrets.insert("authentication", authentication);
    }
    Ok((inputs.into(), (!secrets.is_empty()).then(|| secrets.into())))
}

/// How long one attempt of a call may take.
pub(in crate::engine) fn attempt_timeout(limits: &Limits) -> Duration {
    Duration::from_secs(u64::from(limits.of(Limit::CallSeconds)))
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
pub(in crate::engine) fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    let Some(object) = value.and_then(Value::as_object) else {
        return Vec::new();
    };
    let given = object.iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.to_string(), value.to_text())).collect()
}

/// The outputs of a call.
pub(in crate::engine) fn outputs(answer: &Answer) -> Value {
    let mut outputs = Object::new();
    outputs.insert("statusCode", i64::from(answer.status));
    outputs.insert("headers", Value::from(answer.headers.clone()));
    if let Some(body) = &answer.body {
        outputs.insert("body", body.clone());
    }
    outputs.into()
}
