//! `PlaybookGrant`: which workspaces may run which playbooks of the grant's namespace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may run what here. Without a grant nobody's automation runs a playbook, not even in its own namespace.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaybookGrantSpec {
    /// The workspaces whose automation may run playbooks of this namespace, 1 to 100.
    #[schemars(length(min = 1, max = 100))]
    pub from: Vec<GrantFrom>,
    /// The playbooks that they may run, at most 100. Absent: every playbook of this namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
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
