//! `Microsoft.Web/customApis` to Connector manifests: the inline OpenAPI document, its address, what a connection gives
//! and how calls authenticate with that.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::connection::forgive;
use super::manifest;
use super::name::{dns_label, unique};
use super::template::Resource;
use super::verdict::{Finding, Verdict};
use crate::api::ConnectorSpec;
use crate::api::connector::{
    BasicTemplate, ConnectionParameter, ConnectorAuthentication, HeaderTemplate, OpenApiSource,
};
use crate::connectors;
use crate::expression::Value;

/// A custom connector of the file.
pub(super) struct Connector {
    /// Name of the Connector.
    pub name: String,
    /// JSON pointer to its resource in the file.
    pub pointer: String,
    /// The Connector; `None` where the template does not hold its OpenAPI document.
    pub manifest: Option<Json>,
    /// What the reader should know about it.
    pub findings: Vec<Finding>,
}

/// Reads the connector that a resource describes.
pub(super) fn read(resource: &Resource, namespace: &str, taken: &mut HashSet<String>) -> Connector {
    let mut findings = Vec::new();
    let azure_name = resource.name(&mut findings);
    let name = unique(dns_label(&azure_name, "connector"), taken);
    let properties = resource.resolve("properties", &mut findings);
    let properties = resource.scope.session.opens.plain(&properties);
    let at_host = |pointer: &str| pointer == "/properties/swagger/host";
    let host_is_open = findings.iter().any(|finding| at_host(&finding.pointer));
    forgive(&mut findings, at_host);
    let text = |path: &[&str]| {
        let text = properties.at(path).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let Some(document) = properties
        .get("swagger")
        .filter(|document| document.as_object().is_some())
    else {
        findings.push(without_document(&name, &text));
        return Connector {
            name,
            pointer: resource.pointer.clone(),
            manifest: None,
            findings,
        };
    };
    let document = &if host_is_open {
        without_host(document)
    } else {
        document.clone()
    };
    let base_url = text(&["backendService", "serviceUrl"]);
    if base_url.is_none() && document.get("host").and_then(Value::as_str).is_none_or(str::is_empty) {
        findings.push(Finding::advice(format!(
            "give connector `{name}` its `baseUrl`: the template leaves it open"
        )));
    }
    let mut parameters = parameters(properties.get("connectionParameters"), &name, &mut findings);
    let address = base_url.as_deref().unwrap_or_default();
    declare_places(address, &name, &mut parameters, &mut findings);
    let authentication = authentication(document, &parameters);
    let spec = ConnectorSpec {
        display_name: text(&["displayName"]),
        description: text(&["description"]),
        openapi: OpenApiSource::Inline(Json::from(document)),
        base_url,
        parameters,
        authentication,
    };
    if let Err(error) = connectors::Connector::read(&name, &spec) {
        findings.push(Finding::new(Verdict::Unsupported, "InvalidOpenApi", error.to_string()));
    }
    let annotations = if azure_name == name || azure_name.is_empty() {
        json!({})
    } else {
        json!({manifest::DISPLAY_NAME: azure_name})
    };
    let manifest = manifest::object("Connector", &name, namespace, annotations, &spec);
    Connector {
        name,
        pointer: resource.pointer.clone(),
        manifest: Some(manifest),
        findings,
    }
}

/// What is said of a connector whose OpenAPI document is not in the template.
fn without_document(name: &str, text: &dyn Fn(&[&str]) -> Option<String>) -> Finding {
    let link = ["modifiedSwaggerUrl", "originalSwaggerUrl"];
    let link = link.iter().find_map(|member| text(&["apiDefinitions", member]));
    let reason = match link {
        Some(link) => format!(
            "the OpenAPI document of connector `{name}` is not in the template: read it at {link} and write the Connector \
             yourself"
        ),
        None => format!("connector `{name}` has no OpenAPI document in the template"),
    };
    Finding::new(Verdict::Unsupported, "MissingOpenApi", reason)
}

/// The document without the host that the template failed to say.
fn without_host(document: &Value) -> Value {
    let mut members = document.as_object().cloned().unwrap_or_default();
    members.remove("host");
    Value::from(members)
}

/// What a connection gives; sign-in dialogues and gateways of Azure have no counterpart.
fn parameters(declared: Option<&Value>, connector: &str, findings: &mut Vec<Finding>) -> Vec<ConnectionParameter> {
    let mut parameters = Vec::new();
    for (name, parameter) in declared
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|members| members.iter())
    {
        let kind = parameter
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase();
        if !matches!(kind.as_str(), "string" | "securestring" | "int" | "bool") {
            findings.push(Finding::advice(format!(
                "connector `{connector}`: parameter `{name}` of type `{kind}` has no counterpart; \
                 set `authentication` of the connection"
            )));
            continue;
        }
        let required = parameter
            .at(&["uiDefinition", "constraints", "required"])
            .cloned()
            .unwrap_or_default();
        let description = parameter.at(&["uiDefinition", "description"]).and_then(Value::as_str);
        parameters.push(ConnectionParameter {
            name: name.to_string(),
            secure: kind == "securestring",
            optional: required.as_bool() == Some(false) || required.as_str() == Some("false"),
            description: description.map(str::to_owned),
        });
    }
    parameters
}

/// Declares what stands in braces in an address: Azure leaves it to the one who deploys, here a connection gives it.
fn declare_places(
    address: &str,
    connector: &str,
    parameters: &mut Vec<ConnectionParameter>,
    findings: &mut Vec<Finding>,
) {
    let places = address.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    for (place, _) in places {
        if parameters.iter().any(|parameter| parameter.name == place) || place.is_empty() {
            continue;
        }
        findings.push(Finding::advice(format!(
            "connector `{connector}`: the address needs `{place}`; give each connection that parameter"
        )));
        parameters.push(ConnectionParameter {
            name: place.to_owned(),
            secure: false,
            optional: false,
            description: Some("Part of the address of the service".to_owned()),
        });
    }
}

/// How calls authenticate: the first security definition of the document that the parameters can serve.
pub(super) fn authentication(document: &Value, parameters: &[ConnectionParameter]) -> Option<ConnectorAuthentication> {
    let definitions = document.get("securityDefinitions").and_then(Value::as_object)?;
    definitions.iter().find_map(|(_, definition)| {
        let text = |name: &str| definition.get(name).and_then(Value::as_str);
        match (text("type")?, text("in")) {
            ("basic", _) => {
                let named = |name: &str| {
                    parameters
                        .iter()
                        .find(|parameter| parameter.name.eq_ignore_ascii_case(name))
                };
                Some(ConnectorAuthentication::Basic(BasicTemplate {
                    username: named("username")?.name.clone(),
                    password: named("password")?.name.clone(),
                }))
            }
            ("apiKey", Some(place)) => {
                let parameter = parameters.iter().find(|parameter| parameter.secure)?;
                let value = format!("{{{}}}", parameter.name);
                let template = HeaderTemplate {
                    name: text("name")?.to_owned(),
                    value,
                };
                match place {
                    "header" => Some(ConnectorAuthentication::Header(template)),
                    "query" => Some(ConnectorAuthentication::Query(template)),
                    _ => None,
                }
            }
            _ => None,
        }
    })
}
