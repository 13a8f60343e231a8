//! Manifests back to an ARM template that deploys: parameters (secrets without a value), connections, custom connectors
//! and workflows. Pure: manifests in, a template and what has no counterpart in Azure out.
//!
//! What the importer reads out of the template is what the manifests said.

mod connection;
mod connector;
mod literal;
mod parameters;
mod workflow;

use std::collections::HashSet;

use super::name::{dns_label, unique};
use crate::api::identity::IDENTITY_CONNECTOR;
use crate::api::manifest::{Metadata, Object as Item};
use crate::api::{ApiConnectionSpec, ConnectorSpec, Manifest, PlaybookSpec};
use crate::expression::{Object, Value};

use connection::Connections;
use literal::Places;
use parameters::Parameters;

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

/// A template, and what the reader should know about it.
#[derive(Clone, Debug)]
pub struct Export {
    /// The template.
    pub template: Value,
    /// What has no counterpart in Azure, and what is to be given by hand.
    pub notes: Vec<String>,
}

/// Why there is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The manifests hold nothing that a template holds.
    #[error("there is no Playbook and no Connector to export")]
    Nothing,
    /// The definition of a Playbook cannot be read.
    #[error("the definition of Playbook `{playbook}` cannot be read: {problem}")]
    Definition {
        /// Name of the Playbook.
        playbook: String,
        /// What is wrong.
        problem: String,
    },
}

/// What the template is made of.
struct Draft<'a> {
    parameters: Parameters,
    connections: Connections<'a>,
    places: Places,
    resources: Vec<Value>,
    notes: Vec<String>,
}

/// Writes the Playbooks, ApiConnections and Connectors among the manifests as a template.
///
/// # Errors
/// There is nothing to write, or a definition is no JSON or YAML.
pub fn export(manifests: &[Manifest]) -> Result<Export, ExportError> {
    let mut connectors: Vec<&Item<ConnectorSpec>> = Vec::new();
    let mut connections: Vec<&Item<ApiConnectionSpec>> = Vec::new();
    let mut playbooks: Vec<&Item<PlaybookSpec>> = Vec::new();
    let mut notes = Vec::new();
    for manifest in manifests {
        match manifest {
            Manifest::Connector(connector) => connectors.push(connector),
            Manifest::ApiConnection(connection) => connections.push(connection),
            Manifest::Playbook(playbook) => playbooks.push(playbook),
            Manifest::AutomationRule(_)
            | Manifest::PlaybookGrant(_)
            | Manifest::PlaybookRun(_)
            | Manifest::AnalyticsRule(_)
            | Manifest::Incident(_)
            | Manifest::ContentRepository(_)
            | Manifest::Secret(_)
            | Manifest::ConfigMap(_) => notes.push(format!(
                "{} `{}` is not part of the template",
                manifest.kind(),
                manifest.metadata().name
            )),
        }
    }
    if playbooks.is_empty() && connectors.is_empty() {
        return Err(ExportError::Nothing);
    }
    let namespace = manifests
        .iter()
        .find_map(|manifest| manifest.metadata().namespace.clone());
    let mut draft = Draft {
        parameters: Parameters::new(),
        connections: Connections::new(&connectors, &connections),
        places: Places::new(&namespace.unwrap_or_else(|| "default".to_owned())),
        resources: Vec::new(),
        notes,
    };
    connectors.iter().for_each(|connector| draft.connector(connector));
    let is_identity = |one: &Item<ApiConnectionSpec>| one.spec.connector.eq_ignore_ascii_case(IDENTITY_CONNECTOR);
    let real = connections.iter().filter(|connection| !is_identity(connection));
    real.for_each(|connection| draft.connection(connection));
    let mut taken = HashSet::new();
    for playbook in playbooks {
        draft.playbook(playbook, &mut taken)?;
    }
    Ok(draft.finish())
}

impl Draft<'_> {
    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    fn finish(self) -> Export {
        let parameters = self.parameters.finish();
        Export {
            template: Value::object([
                ("$schema", Value::from(SCHEMA)),
                ("contentVersion", Value::from("1.0.0.0")),
                ("parameters", parameters),
                ("resources", Value::array(self.resources)),
            ]),
            notes: self.notes,
        }
    }
}

/// The members that every resource has; `rest` follows them.
fn resource<'a>(kind: &str, version: &str, name: Value, rest: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let mut members: Object = [
        ("type", Value::from(kind)),
        ("apiVersion", Value::from(version)),
        ("name", name),
        ("location", Value::from(parameters::LOCATION)),
    ]
    .into_iter()
    .collect();
    for (name, member) in rest {
        members.insert(name, member);
    }
    Value::from(members)
}

/// The name that an object gets in Azure: the one that people know it by, where an import makes the object's name of it.
fn azure_name(metadata: &Metadata, fallback: &str, taken: &mut HashSet<String>) -> String {
    let known = metadata.annotations.get(super::manifest::DISPLAY_NAME);
    let known = known.filter(|known| unique(dns_label(known, fallback), &mut taken.clone()) == metadata.name);
    let name = known.unwrap_or(&metadata.name).clone();
    unique(dns_label(&name, fallback), taken);
    name
}
