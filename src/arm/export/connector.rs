//! `Connector` to `Microsoft.Web/customApis`: the inline OpenAPI document, its address and what a connection gives.

use super::{Draft, resource};
use crate::api::ConnectorSpec;
use crate::api::connector::{ConnectionParameter, OpenApiSource};
use crate::api::manifest::Object as Item;
use crate::arm::connector::authentication;
use crate::expression::{Object, Value};

impl Draft<'_> {
    pub(super) fn connector(&mut self, connector: &Item<ConnectorSpec>) {
        let name = &connector.metadata.name;
        let spec = &connector.spec;
        let OpenApiSource::Inline(document) = &spec.openapi else {
            self.note(format!(
                "Connector `{name}` takes its OpenAPI document from a ConfigMap: only an inline one can be exported"
            ));
            return;
        };
        let document = Value::from(document);
        if spec.authentication.is_some() && spec.authentication != authentication(&document, &spec.parameters) {
            self.note(format!(
                "`authentication` of Connector `{name}` has no counterpart in Azure: describe it by \
                 `securityDefinitions` of its document"
            ));
        }
        let mut properties = Object::new();
        properties.insert("apiType", "Rest");
        let display_name = spec.display_name.as_deref().unwrap_or(name);
        properties.insert("displayName", self.places.text(display_name));
        if let Some(description) = &spec.description {
            properties.insert("description", self.places.text(description));
        }
        if let Some(base_url) = &spec.base_url {
            let address = Value::from(self.places.text(base_url));
            properties.insert("backendService", Value::object([("serviceUrl", address)]));
        }
        let parameters = spec.parameters.iter();
        let parameters = parameters.map(|parameter| (parameter.name.as_str(), self.connection_parameter(parameter)));
        properties.insert("connectionParameters", Value::object(parameters));
        properties.insert("swagger", self.places.write(&document));
        let azure_name = self.connections.connector_name(name).unwrap_or(name).to_owned();
        let azure_name = Value::from(self.places.text(&azure_name));
        let rest = [("properties", Value::from(properties))];
        self.resources
            .push(resource("Microsoft.Web/customApis", "2016-06-01", azure_name, rest));
    }

    fn connection_parameter(&self, parameter: &ConnectionParameter) -> Value {
        let kind = if parameter.secure { "securestring" } else { "string" };
        let required = if parameter.optional { "false" } else { "true" };
        let mut shown = Object::new();
        shown.insert("displayName", self.places.text(&parameter.name));
        if let Some(description) = &parameter.description {
            shown.insert("description", self.places.text(description));
        }
        shown.insert("constraints", Value::object([("required", required)]));
        Value::object([("type", Value::from(kind)), ("uiDefinition", Value::from(shown))])
    }
}
