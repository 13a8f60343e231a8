//! `Microsoft.Web/connections` to ApiConnection manifests. What is secret, by its type or its name, becomes a reference
//! to a key of a Secret named as the connection; its value never gets into a manifest.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::manifest;
use super::name::{dns_label, secret_key, unique};
use super::open::OpenValues;
use super::secret::names_connection_secret;
use super::template::Resource;
use super::verdict::Finding;
use crate::api::ApiConnectionSpec;
use crate::api::reference::{KeyRef, NamedValue, ValueSource};
use crate::expression::Value;

/// A connection of the file.
pub(super) struct Connection {
    /// Its name in Azure.
    azure_name: String,
    /// Name of the ApiConnection.
    pub name: String,
    /// Name of the connector.
    pub connector: String,
    /// JSON pointer to its resource in the file, or to the one that needs it.
    pub pointer: String,
    /// Whether the file does not hold it.
    pub is_assumed: bool,
    /// The ApiConnection.
    pub manifest: Json,
    /// What the reader should know about it.
    pub findings: Vec<Finding>,
}

/// The connections of a file.
pub(super) struct Connections {
    namespace: String,
    taken: HashSet<String>,
    /// In the order of the file.
    pub all: Vec<Connection>,
}

impl Connections {
    pub(super) fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            taken: HashSet::new(),
            all: Vec::new(),
        }
    }

    /// Adds the connection that a resource describes.
    pub(super) fn add(&mut self, resource: &Resource) {
        let mut findings = Vec::new();
        let azure_name = resource.name(&mut findings);
        let properties = resource.resolve("properties", &mut findings);
        let opens = &resource.scope.session.opens;
        let plain = |path: &[&str]| properties.at(path).map(|value| opens.plain(value));
        let id = plain(&["api", "id"])
            .or_else(|| plain(&["api", "name"]))
            .unwrap_or_default();
        let connector = connector_name(id.as_str().unwrap_or_default()).unwrap_or_else(|| {
            findings.push(Finding::advice(format!(
                "connection `{azure_name}` does not say its connector"
            )));
            dns_label(&azure_name, "connector")
        });
        let name = unique(dns_label(&azure_name, &connector), &mut self.taken);
        let display_name = plain(&["displayName"]).and_then(|value| value.as_str().map(str::to_owned));
        let parameters = parameters(&properties, &name, opens, &mut findings);
        let manifest = self.manifest(&name, &connector, display_name, parameters);
        self.all.push(Connection {
            azure_name,
            name,
            connector,
            pointer: resource.pointer.clone(),
            is_assumed: false,
            manifest,
            findings,
        });
    }

    /// The connection of a name in Azure; one that the file does not hold is assumed to be of `connector`, for the
    /// resource at `pointer`.
    pub(super) fn find_or_assume(&mut self, azure_name: &str, connector: &str, pointer: &str) -> &Connection {
        let known = self
            .all
            .iter()
            .position(|connection| connection.azure_name.eq_ignore_ascii_case(azure_name));
        let index = known.unwrap_or_else(|| {
            let name = unique(dns_label(azure_name, connector), &mut self.taken);
            let reason = format!("connection `{name}` is not part of the template: give it its parameters");
            let manifest = self.manifest(&name, connector, None, Vec::new());
            self.all.push(Connection {
                azure_name: azure_name.to_owned(),
                name,
                connector: connector.to_owned(),
                pointer: pointer.to_owned(),
                is_assumed: true,
                manifest,
                findings: vec![Finding::advice(reason)],
            });
            self.all.len() - 1
        });
        &self.all[index]
    }

    fn manifest(&self, name: &str, connector: &str, display_name: Option<String>, parameters: Vec<NamedValue>) -> Json {
        let spec = ApiConnectionSpec {
            connector: connector.to_owned(),
            display_name: display_name.filter(|name| !name.is_empty()),
            parameters,
            authentication: None,
            base_url: None,
            hosts: Vec::new(),
            allowed_networks: Vec::new(),
        };
        manifest::object("ApiConnection", name, &self.namespace, json!({}), &spec)
    }
}

/// The connector of an id: what follows `managedApis` or `customApis`, else the last segment.
pub(super) fn connector_name(id: &str) -> Option<String> {
    let segments: Vec<&str> = id.split('/').filter(|segment| !segment.is_empty()).collect();
    let at = segments
        .iter()
        .position(|segment| segment.eq_ignore_ascii_case("managedApis") || segment.eq_ignore_ascii_case("customApis"));
    let name = at
        .and_then(|at| segments.get(at + 1))
        .or_else(|| segments.last().filter(|_| at.is_none()))?;
    Some(dns_label(name, "connector"))
}

/// The values that the template gives to the connection, wherever it writes them.
fn parameters(
    properties: &Value,
    connection: &str,
    opens: &OpenValues,
    findings: &mut Vec<Finding>,
) -> Vec<NamedValue> {
    let mut given: Vec<(String, Value)> = Vec::new();
    for member in ["parameterValues", "customParameterValues", "alternativeParameterValues"] {
        let values = properties.get(member).and_then(Value::as_object);
        given.extend(
            values
                .into_iter()
                .flat_map(|values| values.iter())
                .map(|(name, value)| (name.to_string(), value.clone())),
        );
    }
    let set = properties
        .at(&["parameterValueSet", "values"])
        .and_then(Value::as_object);
    given.extend(
        set.into_iter()
            .flat_map(|values| values.iter())
            .map(|(name, value)| (name.to_string(), value.get("value").cloned().unwrap_or_default())),
    );
    let mut seen = HashSet::new();
    given.retain(|(name, _)| seen.insert(name.to_lowercase()));
    given
        .into_iter()
        .map(|(name, value)| parameter(name, &value, connection, opens, findings))
        .collect()
}

fn parameter(
    name: String,
    value: &Value,
    connection: &str,
    opens: &OpenValues,
    findings: &mut Vec<Finding>,
) -> NamedValue {
    let marks: Vec<_> = opens
        .marks_in(value)
        .into_iter()
        .filter_map(|index| opens.get(index))
        .collect();
    if names_connection_secret(&name) || marks.iter().any(|open| open.is_secure()) {
        let key = secret_key(&name);
        findings.push(Finding::advice(format!(
            "create key `{key}` of Secret `{connection}`: parameter `{name}` of the connection is secret"
        )));
        let source = ValueSource::SecretKeyRef(KeyRef {
            name: connection.to_owned(),
            key,
        });
        return NamedValue {
            name,
            value: None,
            value_from: Some(source),
        };
    }
    findings.extend(marks.iter().map(|open| {
        Finding::advice(format!(
            "{}: complete parameter `{name}` of connection `{connection}`",
            open.why
        ))
    }));
    NamedValue {
        name,
        value: Some(Json::from(&opens.plain(value))),
        value_from: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connectors_are_named_by_their_id() {
        let cases = [
            (
                "/subscriptions/s/providers/Microsoft.Web/locations/l/managedApis/AzureSentinel",
                Some("azuresentinel"),
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/customApis/My Api",
                Some("my-api"),
            ),
            ("keyvault", Some("keyvault")),
            ("/subscriptions/s/providers/Microsoft.Web/customApis/", None),
            ("", None),
        ];
        for (id, expected) in cases {
            assert_eq!(connector_name(id).as_deref(), expected, "{id}");
        }
    }
}
