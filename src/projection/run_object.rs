//! The PlaybookRun object that a run gets which no object asked for. Pure.
//! Invariant: the name follows from the run alone, so a run has at most one object, however often it is made.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::ObjectMeta;

use crate::api::playbook_run::{
    DesiredState, EntityReference, ObjectReference, Payload, Requester, RunTrigger, ScheduledTime,
};
use crate::api::reference::LocalRef;
use crate::api::{GROUP, PlaybookRun, PlaybookRunSpec, VERSION};
use crate::definition::Workflow;
use crate::definition::workflow::{TriggerClass, TriggerKind};
use crate::engine::clock::timestamp;
use crate::engine::event::Opened;

/// Label of the objects that Riposte makes.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Its value.
pub const RIPOSTE: &str = "riposte";
/// Label with the name of the playbook.
pub const PLAYBOOK: &str = "riposte.dev/playbook";
/// Label with the name of the Incident object.
pub const INCIDENT: &str = "riposte.dev/incident";
/// Label with the kind of the trigger.
pub const TRIGGER: &str = "riposte.dev/trigger";
/// Label with the id of the run.
pub const RUN: &str = "riposte.dev/run";
/// Characters of a label's value.
const LABEL_MAX: usize = 63;
/// Characters of the playbook's name in the name of a run.
const PLAYBOOK_MAX: usize = 200;

/// The playbook that owns the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its UID.
    pub uid: String,
    /// Generation of its spec.
    pub generation: i64,
}

/// The incident that a run is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its workspace.
    pub workspace: String,
    /// Its number.
    pub number: i64,
}

/// The name of the object of a run: the playbook, and what of the run's id is chance.
pub fn run_name(playbook: &str, run: &str) -> String {
    let playbook: String = playbook.chars().take(PLAYBOOK_MAX).collect();
    let chance = run.rsplit('-').next().unwrap_or(run);
    format!("{}-{chance}", playbook.trim_end_matches(['-', '.']))
}

/// The name of the object of an incident.
pub fn incident_name(number: i64) -> String {
    format!("inc-{number}")
}

/// Whether Riposte made an object with these labels.
pub fn is_ours(labels: Option<&BTreeMap<String, String>>) -> bool {
    labels.and_then(|labels| labels.get(MANAGED_BY)).map(String::as_str) == Some(RIPOSTE)
}

/// The object of a run, without status.
pub fn run_object(
    workflow: &Workflow,
    opened: &Opened,
    owner: Option<&Owner>,
    subject: Option<&Subject>,
) -> PlaybookRun {
    let trigger = workflow.triggers.first().map(|trigger| &trigger.kind);
    let kind = match trigger.map(TriggerKind::class) {
        Some(TriggerClass::Incident) => "Incident",
        Some(TriggerClass::Alert) => "Alert",
        Some(TriggerClass::Entity) => "Entity",
        Some(TriggerClass::Schedule) => "Schedule",
        Some(TriggerClass::Other) | None => "Other",
    };
    let mut labels = BTreeMap::from([
        (MANAGED_BY.to_owned(), RIPOSTE.to_owned()),
        (TRIGGER.to_owned(), kind.to_owned()),
        (RUN.to_owned(), opened.run.clone()),
    ]);
    if opened.playbook.len() <= LABEL_MAX {
        labels.insert(PLAYBOOK.to_owned(), opened.playbook.clone());
    }
    if let Some(subject) = subject {
        labels.insert(INCIDENT.to_owned(), incident_name(subject.number));
    }
    let mut object = PlaybookRun::new(
        &run_name(&opened.playbook, &opened.run),
        PlaybookRunSpec {
            playbook_ref: LocalRef {
                name: opened.playbook.clone(),
            },
            trigger: run_trigger(trigger, opened, subject),
            requested_by: (!opened.requester.is_empty()).then(|| Requester {
                username: username(&opened.requester).to_owned(),
                uid: None,
                groups: Vec::new(),
            }),
            desired_state: DesiredState::Running,
        },
    );
    object.metadata = ObjectMeta {
        namespace: Some(opened.namespace.clone()),
        labels: Some(labels),
        owner_references: owner.map(|owner| vec![owned_by(owner, &opened.playbook)]),
        ..object.metadata
    };
    object
}

/// The name that Kubernetes authenticated, where a person or a program asked for the run.
fn username(requester: &str) -> &str {
    requester.strip_prefix("user/").unwrap_or(requester)
}

/// What the run was started with, by reference: a body may hold what not everyone may read who may read runs.
fn run_trigger(kind: Option<&TriggerKind>, opened: &Opened, subject: Option<&Subject>) -> RunTrigger {
    let body = opened.outputs.value.get("body").filter(|_| !opened.outputs.secure);
    let text = |path: &[&str]| {
        let value = path.iter().try_fold(body?, |value, name| value.get(name));
        value?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let namespace = subject
        .filter(|subject| subject.workspace != opened.namespace)
        .map(|subject| subject.workspace.clone());
    let incident = subject.map(|subject| subject.number.to_string());
    let alert = text(&["SystemAlertId"]);
    let entity = text(&["Entity", "name"]);
    match (kind.map(TriggerKind::class), incident, alert, entity) {
        (Some(TriggerClass::Incident), Some(id), _, _) => RunTrigger::Incident(ObjectReference { namespace, id }),
        (Some(TriggerClass::Alert), _, Some(id), _) => RunTrigger::Alert(ObjectReference { namespace, id }),
        (Some(TriggerClass::Entity), incident, _, Some(id)) => RunTrigger::Entity(EntityReference {
            namespace,
            id,
            incident,
        }),
        (Some(TriggerClass::Schedule), ..) => RunTrigger::Schedule(ScheduledTime {
            time: timestamp(opened.scheduled_at.unwrap_or(opened.at)).to_string(),
        }),
        _ => RunTrigger::Payload(Payload { body: "{}".to_owned() }),
    }
}

fn owned_by(owner: &Owner, playbook: &str) -> OwnerReference {
    OwnerReference {
        api_version: format!("{GROUP}/{VERSION}"),
        kind: "Playbook".to_owned(),
        name: playbook.to_owned(),
        uid: owner.uid.clone(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_valid_and_follows_from_the_run() {
        let run = "0199f3c2-7b1e-7c55-9a00-d1f2a3b4c5d6";
        assert_eq!(run_name("enrich", run), "enrich-d1f2a3b4c5d6");
        let long = run_name(&format!("{}.-{}", "a".repeat(198), "b".repeat(50)), run);
        assert_eq!(long, format!("{}-d1f2a3b4c5d6", "a".repeat(198)));
    }

    #[test]
    fn a_person_is_named_as_kubernetes_names_them() {
        assert_eq!(username("user/ada@contoso.com"), "ada@contoso.com");
        assert_eq!(username("rule/close"), "rule/close");
    }
}
