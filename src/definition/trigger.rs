//! Reads the trigger: what starts the workflow.

use super::draft::{Draft, Owner};
use super::node::Node;
use super::options;
use super::workflow::{Trigger, TriggerKind};
use crate::expression::template::TextPart;
use crate::expression::{Expression, ExpressionKind, Template};

/// Trigger types of Logic Apps that are not served yet.
const UNSERVED: [&str; 12] = [
    "Http",
    "HttpWebhook",
    "ApiConnection",
    "ApiConnectionNotification",
    "ApiManagement",
    "Batch",
    "EventGrid",
    "Manual",
    "ServiceProvider",
    "SlidingWindow",
    "Workflow",
    "OpenApiConnection",
];

/// Trigger types that are served.
const SERVED: [&str; 3] = ["ApiConnectionWebhook", "Recurrence", "Request"];

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
    let options = options::parse(draft, node);
    let kind = draft.required(node, "type");
    let kind = kind.and_then(|kind| draft.text(&kind).map(|text| (kind, text)));
    Trigger {
        name: name.to_owned(),
        kind: kind.map_or_else(
            || TriggerKind::Other(String::new()),
            |(place, text)| trigger_kind(draft, node, &place, text),
        ),
        conditions: conditions(draft, node),
        split_on: draft.optional_template(Owner::Trigger, node, "splitOn"),
        secure_outputs: options.secrecy.outputs,
    }
}

fn trigger_kind(draft: &mut Draft, node: &Node, place: &Node, kind: &str) -> TriggerKind {
    match kind.to_lowercase().as_str() {
        "apiconnectionwebhook" => subscription(draft, node),
        "request" => TriggerKind::Request {
            schema: node
                .member("inputs")
                .and_then(|inputs| inputs.member("schema"))
                .filter(|schema| schema.value.as_object().is_some_and(|schema| !schema.is_empty()))
                .map(|schema| schema.value.clone()),
        },
        "recurrence" => {
            let recurrence = draft.required(node, "recurrence");
            let recurrence = recurrence.filter(|recurrence| draft.is_object(recurrence));
            TriggerKind::Recurrence(
                recurrence
                    .map(|recurrence| recurrence.value.clone())
                    .unwrap_or_default(),
            )
        }
        other => {
            if UNSERVED.iter().any(|known| known.eq_ignore_ascii_case(other)) {
                let message = format!("triggers of type '{kind}' are not served yet");
                draft.report.error("UnsupportedTrigger", &place.pointer, message);
            } else {
                let hint = draft.hint(kind, SERVED.into_iter().chain(UNSERVED));
                let message = format!("there is no trigger type '{kind}'{hint}");
                draft.report.error("UnknownTrigger", &place.pointer, message);
            }
            TriggerKind::Other(kind.to_owned())
        }
    }
}

/// The three subscriptions of the Microsoft Sentinel connector, told apart by their path.
fn subscription(draft: &mut Draft, node: &Node) -> TriggerKind {
    let Some(inputs) = draft.required(node, "inputs") else {
        return TriggerKind::Other(String::new());
    };
    let path = draft.required_template(Owner::Trigger, &inputs, "path");
    let path = constant_text(&path).unwrap_or_default();
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match segments.as_slice() {
        [incident] if incident.eq_ignore_ascii_case("incident-creation") => TriggerKind::SentinelIncident,
        [alert] if alert.eq_ignore_ascii_case("subscribe") => TriggerKind::SentinelAlert,
        [entity, kind] if entity.eq_ignore_ascii_case("entity") => TriggerKind::SentinelEntity((*kind).to_owned()),
        _ => {
            let message = format!(
                "subscriptions to '{path}' are not served; those of Microsoft Sentinel are '/incident-creation', \
                 '/subscribe' and '/entity/…'"
            );
            let place = inputs.find("path").unwrap_or(inputs);
            draft.report.error("UnsupportedTrigger", &place.pointer, message);
            TriggerKind::Other(path)
        }
    }
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
