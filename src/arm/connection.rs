//! `Microsoft.Web/connections` to ApiConnection manifests. What is secret, by its type or its name, becomes a reference
//! to a key of a Secret named as the connection; its value never gets into a manifest.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::manifest;
use super::name::{dns_label, secret_key, unique};
use super::open::OpenValues;
use super::secret::names_connection_secret;
use super::template::Resource;
use super::verdict::Finding;
use crate::api::ApiConnectionSpec;
use crate::api::identity::MANAGED_IDENTITY;
use crate::api::reference::{KeyRef, NamedValue, ValueSource};
use crate::expression::Value;

/// The annotation that names the custom connector of a connection as Azure does.
pub(super) const CUSTOM_API: &str = "riposte.dev/custom-api";
/// The annotation that says how a connection signs in where Azure does it without a secret.
pub(super) const AUTHENTICATION: &str = "riposte.dev/authentication";

/// A connection of the file.
pub(super) struct Connection {
    /// Its name in Azure.
    azure_name: String,
    /// Name of the ApiConnection.
    pub name: String,
    /// Name of the connector.
    pub connector: String,
    /// Whether the file says which connector it is of.
    is_of_known_connector: bool,
    /// What people see, the values of its parameters, and what Azure knows about it.
    display_name: Option<String>,
    parameters: Vec<NamedValue>,
    origin: Origin,
    /// JSON pointer to its resource in the file, or to the one that needs it.
    pub pointer: String,
    /// Whether the file does not hold it.
    pub is_assumed: bool,
    /// The ApiConnection; there once [`Connections::finish`] was called.
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
        let id = id.as_str().unwrap_or_default();
        forgive(&mut findings, |pointer| {
            pointer.eq_ignore_ascii_case("/properties/api/id")
        });
        let known = connector_name(id);
        let is_of_known_connector = known.is_some();
        let connector = known.unwrap_or_else(|| {
            findings.push(Finding::advice(format!(
                "connection `{azure_name}` does not say its connector"
            )));
            dns_label(&azure_name, "connector")
        });
        let managed_identity = plain(&["parameterValueType"]).is_some_and(|kind| {
            kind.as_str()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("Alternative"))
        });
        let name = unique(dns_label(&azure_name, &connector), &mut self.taken);
        let display_name = plain(&["displayName"]).and_then(|value| value.as_str().map(str::to_owned));
        let parameters = parameters(&properties, &name, opens, &mut findings);
        let origin = Origin {
            custom_api: custom_api(id),
            managed_identity,
        };
        self.all.push(Connection {
            azure_name,
            name,
            connector,
            is_of_known_connector,
            display_name,
            parameters,
            origin,
            pointer: resource.pointer.clone(),
            is_assumed: false,
            manifest: Json::Null,
            findings,
        });
    }

    /// The connection that a workflow wants; one that the file does not hold is assumed, for the resource at `pointer`.
    pub(super) fn find_or_assume(&mut self, wanted: &Wanted, pointer: &str) -> &mut Connection {
        let is_named = |connection: &Connection| connection.azure_name.eq_ignore_ascii_case(&wanted.azure_name);
        let fits = |connection: &Connection| {
            !wanted.is_explicit || !connection.is_of_known_connector || connection.connector == wanted.connector
        };
        let known = self.all.iter().position(|one| is_named(one) && fits(one));
        let index = known.unwrap_or_else(|| {
            let name = unique(dns_label(&wanted.azure_name, &wanted.connector), &mut self.taken);
            let other = self.all.iter().find(|one| is_named(one));
            let reason = match other {
                Some(other) => format!(
                    "connection `{}` is of connector `{}` in the template, but the workflow calls connector `{}` through it: \
                     give ApiConnection `{name}` its parameters",
                    other.name, other.connector, wanted.connector
                ),
                None => format!("connection `{name}` is not part of the template: give it its parameters"),
            };
            self.all.push(Connection {
                azure_name: wanted.azure_name.clone(),
                name,
                connector: wanted.connector.clone(),
                is_of_known_connector: true,
                display_name: None,
                parameters: Vec::new(),
                origin: Origin::default(),
                pointer: pointer.to_owned(),
                is_assumed: true,
                manifest: Json::Null,
                findings: vec![Finding::advice(reason)],
            });
            self.all.len() - 1
        });
        let connection = &mut self.all[index];
        if wanted.is_explicit && !connection.is_of_known_connector {
            connection.connector.clone_from(&wanted.connector);
            connection.is_of_known_connector = true;
        }
        let origin = &mut connection.origin;
        origin.managed_identity |= wanted.origin.managed_identity;
        if origin.custom_api.is_none() {
            origin.custom_api.clone_from(&wanted.origin.custom_api);
        }
        connection
    }

    /// Writes the ApiConnections, once all workflows have said what they know about them.
    pub(super) fn finish(&mut self) {
        for connection in &mut self.all {
            let display_name = connection.display_name.clone();
            let spec = ApiConnectionSpec {
                connector: connection.connector.clone(),
                display_name: display_name.filter(|name| !name.is_empty()),
                parameters: connection.parameters.clone(),
                authentication: None,
                base_url: None,
                hosts: Vec::new(),
                allowed_networks: Vec::new(),
                limits: None,
                brakes: None,
            };
            let annotations = connection.origin.annotations();
            let name = &connection.name;
            connection.manifest = manifest::object("ApiConnection", name, &self.namespace, annotations, &spec);
        }
    }
}

/// What a connection is in Azure, where the name of its connector does not tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Origin {
    /// Name of its custom connector in Azure.
    pub custom_api: Option<String>,
    /// Whether it signs in as the workflow.
    pub managed_identity: bool,
}

impl Origin {
    fn annotations(&self) -> Json {
        let mut annotations = serde_json::Map::new();
        if let Some(name) = &self.custom_api {
            annotations.insert(CUSTOM_API.to_owned(), Json::from(name.as_str()));
        }
        if self.managed_identity {
            annotations.insert(AUTHENTICATION.to_owned(), Json::from(MANAGED_IDENTITY));
        }
        Json::Object(annotations)
    }
}

/// What a workflow calls through a name of `$connections`.
pub(super) struct Wanted {
    /// The name.
    pub alias: String,
    /// Name of the connection in Azure.
    pub azure_name: String,
    /// Name of the connector.
    pub connector: String,
    /// Whether the workflow says its connector.
    pub is_explicit: bool,
    /// What the connection is in Azure.
    pub origin: Origin,
}

/// Turns faults at places that another place makes up for into advice.
pub(super) fn forgive(findings: &mut [Finding], at: impl Fn(&str) -> bool) {
    for finding in findings.iter_mut().filter(|finding| at(&finding.pointer)) {
        *finding = Finding::advice(format!("{}: {}", finding.pointer, finding.reason));
    }
}

/// Name of the custom connector of an id.
pub(super) fn custom_api(id: &str) -> Option<String> {
    let mut segments = id
        .split('/')
        .skip_while(|segment| !segment.eq_ignore_ascii_case("customApis"));
    let name = segments
        .nth(1)
        .filter(|name| !name.is_empty() && !id.starts_with('['))?;
    Some(name.to_owned())
}

/// The connector of an id: what follows `managedApis` or `customApis`, else the last segment.
/// An id that stays an expression tells it only where it is written out.
pub(super) fn connector_name(id: &str) -> Option<String> {
    let id = id
        .split_once("')]")
        .filter(|_| id.starts_with('['))
        .map_or(id, |(written, _)| written);
    let segments: Vec<&str> = id.split('/').filter(|segment| !segment.is_empty()).collect();
    let at = segments
        .iter()
        .position(|segment| segment.eq_ignore_ascii_case("managedApis") || segment.eq_ignore_ascii_case("customApis"));
    let name = at
        .and_then(|at| segments.get(at + 1))
        .or_else(|| segments.last().filter(|_| at.is_none()))?;
    if id.starts_with('[') && (at.is_none() || name.contains('\'')) {
        return None;
    }
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
            (
                "[concat('/providers/Microsoft.Web/locations/', [x], '/managedApis/teams')]",
                Some("teams"),
            ),
            (
                "[concat('/providers/Microsoft.Web/customApis/', parameters('None'))]",
                None,
            ),
            ("[nothing()]", None),
            ("/subscriptions/s/providers/Microsoft.Web/customApis/", None),
            ("", None),
        ];
        for (id, expected) in cases {
            assert_eq!(connector_name(id).as_deref(), expected, "{id}");
        }
    }
}
