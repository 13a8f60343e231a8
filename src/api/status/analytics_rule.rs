//! Status of an analytics rule: when its query ran and what came of it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known about an analytics rule.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalyticsRuleStatus {
    /// Generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: accepted and valid. `Connected`: where its query runs answers. `Reconciling` and `Stalled` only while true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::conditions")]
    pub conditions: Vec<Condition>,
    /// Value of the annotation that last asked for a reconcile and was handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub last_handled_reconcile_at: Option<String>,
    /// When the query last ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_time: Option<Time>,
    /// When it runs next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_run_time: Option<Time>,
    /// Until when it does not run because an alert was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed_until: Option<Time>,
    /// Rows of the last run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub last_row_count: Option<i64>,
    /// When it last made an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_alert_time: Option<Time>,
    /// Alerts that it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub alerts: Option<i64>,
    /// Incidents that it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub incidents: Option<i64>,
    /// Runs that failed since the last that did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub consecutive_failures: Option<i32>,
    /// What of the query is not supported or wrong, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub query_problems: Vec<QueryProblem>,
}

/// A place in a query.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QueryProblem {
    /// Stable code.
    #[schemars(length(max = 63))]
    pub code: String,
    /// What is wrong.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// Line, from 1.
    #[schemars(range(min = 0))]
    pub line: i32,
    /// Column in characters, from 1.
    #[schemars(range(min = 0))]
    pub column: i32,
}
