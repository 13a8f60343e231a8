//! The snapshot itself: finding objects by namespace and name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::{Diagnostic, SecretString};
use crate::connectors::{self, Connector};
use crate::definition::Limits;

use super::entry::{Connection, ConnectorEntry, Grant, Playbook, Rule};
use super::source::{Keys, ObjectKey};
use super::table::Table;

/// Everything that is configured, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Every problem of the sources: of broken files, of references that lead nowhere, notes on what is passed over.
    /// In the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// The limits that its playbooks were checked against.
    pub limits: Limits,
    pub(super) playbooks: Table<Playbook>,
    pub(super) rules: BTreeMap<String, Vec<Arc<Rule>>>,
    pub(super) connections: Table<Connection>,
    pub(super) connectors: Table<ConnectorEntry>,
    pub(super) grants: BTreeMap<String, Vec<Arc<Grant>>>,
    pub(super) secrets: Table<Keys<SecretString>>,
    pub(super) config_maps: Table<Keys<String>>,
    pub(super) problems: BTreeMap<ObjectKey, Vec<Diagnostic>>,
}

impl Catalog {
    /// A playbook.
    pub fn playbook(&self, namespace: &str, name: &str) -> Option<&Arc<Playbook>> {
        self.playbooks.get(namespace, name)
    }

    /// Every playbook, by namespace and name.
    pub fn playbooks(&self) -> impl Iterator<Item = &Arc<Playbook>> {
        self.playbooks.iter()
    }

    /// The automation rules of a workspace, by order and name.
    pub fn rules(&self, namespace: &str) -> &[Arc<Rule>] {
        self.rules.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// Every automation rule, by workspace, order and name.
    pub fn all_rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.values().flatten()
    }

    /// An API connection.
    pub fn connection(&self, namespace: &str, name: &str) -> Option<&Arc<Connection>> {
        self.connections.get(namespace, name)
    }

    /// Every API connection, by namespace and name.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.iter()
    }

    /// Every connector that users declared, by namespace and name.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<ConnectorEntry>> {
        self.connectors.iter()
    }

    /// A connector that a user declared.
    pub fn connector(&self, namespace: &str, name: &str) -> Option<&Arc<ConnectorEntry>> {
        self.connectors.get(namespace, name)
    }

    /// The connector that ApiConnections of a namespace mean by a name: their namespace's own, else the built-in one.
    /// `None` where there is none, or its OpenAPI document cannot be read.
    pub fn usable_connector(&self, namespace: &str, name: &str) -> Option<Arc<Connector>> {
        match self.connector(namespace, name) {
            Some(own) => own.connector.clone(),
            None => connectors::catalog::built_in(name),
        }
    }

    /// The grants for the playbooks of a namespace.
    pub fn grants(&self, namespace: &str) -> &[Arc<Grant>] {
        self.grants.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// A key of a Secret.
    pub fn secret(&self, namespace: &str, name: &str, key: &str) -> Option<SecretString> {
        self.secrets.get(namespace, name)?.data.get(key).cloned()
    }

    /// A key of a ConfigMap.
    pub fn config_map(&self, namespace: &str, name: &str, key: &str) -> Option<&str> {
        self.config_maps.get(namespace, name)?.data.get(key).map(String::as_str)
    }

    /// What one object names but the catalog does not have. `kind` is as manifests write it.
    pub fn problems(&self, kind: &str, namespace: &str, name: &str) -> &[Diagnostic] {
        let is_it = |key: &&ObjectKey| key.kind == kind && key.namespace == namespace && key.name == name;
        let key = self.problems.keys().find(is_it);
        key.and_then(|key| self.problems.get(key)).map_or(&[], Vec::as_slice)
    }
}
