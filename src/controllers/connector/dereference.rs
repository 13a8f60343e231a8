//! What the catalog has of a connector.

use std::sync::Arc;

use crate::api::Diagnostic;
use crate::connectors::Connector;
use crate::controllers::progress::Seen;

/// A connector's document, read, or what is wrong with it.
pub(super) struct Dereferenced {
    pub connector: Option<Arc<Connector>>,
    /// What it names and does not find.
    pub missing: Vec<Diagnostic>,
    /// What is wrong with a document that stands in a ConfigMap.
    pub broken: Vec<Diagnostic>,
}

pub(super) fn dereference(seen: &Seen<'_>) -> Dereferenced {
    let catalog = &seen.snapshot.catalog;
    let (namespace, name) = (seen.namespace(), seen.name());
    let file = format!("Connector/{namespace}/{name}");
    let broken = catalog.diagnostics.iter();
    let broken = broken.filter(|diagnostic| diagnostic.file == file && diagnostic.code == "InvalidOpenApi");
    Dereferenced {
        connector: catalog
            .connector(namespace, name)
            .and_then(|entry| entry.connector.clone()),
        missing: catalog.problems("Connector", namespace, name).to_vec(),
        broken: broken.cloned().collect(),
    }
}
