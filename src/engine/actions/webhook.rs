//! Webhook actions: the call that hands the callback URL over, what comes to that URL, and the call that takes it back.
//! Invariant: whoever knows a callback URL can end the action, so its signature is sealed and shown nowhere.

use std::time::Duration;

use super::Failure;
use super::call::evaluate;
use crate::definition::workflow::{CallAction, CallTarget, RetryPolicy, WebhookAction};
use crate::definition::{Action, ActionKind};
use crate::engine::call::{Answer, Call, Callback};
use crate::engine::callback::{Link, masked, node_name};
use crate::engine::event::{Event, NodeId, Payload};
use crate::engine::plan::{Planned, Planner};
use crate::engine::retry;
use crate::engine::scope::RunScope;
use crate::engine::status::Status;
use crate::expression::{Expression, ExpressionKind, Object, Template, Value};

/// The function that gives the callback URL.
const CALLBACK: &str = "listCallbackUrl";
/// Functions whose result still shows the signature of a URL as it is.
const TRANSPARENT: &[&str] = &[
    "concat",
    "encodeURIComponent",
    "uriComponent",
    "string",
    "coalesce",
    "json",
];

/// The call that takes a callback URL back.
#[derive(Debug)]
pub struct Unsubscription {
    /// The call.
    pub call: Call,
    retry: RetryPolicy,
}

impl Unsubscription {
    /// How long to wait before the next attempt after so many that failed; `None` if there is none.
    pub fn delay(&self, attempts: u32, fraction: f64) -> Option<Duration> {
        retry::delay(&self.retry, attempts, fraction)
    }
}

impl Planner<'_> {
    /// The action begins: its subscription is made with a callback URL that opens until the action times out.
    pub(in crate::engine) fn start_webhook(&self, id: NodeId, action: &Action, webhook: &WebhookAction) -> Planned {
        let subscribed = self.subscribe(id, action, webhook);
        match subscribed {
            Err(failure) => Planned {
                events: vec![self.done(id, action, Err(failure))],
                call: None,
            },
            Ok((event, call)) => Planned {
                events: vec![event],
                call: Some((id, call)),
            },
        }
    }

    fn subscribe(&self, id: NodeId, action: &Action, webhook: &WebhookAction) -> Result<(Event, Call), Failure> {
        let deadline = self.deadline(action);
        let url = self.callback_url(id, deadline);
        if matches!(webhook.subscribe.target, CallTarget::Uri) && !self.links.are_reachable() {
            return Err(no_public_url(&action.name));
        }
        let scope = RunScope {
            callback: Some(url.clone()),
            ..self.scope(id.0)
        };
        let (inputs, secrets) = evaluate(&action.name, &webhook.subscribe, &scope)?;
        let credentials = sealed(&inputs, secrets);
        let call = self.build(id, action, &webhook.subscribe, &inputs, Some(&credentials))?;
        let shown = match call.target {
            // The inputs of an HttpWebhook are its calls.
            crate::engine::call::Target::Http => Value::object([("subscribe", without(&inputs, &url))]),
            _ => without(&inputs, &url),
        };
        let event = Event::Called {
            at: self.moment.now,
            node: id,
            attempt: 1,
            inputs: Some(Payload::hidden_if(
                action.secure_inputs || disguises(&webhook.subscribe),
                shown,
            )),
            credentials: Some(Payload::hidden_if(true, credentials)),
            deadline,
        };
        Ok((event, call))
    }

    /// The callback URL of an action that times out at `deadline`; only a path where nobody reaches this Riposte.
    fn callback_url(&self, id: NodeId, deadline: Option<i64>) -> String {
        let run = self.state.opened.run.clone();
        let (link, expires) = (Link::Action { run, node: id }, Some(self.expiry(deadline)));
        let url = self.links.url(&link, expires);
        url.unwrap_or_else(|| self.links.path(&link, expires))
    }

    /// When an action that times out at `deadline` stops waiting.
    fn expiry(&self, deadline: Option<i64>) -> i64 {
        let end = self.state.deadline();
        deadline.map_or(end, |deadline| deadline.min(end))
    }

    /// What the callback URL of an action leads to.
    pub(super) fn callback(&self, id: NodeId, action: &Action) -> Callback {
        let begun = self.state.node(id).map(|node| node.deadline);
        Callback {
            node: node_name(id),
            expires: self.expiry(begun.unwrap_or_else(|| self.deadline(action))),
            is_reachable: self.links.are_reachable(),
        }
    }

    /// The service took the subscription. What will take it back is known from now on.
    pub(in crate::engine) fn subscribed(&self, id: NodeId, action: &Action, answer: &Answer) -> Event {
        let outputs = super::call::outputs(answer);
        let inputs = match &action.kind {
            ActionKind::Webhook(webhook) => self.unsubscribe_inputs(id, action, webhook, Some(&outputs)),
            _ => None,
        };
        Event::Subscribed {
            at: self.moment.now,
            node: id,
            outputs: Payload::hidden_if(action.secure_outputs, outputs),
            unsubscribe: inputs.map(|inputs| {
                // A later failure is told when the call is due.
                let inputs = inputs.unwrap_or_else(|failure| Value::object([("error", failure.message)]));
                Payload::hidden_if(true, inputs)
            }),
        }
    }

    fn unsubscribe_inputs(
        &self,
        id: NodeId,
        action: &Action,
        webhook: &WebhookAction,
        outputs: Option<&Value>,
    ) -> Option<Result<Value, Failure>> {
        let call = webhook.unsubscribe.as_ref()?;
        let node = self.state.node(id)?;
        let scope = self.scope(id.0);
        let mut current = scope.record(id, node).as_object().cloned().unwrap_or_default();
        if let Some(outputs) = outputs {
            current.insert("outputs", outputs.clone());
        }
        let scope = RunScope {
            callback: Some(self.callback_url(id, node.deadline)),
            current: Some(current.into()),
            ..scope
        };
        Some(evaluate(&action.name, call, &scope).map(|(inputs, secrets)| sealed(&inputs, secrets)))
    }

    /// The call that takes the callback URL of an action back; `None` if the action has none.
    ///
    /// # Errors
    /// An expression in its inputs failed.
    pub fn unsubscription(&self, id: NodeId) -> Result<Option<Unsubscription>, String> {
        let action = self.workflow.action(id.1);
        let ActionKind::Webhook(webhook) = &action.kind else {
            return Ok(None);
        };
        let (Some(parts), Some(node)) = (&webhook.unsubscribe, self.state.node(id)) else {
            return Ok(None);
        };
        let kept = node.unsubscribe.as_ref().map(|payload| payload.value.clone());
        let inputs = match kept {
            Some(inputs) => Some(Ok(inputs)),
            None => self.unsubscribe_inputs(id, action, webhook, None),
        };
        let Some(inputs) = inputs else { return Ok(None) };
        let inputs = inputs.map_err(|failure| failure.message)?;
        if let Some(reason) = inputs.get("error").and_then(Value::as_str) {
            return Err(reason.to_owned());
        }
        let call = self.build(id, action, parts, &Value::Null, Some(&inputs));
        let mut call = call.map_err(|failure| failure.message)?;
        call.idempotency_key.push_str("/unsubscribe");
        Ok(Some(Unsubscription {
            call,
            retry: parts.retry.clone(),
        }))
    }

    /// Something came to the callback URL of an action: `{headers, body?}`.
    pub fn called_back(&self, id: NodeId, delivered: &Value) -> Event {
        let action = self.workflow.action(id.1);
        let mut outputs = Object::new();
        outputs.insert("statusCode", 200);
        for (name, value) in delivered.as_object().into_iter().flat_map(Object::iter) {
            outputs.insert(name.clone(), value.clone());
        }
        let mut event = self.ended(id, Status::Succeeded, "OK", None);
        if let Event::Ended { outputs: place, .. } = &mut event {
            *place = Some(Payload::hidden_if(action.secure_outputs, outputs.into()));
        }
        self.tracked(event)
    }
}

fn no_public_url(action: &str) -> Failure {
    let message = format!(
        "Action '{action}' waits to be called back, but nothing outside reaches this Riposte: give its address with \
         `--public-url` (the chart's `publicUrl`)."
    );
    Failure::new("BadRequest", "CallbackUrlUnavailable", message)
}

/// All that a call needs, to be sealed: its secrets, and its inputs as they are.
fn sealed(inputs: &Value, secrets: Option<Value>) -> Value {
    let mut all = secrets
        .and_then(|secrets| secrets.as_object().cloned())
        .unwrap_or_default();
    all.insert("inputs", inputs.clone());
    all.into()
}

/// A value without the signature of a URL.
fn without(value: &Value, url: &str) -> Value {
    match value {
        Value::String(text) => masked(text, url).map_or_else(|| value.clone(), Value::from),
        Value::Array(items) => Value::array(items.iter().map(|item| without(item, url))),
        Value::Object(members) => {
            let mut shown = Object::new();
            for (name, member) in members.iter() {
                let name = masked(name, url).unwrap_or_else(|| name.to_string());
                shown.insert(name, without(member, url));
            }
            shown.into()
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => value.clone(),
    }
}

/// Whether a call writes the callback URL in a form that cannot be found again, such as base64.
fn disguises(call: &CallAction) -> bool {
    let templates: [&Option<Template>; 5] = [
        &call.queries,
        &call.headers,
        &call.cookie,
        &call.body,
        &call.authentication,
    ];
    let mut found = false;
    let all = templates.into_iter().flatten().chain([&call.method, &call.path]);
    for template in all {
        template.visit(&mut |_, expression| found |= is_disguised(expression));
    }
    found
}

fn is_disguised(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Literal(_) => false,
        ExpressionKind::Call { name, arguments, .. } => {
            let transparent = TRANSPARENT.iter().any(|known| known.eq_ignore_ascii_case(name));
            arguments
                .iter()
                .any(|argument| (!transparent && gives_url(argument)) || is_disguised(argument))
        }
        ExpressionKind::Access { target, key, .. } => [target, key].into_iter().any(|part| gives_url(part)),
    }
}

fn gives_url(expression: &Expression) -> bool {
    let mut found = false;
    expression.walk(&mut |part| {
        found |= matches!(&part.kind, ExpressionKind::Call { name, .. } if name.eq_ignore_ascii_case(CALLBACK));
    });
    found
}
