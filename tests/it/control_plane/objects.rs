//! Objects in a namespace as an administrator applies and reads them.

use serde_json::{Value, json};

use super::{ControlPlane, eventually, succeeded};

impl ControlPlane {
    /// Applies the definitions of all kinds, and waits until they are served.
    pub fn apply_kinds(&self) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crds");
        let apply = ["apply", "--server-side", "--force-conflicts", "-f", folder];
        succeeded(&self.kubectl("admin", &apply, ""));
        let wait = ["wait", "--for=condition=Established", "--timeout=60s", "-f", folder];
        succeeded(&self.kubectl("admin", &wait, ""));
    }

    /// Applies manifests in a namespace.
    pub fn apply(&self, namespace: &str, manifests: &str) {
        let arguments = ["apply", "--server-side", "-n", namespace, "-f", "-"];
        succeeded(&self.kubectl("admin", &arguments, manifests));
    }

    /// An object, or the list of a kind; null if it is not there.
    pub fn get(&self, namespace: &str, what: &str) -> Value {
        let output = self.kubectl("admin", &["get", "-n", namespace, "-o", "json", what], "");
        if output.status.success() {
            serde_json::from_slice(&output.stdout).unwrap()
        } else {
            Value::Null
        }
    }

    /// Awaits a condition with this status and reason, and gives the object.
    pub async fn shows(&self, namespace: &str, object: &str, type_: &str, status: &str, reason: &str) -> Value {
        let what = format!("{object} shows {type_}={status} ({reason})");
        eventually(&what, async || {
            let object = self.get(namespace, object);
            let found = condition(&object, type_)?;
            (found["status"] == status && found["reason"] == reason).then_some(object)
        })
        .await
    }

    /// Gives a user a Role with these rules.
    pub fn allow(&self, namespace: &str, role: &str, user: &str, rules: &Value) {
        let metadata = json!({ "name": role, "namespace": namespace });
        let group = "rbac.authorization.k8s.io";
        let objects = json!({ "apiVersion": "v1", "kind": "List", "items": [
            { "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": metadata, "rules": rules },
            { "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": metadata,
                "roleRef": { "apiGroup": group, "kind": "Role", "name": role },
                "subjects": [{ "apiGroup": group, "kind": "User", "name": user }] },
        ] });
        self.apply(namespace, &objects.to_string());
    }

    /// What `kubectl auth can-i` says to a user.
    pub fn can_i(&self, user: &str, namespace: &str, verb: &str, what: &str) -> bool {
        let output = self.kubectl(user, &["auth", "can-i", verb, what, "-n", namespace], "");
        output.stdout == b"yes\n"
    }
}

/// A condition of an object.
pub fn condition<'o>(object: &'o Value, type_: &str) -> Option<&'o Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|found| found["type"] == type_)
}
