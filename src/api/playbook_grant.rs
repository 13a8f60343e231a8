//! `PlaybookGrant`: which workspaces may run which playbooks of the grant's namespace.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may run what here.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaybookGrantSpec {
    /// The workspaces whose automation may run playbooks of this namespace.
    pub from: Vec<GrantFrom>,
    /// The playbooks that they may run; absent means every playbook of this namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<GrantTo>,
}

/// A workspace that is granted.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantFrom {
    /// The workspace: the namespace that holds its rules and incidents.
    pub namespace: String,
}

/// A playbook that may be run.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrantTo {
    /// Name of a playbook of this namespace.
    pub name: String,
}
