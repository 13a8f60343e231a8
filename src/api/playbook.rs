//! `Playbook`: a Logic Apps workflow, the values and connections it runs with.

use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::cel;
use super::reference::{LocalRef, NamedValue};

/// What a playbook does and with what.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[kube(
    group = "riposte.dev",
    version = "v1alpha1",
    kind = "Playbook",
    plural = "playbooks",
    shortname = "pbk",
    namespaced
)]
#[kube(
    status = "super::status::PlaybookStatus",
    derive = "PartialEq",
    category = "all",
    category = "riposte"
)]
#[kube(doc = "A playbook: a Logic Apps workflow that reacts to incidents, alerts, entities, requests or a schedule.")]
#[kube(selectable = ".spec.suspend")]
#[kube(selectable = ".spec.serviceAccountName")]
#[kube(selectable = ".status.triggerKind")]
#[kube(printcolumn = r#"{"name": "TRIGGER", "type": "string", "jsonPath": ".status.triggerKind"}"#)]
#[kube(printcolumn = r#"{"name": "SUSPENDED", "type": "boolean", "jsonPath": ".spec.suspend", "priority": 1}"#)]
#[kube(
    printcolumn = r#"{"name": "LAST-RUN", "type": "string", "jsonPath": ".status.lastRuns[0].phase", "priority": 1}"#
)]
#[kube(
    printcolumn = r#"{"name": "READY", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#
)]
#[kube(
    printcolumn = r#"{"name": "STATUS", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[kube(printcolumn = r#"{"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    cel::rule("has(self.definition) != has(self.definitionText)", cel::ONE_DEFINITION),
    cel::rule(
        "!has(self.parameters) || self.parameters.all(p, p.name.lowerAscii() != '$connections')",
        cel::RESERVED_NAME,
    ),
]))]
pub struct PlaybookSpec {
    /// The workflow definition as Logic Apps writes it: `triggers`, `actions`, `parameters`, `outputs`. Exactly one of
    /// `definition` and `definitionText` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "free_form")]
    pub definition: Option<serde_json::Value>,
    /// The same as verbatim JSON or YAML text, at most 1,000,000 characters: keeps the order of members, which some
    /// results show (a Table without columns).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1_000_000))]
    pub definition_text: Option<String>,
    /// Values of the parameters that the definition declares, at most 200, each name once. A declared parameter
    /// without value here takes its `defaultValue`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub parameters: Vec<NamedValue>,
    /// What `appsetting('NAME')` gives in the definition, which Logic Apps of the standard plan read from their app: at
    /// most 200, each name once. A value becomes text. Where it flows is hidden in the history of runs, as a secure
    /// parameter is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub app_settings: Vec<NamedValue>,
    /// The API connections that the definition names, at most 25, each name once. A run reaches no others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 25), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub connections: Vec<ConnectionBinding>,
    /// Whether new runs are refused; runs that go on are not touched. Defaults to false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// The ServiceAccount that a run acts as in the cluster. Absent: a run may touch nothing there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub service_account_name: Option<String>,
    /// How many runs go on at once. Absent: as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<RunConcurrency>,
    /// How urgent its runs are where more are due than are driven at a time. Absent: `Response` where an incident, an alert,
    /// an entity or a person starts them, `Schedule` where a schedule does, else `Enrichment`. Those that an automation rule
    /// or another playbook waits for begin at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// How many succeeded runs are kept as objects, at most 1000. Defaults to 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub successful_runs_history_limit: Option<u16>,
    /// How many failed runs are kept as objects, at most 1000. Defaults to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub failed_runs_history_limit: Option<u16>,
    /// How long an ended run is kept as an object, in seconds, at most a year. Absent: until the history limits remove
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 31_536_000))]
    pub ttl_seconds_after_finished: Option<u32>,
}

/// An object whose members another room checks.
pub(super) fn free_form(_generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// One entry of `$connections`.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionBinding {
    /// The name in the definition, 1 to 80 characters: `virustotal` in
    /// `@parameters('$connections')['virustotal']['connectionId']`.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// The ApiConnection of this namespace.
    pub connection_ref: LocalRef,
}

/// Which runs go first.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum Priority {
    /// Answers to incidents, first.
    Response,
    /// What is asked for by services.
    Enrichment,
    /// What time asks for, last.
    Schedule,
}

/// Limits on runs at the same time.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunConcurrency {
    /// Runs at the same time, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub runs: u16,
    /// Runs that wait beyond these, 1 to 200; more are refused. Absent: 10 more than `runs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200))]
    pub maximum_waiting_runs: Option<u16>,
}
