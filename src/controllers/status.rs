//! Writing a status: only what differs, times aside, by server-side apply with the controller's own field manager.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kube::{Client, ResourceExt as _};
use serde_json::{Map, Value as Json, json};

use super::condition::{Shown, conditions};
use crate::api::{GROUP, VERSION};
use crate::cluster::resource::Resource;
use crate::cluster::source::RECONCILE_REQUESTED;

/// Fields that every status has.
const COMMON: [&str; 3] = ["observedGeneration", "conditions", "lastHandledReconcileAt"];
/// Fields that alone are no reason to write.
const TIMES: [&str; 1] = ["lastTestTime"];

/// A status that was written, and the version of the object that it was made from: until a watch brings a newer one,
/// this is what the object shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    from: Option<String>,
    status: Map<String, Json>,
}

/// What an object shows now: of the object, or of what was written since.
pub(super) fn current(object: &DynamicObject, written: Option<Written>) -> Map<String, Json> {
    match written {
        Some(written) if written.from == object.resource_version() => written.status,
        Some(_) | None => object
            .data
            .get("status")
            .and_then(Json::as_object)
            .cloned()
            .unwrap_or_default(),
    }
}

/// The status of an object that shows these conditions and fields, after it showed `before`.
pub(super) fn wanted(
    object: &DynamicObject,
    before: &Map<String, Json>,
    fields: Map<String, Json>,
    shown: &[Shown],
    now: Timestamp,
) -> Map<String, Json> {
    let generation = object.metadata.generation;
    let old = before.get("conditions").cloned().unwrap_or_default();
    let old: Vec<Condition> = serde_json::from_value(old).unwrap_or_default();
    let mut status = fields;
    status.insert("observedGeneration".to_owned(), json!(generation));
    status.insert("conditions".to_owned(), json!(conditions(&old, shown, generation, now)));
    if let Some(request) = request(object) {
        status.insert("lastHandledReconcileAt".to_owned(), json!(request));
    }
    status
}

/// The value of the annotation that asks for a reconciliation.
fn request(object: &DynamicObject) -> Option<&str> {
    let annotations = object.annotations();
    let mut values = RECONCILE_REQUESTED.iter().filter_map(|name| annotations.get(*name));
    values.next().map(String::as_str)
}

/// Whether a status says something else in the fields that a controller owns.
pub(super) fn differs(before: &Map<String, Json>, wanted: &Map<String, Json>, owned: &[&str]) -> bool {
    let fields = COMMON.iter().chain(owned).filter(|field| !TIMES.contains(field));
    let mut fields = fields.filter(|field| before.get(**field) != wanted.get(**field));
    fields.next().is_some()
}

/// Writes a status.
///
/// # Errors
/// The API server does not answer or refuses.
pub(super) async fn write(
    client: &Client,
    resource: Resource,
    manager: &str,
    object: &DynamicObject,
    status: Map<String, Json>,
) -> Result<Written, kube::Error> {
    let (namespace, name) = (object.namespace(), object.name_any());
    let api = resource.api(client.clone(), namespace.as_deref());
    let patch = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": resource.kind,
        "metadata": { "name": name, "namespace": namespace, "uid": object.uid() },
        "status": status,
    });
    let parameters = PatchParams::apply(&format!("riposte/{manager}")).force();
    api.patch_status(&name, &parameters, &Patch::Apply(&patch)).await?;
    Ok(Written {
        from: object.resource_version(),
        status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(status: &Json) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "riposte.dev/v1alpha1", "kind": "Playbook",
            "metadata": { "name": "one", "namespace": "soc", "generation": 2, "resourceVersion": "7", "uid": "u" },
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn the_same_outcome_later_is_no_reason_to_write() {
        let (first, later) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let shown = [Shown::ready("Succeeded", "fine")];
        let fresh = object(&json!({ "observedGeneration": -1 }));
        let before = current(&fresh, None);
        let fields: Map<String, Json> = [("trigger".to_owned(), json!("Request"))].into_iter().collect();
        let status = wanted(&fresh, &before, fields.clone(), &shown, first.parse().unwrap());
        assert!(differs(&before, &status, &["trigger"]));
        let seen = object(&Json::Object(status.clone()));
        let again = wanted(&seen, &status, fields, &shown, later.parse().unwrap());
        assert!(!differs(&current(&seen, None), &again, &["trigger"]));
        let less = wanted(&seen, &status, Map::new(), &shown, later.parse().unwrap());
        assert!(differs(&status, &less, &["trigger"]));
    }

    #[test]
    fn fields_of_others_and_times_do_not_count() {
        let mine: Map<String, Json> = [("lastTestTime".to_owned(), json!("a"))].into_iter().collect();
        let theirs: Map<String, Json> = [("runs".to_owned(), json!({ "active": 1 }))].into_iter().collect();
        assert!(!differs(&theirs, &mine, &["lastTestTime"]));
    }

    #[test]
    fn what_was_written_counts_until_the_object_is_newer() {
        let written = Written {
            from: Some("7".into()),
            status: [("a".to_owned(), json!(1))].into_iter().collect(),
        };
        let old = object(&json!({}));
        assert_eq!(current(&old, Some(written.clone())).get("a"), Some(&json!(1)));
        let mut newer = old;
        newer.metadata.resource_version = Some("8".into());
        assert_eq!(current(&newer, Some(written)).get("a"), None);
    }
}
