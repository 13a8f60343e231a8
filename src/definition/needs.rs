//! What a workflow tells about itself: what kind of playbook it is, and which connections it needs.

use std::collections::BTreeSet;

use super::workflow::{ActionKind, CallAction, TriggerKind, Workflow};
use crate::expression::{Expression, ExpressionKind, Template, Value};

/// The kind of trigger as Microsoft Sentinel shows it: `Incident`, `Alert`, `Entity`, `UsingSentinelAction` (another
/// trigger, but an action of Microsoft Sentinel), `Other`, or `NotInitialized` where there is no trigger.
pub fn trigger_kind(workflow: &Workflow) -> &'static str {
    let Some(trigger) = workflow.triggers.first() else {
        return "NotInitialized";
    };
    match &trigger.kind {
        TriggerKind::SentinelIncident => "Incident",
        TriggerKind::SentinelAlert => "Alert",
        TriggerKind::SentinelEntity(_) => "Entity",
        TriggerKind::Request { .. } | TriggerKind::Recurrence(_) | TriggerKind::Other(_) => {
            if connections(workflow).iter().any(|alias| is_sentinel(alias)) {
                "UsingSentinelAction"
            } else {
                "Other"
            }
        }
    }
}

/// The names in `$connections` that the actions use, sorted: `x` of
/// `@parameters('$connections')['x']['connectionId']`, or the connection's name where it is given as such.
pub fn connections(workflow: &Workflow) -> BTreeSet<String> {
    let templates = workflow.actions.iter().filter_map(|action| match &action.kind {
        ActionKind::ApiConnection(call) => call.connection.as_ref(),
        ActionKind::Http(_)
        | ActionKind::Foreach { .. }
        | ActionKind::InitializeVariable(_)
        | ActionKind::SetVariable { .. }
        | ActionKind::AppendToArrayVariable { .. }
        | ActionKind::AppendToStringVariable { .. }
        | ActionKind::IncrementVariable { .. }
        | ActionKind::If { .. }
        | ActionKind::Switch { .. }
        | ActionKind::Scope { .. }
        | ActionKind::Compose(_)
        | ActionKind::ParseJson { .. }
        | ActionKind::Query { .. }
        | ActionKind::Select { .. }
        | ActionKind::Join { .. }
        | ActionKind::Table { .. }
        | ActionKind::Terminate { .. } => None,
    });
    templates.filter_map(alias).map(str::to_owned).collect()
}

/// The designer names a connection after its connector, with a number for a second one.
fn is_sentinel(alias: &str) -> bool {
    alias.to_lowercase().contains("sentinel")
}

/// The name in `$connections` that a call uses, as in [`connections`].
pub fn connection_of(call: &CallAction) -> Option<&str> {
    call.connection.as_ref().and_then(alias)
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
