//! Which connectors there are: the built-in ones, and in front of them those that imported templates describe.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::api::ConnectorSpec;
use crate::connectors::{Connector, catalog};

/// The connectors that can be called.
pub trait KnownConnectors: Sync {
    /// The connector of this name.
    fn connector(&self, name: &str) -> Option<Arc<Connector>>;
}

/// The connectors that are built in.
pub struct BuiltInConnectors;

impl KnownConnectors for BuiltInConnectors {
    fn connector(&self, name: &str) -> Option<Arc<Connector>> {
        catalog::built_in(name)
    }
}

/// Connectors that imported templates describe, in front of others.
pub struct DescribedConnectors<'a> {
    others: &'a dyn KnownConnectors,
    described: BTreeMap<String, Arc<Connector>>,
}

impl<'a> DescribedConnectors<'a> {
    /// The `Connector` manifests among these, in front of `others`. Those that cannot be read are not there.
    pub fn new<'m>(manifests: impl IntoIterator<Item = &'m Json>, others: &'a dyn KnownConnectors) -> Self {
        let connectors = manifests.into_iter().filter(|manifest| manifest["kind"] == "Connector");
        let described = connectors.filter_map(|manifest| {
            let name = manifest["metadata"]["name"].as_str()?;
            let spec: ConnectorSpec = serde_json::from_value(manifest["spec"].clone()).ok()?;
            let connector = Connector::read(name, &spec).ok()?;
            Some((name.to_owned(), Arc::new(connector)))
        });
        Self {
            others,
            described: described.collect(),
        }
    }
}

impl KnownConnectors for DescribedConnectors<'_> {
    fn connector(&self, name: &str) -> Option<Arc<Connector>> {
        self.described
            .get(name)
            .cloned()
            .or_else(|| self.others.connector(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn described_connectors_stand_in_front_of_the_built_in_ones() {
        let manifest = |name: &str, version: &str| {
            serde_json::json!({"kind": "Connector", "metadata": {"name": name},
                "spec": {"openapi": {"inline": {"swagger": version, "paths": {"/x": {"get": {}}}}}}})
        };
        let manifests = [
            manifest("geo", "2.0"),
            manifest("virustotal", "2.0"),
            manifest("odd", "1.2"),
        ];
        let known = DescribedConnectors::new(&manifests, &BuiltInConnectors);
        assert_eq!(known.connector("geo").unwrap().operations.len(), 1);
        assert_eq!(known.connector("virustotal").unwrap().operations.len(), 1);
        assert!(known.connector("azuresentinel").unwrap().operations.len() > 1);
        assert!(known.connector("odd").is_none() && known.connector("teams").is_none());
    }
}
