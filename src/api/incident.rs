//! `Incident`: the spec holds only what a person wishes; Riposte never writes it. What differs from what was applied
//! before is applied, and attributed to the person; the incident itself is the status.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::automation_rule::{AddIncidentTask, Classification, ClassificationReason, IncidentStatus, Owner, Severity};
use super::cel;

/// What a person wishes; what is absent stays as it is.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[kube(
    group = "riposte.dev",
    version = "v1alpha1",
    kind = "Incident",
    plural = "incidents",
    shortname = "inc"
)]
#[kube(
    status = "super::status::IncidentProjection",
    derive = "PartialEq",
    category = "riposte",
    namespaced
)]
#[kube(doc = "An incident: what people work on. The status shows it; the spec asks for changes.")]
#[kube(selectable = ".status.severity")]
#[kube(selectable = ".status.status")]
#[kube(selectable = ".status.incidentNumber")]
#[kube(selectable = ".status.id")]
#[kube(selectable = ".status.owner.userPrincipalName")]
#[kube(printcolumn = r#"{"name": "NUMBER", "type": "integer", "jsonPath": ".status.incidentNumber"}"#)]
#[kube(printcolumn = r#"{"name": "SEVERITY", "type": "string", "jsonPath": ".status.severity"}"#)]
#[kube(printcolumn = r#"{"name": "STATUS", "type": "string", "jsonPath": ".status.status"}"#)]
#[kube(printcolumn = r#"{"name": "TITLE", "type": "string", "jsonPath": ".status.title"}"#)]
#[kube(printcolumn = r#"{"name": "OWNER", "type": "string", "jsonPath": ".status.owner.assignedTo", "priority": 1}"#)]
#[kube(printcolumn = r#"{"name": "ALERTS", "type": "integer", "jsonPath": ".status.alertsCount", "priority": 1}"#)]
#[kube(
    printcolumn = r#"{"name": "READY", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status", "priority": 1}"#
)]
#[kube(printcolumn = r#"{"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = cel::with_closing(&[])))]
pub struct IncidentSpec {
    /// Severity that it shall have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Status that it shall have; `Closed` needs a classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IncidentStatus>,
    /// Why it is closed; only with status `Closed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<Classification>,
    /// The reason that goes with the classification: `SuspiciousActivity` with `TruePositive`, `SuspiciousButExpected`
    /// with `BenignPositive`, `IncorrectAlertLogic` or `InaccurateData` with `FalsePositive`, none with
    /// `Undetermined`. May be left out where only one fits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification_reason: Option<ClassificationReason>,
    /// A remark on the classification, at most 5000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5000))]
    pub classification_comment: Option<String>,
    /// Who shall work on it; an owner without any field (`owner: {}`) takes the owner away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Labels (tags) to add, at most 100 of 1 to 256 characters. Case does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)), extend("x-kubernetes-list-type" = "set"))]
    pub labels: Vec<String>,
    /// A task to add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<AddIncidentTask>,
}
