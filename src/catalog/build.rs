//! Sources -> snapshot. Pure: the same sources in the same order give the same catalog.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::api::Diagnostic;

use super::entry::ConnectorEntry;
use super::place::NAME;
use super::snapshot::Catalog;
use super::source::{Object, ObjectKey, Placed, Source};
use super::{connector, references};

impl Catalog {
    /// Builds a catalog of what was read from files, in the order of the files.
    pub fn build<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Self {
        let mut catalog = Self::default();
        let mut places: BTreeMap<ObjectKey, &Placed> = BTreeMap::new();
        let mut objects = Vec::new();
        for source in sources {
            catalog.diagnostics.extend(source.diagnostics.iter().cloned());
            objects.extend(&source.objects);
        }
        // What is only needed gives way to what is written anywhere.
        objects.sort_by_key(|placed| placed.place.is_assumed());
        for placed in objects {
            match places.entry(placed.object.key()) {
                Entry::Occupied(first) if may_repeat(first.get(), placed) => {}
                Entry::Occupied(first) => catalog.diagnostics.push(given_twice(first.key(), first.get(), placed)),
                Entry::Vacant(place) => {
                    place.insert(placed);
                    catalog.insert(&placed.object);
                }
            }
        }
        for rules in catalog.rules.values_mut() {
            rules.sort_by(|left, right| (left.spec.order, &left.name).cmp(&(right.spec.order, &right.name)));
        }
        let broken = catalog.connect(places.values().copied());
        catalog.diagnostics.extend(broken);
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

    /// Reads the connectors whose documents stand in ConfigMaps; gives what is wrong with them.
    fn connect<'a>(&mut self, placed: impl Iterator<Item = &'a Placed>) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for placed in placed {
            let Object::Connector(entry) = &placed.object else {
                continue;
            };
            match connector::from_config_map(self, entry, &placed.place) {
                Ok(None) => {}
                Ok(connector) => {
                    let mut entry = ConnectorEntry::clone(entry);
                    entry.connector = connector;
                    let (namespace, name) = (entry.namespace.clone(), entry.name.clone());
                    self.connectors.insert(&namespace, &name, Arc::new(entry));
                }
                Err(problem) => problems.push(problem),
            }
        }
        problems
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

/// Templates bring along the connections that they need, so one connection may stand in several.
fn may_repeat(first: &Placed, second: &Placed) -> bool {
    let (Object::Connection(one), Object::Connection(other)) = (&first.object, &second.object) else {
        return false;
    };
    second.place.is_assumed() || second.place.part.is_some() && one.spec == other.spec
}

/// The same object in two places: the first counts.
fn given_twice(key: &ObjectKey, first: &Placed, second: &Placed) -> Diagnostic {
    let ObjectKey { kind, namespace, name } = key;
    let (file, position) = (&first.place.file, first.place.of(NAME));
    let message = format!("{kind} `{namespace}/{name}` is already given at {file}:{position}; remove one");
    Diagnostic::error(&second.place.file, second.place.of(NAME), "DuplicateObject", message)
}
