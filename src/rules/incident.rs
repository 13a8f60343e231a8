//! Incidents: what people work on. Alerts join them, rules and playbooks change them.

use serde::{Deserialize, Serialize};

use crate::api::automation_rule::{Classification, ClassificationReason, IncidentStatus, Owner, Severity};

/// One incident. Times are RFC 3339 in UTC.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// Identity, a UUID.
    pub id: String,
    /// Sequential number in the workspace; the store gives it.
    #[serde(default)]
    pub number: i64,
    /// Counts the changes; the store refuses a write on an older version.
    #[serde(default)]
    pub version: i64,
    /// The workspace: the namespace that it belongs to.
    pub workspace: String,
    /// What people see.
    pub title: String,
    /// What happened.
    #[serde(default)]
    pub description: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where the work stands.
    pub status: IncidentStatus,
    /// Why it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<Classification>,
    /// The reason that goes with the classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification_reason: Option<ClassificationReason>,
    /// A remark on the classification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification_comment: Option<String>,
    /// Who works on it.
    #[serde(default)]
    pub owner: Owner,
    /// Labels.
    #[serde(default)]
    pub labels: Vec<Label>,
    /// First event of its alerts.
    pub first_activity_time: String,
    /// Last event of its alerts.
    pub last_activity_time: String,
    /// When it was made.
    pub created_time: String,
    /// When it last changed.
    pub last_modified_time: String,
    /// Who made it: `Microsoft Sentinel` content expects a product name here.
    pub provider_name: String,
    /// The id that the provider gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_incident_id: Option<String>,
    /// Names of the analytics rules behind its alerts.
    #[serde(default)]
    pub related_analytic_rules: Vec<String>,
    /// Products of its alerts.
    #[serde(default)]
    pub alert_product_names: Vec<String>,
    /// ATT&CK tactics of its alerts.
    #[serde(default)]
    pub tactics: Vec<String>,
    /// ATT&CK techniques of its alerts.
    #[serde(default)]
    pub techniques: Vec<String>,
    /// Entities of an incident that came without alerts.
    #[serde(default)]
    pub entities: Vec<super::Entity>,
    /// How many alerts it has.
    #[serde(default)]
    pub alerts_count: i64,
}

/// A label of an incident.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Label {
    /// Its text.
    pub label_name: String,
    /// `User` or `AutoAssigned`.
    pub label_type: String,
}

/// A comment on an incident.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// Identity, a UUID.
    pub id: String,
    /// The incident.
    pub incident: String,
    /// Text, an HTML subset, at most 30,000 characters.
    pub message: String,
    /// Who wrote it: a person, `playbook/NAME` or `rule/NAME`.
    pub author: String,
    /// When, RFC 3339.
    pub created_time: String,
}

/// A task of an incident.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Identity, a UUID.
    pub id: String,
    /// The incident.
    pub incident: String,
    /// Title, at most 150 characters.
    pub title: String,
    /// What to do.
    #[serde(default)]
    pub description: String,
    /// Whether it is done.
    #[serde(default)]
    pub completed: bool,
    /// Who made it.
    pub created_by: String,
    /// When it was made, RFC 3339.
    pub created_time: String,
    /// When it last changed, RFC 3339.
    pub last_modified_time: String,
}
