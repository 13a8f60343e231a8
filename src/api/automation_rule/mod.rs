//! `AutomationRule`: what happens when an incident or alert comes or changes. The limits are those of Microsoft
//! Sentinel; which fields go together is checked in `api::checks`.

mod condition;
mod set;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cel;

pub use condition::{
    Condition, DetailValueCondition, DetailValuesCondition, GroupCondition, GroupMember, InnerGroupCondition,
    ItemCondition, PlainCondition, PropertyArrayChangedCondition, PropertyArrayCondition, PropertyChangedCondition,
    PropertyCondition,
};
pub use set::{
    ArrayChange, ArrayConditionType, ArrayType, ChangeType, ChangedArray, ChangedProperty, Classification,
    ClassificationReason, GroupOperator, IncidentStatus, Operator, OwnerType, PropertyName, Severity,
};

/// When the rule applies and what it does.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[kube(
    group = "riposte.dev",
    version = "v1alpha1",
    kind = "AutomationRule",
    plural = "automationrules",
    shortname = "autorule",
    namespaced
)]
#[kube(
    status = "crate::api::status::AutomationRuleStatus",
    derive = "PartialEq",
    category = "all",
    category = "riposte"
)]
#[kube(doc = "An automation rule: what happens when an incident or alert comes or changes.")]
#[kube(selectable = ".spec.enabled")]
#[kube(selectable = ".spec.triggersOn")]
#[kube(selectable = ".spec.triggersWhen")]
#[kube(printcolumn = r#"{"name": "ORDER", "type": "integer", "jsonPath": ".spec.order"}"#)]
#[kube(printcolumn = r#"{"name": "ON", "type": "string", "jsonPath": ".spec.triggersOn"}"#)]
#[kube(printcolumn = r#"{"name": "WHEN", "type": "string", "jsonPath": ".spec.triggersWhen"}"#)]
#[kube(printcolumn = r#"{"name": "ENABLED", "type": "boolean", "jsonPath": ".spec.enabled", "priority": 1}"#)]
#[kube(
    printcolumn = r#"{"name": "GRANTED", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Granted\")].status"}"#
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
    cel::rule("self.triggersOn != 'Alerts' || self.triggersWhen == 'Created'", cel::ALERTS_ONLY_CREATED),
    cel::rule(
        "self.triggersOn != 'Alerts' || self.actions.all(a, has(a.runPlaybook))",
        cel::ALERTS_ONLY_RUN_PLAYBOOK,
    ),
    cel::rule(
        "self.triggersWhen == 'Updated' || !has(self.conditions) || self.conditions.all(c, \
         !has(c.propertyChanged) && !has(c.propertyArrayChanged))",
        cel::NEEDS_UPDATED,
    ),
    cel::rule(
        "self.triggersWhen == 'Updated' || !has(self.conditions) || self.conditions.all(c, \
         !has(c.boolean) || c.boolean.innerConditions.all(i, !has(i.propertyChanged) && !has(i.propertyArrayChanged)))",
        cel::NEEDS_UPDATED,
    ),
    cel::rule(
        "self.triggersWhen == 'Updated' || !has(self.conditions) || self.conditions.all(c, \
         !has(c.boolean) || c.boolean.innerConditions.all(i, !has(i.boolean) || \
         i.boolean.innerConditions.all(j, !has(j.propertyChanged) && !has(j.propertyArrayChanged))))",
        cel::NEEDS_UPDATED,
    ),
]))]
pub struct AutomationRuleSpec {
    /// What people see, 1 to 500 characters.
    #[schemars(length(min = 1, max = 500))]
    pub display_name: String,
    /// Position among the rules of the workspace, 1 to 1000; lower runs first, equal ones by name. Each rule sees the
    /// incident as earlier rules left it.
    #[schemars(range(min = 1, max = 1000))]
    pub order: u16,
    /// Whether the rule is on. Defaults to true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// After this time the rule is off, as an RFC 3339 time such as `2026-12-31T23:00:00Z`. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("format" = "date-time"))]
    pub expiration_time: Option<String>,
    /// What the rule is about. A rule on `Alerts` is evaluated only when they are created and can only run playbooks.
    pub triggers_on: TriggersOn,
    /// Which event. Defaults to `Created`.
    #[serde(default)]
    pub triggers_when: TriggersWhen,
    /// Analytics rules to which this rule is limited, by name or id, at most 512. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 512), inner(length(min = 1, max = 1024)), extend("x-kubernetes-list-type" = "set"))]
    pub analytics_rules: Vec<String>,
    /// All must hold, at most 50. None: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub conditions: Vec<Condition>,
    /// What to do, in this order, 1 to 20. An action that fails does not stop the next.
    #[schemars(length(min = 1, max = 20))]
    pub actions: Vec<RuleAction>,
}

fn yes() -> bool {
    true
}

/// Incidents or alerts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum TriggersOn {
    /// Incidents.
    Incidents,
    /// Alerts; such a rule can only run playbooks.
    Alerts,
}

/// Created or updated.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum TriggersWhen {
    /// The incident or alert is new.
    #[default]
    Created,
    /// The incident changed: status, severity or owner, or alerts, comments, tags or tactics were added.
    Updated,
}

/// One thing that a rule does. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RuleAction {
    /// Runs a playbook whose trigger fits: an incident trigger for a rule on incidents, an alert trigger for one on
    /// alerts.
    RunPlaybook(PlaybookTarget),
    /// Changes the incident.
    ModifyProperties(ModifyProperties),
    /// Adds a task to the incident.
    AddIncidentTask(AddIncidentTask),
}

/// The playbook to run. The workspace needs a grant for it, also in its own namespace.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaybookTarget {
    /// Name of the playbook.
    #[schemars(length(min = 1, max = 253), pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
    /// Namespace of the playbook. Absent: the rule's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
}

/// What to change; what is absent stays. At least one field is set.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = cel::with_closing(&[cel::rule(
    "has(self.severity) || has(self.status) || has(self.owner) || has(self.labels) && size(self.labels) > 0 || \
     has(self.classification) || has(self.classificationReason) || has(self.classificationComment)",
    cel::NOTHING_TO_DO,
)])))]
pub struct ModifyProperties {
    /// New severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// New status; `Closed` needs a classification.
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
    /// New owner; an owner without any field (`owner: {}`) takes the owner away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Labels (tags) to add, at most 100 of 1 to 256 characters. Case does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 256)), extend("x-kubernetes-list-type" = "set"))]
    pub labels: Vec<String>,
}

/// Who works on an incident.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Owner {
    /// Id in the directory, such as a GUID of Microsoft Entra ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub object_id: Option<String>,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub email: Option<String>,
    /// Name that people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub assigned_to: Option<String>,
    /// Sign-in name, such as `ana@contoso.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub user_principal_name: Option<String>,
    /// What the owner is. Absent: `Unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_type: Option<OwnerType>,
}

/// A task for people; an incident has at most 40.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddIncidentTask {
    /// Title, 1 to 150 characters.
    #[schemars(length(min = 1, max = 150))]
    pub title: String,
    /// What to do, at most 3000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 3000))]
    pub description: Option<String>,
}
