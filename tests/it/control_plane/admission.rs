//! Proof that both kinds of admission policies work on this control plane.

use serde_json::{Value, json};

use super::{ControlPlane, eventually, succeeded};

/// A policy of a kind and its binding, on creations of config maps in one namespace.
fn policy(kind: &str, namespace: &str, spec: Value, binding: Value) -> Value {
    let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]});
    let mut policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": namespace},
        "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector}},
    });
    let mut bound = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": format!("{kind}Binding"),
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace},
    });
    extend(&mut policy["spec"], spec);
    extend(&mut bound["spec"], binding);
    json!({"apiVersion": "v1", "kind": "List", "items": [policy, bound]})
}

fn extend(object: &mut Value, members: Value) {
    let (Value::Object(object), Value::Object(members)) = (object, members) else {
        panic!("both are objects");
    };
    object.extend(members);
}

#[tokio::test]
async fn a_validating_policy_refuses_by_permission() {
    let plane = ControlPlane::shared();
    let (namespace, user) = (plane.namespace().await, plane.fresh_user());
    let spec = json!({"validations": [{
        "expression": "authorizer.group('riposte.test').resource('playbooks').namespace(request.namespace).check('run').allowed()",
        "message": "needs the permission run",
    }]});
    let manifests = policy(
        "ValidatingAdmissionPolicy",
        &namespace,
        spec,
        json!({"validationActions": ["Deny"]}),
    );
    succeeded(&plane.kubectl("admin", &["apply", "-f", "-"], &manifests.to_string()));
    let binding = [
        "create",
        "rolebinding",
        "editor",
        "--clusterrole=edit",
        "-n",
        &namespace,
        "--user",
        &user,
    ];
    succeeded(&plane.kubectl("admin", &binding, ""));
    let create = ["create", "configmap", "attempt", "--dry-run=server", "-n", &namespace];
    eventually("the policy refuses the user", async || {
        let refusal = plane.kubectl(&user, &create, "");
        String::from_utf8_lossy(&refusal.stderr)
            .contains("needs the permission run")
            .then_some(())
    })
    .await;
    succeeded(&plane.kubectl("admin", &create, ""));
}

#[tokio::test]
async fn a_mutating_policy_stamps_who_asked() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let expression = "Object{data: {'requestedBy': request.userInfo.username}}";
    let spec = json!({
        "reinvocationPolicy": "Never",
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}],
    });
    let manifests = policy("MutatingAdmissionPolicy", &namespace, spec, json!({}));
    succeeded(&plane.kubectl("admin", &["apply", "-f", "-"], &manifests.to_string()));
    let output = "jsonpath={.data.requestedBy}";
    let create = [
        "create",
        "configmap",
        "stamped",
        "--dry-run=server",
        "-n",
        &namespace,
        "-o",
        output,
    ];
    eventually("the policy stamps", async || {
        (succeeded(&plane.kubectl("admin", &create, "")) == "admin").then_some(())
    })
    .await;
}
