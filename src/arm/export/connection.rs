//! `ApiConnection` to `Microsoft.Web/connections`, and how a workflow names them. Secrets become parameters without a
//! value.

use std::collections::{HashMap, HashSet};

use super::literal::quoted;
use super::{Draft, azure_name, resource};
use crate::api::identity::{IDENTITY_CONNECTOR, MANAGED_IDENTITY};
use crate::api::manifest::Object as Item;
use crate::api::playbook::ConnectionBinding;
use crate::api::reference::{NamedValue, ValueSource};
use crate::api::{ApiConnectionSpec, ConnectorSpec};
use crate::arm::connection::{AUTHENTICATION, CUSTOM_API};
use crate::arm::workflow::connector_of_alias;
use crate::expression::{Object, Value};

/// The connections and connectors that a template holds.
pub(super) struct Connections<'a> {
    all: HashMap<&'a str, &'a Item<ApiConnectionSpec>>,
    /// The name in Azure of each connector.
    connectors: HashMap<&'a str, String>,
}

impl<'a> Connections<'a> {
    pub(super) fn new(connectors: &[&'a Item<ConnectorSpec>], connections: &[&'a Item<ApiConnectionSpec>]) -> Self {
        let mut taken = HashSet::new();
        let connectors = connectors.iter().map(|one| {
            let name = azure_name(&one.metadata, "connector", &mut taken);
            (one.metadata.name.as_str(), name)
        });
        Self {
            connectors: connectors.collect(),
            all: connections
                .iter()
                .map(|one| (one.metadata.name.as_str(), *one))
                .collect(),
        }
    }

    /// The name in Azure of a connector of the template.
    pub(super) fn connector_name(&self, name: &str) -> Option<&str> {
        self.connectors.get(name).map(String::as_str)
    }

    /// Whether a connection signs in as the workflow.
    pub(super) fn signs_in_as_workflow(&self, name: &str) -> bool {
        self.all.get(name).is_some_and(|one| signs_in_as_workflow(one))
    }

    /// Whether a binding stands for a managed identity: in Azure that is no connection.
    pub(super) fn is_identity(&self, binding: &ConnectionBinding) -> bool {
        let connection = self.all.get(binding.connection_ref.name.as_str());
        connection.is_some_and(|one| one.spec.connector.eq_ignore_ascii_case(IDENTITY_CONNECTOR))
    }

    /// The expression for the id of the API of a connection.
    fn api(&self, connection: &Item<ApiConnectionSpec>) -> String {
        let connector = connection.spec.connector.as_str();
        let custom = connection.metadata.annotations.get(CUSTOM_API).map(String::as_str);
        match custom.or_else(|| self.connector_name(connector)) {
            Some(name) => format!("[{}]", id_of("customApis", name)),
            None => managed_api(connector),
        }
    }
}

fn signs_in_as_workflow(connection: &Item<ApiConnectionSpec>) -> bool {
    let kind = connection.metadata.annotations.get(AUTHENTICATION);
    kind.is_some_and(|kind| kind == MANAGED_IDENTITY)
}

fn managed_api(connector: &str) -> String {
    format!(
        "[subscriptionResourceId('Microsoft.Web/locations/managedApis', parameters('location'), {})]",
        quoted(connector)
    )
}

/// The expression for the id of a resource of the template.
fn id_of(kind: &str, name: &str) -> String {
    format!("resourceId('Microsoft.Web/{kind}', {})", quoted(name))
}

impl Draft<'_> {
    pub(super) fn connection(&mut self, connection: &Item<ApiConnectionSpec>) {
        let name = &connection.metadata.name;
        let spec = &connection.spec;
        let has_no_counterpart =
            spec.authentication.is_some() || spec.base_url.is_some() || !spec.allowed_networks.is_empty();
        if has_no_counterpart || !spec.hosts.is_empty() {
            self.note(format!(
                "ApiConnection `{name}`: `authentication`, `baseUrl`, `hosts` and `allowedNetworks` have no counterpart in Azure"
            ));
        }
        let mut properties = Object::new();
        if let Some(display_name) = &spec.display_name {
            properties.insert("displayName", self.places.text(display_name));
        }
        let values = spec.parameters.iter();
        let values: Object = values
            .map(|value| (value.name.as_str(), self.connection_value(name, value)))
            .collect();
        let signs_in = signs_in_as_workflow(connection);
        if signs_in {
            properties.insert("parameterValueType", "Alternative");
        }
        if !signs_in || !values.is_empty() {
            properties.insert("parameterValues", values);
        }
        let api = self.connections.api(connection);
        properties.insert("api", Value::object([("id", api)]));
        let mut rest = Vec::new();
        if let Some(connector) = self.connections.connector_name(&spec.connector) {
            rest.push(("dependsOn", depends_on([id_of("customApis", connector)])));
        }
        rest.push(("properties", Value::from(properties)));
        let resource = resource(
            "Microsoft.Web/connections",
            "2016-06-01",
            Value::from(name.as_str()),
            rest,
        );
        self.resources.push(resource);
    }

    fn connection_value(&mut self, connection: &str, value: &NamedValue) -> Value {
        let kind = match &value.value_from {
            None => {
                let given = value.value.as_ref().map(Value::from).unwrap_or_default();
                return self.places.write(&given);
            }
            Some(ValueSource::SecretKeyRef(_)) => "securestring",
            Some(ValueSource::ConfigMapKeyRef(_)) => "string",
        };
        let description = format!("Parameter {} of connection {connection}", value.name);
        self.parameters
            .declare(&format!("{connection}-{}", value.name), kind, None, &description)
    }

    /// The value of `$connections` of a workflow, and what it depends on.
    pub(super) fn bindings(&mut self, playbook: &str, bindings: &[ConnectionBinding]) -> (Value, Option<Value>) {
        let mut value = Object::new();
        let mut depends: Vec<String> = Vec::new();
        for binding in bindings {
            let name = &binding.connection_ref.name;
            let api = match self.connections.all.get(name.as_str()) {
                Some(connection) => {
                    depends.push(id_of("connections", name));
                    self.connections.api(connection)
                }
                None => {
                    self.note(format!(
                        "ApiConnection `{name}` of Playbook `{playbook}` is not among the manifests: it must exist in the \
                         resource group"
                    ));
                    managed_api(&connector_of_alias(&binding.name))
                }
            };
            let mut entry: Object = [
                ("connectionId", format!("[{}]", id_of("connections", name))),
                ("connectionName", name.clone()),
                ("id", api),
            ]
            .into_iter()
            .collect();
            if self.connections.signs_in_as_workflow(name) {
                let signs_in = Value::object([("type", MANAGED_IDENTITY)]);
                entry.insert("connectionProperties", Value::object([("authentication", signs_in)]));
            }
            value.insert(self.places.text(&binding.name), entry);
        }
        depends.sort();
        depends.dedup();
        let depends = (!depends.is_empty()).then(|| depends_on(depends));
        (Value::from(value), depends)
    }
}

fn depends_on(ids: impl IntoIterator<Item = String>) -> Value {
    Value::array(ids.into_iter().map(|id| Value::from(format!("[{id}]"))))
}
