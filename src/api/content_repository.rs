//! `ContentRepository`: a Git repository whose content (Sentinel rules, ARM playbooks, manifests) is kept applied.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cel;
use super::reference::LocalRef;

/// Which repository, which revision, and how its content is applied.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[kube(
    group = "riposte.dev",
    version = "v1alpha1",
    kind = "ContentRepository",
    plural = "contentrepositories"
)]
#[kube(shortname = "content", namespaced, category = "all", category = "riposte")]
#[kube(status = "super::status::ContentRepositoryStatus", derive = "PartialEq")]
#[kube(doc = "A content repository: a Git repository of rules and playbooks that is kept applied.")]
#[kube(selectable = ".spec.suspend")]
#[kube(printcolumn = r#"{"name": "URL", "type": "string", "jsonPath": ".spec.url"}"#)]
#[kube(
    printcolumn = r#"{"name": "REVISION", "type": "string", "jsonPath": ".status.lastAppliedRevision", "priority": 1}"#
)]
#[kube(printcolumn = r#"{"name": "SUSPENDED", "type": "boolean", "jsonPath": ".spec.suspend", "priority": 1}"#)]
#[kube(
    printcolumn = r#"{"name": "READY", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#
)]
#[kube(
    printcolumn = r#"{"name": "STATUS", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[kube(printcolumn = r#"{"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContentRepositorySpec {
    /// Address of the repository: `https://host/path` or `ssh://user@host/path`.
    #[schemars(length(min = 1, max = 2048), pattern("^(https?|ssh)://[^?#]+$"))]
    pub url: String,
    /// The revision. Absent: the branch `main`.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<GitReference>,
    /// How often it is fetched, such as `5m` or `1h30m`. Defaults to `5m`.
    #[serde(default = "five_minutes")]
    #[schemars(length(min = 1, max = 32), pattern("^([0-9]{1,5}(h|m|s|ms)){1,4}$"))]
    pub interval: String,
    /// How long a fetch may take, such as `60s`. Absent: 60 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32), pattern("^([0-9]{1,5}(h|m|s|ms)){1,4}$"))]
    pub timeout: Option<String>,
    /// Folders and files of the repository that are applied, at most 100. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 1024)), extend("x-kubernetes-list-type" = "set"))]
    pub paths: Vec<String>,
    /// Patterns of paths that are left out, as in `.gitignore`; at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 1024)))]
    pub ignore: Vec<String>,
    /// Whether objects whose file is gone are deleted. Defaults to false.
    #[serde(default)]
    pub prune: bool,
    /// Whether nothing is fetched and applied. Defaults to false.
    #[serde(default)]
    pub suspend: bool,
    /// The ServiceAccount that applies the content. Absent: `riposte-automation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub service_account_name: Option<String>,
    /// The Secret with the credentials: `username` and `password`, `bearerToken`, or `identity` and `known_hosts`;
    /// `ca.crt` for a certificate authority of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalRef>,
    /// Whose signature a revision needs. Absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verification>,
}

fn five_minutes() -> String {
    "5m".to_owned()
}

/// A revision of a repository. At most one of the fields is set.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    cel::rule(
        "[has(self.branch), has(self.tag), has(self.semver), has(self.commit)].filter(set, set).size() < 2",
        cel::ONE_REVISION,
    ),
]))]
pub struct GitReference {
    /// The head of a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub branch: Option<String>,
    /// A tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub tag: Option<String>,
    /// The newest tag in a range of versions, such as `>=1.0.0 <2.0.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub semver: Option<String>,
    /// A commit, 40 or 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 40, max = 64), pattern("^([0-9a-f]{40}|[0-9a-f]{64})$"))]
    pub commit: Option<String>,
}

/// Verification of signatures.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verification {
    /// What must be signed. Defaults to `Head`.
    #[serde(default)]
    pub mode: VerificationMode,
    /// The Secret whose values are the public keys that are trusted.
    pub secret_ref: LocalRef,
}

/// What must be signed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum VerificationMode {
    /// The commit.
    #[default]
    Head,
    /// The tag.
    Tag,
    /// Both.
    TagAndHead,
}
