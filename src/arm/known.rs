//! Which connectors and operations there are: asked through a trait, because the catalogue lives in another room.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::open::interpolation_length;

/// The connectors that can be called.
pub trait KnownConnectors {
    /// Whether there is a connector of this name.
    fn knows(&self, connector: &str) -> bool;
    /// Whether the connector has an operation. `path` is as the workflow writes it, expressions (`@{…}`) included.
    fn knows_operation(&self, connector: &str, method: &str, path: &str) -> bool;
}

/// The connectors that are built in, by name alone; every operation of them counts as known.
pub struct BuiltInConnectors;

impl KnownConnectors for BuiltInConnectors {
    fn knows(&self, connector: &str) -> bool {
        matches!(
            connector,
            "azuresentinel" | "microsoftsentinel" | "virustotal" | "azureloganalyticsdatacollector"
        )
    }

    fn knows_operation(&self, connector: &str, _method: &str, _path: &str) -> bool {
        self.knows(connector)
    }
}

/// Connectors that imported templates describe, in front of others.
pub struct DescribedConnectors<'a> {
    others: &'a dyn KnownConnectors,
    /// Method and segments of each operation, by connector.
    operations: BTreeMap<String, Vec<(String, Vec<String>)>>,
}

impl<'a> DescribedConnectors<'a> {
    /// The `Connector` manifests among these, in front of `others`.
    pub fn new<'m>(manifests: impl IntoIterator<Item = &'m Json>, others: &'a dyn KnownConnectors) -> Self {
        let connectors = manifests.into_iter().filter(|manifest| manifest["kind"] == "Connector");
        let operations = connectors.filter_map(|manifest| {
            let name = manifest["metadata"]["name"].as_str()?;
            Some((name.to_owned(), operations(&manifest["spec"]["openapi"]["inline"])))
        });
        Self {
            others,
            operations: operations.collect(),
        }
    }
}

impl KnownConnectors for DescribedConnectors<'_> {
    fn knows(&self, connector: &str) -> bool {
        self.operations.contains_key(connector) || self.others.knows(connector)
    }

    fn knows_operation(&self, connector: &str, method: &str, path: &str) -> bool {
        let Some(operations) = self.operations.get(connector) else {
            return self.others.knows_operation(connector, method, path);
        };
        let Some(called) = segments(path) else { return true };
        operations
            .iter()
            .any(|(known, segments)| known.eq_ignore_ascii_case(method) && matches(segments, &called))
    }
}

/// The operations of an OpenAPI document, each with and without the base path.
fn operations(document: &Json) -> Vec<(String, Vec<String>)> {
    let base = document["basePath"]
        .as_str()
        .unwrap_or_default()
        .trim_matches('/')
        .to_owned();
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut found = Vec::new();
    for (path, methods) in paths {
        for method in methods.as_object().into_iter().flat_map(|methods| methods.keys()) {
            for whole in [path.clone(), format!("/{base}{path}")] {
                found.extend(segments(&whole).map(|segments| (method.clone(), segments)));
            }
        }
    }
    found
}

/// The segments of a path with `{}` for what is computed; `None` where all of it is.
fn segments(path: &str) -> Option<Vec<String>> {
    if path.starts_with('@') && !path.starts_with("@{") {
        return None;
    }
    let mut plain = String::new();
    let mut rest = path;
    while let Some(start) = rest.find("@{") {
        plain.push_str(&rest[..start]);
        plain.push_str("{}");
        rest = &rest[start + interpolation_length(&rest[start..])..];
    }
    plain.push_str(rest);
    let plain = plain.split('?').next().unwrap_or_default();
    Some(
        plain
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(str::to_lowercase)
            .collect(),
    )
}

fn matches(known: &[String], called: &[String]) -> bool {
    let fits = |(known, called): (&String, &String)| known.contains('{') || called.contains('{') || known == called;
    known.len() == called.len() && known.iter().zip(called).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn described_operations_are_matched_by_method_and_path() {
        let manifest = serde_json::json!({
            "kind": "Connector", "metadata": {"name": "geo"},
            "spec": {"openapi": {"inline": {"basePath": "/v2", "paths": {"/ip/{address}/info": {"get": {}}}}}}
        });
        let known = DescribedConnectors::new([&manifest], &BuiltInConnectors);
        assert!(known.knows("geo") && known.knows("virustotal") && !known.knows("teams"));
        let cases = [
            ("get", "/ip/@{encodeURIComponent(item()?['a/b'])}/info", true),
            ("GET", "/v2/IP/1.2.3.4/info", true),
            ("get", "@concat('/ip/', variables('x'))", true),
            ("post", "/ip/@{variables('x')}/info", false),
            ("get", "/ip/@{variables('x')}", false),
        ];
        for (method, path, expected) in cases {
            assert_eq!(known.knows_operation("geo", method, path), expected, "{method} {path}");
        }
    }
}
