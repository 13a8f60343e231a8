//! The status of an Incident: the projection's work, but for an object that stands for no incident.

use kube::ResourceExt;
use kube::runtime::controller::Action;
use serde_json::json;

use super::validate::Known;
use crate::api::Incident;
use crate::controllers::condition::{READY, STALLED, Shown, conditions};
use crate::controllers::error::ReconcileError;
use crate::controllers::live::Context;
use crate::engine::clock;
use crate::engine::shell::now;
use crate::projection::Item;

/// Asks for the status of an object that does not show its newest spec.
pub(super) async fn ask(object: &Incident, known: &Known, context: &Context) {
    let seen = object.status.as_ref().and_then(|status| status.observed_generation);
    if seen != object.metadata.generation {
        context.ask(Item::Incident(known.id.clone())).await;
    }
}

/// Says that there is no such incident.
pub(super) async fn unknown(object: &Incident, context: &Context) -> Result<Action, ReconcileError> {
    let namespace = object.namespace().unwrap_or_default();
    let message = format!(
        "workspace '{namespace}' has no incident of this name; incidents make their own objects, named inc-NUMBER: delete this one"
    );
    let shown = [
        Shown::new(READY, false, "IncidentNotFound", message.clone()),
        Shown::new(STALLED, true, "IncidentNotFound", message),
    ];
    let before = object.status.clone().unwrap_or_default();
    let generation = object.metadata.generation;
    let conditions = conditions(&before.conditions, &shown, generation, clock::timestamp(now()));
    if before.conditions != conditions || before.observed_generation != generation {
        let status = json!({ "observedGeneration": generation, "conditions": conditions });
        let (name, uid) = (object.name_any(), object.uid().unwrap_or_default());
        context
            .objects
            .write_status::<Incident>(&namespace, (&name, &uid), &status)
            .await?;
    }
    Ok(Action::await_change())
}
