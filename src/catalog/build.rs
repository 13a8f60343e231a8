//! Sources -> snapshot. Pure: the same sources in the same order give the same catalog.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::api::Diagnostic;

use super::references;
use super::snapshot::Catalog;
use super::source::{Object, ObjectKey, Placed, Source};

impl Catalog {
    /// Builds a catalog of what was read from files, in the order of the files.
    pub fn build<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Self {
        let mut catalog = Self::default();
        let mut places: BTreeMap<ObjectKey, &Placed> = BTreeMap::new();
        for source in sources {
            catalog.diagnostics.extend(source.diagnostics.iter().cloned());
            for placed in &source.objects {
                match places.entry(placed.object.key()) {
                    Entry::Occupied(first) => catalog.diagnostics.push(given_twice(first.key(), first.get(), placed)),
                    Entry::Vacant(place) => {
                        place.insert(placed);
                        catalog.insert(&placed.object);
                    }
                }
            }
        }
        for rules in catalog.rules.values_mut() {
            rules.sort_by(|left, right| (left.spec.order, &left.name).cmp(&(right.spec.order, &right.name)));
        }
        for (key, placed) in places {
            let problems = references::check(&catalog, placed);
            if !problems.is_empty() {
                catalog.diagnostics.extend(problems.iter().cloned());
                catalog.problems.insert(key, problems);
            }
        }
        catalog
            .diagnostics
            .sort_by(|left, right| (&left.file, left.line, left.column).cmp(&(&right.file, right.line, right.column)));
        catalog
    }

    fn insert(&mut self, object: &Object) {
        let ObjectKey { namespace, name, .. } = object.key();
        match object {
            Object::Playbook(playbook) => self.playbooks.insert(&namespace, &name, playbook.clone()),
            Object::Rule(rule) => self.rules.entry(namespace).or_default().push(rule.clone()),
            Object::Connection(connection) => self.connections.insert(&namespace, &name, connection.clone()),
            Object::Connector(connector) => self.connectors.insert(&namespace, &name, connector.clone()),
            Object::Grant(grant) => self.grants.entry(namespace).or_default().push(grant.clone()),
            Object::Secret(secret) => self.secrets.insert(&namespace, &name, secret.clone()),
            Object::ConfigMap(map) => self.config_maps.insert(&namespace, &name, map.clone()),
        }
    }
}

/// The same object in two places: the first counts.
fn given_twice(key: &ObjectKey, first: &Placed, second: &Placed) -> Diagnostic {
    let place = |placed: &Placed| placed.document.nearest("/metadata/name");
    let ObjectKey { kind, namespace, name } = key;
    let (file, position) = (&first.file, place(first));
    let message = format!("{kind} `{namespace}/{name}` is already given at {file}:{position}; remove one");
    Diagnostic::error(&second.file, place(second), "DuplicateObject", message)
}
