//! Fields that a playbook reads of the answers of services, compared with the schemas of their operations: only here both
//! are known. Warnings only; nothing is said where a schema leaves anything open.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::api::Diagnostic;
use crate::connectors::catalog::built_in;
use crate::connectors::{Connector, Operation};
use crate::definition::schema::lacking;
use crate::definition::workflow::{ActionKind, CallAction, CallTarget, FieldRead, Source, TriggerKind};
use crate::expression::Template;

use super::entry::Playbook;
use super::place::Place;
use super::playbook::positions;
use super::references::connector_of;
use super::snapshot::Catalog;

/// The connector of the triggers of Microsoft Sentinel.
const SENTINEL: &str = "azuresentinel";

/// What a playbook reads that no answer has.
pub(super) fn check(catalog: &Catalog, playbook: &Playbook, place: &Place) -> Vec<Diagnostic> {
    let reads = playbook.workflow.reads.iter();
    let (mut parts, mut messages) = (Vec::new(), Vec::new());
    for (read, message) in reads.filter_map(|read| Some((read, unknown(catalog, playbook, read)?))) {
        parts.push((read.pointer.as_str(), &read.span));
        messages.push(message);
    }
    if parts.is_empty() {
        return Vec::new();
    }
    let positions = positions(&playbook.spec, place, &parts);
    let found = positions.into_iter().zip(messages);
    found
        .map(|(position, message)| Diagnostic::warning(&place.file, position, "UnknownField", message))
        .collect()
}

/// What is wrong with a read, if it is known.
fn unknown(catalog: &Catalog, playbook: &Playbook, read: &FieldRead) -> Option<String> {
    let (connector, given) = source(catalog, playbook, read.source)?;
    let operation = given.operation(&connector)?;
    let lack = lacking(&*connector.document, given.schema(operation)?, &read.path)?;
    let (target, id, connector) = (&read.target, &operation.id, &connector.name);
    Some(format!(
        "by the schema of operation `{id}` of connector `{connector}`, '{target}' has {lack}"
    ))
}

/// What a body comes from.
enum Given<'a> {
    /// The answer to a call.
    Answer(&'a CallAction),
    /// What comes to the callback URL that a call handed over.
    Notification(&'a CallAction),
    /// What a trigger of Microsoft Sentinel brings: the id of its operation.
    Event(&'static str),
}

/// What the body of the trigger or an action comes from, and its connector.
fn source<'a>(catalog: &Catalog, playbook: &'a Playbook, source: Source) -> Option<(Arc<Connector>, Given<'a>)> {
    let workflow = &playbook.workflow;
    let given = match source {
        Source::Trigger => match &workflow.triggers.first()?.kind {
            TriggerKind::SentinelIncident => Given::Event("IncidentTrigger"),
            TriggerKind::SentinelAlert => Given::Event("AlertTrigger"),
            TriggerKind::SentinelEntity(_) => Given::Event("EntityTrigger"),
            TriggerKind::Poll { call, .. } => Given::Answer(call),
            TriggerKind::Webhook(webhook) => Given::Notification(&webhook.subscribe),
            TriggerKind::Request(_)
            | TriggerKind::Recurrence(_)
            | TriggerKind::SlidingWindow { .. }
            | TriggerKind::Batch(_)
            | TriggerKind::Other(_) => return None,
        },
        Source::Action(id) => match &workflow.action(id).kind {
            ActionKind::Call(call) => Given::Answer(call),
            ActionKind::Webhook(webhook) => Given::Notification(&webhook.subscribe),
            _ => return None,
        },
    };
    let connector = match &given {
        Given::Event(_) => built_in(SENTINEL)?,
        Given::Answer(call) | Given::Notification(call) => connector_of(catalog, playbook, call)?,
    };
    Some((connector, given))
}

impl Given<'_> {
    fn operation<'c>(&self, connector: &'c Connector) -> Option<&'c Operation> {
        let call = match self {
            Self::Event(id) => return connector.operation(id),
            Self::Answer(call) | Self::Notification(call) => call,
        };
        match (&call.target, &call.method) {
            (
                CallTarget::Operation {
                    operation: Template::Literal(id),
                    ..
                },
                _,
            ) => connector.operation(id.as_str()?),
            (CallTarget::Connection(_), Template::Literal(method)) => connector.meant(method.as_str()?, &call.path),
            _ => None,
        }
    }

    fn schema<'c>(&self, operation: &'c Operation) -> Option<&'c Json> {
        match self {
            Self::Answer(_) => operation.response.as_ref(),
            Self::Notification(_) | Self::Event(_) => operation.notification.as_ref(),
        }
    }
}
