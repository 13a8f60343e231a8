//! Status of a content repository: what of it is applied.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known about a content repository.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ContentRepositoryStatus {
    /// Generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: the last revision is applied. `FetchFailed` only while true, as `Reconciling` and `Stalled`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::conditions")]
    pub conditions: Vec<Condition>,
    /// Value of the annotation that last asked for a reconcile and was handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub last_handled_reconcile_at: Option<String>,
    /// Revision that was last fetched, such as `main@sha1:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub last_attempted_revision: Option<String>,
    /// Revision that was last applied whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub last_applied_revision: Option<String>,
    /// When it was last fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_fetch_time: Option<Time>,
    /// Who signed the revision, if that is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub verified_by: Option<String>,
    /// Objects that it keeps applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub objects: Option<i32>,
    /// What could not be applied, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub problems: Vec<ContentProblem>,
    /// How many problems there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub problems_total: Option<i32>,
}

/// A problem of a file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ContentProblem {
    /// Path in the repository.
    #[schemars(length(max = 1024))]
    pub path: String,
    /// Line, from 1.
    #[schemars(range(min = 0))]
    pub line: i32,
    /// Column, from 1.
    #[schemars(range(min = 0))]
    pub column: i32,
    /// What is wrong.
    #[schemars(length(max = 1024))]
    pub message: String,
}
