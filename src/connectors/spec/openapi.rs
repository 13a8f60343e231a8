//! Reads OpenAPI 2.0 and 3.x documents. Only what calls need is read; everything else is left to the document.
//! References are followed a few steps at most, so no document can make this loop.

use serde_json::{Map, Value as Json};

use super::parameter::{self, Parameter};
use super::{DefaultValue, Operation, PathTemplate, Place, Real};
use crate::api::connector::{BasicTemplate, ConnectionParameter, ConnectorAuthentication, HeaderTemplate};
use crate::connectors::approval::Form;
use crate::connectors::logs::Translation;
use crate::connectors::sentinel::NativeOperation;

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch"];
const REPEATABLE: &[&str] = &["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];
const REFERENCE_STEPS: usize = 8;

/// Follows `$ref` inside the document.
pub(in crate::connectors) fn resolve<'d>(document: &'d Json, node: &'d Json) -> &'d Json {
    let mut node = node;
    for _ in 0..REFERENCE_STEPS {
        let Some(reference) = node.get("$ref").and_then(Json::as_str) else {
            break;
        };
        let Some(target) = reference
            .strip_prefix('#')
            .and_then(|pointer| document.pointer(pointer))
        else {
            break;
        };
        node = target;
    }
    node
}

/// The address that the document names; `None` if it names none or only a relative one.
pub(super) fn base_url(document: &Json) -> Option<String> {
    if document.get("swagger").is_some() {
        let host = text(document, "host")?;
        let schemes = document.get("schemes").and_then(Json::as_array);
        let plain = schemes.is_some_and(|list| !list.is_empty() && !list.iter().any(|scheme| scheme == "https"));
        let base = text(document, "basePath").unwrap_or_default().trim_matches('/');
        let separator = if base.is_empty() { "" } else { "/" };
        return Some(format!(
            "{}://{host}{separator}{base}",
            if plain { "http" } else { "https" }
        ));
    }
    let server = document.pointer("/servers/0")?;
    let mut url = text(server, "url")?.to_owned();
    for (name, variable) in members(server.get("variables")) {
        if let Some(value) = text(variable, "default") {
            url = url.replace(&format!("{{{name}}}"), value);
        }
    }
    url.contains("://").then(|| url.trim_end_matches('/').to_owned())
}

/// The authentication that the document declares, filled from the connection's only secret parameter, or `api_key`.
pub(super) fn authentication(document: &Json, parameters: &[ConnectionParameter]) -> Option<ConnectorAuthentication> {
    let schemes = document
        .get("securityDefinitions")
        .or_else(|| document.pointer("/components/securitySchemes"));
    let scheme = members(schemes).next().map(|(_, scheme)| resolve(document, scheme))?;
    let mut secrets = parameters.iter().filter(|parameter| parameter.secure);
    let secret = secrets.next().map_or("api_key", |parameter| parameter.name.as_str());
    let template = |name: &str, prefix: &str| HeaderTemplate {
        name: name.to_owned(),
        value: format!("{prefix}{{{secret}}}"),
    };
    let basic = || {
        let user = parameters
            .iter()
            .find(|parameter| !parameter.secure)
            .map_or("username", |p| p.name.as_str());
        let password = if parameters.is_empty() { "password" } else { secret };
        ConnectorAuthentication::Basic(BasicTemplate {
            username: user.to_owned(),
            password: password.to_owned(),
        })
    };
    match (text(scheme, "type")?, text(scheme, "in"), text(scheme, "scheme")) {
        ("apiKey", Some("query"), _) => Some(ConnectorAuthentication::Query(template(text(scheme, "name")?, ""))),
        ("apiKey", _, _) => Some(ConnectorAuthentication::Header(template(text(scheme, "name")?, ""))),
        ("basic", _, _) | ("http", _, Some("basic")) => Some(basic()),
        ("http", _, Some("bearer")) => Some(ConnectorAuthentication::Header(template("Authorization", "Bearer "))),
        _ => None,
    }
}

/// All operations in the document's order.
pub(super) fn operations(document: &Json) -> Result<Vec<Operation>, String> {
    let version = text(document, "swagger")
        .or_else(|| text(document, "openapi"))
        .unwrap_or_default();
    if !version.starts_with("2.") && !version.starts_with("3.") {
        return Err("the document is not OpenAPI 2.0 or 3.x: 'swagger' or 'openapi' must give the version".to_owned());
    }
    let mut operations = Vec::new();
    for (path, item) in members(document.get("paths")) {
        let item = resolve(document, item);
        for method in METHODS {
            if let Some(node) = item.get(method) {
                operations.push(operation(document, path, method, item, node)?);
            }
        }
    }
    Ok(operations)
}

fn operation(document: &Json, path: &str, method: &str, item: &Json, node: &Json) -> Result<Operation, String> {
    let method = method.to_uppercase();
    let shown = path
        .strip_prefix("/{connectionId}")
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path);
    let parameters = || {
        let lists = [item.get("parameters"), node.get("parameters")];
        lists
            .into_iter()
            .flatten()
            .filter_map(Json::as_array)
            .flatten()
            .map(|entry| resolve(document, entry))
    };
    let real_text = text(node, "x-riposte-path").unwrap_or(shown);
    let (real_path, query) = real_text
        .split_once('?')
        .map_or((real_text, None), |(p, q)| (p, Some(q.to_owned())));
    let real_method = text(node, "x-riposte-method").map_or_else(|| method.clone(), str::to_uppercase);
    let native = match text(node, "x-riposte-operation") {
        None => None,
        Some(name) => Some(
            NativeOperation::named(name)
                .ok_or_else(|| format!("{method} {path}: x-riposte-operation '{name}' is unknown"))?,
        ),
    };
    let approval = match text(node, "x-riposte-approval") {
        None => None,
        Some(name) => {
            Some(Form::named(name).ok_or_else(|| format!("{method} {path}: x-riposte-approval '{name}' is unknown"))?)
        }
    };
    let translation = match text(node, "x-riposte-translation") {
        None => None,
        Some(name) => Some(
            Translation::named(name)
                .ok_or_else(|| format!("{method} {path}: x-riposte-translation '{name}' is unknown"))?,
        ),
    };
    let declared = node.get("x-riposte-safe-to-repeat").and_then(Json::as_bool);
    let repeatable = REPEATABLE.contains(&real_method.as_str()) || native.is_some() || approval.is_some();
    Ok(Operation {
        id: text(node, "operationId").map_or_else(|| format!("{method} {shown}"), str::to_owned),
        summary: text(node, "summary").unwrap_or_default().to_owned(),
        path: PathTemplate::read(shown),
        real: Real {
            method: real_method,
            path: PathTemplate::read(real_path),
            query,
        },
        double_encoded: parameters()
            .filter(|parameter| text(parameter, "x-ms-url-encoding") == Some("double"))
            .filter_map(|parameter| text(parameter, "name").map(str::to_owned))
            .collect(),
        parameters: parameters_of(document, node, parameters()),
        defaults: parameters().filter_map(default_value).collect(),
        consumes: consumes(document, node),
        response: response_schema(document, node),
        notification: item.pointer("/x-ms-notification-content/schema").cloned(),
        safe_to_repeat: declared.unwrap_or(repeatable),
        native,
        approval,
        translation,
        method,
    })
}

/// What the operation takes by name; where OpenAPI 3 declares a body, it is named `body`.
fn parameters_of<'d>(document: &Json, node: &Json, declared: impl Iterator<Item = &'d Json>) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = declared.filter_map(parameter::read).collect();
    if let Some(body) = node.get("requestBody").map(|body| resolve(document, body)) {
        parameters.push(Parameter::body(body.get("required").and_then(Json::as_bool)));
    }
    parameters
}

/// Required values of headers and queries that the document fixes; optional defaults are only what a form shows.
fn default_value(parameter: &Json) -> Option<DefaultValue> {
    let internal = text(parameter, "x-ms-visibility") == Some("internal");
    let required = parameter.get("required").and_then(Json::as_bool).unwrap_or_default();
    let place = match text(parameter, "in")? {
        "header" => Place::Header,
        "query" => Place::Query,
        _ => return None,
    };
    let value = parameter
        .get("default")
        .or_else(|| parameter.pointer("/schema/default"))?;
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let name = text(parameter, "name")?.to_owned();
    (internal || required).then_some(DefaultValue { place, name, value })
}

fn consumes(document: &Json, node: &Json) -> Option<String> {
    let listed = node.get("consumes").or_else(|| document.get("consumes"));
    if let Some(media) = listed.and_then(|list| list.get(0)).and_then(Json::as_str) {
        return Some(media.to_owned());
    }
    let body = resolve(document, node.get("requestBody")?);
    members(body.get("content")).next().map(|(media, _)| media.to_owned())
}

/// The schema of the first 2xx answer, else of `default`.
fn response_schema(document: &Json, node: &Json) -> Option<Json> {
    let responses = node.get("responses")?.as_object()?;
    let good = responses
        .iter()
        .filter(|(status, _)| status.starts_with('2'))
        .min_by_key(|(status, _)| status.as_str());
    let response = resolve(
        document,
        good.map(|(_, response)| response)
            .or_else(|| responses.get("default"))?,
    );
    if let Some(schema) = response.get("schema") {
        return Some(schema.clone());
    }
    let content = response.get("content")?.as_object()?;
    let media = content
        .iter()
        .find(|(media, _)| media.contains("json"))
        .or_else(|| content.iter().next())?
        .1;
    let mut schema = media.get("schema").cloned().unwrap_or_else(|| Json::Object(Map::new()));
    if let (Some(example), Some(object)) = (media.get("example"), schema.as_object_mut()) {
        object.insert("example".to_owned(), example.clone());
    }
    Some(schema)
}

fn text<'j>(node: &'j Json, name: &str) -> Option<&'j str> {
    node.get(name).and_then(Json::as_str)
}

fn members(node: Option<&Json>) -> impl Iterator<Item = (&str, &Json)> {
    node.and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}
