//! What a workflow tells about itself: what kind of playbook it is, and which connections it needs.

use std::collections::BTreeSet;

use super::reference::{self, Target};
use super::templates::{templates, trigger_templates};
use super::workflow::{Action, ActionKind, CallAction, CallTarget, TriggerClass, TriggerKind, WebhookAction, Workflow};
use crate::api::identity::{MANAGED_IDENTITY, identity_name};
use crate::expression::{Expression, ExpressionKind, Template, Value};

/// The kind of trigger as Microsoft Sentinel shows it: `Incident`, `Alert`, `Entity`, `UsingSentinelAction` (another
/// trigger, but an action of Microsoft Sentinel), `Other`, or `NotInitialized` where there is no trigger.
pub fn trigger_kind(workflow: &Workflow) -> &'static str {
    let Some(trigger) = workflow.triggers.first() else {
        return "NotInitialized";
    };
    match trigger.kind.class() {
        TriggerClass::Incident => "Incident",
        TriggerClass::Alert => "Alert",
        TriggerClass::Entity => "Entity",
        TriggerClass::Schedule | TriggerClass::Other => {
            if calls(workflow)
                .filter_map(|(_, call)| connection_of(call))
                .any(|alias| is_sentinel(&alias))
            {
                "UsingSentinelAction"
            } else {
                "Other"
            }
        }
    }
}

/// The names in `$connections` that the trigger and the actions use, sorted: `x` of
/// `@parameters('$connections')['x']['connectionId']`, or the connection's name where it is given as such; for a
/// function the name of its function app, for a managed identity its name.
pub fn connections(workflow: &Workflow) -> BTreeSet<String> {
    let named = |(_, call)| [connection_of(call), identity_of(call)];
    calls(workflow).flat_map(named).flatten().collect()
}

/// The app settings that the trigger, the actions and the outputs read by a name that stands there, sorted.
pub fn app_settings(workflow: &Workflow) -> BTreeSet<String> {
    let of_actions = workflow.actions.iter().flat_map(templates);
    let of_triggers = workflow.triggers.iter().flat_map(trigger_templates);
    let of_outputs = workflow.outputs.iter().map(|(_, template)| template);
    let mut names = BTreeSet::new();
    for template in of_actions.chain(of_triggers).chain(of_outputs) {
        template.visit(&mut |_, expression| {
            expression.walk(&mut |expression| {
                let reference = reference::of(expression).filter(|reference| reference.target == Target::Setting);
                names.extend(reference.and_then(|reference| reference.name).map(str::to_owned));
            });
        });
    }
    names
}

/// Every call of a workflow, with the action that makes it; `None` for the trigger.
pub fn calls(workflow: &Workflow) -> impl Iterator<Item = (Option<&Action>, &CallAction)> {
    let of_triggers = workflow
        .triggers
        .iter()
        .flat_map(|trigger| calls_of_trigger(&trigger.kind));
    let of_actions = workflow
        .actions
        .iter()
        .flat_map(|action| calls_of_action(&action.kind).map(move |call| (Some(action), call)));
    of_triggers.map(|call| (None, call)).chain(of_actions)
}

fn calls_of_trigger(kind: &TriggerKind) -> impl Iterator<Item = &CallAction> {
    let (polled, webhook) = match kind {
        TriggerKind::Poll { call, .. } => (Some(&**call), None),
        TriggerKind::Webhook(webhook) => (None, Some(&**webhook)),
        TriggerKind::SentinelIncident
        | TriggerKind::SentinelAlert
        | TriggerKind::SentinelEntity(_)
        | TriggerKind::Request(_)
        | TriggerKind::Recurrence(_)
        | TriggerKind::SlidingWindow { .. }
        | TriggerKind::Batch(_)
        | TriggerKind::Other(_) => (None, None),
    };
    polled.into_iter().chain(webhook.into_iter().flat_map(calls_of_webhook))
}

fn calls_of_action(kind: &ActionKind) -> impl Iterator<Item = &CallAction> {
    let (call, webhook) = match kind {
        ActionKind::Call(call) => (Some(&**call), None),
        ActionKind::Webhook(webhook) => (None, Some(&**webhook)),
        ActionKind::Wait(_)
        | ActionKind::Response(_)
        | ActionKind::Until(_)
        | ActionKind::Foreach { .. }
        | ActionKind::InitializeVariable(_)
        | ActionKind::SetVariable { .. }
        | ActionKind::AppendToArrayVariable { .. }
        | ActionKind::AppendToStringVariable { .. }
        | ActionKind::IncrementVariable { .. }
        | ActionKind::DecrementVariable { .. }
        | ActionKind::If { .. }
        | ActionKind::Switch { .. }
        | ActionKind::Scope { .. }
        | ActionKind::Compose(_)
        | ActionKind::Expression(_)
        | ActionKind::ParseJson { .. }
        | ActionKind::Query { .. }
        | ActionKind::Select { .. }
        | ActionKind::Join { .. }
        | ActionKind::Table { .. }
        | ActionKind::Terminate { .. } => (None, None),
    };
    call.into_iter().chain(webhook.into_iter().flat_map(calls_of_webhook))
}

fn calls_of_webhook(webhook: &WebhookAction) -> impl Iterator<Item = &CallAction> {
    std::iter::once(&webhook.subscribe).chain(webhook.unsubscribe.as_ref())
}

/// The designer names a connection after its connector, with a number for a second one.
fn is_sentinel(alias: &str) -> bool {
    alias.to_lowercase().contains("sentinel")
}

/// The name in `$connections` that a call uses, as in [`connections`].
pub fn connection_of(call: &CallAction) -> Option<String> {
    match &call.target {
        CallTarget::Connection(connection) | CallTarget::Operation { connection, .. } => {
            alias(connection).map(str::to_owned)
        }
        CallTarget::Function(Template::Literal(id)) => id.as_str().and_then(function_app).map(str::to_owned),
        CallTarget::Function(_)
        | CallTarget::Uri
        | CallTarget::Playbook { .. }
        | CallTarget::Batch { .. }
        | CallTarget::Script(_) => None,
    }
}

/// The name of the managed identity whose token a call sends, if it does: under that name `spec.connections` binds an
/// ApiConnection of connector `managedidentity`.
pub fn identity_of(call: &CallAction) -> Option<String> {
    let authentication = call.authentication.as_ref()?;
    let kind = member(authentication, "type")?;
    let identity = member(authentication, "identity");
    kind.eq_ignore_ascii_case(MANAGED_IDENTITY)
        .then(|| identity_name(identity))
}

/// A text that a member of an object certainly is.
fn member<'t>(object: &'t Template, name: &str) -> Option<&'t str> {
    match object {
        Template::Literal(value) => value.get(name)?.as_str(),
        Template::Object(members) => {
            let is_it =
                |key: &Template| matches!(key, Template::Literal(Value::String(key)) if key.eq_ignore_ascii_case(name));
            match members.iter().find(|(key, _)| is_it(key))? {
                (_, Template::Literal(value)) => value.as_str(),
                _ => None,
            }
        }
        Template::Expression(_) | Template::Text(_) | Template::Array(_) => None,
    }
}

/// The name of the function app in the ARM id of one of its functions.
pub fn function_app(id: &str) -> Option<&str> {
    let mut segments = id.split('/');
    segments.find(|segment| segment.eq_ignore_ascii_case("sites"))?;
    segments.next().filter(|name| !name.is_empty())
}

fn alias(template: &Template) -> Option<&str> {
    match template {
        Template::Literal(name) => name.as_str(),
        Template::Expression(expression) => alias_in(expression),
        Template::Text(_) | Template::Array(_) | Template::Object(_) => None,
    }
}

/// The key of the access to the call of `parameters('$connections')`, however many accesses are around it.
fn alias_in(expression: &Expression) -> Option<&str> {
    let ExpressionKind::Access { target, key, .. } = &expression.kind else {
        return None;
    };
    if !is_connections(target) {
        return alias_in(target);
    }
    match &key.kind {
        ExpressionKind::Literal(name) => name.as_str(),
        ExpressionKind::Call { .. } | ExpressionKind::Access { .. } => None,
    }
}

fn is_connections(expression: &Expression) -> bool {
    let ExpressionKind::Call { name, arguments, .. } = &expression.kind else {
        return false;
    };
    let first = arguments.first().map(|argument| &argument.kind);
    let named = matches!(first, Some(ExpressionKind::Literal(Value::String(text))) if text.eq_ignore_ascii_case("$connections"));
    name.eq_ignore_ascii_case("parameters") && named
}
