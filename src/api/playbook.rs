//! `Playbook`: a Logic Apps workflow, the values and connections it runs with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::{LocalRef, NamedValue};

/// What a playbook does and with what.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaybookSpec {
    /// The workflow definition as Logic Apps writes it. Exactly one of `definition` and `definitionText` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<serde_json::Value>,
    /// The same as verbatim JSON or YAML text: keeps the order of members, which some results show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_text: Option<String>,
    /// Values of the parameters that the definition declares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<NamedValue>,
    /// The API connections that the definition names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ConnectionBinding>,
    /// Whether new runs are refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// The identity of a run in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// How many runs go on at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<RunConcurrency>,
    /// How many succeeded runs are kept as objects. Defaults to 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successful_runs_history_limit: Option<u16>,
    /// How many failed runs are kept as objects. Defaults to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_runs_history_limit: Option<u16>,
    /// How long an ended run is kept as an object, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds_after_finished: Option<u32>,
}

/// One entry of `$connections`.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionBinding {
    /// The name in the definition: `virustotal` in `@parameters('$connections')['virustotal']['connectionId']`.
    pub name: String,
    /// The ApiConnection of this namespace.
    pub connection_ref: LocalRef,
}

/// Limits on runs at the same time.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunConcurrency {
    /// Runs at the same time, 1 to 100.
    pub runs: u16,
    /// Runs that wait beyond these, 1 to 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_waiting_runs: Option<u16>,
}
