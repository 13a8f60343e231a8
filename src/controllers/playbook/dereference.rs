//! What the catalog has of a playbook, and the connections that it needs.

use std::sync::Arc;

use crate::api::Diagnostic;
use crate::api::status::ConnectionNeed;
use crate::catalog::Playbook;
use crate::controllers::context::Context;
use crate::controllers::progress::Seen;
use crate::definition;
use crate::engine::subscription::Subscription;

pub(super) struct Dereferenced {
    pub playbook: Option<Arc<Playbook>>,
    /// What it names and is not there, or does not fit.
    pub problems: Vec<Diagnostic>,
    /// The connections that its definition names, sorted.
    pub needs: Vec<ConnectionNeed>,
    /// How the subscription of its trigger stands, if it has one.
    pub subscription: Option<Subscription>,
}

pub(super) fn dereference(seen: &Seen<'_>, context: &Context) -> Dereferenced {
    let catalog = &seen.snapshot.catalog;
    let (namespace, name) = (seen.namespace(), seen.name());
    let playbook = catalog.playbook(namespace, name).cloned();
    let need = |alias: String, playbook: &Playbook| {
        let mut bindings = playbook.spec.connections.iter();
        let binding = bindings.find(|binding| binding.name.eq_ignore_ascii_case(&alias));
        let bound = binding.map(|binding| binding.connection_ref.name.clone());
        let connection = bound.as_deref().and_then(|bound| catalog.connection(namespace, bound));
        ConnectionNeed {
            name: alias,
            connector: connection.map(|connection| connection.spec.connector.clone()),
            connected: connection.and_then(|connection| context.tests.last(namespace, &connection.name)),
            connection: bound,
        }
    };
    let needs = playbook.as_deref().map(|playbook| {
        let aliases = definition::connections(&playbook.workflow).into_iter();
        aliases.map(|alias| need(alias, playbook)).collect()
    });
    let subscriptions = context.subscriptions.borrow();
    let subscription = subscriptions.get(&(namespace.to_owned(), name.to_owned())).cloned();
    Dereferenced {
        subscription,
        problems: catalog.problems("Playbook", namespace, name).to_vec(),
        needs: needs.unwrap_or_default(),
        playbook,
    }
}
