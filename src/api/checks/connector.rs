//! Checks of connectors: what authentication and address name must be declared as a parameter.

use crate::api::connector::{ConnectorAuthentication, ConnectorSpec};
use crate::api::finding::Finding;
use crate::api::nearest::hint;

use super::unique;

/// Checks a connector.
pub(in crate::api) fn connector(spec: &ConnectorSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    unique(
        "/spec/parameters",
        "name",
        spec.parameters.iter().map(|parameter| &parameter.name),
        &mut findings,
    );
    let declared = || spec.parameters.iter().map(|parameter| parameter.name.as_str());
    for (pointer, name) in used(spec) {
        if !declared().any(|parameter| parameter == name) {
            let message = format!("`{name}` is not declared in `parameters`");
            findings.push(Finding::new(pointer, "UnknownParameter", message).with_hint(hint(name, declared())));
        }
    }
    findings
}

/// The connection parameters that the connector uses, with the places that name them.
fn used(spec: &ConnectorSpec) -> Vec<(&'static str, &str)> {
    let mut used = Vec::new();
    if let Some(address) = &spec.base_url {
        used.extend(places(address).map(|name| ("/spec/baseUrl", name)));
    }
    match &spec.authentication {
        None => {}
        Some(ConnectorAuthentication::Header(header)) => {
            used.extend(places(&header.value).map(|name| ("/spec/authentication/header/value", name)));
        }
        Some(ConnectorAuthentication::Query(query)) => {
            used.extend(places(&query.value).map(|name| ("/spec/authentication/query/value", name)));
        }
        Some(ConnectorAuthentication::Basic(basic)) => used.extend([
            ("/spec/authentication/basic/username", basic.username.as_str()),
            ("/spec/authentication/basic/password", basic.password.as_str()),
        ]),
        Some(ConnectorAuthentication::SharedKey(shared)) => used.extend([
            ("/spec/authentication/sharedKey/account", shared.account.as_str()),
            ("/spec/authentication/sharedKey/key", shared.key.as_str()),
        ]),
    }
    used
}

/// The names in braces of a template.
fn places(template: &str) -> impl Iterator<Item = &str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
}
