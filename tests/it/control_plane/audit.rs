//! The audit log of the API server: one event for each request that was answered.

use std::path::Path;

use serde::Deserialize;

/// What the API server is told to log: the metadata of every request, once it is answered.
pub const POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived", "ResponseStarted"],
  "rules": [{"level": "Metadata"}]
}"#;

/// A request and its answer; the fields of `audit.k8s.io/v1` that tests ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    pub verb: String,
    /// When the request came.
    #[serde(rename = "requestReceivedTimestamp")]
    pub received_at: jiff::Timestamp,
    #[serde(rename = "requestURI")]
    pub request_uri: String,
    #[serde(default)]
    pub user_agent: String,
    pub user: User,
    /// Whom the user acted as.
    pub impersonated_user: Option<User>,
    /// The object, for requests of resources.
    #[serde(default, rename = "objectRef")]
    pub object: Object,
    #[serde(default, rename = "responseStatus")]
    pub status: Status,
}

#[derive(Clone, Debug, Deserialize)]
pub struct User {
    #[serde(default)]
    pub username: String,
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Empty where the request did not name it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Object {
    pub api_group: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Status {
    /// The HTTP status.
    #[serde(default)]
    pub code: u16,
}

impl AuditEvent {
    /// Whether the request may have changed something.
    pub fn is_write(&self) -> bool {
        matches!(
            self.verb.as_str(),
            "create" | "update" | "patch" | "delete" | "deletecollection"
        )
    }
}

/// The events of a log that is being written.
pub fn read(log: &Path) -> std::io::Result<Vec<AuditEvent>> {
    let text = std::fs::read_to_string(log)?;
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole
        .map(|line| serde_json::from_str(line).map_err(std::io::Error::other))
        .collect()
}
