//! Which Secrets and ConfigMaps, and which keys of them, the objects of a catalog name. Nothing else is ever read. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::api_connection::Authentication;
use crate::api::connector::OpenApiSource;
use crate::api::reference::{NamedValue, ValueSource};
use crate::catalog::Catalog;

/// Secret or ConfigMap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum TextKind {
    Secret,
    ConfigMap,
}

impl TextKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

/// One Secret or ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TextRef {
    pub kind: TextKind,
    pub namespace: String,
    pub name: String,
}

/// What is named, with its keys.
pub(super) type Wanted = BTreeMap<TextRef, BTreeSet<String>>;

/// Everything that the objects of a catalog name.
pub(super) fn wanted(catalog: &Catalog) -> Wanted {
    let mut collector = Collector::default();
    for playbook in catalog.playbooks() {
        collector.values(&playbook.namespace, &playbook.spec.parameters);
        collector.values(&playbook.namespace, &playbook.spec.app_settings);
    }
    for connection in catalog.connections() {
        let namespace = &connection.namespace;
        collector.values(namespace, &connection.spec.parameters);
        match &connection.spec.authentication {
            None => {}
            Some(Authentication::Basic(basic)) => collector.source(namespace, &basic.password_from),
            Some(Authentication::Header(header)) => collector.source(namespace, &header.value_from),
            Some(Authentication::Bearer(bearer)) => collector.source(namespace, &bearer.token_from),
            Some(Authentication::ClientCredentials(client)) => {
                collector.source(namespace, &client.client_secret_from);
            }
        }
    }
    for connector in catalog.connectors() {
        match &connector.spec.openapi {
            OpenApiSource::Inline(_) => {}
            OpenApiSource::ConfigMapKeyRef(key) => {
                collector.add(TextKind::ConfigMap, &connector.namespace, &key.name, &key.key);
            }
        }
    }
    collector.wanted
}

#[derive(Default)]
struct Collector {
    wanted: Wanted,
}

impl Collector {
    fn values(&mut self, namespace: &str, values: &[NamedValue]) {
        let sources = values.iter().filter_map(|value| value.value_from.as_ref());
        sources.for_each(|source| self.source(namespace, source));
    }

    fn source(&mut self, namespace: &str, source: &ValueSource) {
        match source {
            ValueSource::SecretKeyRef(key) => self.add(TextKind::Secret, namespace, &key.name, &key.key),
            ValueSource::ConfigMapKeyRef(key) => self.add(TextKind::ConfigMap, namespace, &key.name, &key.key),
        }
    }

    fn add(&mut self, kind: TextKind, namespace: &str, name: &str, key: &str) {
        let text = TextRef {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        self.wanted.entry(text).or_default().insert(key.to_owned());
    }
}
