//! Status of a playbook: what it needs, and its last runs.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known about a playbook.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlaybookStatus {
    /// Generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: accepted and valid. `Connected`: its connections answer. `Subscribed`: the
    /// service of its trigger calls. `Reconciling` and `Stalled` only while true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::conditions")]
    pub conditions: Vec<Condition>,
    /// Value of the annotation that last asked for a reconcile and was handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub last_handled_reconcile_at: Option<String>,
    /// Type of the trigger as the definition has it, such as `ApiConnectionWebhook` or `Request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub trigger: Option<String>,
    /// What starts the playbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_kind: Option<PlaybookTriggerKind>,
    /// The entity type of an entity trigger, such as `Account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub entity_type: Option<String>,
    /// SHA-256 of the definition that runs start with, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71))]
    pub definition_digest: Option<String>,
    /// The connections that the definition names, at most 25.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 25), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub required_connections: Vec<ConnectionNeed>,
    /// The permissions that a run needs, at most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub required_permissions: Vec<PermissionNeed>,
    /// How many runs there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<RunCounts>,
    /// The last runs, the newest first, at most 5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub last_runs: Vec<RunSummary>,
}

/// What starts a playbook, as Microsoft Sentinel tells playbooks apart.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, Hash, JsonSchema)]
pub enum PlaybookTriggerKind {
    /// The definition has no trigger, or is not read yet.
    #[default]
    NotInitialized,
    /// A Microsoft Sentinel incident.
    Incident,
    /// A Microsoft Sentinel alert.
    Alert,
    /// A Microsoft Sentinel entity.
    Entity,
    /// Another trigger; its actions use Microsoft Sentinel.
    UsingSentinelAction,
    /// Another trigger.
    Other,
}

/// A connection that a definition names.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["name"]))]
pub struct ConnectionNeed {
    /// Name in the definition.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// The connector that its actions call, such as `virustotal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub connector: Option<String>,
    /// The ApiConnection that is bound to it. Absent: none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub connection: Option<String>,
    /// Whether the ApiConnection exists and answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
}

/// A permission that a run needs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PermissionNeed {
    /// Who needs it: the ServiceAccount of runs, or the author.
    #[schemars(length(max = 253))]
    pub subject: String,
    /// The verb, such as `use`.
    #[schemars(length(max = 63))]
    pub verb: String,
    /// API group. Empty: the core group.
    #[schemars(length(max = 253))]
    pub group: String,
    /// The resource, such as `apiconnections`.
    #[schemars(length(max = 253))]
    pub resource: String,
    /// Name of the object. Absent: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub name: Option<String>,
    /// Whether it is granted. Absent: not looked up yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<bool>,
}

/// How many runs of a playbook there are, also those that are no objects.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RunCounts {
    /// Runs that go on or wait.
    #[schemars(range(min = 0))]
    pub active: i32,
    /// Runs that succeeded.
    #[schemars(range(min = 0))]
    pub succeeded: i64,
    /// Runs that failed or took too long.
    #[schemars(range(min = 0))]
    pub failed: i64,
    /// Runs that were cancelled.
    #[schemars(range(min = 0))]
    pub cancelled: i64,
}

/// One run in a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RunSummary {
    /// Name of the PlaybookRun. Absent: the run is no object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub name: Option<String>,
    /// Id of the run.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Where it stands.
    pub phase: RunPhase,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
}

/// Where a run stands, as Logic Apps names it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, Hash, JsonSchema)]
pub enum RunPhase {
    /// It is accepted and has not begun.
    #[default]
    Pending,
    /// It goes on.
    Running,
    /// It waits for a time, an answer or an approval.
    Waiting,
    /// It ended well.
    Succeeded,
    /// An action failed and nothing handled it.
    Failed,
    /// Somebody ended it.
    Cancelled,
    /// It took too long.
    TimedOut,
}
