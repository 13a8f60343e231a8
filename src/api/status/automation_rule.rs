//! Status of an automation rule: how it did, and which grants it lacks.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known about an automation rule.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AutomationRuleStatus {
    /// Generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: accepted and valid. `Granted`: every playbook of it may be run. `Expired` after its expiration time.
    /// `Reconciling` and `Stalled` only while true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::conditions")]
    pub conditions: Vec<Condition>,
    /// Value of the annotation that last asked for a reconcile and was handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub last_handled_reconcile_at: Option<String>,
    /// When it was last evaluated; a rule that does not trigger on what happened is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_evaluation_time: Option<Time>,
    /// How its evaluations ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<EvaluationCounts>,
    /// The last evaluations in which its conditions held, the newest first, at most 5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub last_evaluations: Vec<EvaluationSummary>,
    /// Playbooks that the workspace may not run, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub missing_grants: Vec<MissingGrant>,
}

/// How evaluations of a rule ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EvaluationCounts {
    /// Evaluations.
    #[schemars(range(min = 0))]
    pub evaluated: i64,
    /// Evaluations in which the conditions held.
    #[schemars(range(min = 0))]
    pub matched: i64,
    /// Of these, those in which every action was done; a playbook counts when it was started.
    #[schemars(range(min = 0))]
    pub succeeded: i64,
    /// Those in which an action failed, but not the first.
    #[schemars(range(min = 0))]
    pub partially_succeeded: i64,
    /// Those in which the first action failed, and those that were stopped as part of a loop.
    #[schemars(range(min = 0))]
    pub failed: i64,
}

/// One evaluation in which the conditions held.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EvaluationSummary {
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// Number of the incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub incident_number: Option<i64>,
    /// Id of the alert, for a rule on alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub alert_id: Option<String>,
    /// How it ended.
    pub outcome: EvaluationOutcome,
    /// Ids of the runs of playbooks that it started, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 64)))]
    pub runs: Vec<String>,
    /// What failed and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
}

/// How an evaluation ended, as Microsoft Sentinel names it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, Hash, JsonSchema)]
pub enum EvaluationOutcome {
    /// Every action was done.
    #[default]
    Success,
    /// An action failed, but not the first.
    PartialSuccess,
    /// The first action failed.
    Failure,
}

/// A playbook that a workspace may not run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MissingGrant {
    /// Namespace of the playbook.
    #[schemars(length(max = 63))]
    pub namespace: String,
    /// Name of the playbook.
    #[schemars(length(max = 253))]
    pub playbook: String,
    /// The account that lacks the permission.
    #[schemars(length(max = 320))]
    pub account: String,
    /// The verb that it lacks.
    #[schemars(length(max = 63))]
    pub verb: String,
    /// The command that grants it.
    #[schemars(length(max = 1024))]
    pub command: String,
}
