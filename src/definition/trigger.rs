//! Reads the trigger: what starts the workflow.

use std::time::Duration;

use super::draft::{Draft, Owner};
use super::node::Node;
use super::options::{self, Options};
use super::workflow::{BatchConfiguration, CallTarget, RequestTrigger, RunConcurrency, Trigger, TriggerKind};
use super::{call, duration, recurrence, webhook};
use crate::expression::template::TextPart;
use crate::expression::{Expression, ExpressionKind, Template};

/// What is particular to a type of trigger.
pub(super) type Reader = fn(&mut Draft, &Entry) -> Option<TriggerKind>;

/// Trigger types that are served.
pub(super) const SERVED: [(&str, Reader); 9] = [
    ("ApiConnection", poll_connection),
    ("ApiConnectionWebhook", subscription),
    ("Batch", batch),
    ("Http", poll_uri),
    ("HttpWebhook", webhook),
    ("Manual", request),
    ("Recurrence", recurrence),
    ("Request", request),
    ("SlidingWindow", sliding_window),
];

/// Trigger types of Logic Apps that are not served.
const UNSERVED: [&str; 7] = [
    "ApiConnectionNotification",
    "ApiManagement",
    "EventGrid",
    "OpenApiConnection",
    "OpenApiConnectionWebhook",
    "ServiceProvider",
    "Workflow",
];

/// A trigger whose own properties are being read.
pub(super) struct Entry<'a> {
    node: &'a Node<'a>,
    options: Options,
}

/// Reads `triggers`.
pub(super) fn parse(draft: &mut Draft, definition: &Node) {
    let triggers = definition.member("triggers");
    let members = triggers.as_ref().map(Node::members).unwrap_or_default();
    if let Some(triggers) = &triggers {
        draft.is_object(triggers);
    }
    if members.is_empty() {
        let message = "the workflow has no trigger; add one, such as a Microsoft Sentinel incident";
        draft.report.error("NoTrigger", &definition.pointer, message);
    }
    for (index, (name, node)) in members.into_iter().enumerate() {
        if index > 0 {
            let message = "a workflow has one trigger; make a playbook of its own for this one";
            draft.report.error("SeveralTriggers", &node.pointer, message);
            return;
        }
        if draft.is_name(name, &node) && draft.is_object(&node) {
            let trigger = trigger(draft, name, &node);
            draft.workflow.triggers.push(trigger);
        }
    }
}

fn trigger(draft: &mut Draft, name: &str, node: &Node) -> Trigger {
    let entry = Entry {
        node,
        options: options::parse(draft, node),
    };
    let kind = draft.required(node, "type");
    let kind = kind.and_then(|kind| draft.text(&kind).map(|text| (kind, text)));
    let kind = kind.and_then(|(place, text)| trigger_kind(draft, &entry, &place, text));
    let correlation = node.member("correlation");
    Trigger {
        name: name.to_owned(),
        kind: kind.unwrap_or_else(|| TriggerKind::Other(String::new())),
        conditions: conditions(draft, node),
        split_on: draft.optional_template(Owner::Trigger, node, "splitOn"),
        concurrency: concurrency(draft, &entry),
        tracking_id: correlation
            .and_then(|correlation| draft.optional_template(Owner::Trigger, &correlation, "clientTrackingId")),
        secure_outputs: entry.options.secrecy.outputs,
        source: node.value.clone(),
    }
}

fn concurrency(draft: &mut Draft, entry: &Entry) -> Option<RunConcurrency> {
    let given = entry.options.concurrency;
    if !entry.options.single_instance {
        return given;
    }
    if given.is_some_and(|given| given.runs > 1) {
        let message = "'SingleInstance' and a concurrency exclude each other; remove one";
        draft.report.error("ConflictingOptions", &entry.node.pointer, message);
    }
    let waiting = given.map_or(11, |given| given.waiting);
    Some(RunConcurrency { runs: 1, waiting })
}

fn trigger_kind(draft: &mut Draft, entry: &Entry, place: &Node, kind: &str) -> Option<TriggerKind> {
    if let Some((_, read)) = SERVED.iter().find(|(served, _)| served.eq_ignore_ascii_case(kind)) {
        return read(draft, entry);
    }
    if UNSERVED.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        let message = format!("triggers of type '{kind}' are not served");
        draft.report.error("UnsupportedTrigger", &place.pointer, message);
    } else {
        let hint = draft.hint(kind, SERVED.map(|(served, _)| served).into_iter().chain(UNSERVED));
        let message = format!("there is no trigger type '{kind}'{hint}");
        draft.report.error("UnknownTrigger", &place.pointer, message);
    }
    None
}

fn inputs<'a>(draft: &mut Draft, entry: &Entry<'a>) -> Option<Node<'a>> {
    let inputs = draft.required(entry.node, "inputs")?;
    draft.is_object(&inputs).then_some(inputs)
}

/// `Request`, and its older name `Manual`.
fn request(draft: &mut Draft, entry: &Entry) -> Option<TriggerKind> {
    let inputs = entry.node.member("inputs");
    let part = |name: &str| inputs.as_ref().and_then(|inputs| inputs.member(name));
    let schema = part("schema").filter(|schema| schema.value.as_object().is_some_and(|schema| !schema.is_empty()));
    let (method, path) = (part("method"), part("relativePath"));
    if let (None, Some(path)) = (&method, &path) {
        let message = "a relative path needs a method; add 'method' beside it";
        draft.report.error("MissingProperty", &path.pointer, message);
    }
    Some(TriggerKind::Request(RequestTrigger {
        schema: schema.map(|schema| schema.value.clone()),
        method: method.and_then(|method| draft.text(&method).map(str::to_uppercase)),
        relative_path: path.and_then(|path| draft.text(&path).map(str::to_owned)),
        validates: entry.options.validates,
        keeps_authorization: entry.options.keeps_authorization,
        suppresses_headers: entry.options.suppress_response_headers,
    }))
}

fn recurrence(draft: &mut Draft, entry: &Entry) -> Option<TriggerKind> {
    recurrence::parse(draft, entry.node).map(TriggerKind::Recurrence)
}

fn sliding_window(draft: &mut Draft, entry: &Entry) -> Option<TriggerKind> {
    let recurrence = recurrence::parse(draft, entry.node)?;
    let delay = entry.node.member("inputs").and_then(|inputs| inputs.member("delay"));
    let delay = match delay {
        Some(delay) => {
            let parsed = delay.value.as_str().and_then(duration::parse);
            if parsed.is_none() {
                let message = "the delay must be an ISO 8601 duration, such as 'PT20S'";
                draft.report.error("InvalidDuration", &delay.pointer, message);
            }
            parsed?
        }
        None => Duration::ZERO,
    };
    Some(TriggerKind::SlidingWindow { recurrence, delay })
}

/// `Http`: a URI that is asked on a schedule.
fn poll_uri(draft: &mut Draft, entry: &Entry) -> Option<TriggerKind> {
    let inputs = inputs(draft, entry)?;
    let method = draft.required_template(Owner::Trigger, &inputs, "method");
    let path = draft.required_template(Owner::Trigger, &inputs, "uri");
    poll(draft, entry, &inputs, (CallTarget::Uri, method, path))
}

/// `ApiConnection`: an operation that is asked on a schedule.
fn poll_connection(draft: &mut Draft, entry: &Entry) -> Option<TriggerKind> {
    let inputs = inputs(draft, entry)?;
    let target = CallTarget::Connection(call::connection(draft, Owner::Trigger, &inputs));
    let method = draft.required_template(Owner::Trigger, &inputs, "method");
    let path = draft.required_template(Owner::Trigger, &inputs, "path");
    poll(draft, entry, &inputs, (target, method, path))
}

fn poll(
    draft: &mut Draft,
    entry: &Entry,
    inputs: &Node,
    address: (CallTarget, Template, Template),
) -> Option<TriggerKind> {
    let call = call::call(draft, Owner::Trigger, entry.node, inputs, &entry.options, address);
    let recurrence = recurrence::parse(draft, entry.node)?;
    let call = Box::new(call);
    Some(TriggerKind::Poll { call, recurrence })
}

/// `HttpWebhook`.
fn webhook(draft: &mut Draft, entry: &Entry) -> Option<TriggerKind> {
    let inputs = inputs(draft, entry)?;
    let webhook = webhook::http_parts(draft, &subscriber(entry), &inputs);
    Some(TriggerKind::Webhook(Box::new(webhook)))
}

fn subscriber<'a>(entry: &'a Entry<'a>) -> webhook::Subscriber<'a> {
    webhook::Subscriber {
        owner: Owner::Trigger,
        node: entry.node,
        options: &entry.options,
    }
}

/// `ApiConnectionWebhook`: the three subscriptions of the Microsoft Sentinel connector, told apart by their path, or
/// one of another service.
fn subscription(draft: &mut Draft, entry: &Entry) -> Option<TriggerKind> {
    let inputs = inputs(draft, entry)?;
    let path = draft.required_template(Owner::Trigger, &inputs, "path");
    let path = constant_text(&path).unwrap_or_default();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    Some(match segments.as_slice() {
        [incident] if incident.eq_ignore_ascii_case("incident-creation") => TriggerKind::SentinelIncident,
        [alert] if alert.eq_ignore_ascii_case("subscribe") => TriggerKind::SentinelAlert,
        [entity, kind] if entity.eq_ignore_ascii_case("entity") => TriggerKind::SentinelEntity((*kind).to_owned()),
        _ => {
            let webhook = webhook::connection_parts(draft, &subscriber(entry), &inputs);
            TriggerKind::Webhook(Box::new(webhook))
        }
    })
}

/// `Batch`: messages that are collected until a criterion is met.
fn batch(draft: &mut Draft, entry: &Entry) -> Option<TriggerKind> {
    let inputs = inputs(draft, entry)?;
    let configurations = draft.required(&inputs, "configurations")?;
    draft.is_object(&configurations);
    let mut read = Vec::new();
    for (name, node) in configurations.members() {
        let criteria = draft.required(&node, "releaseCriteria")?;
        let number = |name: &str| criteria.member(name).and_then(|count| count.value.as_int());
        let recurrence = criteria.member("recurrence");
        let configuration = BatchConfiguration {
            name: name.to_string(),
            message_count: number("messageCount").and_then(|count| u32::try_from(count).ok()),
            batch_size: number("batchSize").and_then(|size| u64::try_from(size).ok()),
            recurrence: recurrence.and_then(|node| recurrence::within(draft, &node)),
        };
        if configuration.message_count.is_none()
            && configuration.batch_size.is_none()
            && configuration.recurrence.is_none()
        {
            let message = "a batch needs a criterion: 'messageCount', 'batchSize' or 'recurrence'";
            draft.report.error("MissingProperty", &criteria.pointer, message);
        }
        read.push(configuration);
    }
    Some(TriggerKind::Batch(read))
}

/// The text of a template of constants; `encodeURIComponent('Host')` counts as `Host`, for entity types need no coding.
fn constant_text(template: &Template) -> Option<String> {
    match template {
        Template::Literal(value) => value.as_str().map(str::to_owned),
        Template::Expression(expression) => constant(expression),
        Template::Text(parts) => parts
            .iter()
            .map(|part| match part {
                TextPart::Literal(text) => Some(text.to_string()),
                TextPart::Expression(expression) => constant(expression),
            })
            .collect(),
        Template::Array(_) | Template::Object(_) => None,
    }
}

fn constant(expression: &Expression) -> Option<String> {
    match &expression.kind {
        ExpressionKind::Literal(value) => value.as_str().map(str::to_owned),
        ExpressionKind::Call { name, arguments, .. } if name.eq_ignore_ascii_case("encodeURIComponent") => {
            arguments.first().and_then(constant)
        }
        ExpressionKind::Call { .. } | ExpressionKind::Access { .. } => None,
    }
}

fn conditions(draft: &mut Draft, node: &Node) -> Vec<Template> {
    let Some(conditions) = node.member("conditions") else {
        return Vec::new();
    };
    draft.is_array(&conditions);
    let expressions = conditions.items().into_iter().filter_map(|condition| {
        let expression = draft.required(&condition, "expression")?;
        Some(draft.condition(Owner::Trigger, &expression, false))
    });
    expressions.collect()
}
