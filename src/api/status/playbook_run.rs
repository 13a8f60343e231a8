//! Status of a run: a bounded summary. The journal in the store has the rest.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::playbook::RunPhase;

/// How a run goes, or ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlaybookRunStatus {
    /// Generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Succeeded`: unknown while the run goes on, then true or false. `Reconciling` while it goes on, `Stalled` once it failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::conditions")]
    pub conditions: Vec<Condition>,
    /// Where the run stands; derived from the conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<RunPhase>,
    /// Id of the run in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub run_id: Option<String>,
    /// Id of the run that this one repeats, if it is a resubmission.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub resubmit_of: Option<String>,
    /// The playbook as it was when the run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playbook: Option<PlaybookSnapshot>,
    /// When the run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// Code of the innermost error of a run that failed, such as `ActionFailed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub error_code: Option<String>,
    /// What the run waits for, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub waiting_for: Option<String>,
    /// Where the run is shown to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub url: Option<String>,
    /// How many actions the definition has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub actions_total: Option<i32>,
    /// The actions that began, in order, at most 100: beyond these those that failed, wait or run come first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub actions: Vec<ActionSummary>,
}

/// The definition that a run started with.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlaybookSnapshot {
    /// UID of the playbook.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// Generation of the playbook.
    #[schemars(range(min = 0))]
    pub generation: i64,
    /// SHA-256 of the definition, in hex.
    #[schemars(length(max = 71))]
    pub definition_digest: String,
}

/// One action of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("required" = ["name"]))]
pub struct ActionSummary {
    /// Name in the definition.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// How it stands.
    pub status: ActionStatus,
    /// Its code, such as `OK` or `BadRequest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub code: Option<String>,
    /// How often it was executed: once for each iteration of the loop around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub executions: Option<i32>,
    /// Attempts of its last execution, more than 1 after retries.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub attempts: Option<i32>,
    /// When it first began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When it last ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Time>,
}

/// How an action stands, as Logic Apps names it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, Hash, JsonSchema)]
pub enum ActionStatus {
    /// It goes on.
    #[default]
    Running,
    /// It waits.
    Waiting,
    /// It ended well.
    Succeeded,
    /// It failed.
    Failed,
    /// What it runs after ended otherwise.
    Skipped,
    /// It took too long.
    TimedOut,
    /// The run was ended.
    Cancelled,
}
