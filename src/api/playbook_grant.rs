//! `PlaybookGrant`: which workspaces may run which playbooks of the grant's namespace.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may run what here. Without a grant nobody's automation runs a playbook, not even in its own namespace.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[kube(
    group = "riposte.dev",
    version = "v1alpha1",
    kind = "PlaybookGrant",
    plural = "playbookgrants",
    shortname = "pbgrant",
    namespaced
)]
#[kube(
    status = "super::status::PlaybookGrantStatus",
    derive = "PartialEq",
    category = "riposte"
)]
#[kube(doc = "A grant: the workspaces whose automation may run playbooks of this namespace.")]
#[kube(
    printcolumn = r#"{"name": "READY", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#
)]
#[kube(
    printcolumn = r#"{"name": "STATUS", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[kube(printcolumn = r#"{"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaybookGrantSpec {
    /// The workspaces whose automation may run playbooks of this namespace, 1 to 100.
    #[schemars(length(min = 1, max = 100), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["namespace"]))]
    pub from: Vec<GrantFrom>,
    /// The playbooks that they may run, at most 100. Absent: every playbook of this namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub to: Vec<GrantTo>,
}

/// A workspace that is granted.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantFrom {
    /// The workspace: the namespace that holds its rules and incidents.
    #[schemars(length(min = 1, max = 63), pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: String,
}

/// A playbook that may be run.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantTo {
    /// Name of a playbook of this namespace.
    #[schemars(length(min = 1, max = 253), pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
}
