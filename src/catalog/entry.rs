//! The objects of the catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::{ApiConnectionSpec, AutomationRuleSpec, ConnectorSpec, PlaybookGrantSpec, PlaybookSpec};
use crate::connectors::Connector;
use crate::definition::Workflow;

/// A playbook that can run.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What the user wrote.
    pub spec: PlaybookSpec,
    /// The type of the first trigger, as the definition has it.
    pub trigger_type: Option<String>,
    /// The definition as compact JSON in its own order of members: what a run pins.
    pub definition_text: Arc<str>,
    /// SHA-256 of `definition_text` in hexadecimal.
    pub hash: String,
    /// The checked workflow.
    pub workflow: Arc<Workflow>,
    /// The file that it stands in.
    pub file: String,
}

/// An automation rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Namespace: the workspace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What the user wrote.
    pub spec: AutomationRuleSpec,
    /// The file that it stands in.
    pub file: String,
}

/// An API connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Annotations of the object.
    pub annotations: BTreeMap<String, String>,
    /// What the user wrote.
    pub spec: ApiConnectionSpec,
    /// The file that it stands in.
    pub file: String,
}

/// A connector that a user declares.
#[derive(Clone, Debug)]
pub struct ConnectorEntry {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What the user wrote.
    pub spec: ConnectorSpec,
    /// The connector itself; `None` where its OpenAPI document is missing or cannot be read.
    pub connector: Option<Arc<Connector>>,
    /// The file that it stands in.
    pub file: String,
}

/// A grant.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Namespace: of the playbooks.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What the user wrote.
    pub spec: PlaybookGrantSpec,
    /// The file that it stands in.
    pub file: String,
}
