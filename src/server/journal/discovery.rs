//! What is served, as Kubernetes clients ask for it before anything else. Pure.

use serde_json::{Value, json};

use super::objects::OBJECTS;
use super::request::{Collection, GROUP};
use crate::api::{GROUP as OBJECT_GROUP, VERSION};

/// The list of groups.
pub(super) fn groups(with_objects: bool) -> Value {
    let names = [Some(GROUP), with_objects.then_some(OBJECT_GROUP)];
    let groups: Vec<Value> = names.into_iter().flatten().map(group_entry).collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// One group.
pub(super) fn group(name: &str) -> Value {
    let mut group = group_entry(name);
    group["kind"] = json!("APIGroup");
    group["apiVersion"] = json!("v1");
    group
}

fn group_entry(name: &str) -> Value {
    let version = json!({ "groupVersion": format!("{name}/{VERSION}"), "version": VERSION });
    json!({ "name": name, "versions": [version], "preferredVersion": version })
}

/// The resources of a group.
pub(super) fn resources(name: &str) -> Value {
    let resources = if name == GROUP { of_journal() } else { of_objects() };
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": format!("{name}/{VERSION}"),
        "resources": resources,
    })
}

fn of_journal() -> Vec<Value> {
    let collection = |collection: Collection, singular: &str, verbs: &[&str]| {
        json!({ "name": collection.plural(), "singularName": singular, "namespaced": true, "kind": collection.kind(),
            "verbs": verbs })
    };
    let part = |name: &str, kind: &str, verb: &str| json!({ "name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": [verb] });
    vec![
        collection(Collection::Runs, "run", &["delete", "get", "list"]),
        part("runs/log", "Run", "get"),
        part("runs/actions", "RunActions", "get"),
        part("runs/cancel", "RunCancellation", "create"),
        part("runs/resubmit", "RunResubmission", "create"),
        part("runs/release", "Run", "create"),
        part("brakes/pause", "Pause", "create"),
        part("brakes/unpause", "Pause", "create"),
        part("runs/approve", "Approval", "create"),
        collection(Collection::Incidents, "incident", &["get", "list"]),
        collection(Collection::Approvals, "approval", &["get", "list"]),
        part("approvals/links", "ApprovalLinks", "get"),
        part("playbooks/start", "PlaybookStart", "create"),
    ]
}

fn of_objects() -> Vec<Value> {
    let objects = OBJECTS.iter().map(|(kind, plural)| {
        json!({ "name": plural, "singularName": kind.as_str().to_lowercase(), "namespaced": true,
            "kind": kind.as_str(), "verbs": ["get", "list"] })
    });
    objects.collect()
}
