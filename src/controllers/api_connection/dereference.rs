//! What the catalog has of a connection, and what it names and is not there.

use crate::api::Diagnostic;
use crate::connectors::{Connections as _, ResolvedConnection};
use crate::controllers::context::Context;
use crate::controllers::progress::Seen;

pub(super) struct Dereferenced {
    /// The connection with every reference read, or what is missing.
    pub resolved: Result<ResolvedConnection, String>,
    /// What it names and is not there.
    pub missing: Vec<Diagnostic>,
    /// Why Secrets and ConfigMaps of its namespace could not be read.
    pub unreadable: Vec<String>,
    /// Whether a person has to change the connection itself.
    pub playbooks: usize,
}

pub(super) fn dereference(seen: &Seen<'_>, context: &Context) -> Dereferenced {
    let catalog = &seen.snapshot.catalog;
    let (namespace, name) = (seen.namespace(), seen.name());
    let here = catalog.playbooks().filter(|playbook| playbook.namespace == namespace);
    let uses = here.filter(|playbook| {
        let mut bindings = playbook.spec.connections.iter();
        bindings.any(|binding| binding.connection_ref.name == name)
    });
    Dereferenced {
        resolved: context.catalog.connection(namespace, name),
        missing: catalog.problems("ApiConnection", namespace, name).to_vec(),
        unreadable: seen.snapshot.absent(namespace).map(str::to_owned).collect(),
        playbooks: uses.count(),
    }
}
