//! The text of a file -> the objects in it. A playbook's definition is read here too, so a file is either sound as a
//! whole or has errors, and an unchanged file is never read twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::diagnostic::Severity;
use crate::api::manifest::{Decoded, KeyValues, Manifest, Metadata, decode};
use crate::api::yaml::{self, Document, Position};
use crate::api::{Diagnostic, SecretString};

use super::entry::{Connection, ConnectorEntry, Grant, Playbook, Rule};
use super::{DEFAULT_NAMESPACE, connector, playbook};

/// What was read from one file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its sound objects.
    pub(super) objects: Vec<Placed>,
    /// Its problems.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// An object with the document that it stands in.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub file: Arc<str>,
    pub document: Arc<Document>,
    pub object: Object,
}

/// An object of the catalog.
#[derive(Clone, Debug)]
pub(super) enum Object {
    Playbook(Arc<Playbook>),
    Rule(Arc<Rule>),
    Connection(Arc<Connection>),
    Connector(Arc<ConnectorEntry>),
    Grant(Arc<Grant>),
    Secret(Arc<Keys<SecretString>>),
    ConfigMap(Arc<Keys<String>>),
}

/// The texts of a Secret or ConfigMap.
#[derive(Clone, Debug)]
pub(super) struct Keys<V> {
    pub namespace: String,
    pub name: String,
    pub data: BTreeMap<String, V>,
}

/// Kind, namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ObjectKey {
    pub kind: &'static str,
    pub namespace: String,
    pub name: String,
}

impl Object {
    /// Kind, namespace and name.
    pub fn key(&self) -> ObjectKey {
        let (kind, namespace, name) = match self {
            Self::Playbook(object) => ("Playbook", &object.namespace, &object.name),
            Self::Rule(object) => ("AutomationRule", &object.namespace, &object.name),
            Self::Connection(object) => ("ApiConnection", &object.namespace, &object.name),
            Self::Connector(object) => ("Connector", &object.namespace, &object.name),
            Self::Grant(object) => ("PlaybookGrant", &object.namespace, &object.name),
            Self::Secret(object) => ("Secret", &object.namespace, &object.name),
            Self::ConfigMap(object) => ("ConfigMap", &object.namespace, &object.name),
        };
        ObjectKey {
            kind,
            namespace: namespace.clone(),
            name: name.clone(),
        }
    }
}

impl Source {
    /// Reads the text of a file. The name of the file is only shown, but that `.json` files must be JSON.
    pub fn read(file: &str, text: &str) -> Self {
        let documents = if file.ends_with(".json") {
            yaml::parse_json(text).map(|one| vec![one])
        } else {
            yaml::parse(text)
        };
        match documents {
            Ok(documents) => {
                let mut reader = Reader {
                    file: file.into(),
                    source: Self {
                        objects: Vec::new(),
                        diagnostics: Vec::new(),
                    },
                };
                documents.into_iter().for_each(|document| reader.document(document));
                reader.source
            }
            Err(problem) => Self::broken(problem.error(file)),
        }
    }

    /// A file that could not be read at all.
    pub(super) fn broken(diagnostic: Diagnostic) -> Self {
        Self {
            objects: Vec::new(),
            diagnostics: vec![diagnostic],
        }
    }

    /// Whether the file has errors.
    pub fn is_broken(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Whether a document is an ARM template rather than a manifest.
fn is_arm_template(document: &Document) -> bool {
    let schema = document.json.get("$schema").and_then(serde_json::Value::as_str);
    schema.is_some_and(|schema| schema.to_lowercase().contains("deploymenttemplate"))
}

struct Reader {
    file: Arc<str>,
    source: Source,
}

impl Reader {
    fn document(&mut self, document: Document) {
        let file = self.file.clone();
        let warnings = document.warnings.iter().map(|warning| warning.warning(&file));
        self.source.diagnostics.extend(warnings);
        if is_arm_template(&document) {
            self.arm_template(&document);
            return;
        }
        match decode(&document, &file) {
            Ok(Decoded::Manifest(manifest)) => self.manifest(*manifest, document),
            Ok(Decoded::Foreign { api_version, kind }) => self.foreign(&document, &api_version, &kind),
            Err(errors) => self.source.diagnostics.extend(errors),
        }
    }

    /// ARM templates are not read in place yet: their manifests come in by `riposte import`.
    fn arm_template(&mut self, document: &Document) {
        let message = "an ARM template is not read in place; `riposte import` makes manifests of it";
        let place = document.nearest("/$schema");
        self.source
            .diagnostics
            .push(Diagnostic::note(&self.file, place, "ArmTemplate", message));
    }

    fn foreign(&mut self, document: &Document, api_version: &str, kind: &str) {
        let message = if kind.is_empty() && api_version.is_empty() {
            "this is no manifest and is passed over".to_owned()
        } else {
            format!("`{kind}` of `{api_version}` is not read by Riposte and is passed over")
        };
        let place = document.position("/kind").unwrap_or(Position::START);
        self.source
            .diagnostics
            .push(Diagnostic::note(&self.file, place, "ForeignObject", message));
    }

    fn manifest(&mut self, manifest: Manifest, document: Document) {
        let file = self.file.to_string();
        let object = match manifest {
            Manifest::Playbook(object) => {
                match playbook::read(object, &document, &file, &mut self.source.diagnostics) {
                    Some(playbook) => Object::Playbook(Arc::new(playbook)),
                    None => return,
                }
            }
            Manifest::AutomationRule(object) => {
                let (namespace, name) = named(object.metadata);
                Object::Rule(Arc::new(Rule {
                    namespace,
                    name,
                    spec: object.spec,
                    file,
                }))
            }
            Manifest::ApiConnection(object) => {
                let annotations = object.metadata.annotations.clone();
                let (namespace, name) = named(object.metadata);
                Object::Connection(Arc::new(Connection {
                    namespace,
                    name,
                    annotations,
                    spec: object.spec,
                    file,
                }))
            }
            Manifest::Connector(object) => {
                let (namespace, name) = named(object.metadata);
                let connector = connector::inline(&name, &object.spec, &document, &file, &mut self.source.diagnostics);
                Object::Connector(Arc::new(ConnectorEntry {
                    namespace,
                    name,
                    spec: object.spec,
                    connector,
                    file,
                }))
            }
            Manifest::PlaybookGrant(object) => {
                let (namespace, name) = named(object.metadata);
                Object::Grant(Arc::new(Grant {
                    namespace,
                    name,
                    spec: object.spec,
                    file,
                }))
            }
            Manifest::Secret(secret) => Object::Secret(Arc::new(keys(secret))),
            Manifest::ConfigMap(map) => Object::ConfigMap(Arc::new(keys(map))),
        };
        self.source.objects.push(Placed {
            file: self.file.clone(),
            document: Arc::new(document),
            object,
        });
    }
}

fn keys<V>(object: KeyValues<V>) -> Keys<V> {
    let (namespace, name) = named(object.metadata);
    Keys {
        namespace,
        name,
        data: object.data,
    }
}

/// Namespace and name.
pub(super) fn named(metadata: Metadata) -> (String, String) {
    (
        metadata.namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
        metadata.name,
    )
}
