//! Status of an API connection: whether the service answers.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known about an API connection.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiConnectionStatus {
    /// Generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: accepted and valid. `Connected`: the service answers and takes the credentials. `Reconciling` and
    /// `Stalled` only while true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::conditions")]
    pub conditions: Vec<Condition>,
    /// Value of the annotation that last asked for a reconcile and was handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub last_handled_reconcile_at: Option<String>,
    /// When the connection was last tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_test_time: Option<Time>,
    /// What the test answered: `Connected`, or the error without any secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub test_result: Option<String>,
    /// The hosts with which the credentials are used. A changed host waits until somebody who may read the Secret accepts it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 261)))]
    pub accepted_hosts: Vec<String>,
    /// The hosts that wait for that, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 261)))]
    pub pending_hosts: Vec<String>,
    /// How many playbooks use the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub playbooks: Option<i32>,
}
