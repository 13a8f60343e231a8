//! The text of a file -> the objects in it. A playbook's definition is read here too, so a file is either sound as a
//! whole or has errors, and an unchanged file is never read twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::diagnostic::Severity;
use crate::api::manifest::{Decoded, KeyValues, Manifest, Metadata, decode};
use crate::api::yaml::{self, Document, Position};
use crate::api::{Diagnostic, SecretString};
use crate::arm;
use crate::definition::Limits;

use super::entry::{Connection, ConnectorEntry, Grant, Playbook, Rule};
use super::place::Place;
use super::{DEFAULT_NAMESPACE, connector, playbook};

/// What was read from one file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its sound objects.
    pub(super) objects: Vec<Placed>,
    /// Its problems.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// An object with its place.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub place: Place,
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
    /// Reads one object that is given as JSON, as the API server has it. Its name stands for the file in diagnostics.
    pub fn read_json(name: &str, text: &str) -> Self {
        Self::read_json_within(name, text, Limits::default())
    }

    /// The same within other limits of playbooks.
    pub fn read_json_within(name: &str, text: &str, limits: Limits) -> Self {
        Self::of(name, yaml::parse_json(text).map(|document| vec![document]), limits)
    }

    /// Reads the text of a file. Its name is shown, names a playbook that has no other name, and says that `.json` files
    /// must be JSON; templates may have in them what Azure tolerates.
    pub fn read(file: &str, text: &str) -> Self {
        Self::read_within(file, text, Limits::default())
    }

    /// The same within other limits of playbooks.
    pub fn read_within(file: &str, text: &str, limits: Limits) -> Self {
        let is_json = file.to_ascii_lowercase().ends_with(".json");
        Self::of(file, if is_json { json(text) } else { yaml::parse(text) }, limits)
    }

    fn of(file: &str, documents: Result<Vec<Document>, yaml::Problem>, limits: Limits) -> Self {
        let documents = match documents {
            Ok(documents) => documents,
            Err(problem) => return Self::broken(problem.error(file)),
        };
        let mut reader = Reader {
            file: file.into(),
            limits,
            source: Self {
                objects: Vec::new(),
                diagnostics: Vec::new(),
            },
        };
        documents.into_iter().for_each(|document| reader.document(document));
        reader.source
    }

    /// A file that could not be read at all.
    pub(super) fn broken(diagnostic: Diagnostic) -> Self {
        Self {
            objects: Vec::new(),
            diagnostics: vec![diagnostic],
        }
    }

    /// The same, but with the objects of what was read before if this is broken.
    #[must_use]
    pub fn or_objects_of(mut self, before: Self) -> Self {
        if self.is_broken() {
            self.objects = before.objects;
        }
        self
    }

    /// Its problems, in the order in which they were found.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether the file has errors.
    pub fn is_broken(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// The document of a JSON text; of one that is no strict JSON only if it is something to import.
fn json(text: &str) -> Result<Vec<Document>, yaml::Problem> {
    let read = yaml::parse_json(text).or_else(|problem| {
        let tolerated = yaml::parse_json(&arm::strict_json(text)).ok();
        let template = tolerated.filter(|document| arm::is_importable(&document.json));
        template.ok_or(problem)
    });
    read.map(|document| vec![document])
}

/// Reads the documents of one file.
pub(super) struct Reader {
    pub(super) file: Arc<str>,
    pub(super) limits: Limits,
    pub(super) source: Source,
}

impl Reader {
    fn document(&mut self, document: Document) {
        let file = self.file.clone();
        let warnings = document.warnings.iter().map(|warning| warning.warning(&file));
        self.source.diagnostics.extend(warnings);
        if arm::is_importable(&document.json) {
            self.template(document);
            return;
        }
        match decode(&document, &file) {
            Ok(Decoded::Manifest(manifest)) => {
                let document = Arc::new(document.without_value());
                let place = Place {
                    file,
                    document,
                    part: None,
                };
                self.manifest(*manifest, place);
            }
            // Tests lie beside what they test; `riposte test` reads them.
            Ok(Decoded::Test) => {}
            Ok(Decoded::Foreign { api_version, kind }) => self.foreign(&document, &api_version, &kind),
            Err(errors) => self.source.diagnostics.extend(errors),
        }
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

    /// A kind that only a cluster has.
    fn only_in_clusters(&mut self, kind: &str, place: &Place) {
        let message = format!("a `{kind}` does nothing here; it is for a cluster");
        let position = place.document.position("/kind").unwrap_or(Position::START);
        self.source
            .diagnostics
            .push(Diagnostic::note(&self.file, position, "OnlyInClusters", message));
    }

    /// Takes the object of a manifest.
    pub(super) fn manifest(&mut self, manifest: Manifest, place: Place) {
        let file = self.file.to_string();
        let object = match manifest {
            Manifest::Playbook(object) => {
                let Some(playbook) = playbook::read(object, &place, self.limits, &mut self.source.diagnostics) else {
                    return;
                };
                Object::Playbook(Arc::new(playbook))
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
                let connector = connector::inline(&name, &object.spec, &place, &mut self.source.diagnostics);
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
            manifest @ (Manifest::PlaybookRun(_)
            | Manifest::AnalyticsRule(_)
            | Manifest::Incident(_)
            | Manifest::ContentRepository(_)) => return self.only_in_clusters(manifest.kind(), &place),
            Manifest::Secret(secret) => Object::Secret(Arc::new(keys(secret))),
            Manifest::ConfigMap(map) => Object::ConfigMap(Arc::new(keys(map))),
        };
        self.source.objects.push(Placed { place, object });
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
