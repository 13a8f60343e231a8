//! `AnalyticsRule`: a query that looks for threats and makes alerts. The fields are those of the rule files of Microsoft
//! Sentinel's content, with their names unchanged: a file becomes an object by indenting it below `spec`.

mod alert;
mod incident;
mod interval;

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::automation_rule::{PlaybookTarget, Severity};
use crate::api::cel;
use crate::api::reference::LocalRef;

pub use alert::{
    AggregationKind, AlertDetailsOverride, AlertProperty, DynamicProperty, EntityMapping, EventGroupingSettings,
    FieldMapping, SentinelEntityMapping,
};
pub use incident::{AlertDetail, GroupingConfiguration, IncidentConfiguration, MatchingMethod};
pub use interval::seconds;

/// Whether a text is a duration in one of the three forms that [`seconds`] reads.
const IS_DURATION: &str = r"self.matches(r'^([0-9]{1,6}[smhd]|P([0-9]{1,4}D|([0-9]{1,4}D)?T([0-9]{1,5}H([0-9]{1,6}M)?([0-9]{1,8}S)?|[0-9]{1,6}M([0-9]{1,8}S)?|[0-9]{1,8}S))|([0-9]{1,3}\.)?([01][0-9]|2[0-3])(:[0-5][0-9]){2})$')";

/// What is looked for, how often, and what becomes of what is found.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[kube(
    group = "riposte.dev",
    version = "v1alpha1",
    kind = "AnalyticsRule",
    plural = "analyticsrules"
)]
#[kube(shortname = "anrule", namespaced, category = "all", category = "riposte")]
#[kube(status = "crate::api::status::AnalyticsRuleStatus", derive = "PartialEq")]
#[kube(doc = "An analytics rule: a KQL query that looks for threats and makes alerts and incidents.")]
#[kube(selectable = ".spec.enabled")]
#[kube(selectable = ".spec.kind")]
#[kube(selectable = ".spec.severity")]
#[kube(selectable = ".spec.id")]
#[kube(printcolumn = r#"{"name": "KIND", "type": "string", "jsonPath": ".spec.kind"}"#)]
#[kube(printcolumn = r#"{"name": "SEVERITY", "type": "string", "jsonPath": ".spec.severity"}"#)]
#[kube(printcolumn = r#"{"name": "ENABLED", "type": "boolean", "jsonPath": ".spec.enabled", "priority": 1}"#)]
#[kube(printcolumn = r#"{"name": "LAST-RUN", "type": "date", "jsonPath": ".status.lastRunTime", "priority": 1}"#)]
#[kube(
    printcolumn = r#"{"name": "READY", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#
)]
#[kube(
    printcolumn = r#"{"name": "STATUS", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[kube(printcolumn = r#"{"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    cel::rule(
        "self.kind == 'NRT' || has(self.queryFrequency) && has(self.queryPeriod) && has(self.triggerOperator) && \
         has(self.triggerThreshold)",
        cel::NEEDS_SCHEDULE,
    ),
]))]
pub struct AnalyticsRuleSpec {
    /// Identity of the rule in its content, a GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub id: Option<String>,
    /// What people see, 1 to 256 characters; the name of its alerts.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// What it looks for, at most 5000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5000))]
    pub description: Option<String>,
    /// How the query runs. Defaults to `Scheduled`.
    #[serde(default)]
    pub kind: AnalyticsRuleKind,
    /// Whether the rule is on. Defaults to true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How bad it is.
    pub severity: Severity,
    /// The query, KQL of 1 to 10,000 characters.
    #[schemars(length(min = 1, max = 10_000))]
    pub query: String,
    /// Where the query runs. Absent: in Riposte, on its own tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<QuerySource>,
    /// How often it runs, 5 minutes to 14 days: `5m`, `PT5M` or `00:05:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 32))]
    #[schemars(extend("x-kubernetes-validations" = [cel::rule(IS_DURATION, cel::NO_DURATION)]))]
    pub query_frequency: Option<String>,
    /// How far back it looks, at least `queryFrequency` and at most 14 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 32))]
    #[schemars(extend("x-kubernetes-validations" = [cel::rule(IS_DURATION, cel::NO_DURATION)]))]
    pub query_period: Option<String>,
    /// How the number of rows is compared with `triggerThreshold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger_operator: Option<TriggerOperator>,
    /// The number of rows, 0 to 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    pub trigger_threshold: Option<i32>,
    /// When the first run is, as an RFC 3339 time. Absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), extend("format" = "date-time"))]
    pub start_time_utc: Option<String>,
    /// Whether the rule pauses after it made an alert. Defaults to false.
    #[serde(default)]
    pub suppression_enabled: bool,
    /// How long it pauses, 5 minutes to 24 hours. Absent: 5 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 32))]
    #[schemars(extend("x-kubernetes-validations" = [cel::rule(IS_DURATION, cel::NO_DURATION)]))]
    pub suppression_duration: Option<String>,
    /// One alert for all rows, or one for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_grouping_settings: Option<EventGroupingSettings>,
    /// Tactics of MITRE ATT&CK, such as `InitialAccess`; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 64), pattern("^[A-Za-z]+$")))]
    pub tactics: Vec<String>,
    /// Techniques of MITRE ATT&CK, such as `T1078` or `T1078.004`; at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 50),
        inner(length(min = 5, max = 9), pattern(r"^T[0-9]{4}(\.[0-9]{3})?$"))
    )]
    pub relevant_techniques: Vec<String>,
    /// Sub-techniques of MITRE ATT&CK, such as `T1078.004`; at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(min = 9, max = 9), pattern(r"^T[0-9]{4}\.[0-9]{3}$")))]
    pub sub_techniques: Vec<String>,
    /// Which columns make which entities, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub entity_mappings: Vec<EntityMapping>,
    /// Columns that hold entities already made, at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5))]
    pub sentinel_entities_mappings: Vec<SentinelEntityMapping>,
    /// Details that alerts carry: a key and the column that holds its value; at most 20.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 20, "additionalProperties" = json!({
        "type": "string", "minLength": 1, "maxLength": 500, "pattern": r"^[a-zA-Z_]+\w*$"
    })))]
    pub custom_details: BTreeMap<String, String>,
    /// Details of alerts that columns give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_details_override: Option<AlertDetailsOverride>,
    /// Whether alerts become incidents, and which join one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_configuration: Option<IncidentConfiguration>,
    /// Playbooks with an alert trigger that run for each alert, at most 20. The workspace needs a grant for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub playbooks: Vec<PlaybookTarget>,
    /// What must be connected for the rule to find anything, at most 50; shown, not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub required_data_connectors: Vec<RequiredDataConnector>,
    /// Version of the rule in its content, such as `1.0.4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20))]
    pub version: Option<String>,
    /// State of the rule in its content, such as `Available`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub status: Option<String>,
    /// The template that the rule was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub alert_rule_template_name: Option<String>,
    /// Version of that template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    pub template_version: Option<String>,
    /// Tags of the content, at most 100: words, or objects such as `{Schema: ASIMDns, SchemaVersion: 0.1.6}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), extend("items" = json!({ "x-kubernetes-preserve-unknown-fields": true })))]
    pub tags: Vec<serde_json::Value>,
    /// Where the content comes from: `source`, `author`, `support`, `categories`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::api::playbook::free_form")]
    pub metadata: Option<serde_json::Value>,
}

fn yes() -> bool {
    true
}

/// How the query of a rule runs.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum AnalyticsRuleKind {
    /// At intervals.
    #[default]
    Scheduled,
    /// Near real time: every minute on what came in.
    #[serde(rename = "NRT")]
    NearRealTime,
}

/// How the number of rows is compared.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum TriggerOperator {
    /// More rows than the threshold.
    #[serde(rename = "gt")]
    Gt,
    /// Fewer rows than the threshold.
    #[serde(rename = "lt")]
    Lt,
    /// As many rows as the threshold.
    #[serde(rename = "eq")]
    Eq,
    /// More or fewer rows than the threshold.
    #[serde(rename = "ne")]
    Ne,
    /// As `gt`.
    GreaterThan,
    /// As `lt`.
    LessThan,
    /// As `eq`.
    Equal,
    /// As `ne`.
    NotEqual,
}

/// An engine that speaks KQL.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuerySource {
    /// The ApiConnection of this namespace through which the query is sent.
    pub connection_ref: LocalRef,
    /// The database or workspace there, if the connection leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub database: Option<String>,
}

/// A source of data that a rule needs.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequiredDataConnector {
    /// Its id, such as `AzureActiveDirectory`.
    #[schemars(length(min = 1, max = 256))]
    pub connector_id: String,
    /// The tables that it fills, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 256)))]
    pub data_types: Vec<String>,
}
