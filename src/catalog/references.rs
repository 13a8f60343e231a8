//! References from one object to another. What is missing is a warning: it may come later, and until then only what
//! needs it fails.

use std::sync::Arc;

use crate::api::api_connection::Authentication;
use crate::api::automation_rule::{RuleAction, TriggersOn};
use crate::api::connector::OpenApiSource;
use crate::api::reference::{KeyRef, NamedValue, ValueSource};
use crate::api::{Diagnostic, nearest};
use crate::connectors::{self, Called, Connector};
use crate::definition;
use crate::definition::workflow::{CallAction, CallTarget};
use crate::expression::Template;

use super::answers;
use super::entry::{Connection, ConnectorEntry, Playbook, Rule};
use super::place::Place;
use super::playbook;
use super::snapshot::Catalog;
use super::source::{Object, Placed};

/// What an object names but the catalog does not have.
pub(super) fn check(catalog: &Catalog, placed: &Placed) -> Vec<Diagnostic> {
    let mut checker = Checker {
        catalog,
        placed,
        found: Vec::new(),
    };
    match &placed.object {
        Object::Playbook(playbook) => checker.playbook(playbook),
        Object::Rule(rule) => checker.rule(rule),
        Object::Connection(connection) => checker.connection(connection),
        Object::Connector(connector) => checker.connector(connector),
        Object::Grant(_) | Object::Secret(_) | Object::ConfigMap(_) => {}
    }
    checker.found
}

struct Checker<'a> {
    catalog: &'a Catalog,
    placed: &'a Placed,
    found: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn warn(&mut self, pointer: &str, code: &str, message: String) {
        let Place { file, .. } = &self.placed.place;
        let position = self.placed.place.of(pointer);
        self.found.push(Diagnostic::warning(file, position, code, message));
    }

    fn playbook(&mut self, playbook: &Playbook) {
        let namespace = &playbook.namespace;
        for (index, binding) in playbook.spec.connections.iter().enumerate() {
            let name = &binding.connection_ref.name;
            if self.catalog.connection(namespace, name).is_none() {
                let message = format!("ApiConnection `{namespace}/{name}` does not exist");
                self.warn(
                    &format!("/spec/connections/{index}/connectionRef/name"),
                    "MissingConnection",
                    message,
                );
            }
        }
        for alias in definition::connections(&playbook.workflow) {
            if !playbook
                .spec
                .connections
                .iter()
                .any(|binding| binding.name.eq_ignore_ascii_case(&alias))
            {
                let message =
                    format!("the definition uses connection `{alias}`, which `spec.connections` does not name");
                self.warn("/spec/connections", "UnboundConnection", message);
            }
        }
        self.found
            .extend(answers::check(self.catalog, playbook, &self.placed.place));
        self.parameters(playbook);
        self.settings(playbook);
        self.named_values(namespace, "/spec/parameters", &playbook.spec.parameters);
        self.named_values(namespace, "/spec/appSettings", &playbook.spec.app_settings);
        for (action, call) in definition::calls(&playbook.workflow) {
            if let Some(action) = action
                && let Some(message) = self.unknown_operation(playbook, call)
            {
                let Place { file, .. } = &self.placed.place;
                let is_by_id = matches!(call.target, CallTarget::Operation { .. });
                let place = if is_by_id { "host/operationId" } else { "path" };
                let pointer = format!("{}/inputs/{place}", action.pointer);
                let position = playbook::position(&playbook.spec, &self.placed.place, &pointer);
                self.found
                    .push(Diagnostic::warning(file, position, "UnknownOperation", message));
            }
        }
    }

    /// What is wrong with a call whose connector is known and has no such operation.
    fn unknown_operation(&self, playbook: &Playbook, call: &CallAction) -> Option<String> {
        let connector = connector_of(self.catalog, playbook, call)?;
        if let CallTarget::Operation {
            operation, parameters, ..
        } = &call.target
        {
            return wrong_operation(&connector, operation, parameters.as_ref());
        }
        let Template::Literal(method) = &call.method else {
            return None;
        };
        let method = method.as_str()?.to_uppercase();
        let Called::Unknown(path) = connector.called(&method, &call.path) else {
            return None;
        };
        let nearest = connector.nearest(&method, &path).join("`, `");
        Some(format!(
            "connector `{}` has no operation `{method} {path}`; the nearest are `{nearest}`",
            connector.name
        ))
    }

    /// Values without declaration, and declarations without value.
    fn parameters(&mut self, playbook: &Playbook) {
        let declared = &playbook.workflow.parameters;
        for (index, value) in playbook.spec.parameters.iter().enumerate() {
            if !declared
                .iter()
                .any(|parameter| parameter.name.eq_ignore_ascii_case(&value.name))
            {
                let message = format!("the definition declares no parameter `{}`", value.name);
                self.warn(&format!("/spec/parameters/{index}/name"), "UnknownParameter", message);
            }
        }
        for parameter in declared {
            let is_given = parameter.default.is_some()
                || parameter.name.eq_ignore_ascii_case("$connections")
                || playbook
                    .spec
                    .parameters
                    .iter()
                    .any(|value| value.name.eq_ignore_ascii_case(&parameter.name));
            if !is_given {
                let message = format!("parameter `{}` has neither a value nor a default", parameter.name);
                self.warn("/spec/parameters", "MissingParameter", message);
            }
        }
    }

    /// Settings that the definition reads and nothing gives.
    fn settings(&mut self, playbook: &Playbook) {
        let given = &playbook.spec.app_settings;
        for name in definition::app_settings(&playbook.workflow) {
            if !given.iter().any(|value| value.name.eq_ignore_ascii_case(&name)) {
                let message =
                    format!("the definition reads app setting `{name}`, which `spec.appSettings` does not give");
                self.warn("/spec/appSettings", "MissingAppSetting", message);
            }
        }
    }

    fn rule(&mut self, rule: &Rule) {
        for (index, action) in rule.spec.actions.iter().enumerate() {
            let RuleAction::RunPlaybook(target) = action else {
                continue;
            };
            let pointer = format!("/spec/actions/{index}/runPlaybook/name");
            let namespace = target.namespace.as_ref().unwrap_or(&rule.namespace);
            let name = &target.name;
            let Some(playbook) = self.catalog.playbook(namespace, name) else {
                let message = format!("Playbook `{namespace}/{name}` does not exist");
                self.warn(&pointer, "MissingPlaybook", message);
                continue;
            };
            let needed = match rule.spec.triggers_on {
                TriggersOn::Incidents => "Incident",
                TriggersOn::Alerts => "Alert",
            };
            let trigger = definition::trigger_kind(&playbook.workflow);
            if trigger != needed {
                let message = format!(
                    "Playbook `{namespace}/{name}` has a trigger of kind {trigger}; this rule needs one of kind {needed}"
                );
                self.warn(&pointer, "UnsupportedTrigger", message);
            }
        }
    }

    fn connection(&mut self, connection: &Connection) {
        let namespace = &connection.namespace;
        self.connector_of(connection);
        self.brakes(connection);
        self.named_values(namespace, "/spec/parameters", &connection.spec.parameters);
        let around = "/spec/authentication";
        match &connection.spec.authentication {
            None => {}
            Some(Authentication::Basic(basic)) => {
                self.value(namespace, &format!("{around}/basic/passwordFrom"), &basic.password_from);
            }
            Some(Authentication::Header(header)) => {
                self.value(namespace, &format!("{around}/header/valueFrom"), &header.value_from);
            }
            Some(Authentication::Bearer(bearer)) => {
                self.value(namespace, &format!("{around}/bearer/tokenFrom"), &bearer.token_from);
            }
            Some(Authentication::ClientCredentials(client)) => {
                let pointer = format!("{around}/clientCredentials/clientSecretFrom");
                self.value(namespace, &pointer, &client.client_secret_from);
            }
        }
    }

    /// The operations whose calls are limited: a name that is none would limit nothing.
    fn brakes(&mut self, connection: &Connection) {
        let connector = self
            .catalog
            .usable_connector(&connection.namespace, &connection.spec.connector);
        let limits = connection.spec.brakes.iter().flat_map(|brakes| &brakes.limits);
        let Some(connector) = connector else { return };
        for (index, limit) in limits.enumerate() {
            if connector.operation(&limit.operation).is_none() {
                let pointer = format!("/spec/brakes/limits/{index}/operation");
                self.warn(
                    &pointer,
                    "UnknownBrakeOperation",
                    connector.no_operation(&limit.operation),
                );
            }
        }
    }

    /// The connector of a connection, and the parameters that it wants. One that is there but broken says so itself.
    fn connector_of(&mut self, connection: &Connection) {
        let (namespace, name) = (&connection.namespace, &connection.spec.connector);
        let Some(connector) = self.catalog.usable_connector(namespace, name) else {
            if self.catalog.connector(namespace, name).is_none() {
                let own = self.catalog.connectors.iter().filter(|own| own.namespace == *namespace);
                let own = own.map(|own| own.name.as_str());
                let built_in = connectors::catalog::all().iter().map(|one| one.name.as_str());
                let near = nearest(name, own.chain(built_in));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                let message = format!("connector `{name}` is neither built in nor a Connector of `{namespace}`{hint}");
                self.warn("/spec/connector", "UnknownConnector", message);
            }
            return;
        };
        for parameter in &connector.parameters {
            let is_given = connection
                .spec
                .parameters
                .iter()
                .any(|given| given.name == parameter.name);
            // An authentication of the connection's own needs no secret of the connector.
            let is_replaced = parameter.secure && connection.spec.authentication.is_some();
            if !(parameter.optional || is_replaced || is_given) {
                let message = format!("connector `{name}` needs the parameter `{}`", parameter.name);
                self.warn("/spec/parameters", "MissingConnectionParameter", message);
            }
        }
    }

    fn connector(&mut self, connector: &ConnectorEntry) {
        match &connector.spec.openapi {
            OpenApiSource::Inline(_) => {}
            OpenApiSource::ConfigMapKeyRef(key) => {
                self.config_map_key(&connector.namespace, "/spec/openapi/configMapKeyRef", key);
            }
        }
    }

    fn named_values(&mut self, namespace: &str, list: &str, values: &[NamedValue]) {
        for (index, value) in values.iter().enumerate() {
            if let Some(source) = &value.value_from {
                self.value(namespace, &format!("{list}/{index}/valueFrom"), source);
            }
        }
    }

    fn value(&mut self, namespace: &str, pointer: &str, source: &ValueSource) {
        match source {
            ValueSource::SecretKeyRef(key) => {
                if self.catalog.secret(namespace, &key.name, &key.key).is_none() {
                    let message = format!(
                        "Secret `{namespace}/{}` does not exist or has no key `{}`",
                        key.name, key.key
                    );
                    self.warn(&format!("{pointer}/secretKeyRef/name"), "MissingSecretKey", message);
                }
            }
            ValueSource::ConfigMapKeyRef(key) => {
                self.config_map_key(namespace, &format!("{pointer}/configMapKeyRef"), key)
            }
        }
    }

    fn config_map_key(&mut self, namespace: &str, pointer: &str, key: &KeyRef) {
        if self.catalog.config_map(namespace, &key.name, &key.key).is_none() {
            let message = format!(
                "ConfigMap `{namespace}/{}` does not exist or has no key `{}`",
                key.name, key.key
            );
            self.warn(&format!("{pointer}/name"), "MissingConfigMapKey", message);
        }
    }
}

/// The connector of a call, if its connection and the connector are known.
pub(super) fn connector_of(catalog: &Catalog, playbook: &Playbook, call: &CallAction) -> Option<Arc<Connector>> {
    let namespace = &playbook.namespace;
    let alias = definition::connection_of(call)?;
    let mut bindings = playbook.spec.connections.iter();
    let binding = bindings.find(|binding| binding.name.eq_ignore_ascii_case(&alias))?;
    let connection = catalog.connection(namespace, &binding.connection_ref.name)?;
    catalog.usable_connector(namespace, &connection.spec.connector)
}

/// What is wrong with an operation that is called by its id, as far as the text tells.
fn wrong_operation(connector: &Connector, id: &Template, parameters: Option<&Template>) -> Option<String> {
    let Template::Literal(id) = id else { return None };
    let id = id.as_str()?;
    let Some(operation) = connector.operation(id) else {
        return Some(connector.no_operation(id));
    };
    let names: Vec<&str> = match parameters? {
        Template::Object(members) => members.iter().filter_map(|(name, _)| literal(name)).collect(),
        Template::Literal(value) => value.as_object()?.iter().map(|(name, _)| &**name).collect(),
        Template::Text(_) | Template::Expression(_) | Template::Array(_) => return None,
    };
    let unknown = names.into_iter().find(|name| operation.parameter(name).is_none())?;
    Some(operation.no_parameter(unknown))
}

fn literal(template: &Template) -> Option<&str> {
    match template {
        Template::Literal(value) => value.as_str(),
        Template::Text(_) | Template::Expression(_) | Template::Array(_) | Template::Object(_) => None,
    }
}
