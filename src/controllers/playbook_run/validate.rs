//! What a PlaybookRun asks for, checked as far as the object alone tells. Pure.

use crate::api::PlaybookRunSpec;
use crate::api::playbook_run::{EntityReference, ObjectReference, RunTrigger};
use crate::controllers::error::ReconcileError;
use crate::expression::Value;

/// What a run is started on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked<'a> {
    Incident(&'a ObjectReference),
    Alert(&'a ObjectReference),
    /// An entity, and the incident that it is looked up in.
    Entity(&'a EntityReference, &'a str),
    Body(Value),
}

pub(super) fn asked(spec: &PlaybookRunSpec) -> Result<Asked<'_>, ReconcileError> {
    match &spec.trigger {
        RunTrigger::Incident(reference) => Ok(Asked::Incident(reference)),
        RunTrigger::Alert(reference) => Ok(Asked::Alert(reference)),
        RunTrigger::Entity(reference) => match &reference.incident {
            Some(incident) => Ok(Asked::Entity(reference, incident)),
            None => Err(ReconcileError::Stalled {
                reason: "IncidentMissing",
                message: "`spec.trigger.entity.incident` is missing; name the incident that shows the entity".into(),
            }),
        },
        RunTrigger::Payload(payload) => match Value::from_json(&payload.body) {
            Ok(body) => Ok(Asked::Body(body)),
            Err(error) => Err(ReconcileError::Stalled {
                reason: "InvalidPayload",
                message: format!("`spec.trigger.payload.body` must be JSON: {error}"),
            }),
        },
        RunTrigger::Schedule(time) => Ok(Asked::Body(Value::object([("scheduledTime", time.time.as_str())]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec(trigger: serde_json::Value) -> PlaybookRunSpec {
        serde_json::from_value(json!({ "playbookRef": { "name": "enrich" }, "trigger": trigger })).unwrap()
    }

    #[test]
    fn a_payload_is_json() {
        let good = spec(json!({ "payload": { "body": "{\"a\": 1}" } }));
        assert!(matches!(asked(&good), Ok(Asked::Body(body)) if body.get("a") == Some(&Value::Int(1))));
        let bad = spec(json!({ "payload": { "body": "a: 1" } }));
        let error = asked(&bad).unwrap_err().to_string();
        assert!(error.starts_with("`spec.trigger.payload.body` must be JSON"), "{error}");
    }

    #[test]
    fn an_entity_is_looked_up_in_an_incident() {
        let alone = spec(json!({ "entity": { "id": "e" } }));
        assert!(asked(&alone).unwrap_err().to_string().contains("name the incident"));
        let shown = spec(json!({ "entity": { "id": "e", "incident": "7" } }));
        assert!(matches!(asked(&shown), Ok(Asked::Entity(_, "7"))));
    }
}
