//! Status of an incident: its projection. The store has the whole.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::playbook::RunPhase;
use crate::api::automation_rule::{Classification, ClassificationReason, IncidentStatus, Owner, Severity};
use crate::api::incident::IncidentSpec;

/// What an incident is now.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IncidentProjection {
    /// Generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: what `spec` asks for is applied. `Reconciling` and `Stalled` only while true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::conditions")]
    pub conditions: Vec<Condition>,
    /// Identity, a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub id: Option<String>,
    /// Sequential number in the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub incident_number: Option<i64>,
    /// What people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub title: Option<String>,
    /// What happened; its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5000))]
    pub description: Option<String>,
    /// How bad it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Where the work stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<IncidentStatus>,
    /// Why it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classification: Option<Classification>,
    /// The reason that goes with the classification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classification_reason: Option<ClassificationReason>,
    /// A remark on the classification.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5000))]
    pub classification_comment: Option<String>,
    /// Who works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Labels, at most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)))]
    pub labels: Vec<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub provider_name: Option<String>,
    /// Where it is shown to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub incident_url: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<Time>,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified_time: Option<Time>,
    /// First event of its alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_activity_time: Option<Time>,
    /// Last event of its alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_activity_time: Option<Time>,
    /// ATT&CK tactics, at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 64)))]
    pub tactics: Vec<String>,
    /// ATT&CK techniques, at most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 16)))]
    pub techniques: Vec<String>,
    /// Names of the analytics rules behind it, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 1024)))]
    pub related_analytic_rules: Vec<String>,
    /// How many alerts it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub alerts_count: Option<i32>,
    /// The last alerts, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub alerts: Vec<AlertSummary>,
    /// What it is about, at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub entities: Vec<EntitySummary>,
    /// How many comments it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub comments_count: Option<i32>,
    /// The last comments, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub comments: Vec<CommentSummary>,
    /// Its tasks, at most 40.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 40))]
    pub tasks: Vec<TaskSummary>,
    /// The last runs of playbooks on it, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub runs: Vec<IncidentRunSummary>,
    /// The part of `spec` that was applied, and for which generation; what differs from it is applied next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_spec: Option<AppliedSpec>,
}

/// Wishes that were applied.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AppliedSpec {
    /// Generation of the spec.
    #[schemars(range(min = 0))]
    pub generation: i64,
    /// The wishes.
    pub spec: IncidentSpec,
}

/// One alert.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AlertSummary {
    /// Identity, a UUID.
    #[schemars(length(max = 64))]
    pub id: String,
    /// What people see.
    #[schemars(length(max = 256))]
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// The product that saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub product_name: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_generated: Option<Time>,
}

/// One entity.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EntitySummary {
    /// Its type, such as `Account`.
    #[schemars(length(max = 64))]
    pub kind: String,
    /// What people see, such as `ana@contoso.com`.
    #[schemars(length(max = 512))]
    pub friendly_name: String,
    /// Id, a UUID: starts a playbook with an entity trigger.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub id: Option<String>,
}

/// One comment.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CommentSummary {
    /// Identity, a UUID.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Who wrote it.
    #[schemars(length(max = 320))]
    pub author: String,
    /// Its beginning, without markup.
    #[schemars(length(max = 2000))]
    pub message: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<Time>,
}

/// One task.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskSummary {
    /// Identity, a UUID.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Title.
    #[schemars(length(max = 150))]
    pub title: String,
    /// Whether it is done.
    pub completed: bool,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub created_by: Option<String>,
}

/// One run of a playbook on the incident.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct IncidentRunSummary {
    /// Namespace of the playbook.
    #[schemars(length(max = 63))]
    pub namespace: String,
    /// Name of the playbook.
    #[schemars(length(max = 253))]
    pub playbook: String,
    /// Id of the run.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Where it stands.
    pub phase: RunPhase,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
}
