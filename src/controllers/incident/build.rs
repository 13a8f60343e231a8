//! What has to be done about the wishes of an Incident object. Pure.
//! Invariant: only what differs from what was applied is done; what a person no longer wishes stays as it is.

use kube::ResourceExt;
use uuid::Uuid;

use super::validate::Known;
use crate::api::automation_rule::AddIncidentTask;
use crate::api::{Incident, IncidentSpec};
use crate::projection::MANAGER;
use crate::projection::incident_status::Wishes;
use crate::rules::{Author, Patch};

/// A change that somebody wishes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) patch: Patch,
    /// A task, and the id that it gets.
    pub(super) task: Option<(AddIncidentTask, String)>,
    pub(super) author: Author,
    /// What is noted together with the change.
    pub(super) settled: Wishes,
}

/// The wish of an object, if it has one that is not settled.
pub(super) fn wish(object: &Incident, known: &Known) -> Option<Wish> {
    let generation = object.metadata.generation.unwrap_or(1);
    let (wanted, applied) = (&object.spec, &known.wishes.applied);
    let is_settled = known.wishes.generation == generation || wanted == applied && known.wishes.refused.is_none();
    if is_settled {
        return None;
    }
    let task = wanted.task.clone().filter(|_| wanted.task != applied.task);
    let task = task.map(|task| {
        let name = format!("{}/{generation}", known.wishes.uid);
        (task, Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string())
    });
    Some(Wish {
        patch: patch(wanted, applied),
        task,
        author: author(object),
        settled: Wishes {
            uid: known.wishes.uid.clone(),
            generation,
            applied: wanted.clone(),
            refused: None,
        },
    })
}

/// What differs. Status and classification go together, because neither is right without the other.
fn patch(wanted: &IncidentSpec, applied: &IncidentSpec) -> Patch {
    let closing = |spec: &IncidentSpec| {
        (
            spec.status,
            spec.classification,
            spec.classification_reason,
            spec.classification_comment.clone(),
        )
    };
    let (status, classification, reason, comment) = match closing(wanted) == closing(applied) {
        true => (None, None, None, None),
        false => closing(wanted),
    };
    let is_new = |label: &&String| !applied.labels.contains(label);
    Patch {
        severity: wanted.severity.filter(|_| wanted.severity != applied.severity),
        status,
        classification,
        classification_reason: reason,
        classification_comment: comment,
        owner: wanted.owner.clone().filter(|_| wanted.owner != applied.owner),
        labels_to_add: wanted.labels.iter().filter(is_new).cloned().collect(),
        ..Patch::default()
    }
}

/// Whoever wrote the spec last, as far as Kubernetes tells: the name of the field manager.
fn author(object: &Incident) -> Author {
    let writes_spec = object.managed_fields().iter().filter(|entry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        let is_ours = entry.manager.as_deref() == Some(MANAGER);
        !is_ours && entry.subresource.is_none() && fields.is_some_and(|fields| fields.get("f:spec").is_some())
    });
    let last = writes_spec.max_by_key(|entry| entry.time.as_ref().map(|time| time.0));
    let manager = last.and_then(|entry| entry.manager.clone());
    Author::User(manager.unwrap_or_else(|| "kubectl".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::automation_rule::{Classification, IncidentStatus, Severity};
    use serde_json::json;

    fn object(generation: i64, spec: serde_json::Value) -> Incident {
        let metadata = json!({ "name": "inc-1", "namespace": "soc", "uid": "u", "generation": generation });
        serde_json::from_value(json!({
            "apiVersion": "riposte.dev/v1alpha1", "kind": "Incident", "metadata": metadata, "spec": spec,
        }))
        .unwrap()
    }

    fn known(wish: Option<&Wish>) -> Known {
        Known {
            id: "i".into(),
            wishes: wish.map_or_else(Wishes::default, |wish| wish.settled.clone()),
        }
    }

    #[test]
    fn only_what_is_new_is_done() {
        assert_eq!(wish(&object(1, json!({})), &known(None)), None);
        let first = object(
            2,
            json!({ "severity": "High", "labels": ["a"], "task": { "title": "Call" } }),
        );
        let first = wish(&first, &known(None)).unwrap();
        assert_eq!(first.patch.severity, Some(Severity::High));
        assert_eq!(first.patch.labels_to_add, ["a"]);
        assert!(first.task.is_some());
        let spec = json!({ "severity": "High", "labels": ["a", "b"], "task": { "title": "Call" },
            "status": "Closed", "classification": "Undetermined" });
        let second = wish(&object(3, spec.clone()), &known(Some(&first))).unwrap();
        let expected = Patch {
            status: Some(IncidentStatus::Closed),
            classification: Some(Classification::Undetermined),
            labels_to_add: vec!["b".into()],
            ..Patch::default()
        };
        assert_eq!((&second.patch, &second.task), (&expected, &None));
        assert_eq!(wish(&object(3, spec.clone()), &known(Some(&second))), None);
        let spec = json!({ "severity": "Low" });
        let third = wish(&object(4, spec), &known(Some(&second))).unwrap();
        assert_eq!(third.patch.severity, Some(Severity::Low));
        assert_eq!(
            (third.patch.status, third.task),
            (None, None),
            "what is gone stays as it is"
        );
    }

    #[test]
    fn what_was_refused_is_looked_at_again_when_it_changes() {
        let refused = Wishes {
            generation: 2,
            refused: Some("no".into()),
            ..Wishes::default()
        };
        let known = Known {
            id: "i".into(),
            wishes: refused,
        };
        assert_eq!(wish(&object(2, json!({ "severity": "High" })), &known), None);
        let healed = wish(&object(3, json!({})), &known).unwrap();
        assert_eq!((healed.patch, healed.settled.refused), (Patch::default(), None));
    }

    #[test]
    fn the_last_manager_of_the_spec_is_the_author() {
        let mut object = object(1, json!({ "severity": "High" }));
        object.metadata.managed_fields = Some(
            serde_json::from_value(json!([
                { "manager": "kubectl-create", "time": "2026-01-01T00:00:00Z", "fieldsV1": { "f:spec": {} } },
                { "manager": "ana", "time": "2026-01-02T00:00:00Z", "fieldsV1": { "f:spec": { "f:severity": {} } } },
                { "manager": MANAGER, "time": "2026-01-02T00:00:00Z", "fieldsV1": { "f:spec": {} } },
                { "manager": "other", "time": "2026-01-03T00:00:00Z", "subresource": "status", "fieldsV1": {} },
            ]))
            .unwrap(),
        );
        assert_eq!(author(&object), Author::User("ana".into()));
    }
}
