//! A real Kubernetes control plane for the tests, and proof that it behaves like one: permissions, admission,
//! aggregation, controllers, audit. A test that needs it asks [`ControlPlane::shared`]; the others don't start it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its harness too"
)]

mod admission;
mod aggregation;
mod audit;
mod certificates;
pub mod clients;
pub mod guard;
mod objects;
mod plane;
mod programs;

use std::process::Output;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, from_value, json};

use crate::patience::settled;

pub use audit::AuditEvent;
pub use objects::condition;
pub use plane::ControlPlane;

/// How long something may take that is awaited.
const DEADLINE: Duration = Duration::from_secs(60);

/// Awaits that `attempt` gives a value.
///
/// # Panics
/// It doesn't within a minute.
pub async fn eventually<T>(what: &str, attempt: impl AsyncFn() -> Option<T>) -> T {
    let outcome = settled(DEADLINE, async || attempt().await.ok_or(())).await;
    outcome.unwrap_or_else(|()| panic!("not within {} s: {what}", DEADLINE.as_secs()))
}

/// The output of a program that must have succeeded.
///
/// # Panics
/// It failed; with its errors.
pub fn succeeded(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The errors of a program that must have failed.
///
/// # Panics
/// It succeeded; with its output.
pub fn failed(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether an object is not there.
fn is_gone<T>(found: &kube::Result<T>) -> bool {
    matches!(found, Err(kube::Error::Api(status)) if status.code == 404)
}

fn config_map(value: Value) -> ConfigMap {
    from_value(value).unwrap()
}

#[test]
fn kubectl_lists_namespaces() {
    let names = ControlPlane::shared().kubectl("admin", &["get", "namespaces", "-o", "name"], "");
    assert!(succeeded(&names).contains("namespace/kube-system\n"));
}

#[test]
fn the_version_is_the_pinned_one() {
    let version = ControlPlane::shared().kubectl("admin", &["version", "-o", "json"], "");
    let version: Value = serde_json::from_str(&succeeded(&version)).unwrap();
    assert_eq!(version["serverVersion"]["major"], "1");
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none() {
        assert_eq!(
            version["serverVersion"]["gitVersion"],
            version["clientVersion"]["gitVersion"]
        );
    }
}

#[tokio::test]
async fn a_fresh_user_may_nothing_until_it_is_bound_to_a_role() {
    let plane = ControlPlane::shared();
    let (namespace, user) = (plane.namespace().await, plane.fresh_user());
    let can_i = ["auth", "can-i", "create", "configmaps", "-n", &namespace];
    let get = plane.kubectl(&user, &["get", "configmaps", "-n", &namespace], "");
    assert!(failed(&get).contains("Forbidden"));
    assert_eq!(
        String::from_utf8_lossy(&plane.kubectl(&user, &can_i, "").stdout),
        "no\n"
    );

    let binding = [
        "create",
        "rolebinding",
        "editor",
        "--clusterrole=edit",
        "-n",
        &namespace,
    ];
    let user_flag = format!("--user={user}");
    succeeded(&plane.kubectl("admin", &[&binding[..], &[&user_flag]].concat(), ""));
    eventually("the permission", async || {
        let answer = plane.kubectl(&user, &can_i, "");
        (answer.stdout == b"yes\n").then_some(())
    })
    .await;
}

#[test]
fn a_wrong_token_is_nobody() {
    let get = ControlPlane::shared().kubectl("unknown", &["get", "namespaces"], "");
    assert!(failed(&get).contains("Unauthorized"));
}

#[tokio::test]
async fn a_deleted_namespace_goes_with_all_that_is_in_it() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let client = plane.client("admin").await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &namespace);
    let map = config_map(json!({"metadata": {"name": "content"}}));
    maps.create(&PostParams::default(), &map).await.unwrap();

    let namespaces: Api<Namespace> = Api::all(client);
    namespaces.delete(&namespace, &DeleteParams::default()).await.unwrap();
    eventually("the namespace is gone", async || {
        is_gone(&namespaces.get(&namespace).await).then_some(())
    })
    .await;
    assert!(is_gone(&maps.get("content").await));
}

#[tokio::test]
async fn an_owned_object_goes_with_its_owner() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let maps: Api<ConfigMap> = Api::namespaced(plane.client("admin").await, &namespace);
    let owner = config_map(json!({"metadata": {"name": "owner"}}));
    let owner = maps.create(&PostParams::default(), &owner).await.unwrap();
    let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid});
    let owned = config_map(json!({"metadata": {"name": "owned", "ownerReferences": [reference]}}));
    maps.create(&PostParams::default(), &owned).await.unwrap();

    maps.delete("owner", &DeleteParams::default()).await.unwrap();
    eventually("the owned object is gone", async || {
        is_gone(&maps.get("owned").await).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what() {
    let plane = ControlPlane::shared();
    let (namespace, user) = (plane.namespace().await, plane.fresh_user());
    let maps: Api<ConfigMap> = Api::namespaced(plane.client(&user).await, &namespace);
    let map = config_map(json!({"metadata": {"name": "attempt"}}));
    maps.create(&PostParams::default(), &map).await.unwrap_err();

    let of_user = || plane.audit(|event| event.user.username == user && event.is_write());
    let event = eventually("the event", async || of_user().pop()).await;
    assert_eq!((event.verb.as_str(), event.status.code), ("create", 403));
    assert_eq!(
        (event.object.resource.as_str(), event.object.api_group.as_str()),
        ("configmaps", "")
    );
    assert_eq!(
        (event.object.namespace.as_str(), event.object.subresource.as_str()),
        (&*namespace, "")
    );
    assert!(
        event
            .request_uri
            .starts_with(&format!("/api/v1/namespaces/{namespace}/configmaps"))
    );
    assert!(event.user.groups.iter().any(|group| group.starts_with("team-")));
    assert!(event.impersonated_user.is_none());
    assert_eq!(of_user().len(), 1);
}

#[tokio::test]
async fn the_audit_log_tells_whom_a_user_acted_as() {
    let plane = ControlPlane::shared();
    let user = plane.fresh_user();
    plane.kubectl("admin", &["get", "secrets", "--as", &user], "");
    let acted = |event: &AuditEvent| event.impersonated_user.iter().any(|acted| acted.username == user);
    let event = eventually("the event", async || plane.audit(acted).pop()).await;
    assert_eq!(event.user.username, "admin");
    assert!(event.user_agent.starts_with("kubectl/"));
}

#[tokio::test]
async fn a_token_of_a_service_account_is_its_identity() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    succeeded(&plane.kubectl("admin", &["create", "serviceaccount", "runner", "-n", &namespace], ""));
    let token = plane.service_account_token(&namespace, "runner").await;
    let server = [
        format!("--server={}", plane.url),
        format!("--certificate-authority={}", plane.ca_file.display()),
    ];
    let token = format!("--token={token}");
    let who = [
        "--kubeconfig=/dev/null",
        &server[0],
        &server[1],
        &token,
        "auth",
        "whoami",
        "-o",
        "json",
    ];
    let who: Value = serde_json::from_str(&succeeded(&plane.kubectl("nobody", &who, ""))).unwrap();
    let name = format!("system:serviceaccount:{namespace}:runner");
    assert_eq!(who["status"]["userInfo"]["username"], name.as_str());
}

#[tokio::test]
async fn a_cluster_role_takes_up_the_roles_that_it_aggregates() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let label = format!("{namespace}.test/part");
    let roles = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": &*namespace},
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {&label: "true"}}]}, "rules": []},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": format!("{namespace}-part"), "labels": {&label: "true"}},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]},
    ]});
    succeeded(&plane.kubectl("admin", &["apply", "-f", "-"], &roles.to_string()));
    let get = [
        "get",
        "clusterrole",
        &namespace,
        "-o",
        "jsonpath={.rules[*].resources[*]}",
    ];
    eventually("the rule of the part", async || {
        let resources = succeeded(&plane.kubectl("admin", &get, ""));
        (resources == "pods").then_some(())
    })
    .await;
}

#[test]
fn helm_reaches_the_cluster() {
    let releases = ControlPlane::shared().helm("admin", &["list", "--namespace", "kube-public", "-o", "json"]);
    assert_eq!(succeeded(&releases).trim(), "[]");
}
