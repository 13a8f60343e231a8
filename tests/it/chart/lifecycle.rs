//! A release over its life: an upgrade changes what its values say and nothing that others made, and an uninstall leaves
//! the kinds, people's objects and the store alone.

use riposte::cluster::rbac::JOURNAL_API_SERVICE;
use serde_json::{Value, json};

use super::{CHART, content};
use crate::control_plane::{ControlPlane, eventually, succeeded};

/// A release of this name in its own namespace.
struct Release<'a> {
    plane: &'static ControlPlane,
    namespace: &'a str,
}

impl Release<'_> {
    fn helm(&self, arguments: &[&str]) -> String {
        let place = ["-n", self.namespace];
        succeeded(&self.plane.helm("admin", &[arguments, &place].concat()))
    }

    /// An object that must be there; cluster-wide ones ignore the namespace.
    fn get(&self, object: &str, namespace: &str) -> Value {
        let get = ["get", object, "-n", namespace, "-o", "json"];
        serde_json::from_str(&succeeded(&self.plane.kubectl("admin", &get, ""))).unwrap()
    }

    fn is_there(&self, object: &str, namespace: &str) -> bool {
        let get = ["get", object, "-n", namespace, "--ignore-not-found", "-o", "name"];
        !succeeded(&self.plane.kubectl("admin", &get, "")).is_empty()
    }

    fn patch(&self, object: &str, patch: &Value) {
        let patch = format!("--patch={patch}");
        let arguments = ["patch", object, "-n", self.namespace, "--type=merge", &patch];
        succeeded(&self.plane.kubectl("admin", &arguments, ""));
    }

    /// The objects that no upgrade and no uninstall may make anew: kinds, content, the store.
    fn lasting(&self, watched: &str) -> Vec<String> {
        let claim = format!("pvc/{}-data", self.namespace);
        let objects = [
            ("crd/playbooks.riposte.dev", ""),
            ("crd/incidents.riposte.dev", ""),
            ("playbook/comment", watched),
            ("playbookgrant/comment", watched),
            (&claim, self.namespace),
        ];
        let found = objects.map(|(object, namespace)| self.get(object, namespace));
        found.iter().map(|found| found["metadata"]["uid"].to_string()).collect()
    }
}

#[tokio::test]
async fn an_upgrade_keeps_what_is_there_and_an_uninstall_leaves_kinds_and_content() {
    let plane = ControlPlane::shared();
    crate::admission::definitions();
    let _registered = plane.journal_lock().await;
    let (own, watched, next) = (
        plane.namespace().await,
        plane.namespace().await,
        plane.namespace().await,
    );
    let release = Release { plane, namespace: &own };
    let values = format!("--set=fullnameOverride={own},watchNamespaces={{{watched}}}");
    release.helm(&["install", "riposte", CHART, "--take-ownership", &values]);
    let notes = release.helm(&["get", "notes", "riposte"]);
    assert!(
        notes.contains("certificate that the operator makes at each start"),
        "{notes}"
    );
    let apply = ["apply", "--server-side", "-n", &*watched, "-f", "-"];
    succeeded(&plane.kubectl("admin", &apply, &content::main_job(&watched)));
    // As the operator does when it starts.
    let service = format!("apiservice/{JOURNAL_API_SERVICE}");
    release.patch(&service, &json!({"spec": {"caBundle": "QUJD"}}));
    let before = release.lasting(&watched);

    let more = format!("--set=logLevel=debug,watchNamespaces={{{watched},{next}}}");
    release.helm(&["upgrade", "riposte", CHART, "--reuse-values", "--take-ownership", &more]);
    let deployment = release.get(&format!("deployment/{own}"), &own);
    let variables = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    let changed = json!({"name": "RIPOSTE_LOG", "value": "debug"});
    assert!(variables.as_array().unwrap().contains(&changed), "{variables}");
    assert!(release.is_there(&format!("rolebinding/{own}-operator-objects"), &next));
    assert_eq!(release.get(&service, "")["spec"]["caBundle"], "QUJD");
    assert_eq!(release.lasting(&watched), before);

    let without = ["--reuse-values", "--take-ownership", "--set=journal.enabled=false"];
    release.helm(&[&["upgrade", "riposte", CHART][..], &without].concat());
    assert!(!release.is_there(&service, ""));
    let notes = release.helm(&["get", "notes", "riposte"]);
    assert!(notes.contains("journal.enabled is false"), "{notes}");

    release.helm(&["uninstall", "riposte"]);
    for gone in ["clusterrole", "validatingadmissionpolicybinding"] {
        eventually("what the release made is gone", async || {
            let names = succeeded(&plane.kubectl("admin", &["get", gone, "-o", "name"], ""));
            (!names.contains(&*own)).then_some(())
        })
        .await;
    }
    assert!(!release.is_there(&format!("deployment/{own}"), &own));
    assert_eq!(release.lasting(&watched), before);
    // No controller of this control plane frees a claim, so it would hold the namespace.
    release.patch(&format!("pvc/{own}-data"), &json!({"metadata": {"finalizers": null}}));
}
