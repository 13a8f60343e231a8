//! The built-in connectors: manifests of kind Connector, in the same form as a user's own. Data, not code.

use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

use super::spec::Connector;
use crate::api::{ConnectorSpec, yaml};

/// Each name that playbooks use, and its manifest. A connector that was renamed stands under both names.
const MANIFESTS: &[(&str, &str)] = &[
    ("approval", include_str!("catalog/approval.yaml")),
    ("azurefunctions", include_str!("catalog/azurefunctions.yaml")),
    ("azuremonitorlogs", include_str!("catalog/azuremonitorlogs.yaml")),
    (
        "azureloganalyticsdatacollector",
        include_str!("catalog/azureloganalyticsdatacollector.yaml"),
    ),
    ("azuresentinel", include_str!("catalog/azuresentinel.yaml")),
    ("microsoftsentinel", include_str!("catalog/azuresentinel.yaml")),
    ("managedidentity", include_str!("catalog/managedidentity.yaml")),
    ("virustotal", include_str!("catalog/virustotal.yaml")),
];

static BUILT_IN: LazyLock<Vec<Arc<Connector>>> = LazyLock::new(|| {
    let read = MANIFESTS.iter().map(|(name, text)| read(name, text).map(Arc::new));
    read.collect::<Result<_, _>>()
        .expect("the built-in manifests are constants, and a test reads them all")
});

/// The built-in connector of this name.
pub fn built_in(name: &str) -> Option<Arc<Connector>> {
    all()
        .iter()
        .find(|connector| connector.name.eq_ignore_ascii_case(name))
        .cloned()
}

/// All built-in connectors.
pub fn all() -> &'static [Arc<Connector>] {
    &BUILT_IN
}

fn read(name: &str, text: &str) -> Result<Connector, String> {
    let documents = yaml::parse(text).map_err(|problem| format!("{name}:{}: {problem}", problem.position))?;
    let manifest = documents
        .into_iter()
        .next()
        .map(|document| document.json)
        .unwrap_or_default();
    let spec = manifest.get("spec").cloned().unwrap_or(Json::Null);
    let spec: ConnectorSpec = serde_json::from_value(spec).map_err(|error| format!("{name}: {error}"))?;
    Connector::read(name, &spec).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manifest_is_read_and_its_paths_are_told_apart() {
        assert_eq!(all().len(), MANIFESTS.len());
        for connector in all() {
            for operation in &connector.operations {
                let path = operation.path.fill(|_| Some("x")).unwrap();
                let found = connector
                    .find(&operation.method, &path)
                    .map(|found| found.operation.id.clone());
                assert_eq!(found.as_deref(), Some(operation.id.as_str()), "{}", connector.name);
                for place in operation.real.path.parameters() {
                    assert!(
                        operation.path.parameters().any(|name| name == place),
                        "{}: {place}",
                        operation.id
                    );
                }
            }
        }
    }
}
