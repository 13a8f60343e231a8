//! Every template of an action or a trigger: what else wants to know what a workflow reads.

use super::workflow::{Action, ActionKind, CallAction, CallTarget, Delay, Trigger, TriggerKind, WebhookAction};
use crate::expression::Template;

/// The templates that the inputs of an action are made of, in no order; without those of the actions that it holds.
pub fn templates(action: &Action) -> Vec<&Template> {
    let mut found: Vec<&Template> = action.tracked.iter().collect();
    match &action.kind {
        ActionKind::Call(call) => found.extend(of_call(call)),
        ActionKind::Webhook(webhook) => found.extend(of_webhook(webhook)),
        ActionKind::Wait(Delay::For { count, unit }) => found.extend([count, unit]),
        ActionKind::Wait(Delay::Until(time)) => found.push(time),
        ActionKind::Response(response) => {
            found.push(&response.status);
            found.extend(response.headers.iter().chain(&response.body));
        }
        ActionKind::Until(until) => found.extend([&until.condition, &until.count, &until.timeout]),
        ActionKind::Foreach { items, .. } => found.push(items),
        ActionKind::InitializeVariable(declared) => found.extend(declared.iter().filter_map(|one| one.value.as_ref())),
        ActionKind::SetVariable { value, .. }
        | ActionKind::AppendToArrayVariable { value, .. }
        | ActionKind::AppendToStringVariable { value, .. } => found.push(value),
        ActionKind::IncrementVariable { by, .. } | ActionKind::DecrementVariable { by, .. } => found.push(by),
        ActionKind::If { condition, .. } => found.push(condition),
        ActionKind::Switch { on, .. } => found.push(on),
        ActionKind::Scope { .. } => {}
        ActionKind::Compose(value) | ActionKind::Expression(value) => found.push(value),
        ActionKind::ParseJson { content, .. } => found.push(content),
        ActionKind::Query { from, condition } => found.extend([from, condition]),
        ActionKind::Select { from, select } => found.extend([from, select]),
        ActionKind::Join { from, with } => found.extend([from, with]),
        ActionKind::Table { from, columns, .. } => {
            found.push(from);
            found.extend(columns.iter().flatten().flat_map(|(header, value)| [header, value]));
        }
        ActionKind::Terminate { code, message, .. } => found.extend(code.iter().chain(message)),
    }
    found
}

/// The templates of a trigger.
pub fn trigger_templates(trigger: &Trigger) -> Vec<&Template> {
    let mut found: Vec<&Template> = trigger.conditions.iter().collect();
    found.extend(trigger.split_on.iter().chain(&trigger.tracking_id));
    match &trigger.kind {
        TriggerKind::Poll { call, .. } => found.extend(of_call(call)),
        TriggerKind::Webhook(webhook) => found.extend(of_webhook(webhook)),
        TriggerKind::SentinelIncident
        | TriggerKind::SentinelAlert
        | TriggerKind::SentinelEntity(_)
        | TriggerKind::Request(_)
        | TriggerKind::Recurrence(_)
        | TriggerKind::SlidingWindow { .. }
        | TriggerKind::Batch(_)
        | TriggerKind::Other(_) => {}
    }
    found
}

fn of_webhook(webhook: &WebhookAction) -> Vec<&Template> {
    let mut found = of_call(&webhook.subscribe);
    found.extend(webhook.unsubscribe.iter().flat_map(of_call));
    found
}

fn of_call(call: &CallAction) -> Vec<&Template> {
    let mut found = vec![&call.method, &call.path];
    let parts = [
        &call.queries,
        &call.headers,
        &call.cookie,
        &call.body,
        &call.authentication,
    ];
    found.extend(parts.into_iter().flatten());
    match &call.target {
        CallTarget::Uri | CallTarget::Script(_) => {}
        CallTarget::Connection(connection) => found.push(connection),
        CallTarget::Operation {
            connection,
            operation,
            parameters,
        } => {
            found.extend([connection, operation]);
            found.extend(parameters);
        }
        CallTarget::Playbook { workflow } => found.push(workflow),
        CallTarget::Function(id) => found.push(id),
        CallTarget::Batch {
            workflow,
            batch,
            partition,
            message_id,
        } => {
            found.extend([workflow, batch]);
            found.extend(partition.iter().chain(message_id));
        }
    }
    found
}
