//! Incidents as objects of the aggregated API: an incident is named by its number. Pure.

use serde_json::{Value, json};

use super::metadata;
use super::request::GROUP;
use crate::api::VERSION;
use crate::rules::body::entity_resource;
use crate::rules::{Entity, Ids, Incident};
use crate::server::incidents::Dossier;

/// An incident as lists have it.
pub(super) fn summary(incident: &Incident, ids: &Ids) -> Value {
    let created = incident.created_time.parse::<jiff::Timestamp>();
    let created = created.map(jiff::Timestamp::as_millisecond).unwrap_or_default();
    let mut metadata = metadata(&incident.workspace, &incident.number.to_string(), &incident.id, created);
    metadata["resourceVersion"] = json!(incident.version.to_string());
    let mut status = json!(incident);
    // What the metadata says is not said twice.
    if let Some(members) = status.as_object_mut() {
        for name in ["id", "version", "workspace"] {
            members.shift_remove(name);
        }
    }
    status["url"] = json!(ids.incident_url(incident));
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "Incident",
        "metadata": metadata,
        "status": status,
    })
}

/// An incident with everything about it.
pub(super) fn full(dossier: &Dossier, ids: &Ids) -> Value {
    let view = &dossier.view;
    let mut incident = summary(&view.incident, ids);
    let status = &mut incident["status"];
    status["alertsCount"] = json!(view.alerts.len());
    status["alertProductNames"] = json!(view.product_names());
    status["tactics"] = json!(view.tactics());
    status["techniques"] = json!(view.techniques());
    status["entities"] = view.entities().iter().map(|one| entity(one, ids)).collect();
    status["alerts"] = json!(view.alerts);
    status["comments"] = json!(view.comments);
    status["activities"] = json!(dossier.activities);
    status["tasks"] = json!(view.tasks);
    status["runs"] = json!(dossier.runs);
    status["evaluations"] = json!(dossier.evaluations);
    incident
}

/// An entity with the id by which playbooks are started on it.
fn entity(entity: &Entity, ids: &Ids) -> Value {
    json!({
        "id": entity_id(entity, ids),
        "kind": entity.kind,
        "friendlyName": entity.friendly_name(),
        "properties": entity.properties,
    })
}

/// The id of an entity in a workspace.
pub(super) fn entity_id(entity: &Entity, ids: &Ids) -> String {
    let resource = entity_resource(entity, ids);
    let name = resource.get("name").and_then(crate::expression::Value::as_str);
    name.unwrap_or_default().to_owned()
}
