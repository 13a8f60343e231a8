//! The rules that no schema can say: which fields go together, which texts must parse, which names must be unique.
//! Each check gets a typed spec and returns every problem, with pointers into the document.

mod automation_rule;
mod connection;
mod connector;

use std::collections::HashMap;

pub(super) use automation_rule::automation_rule;
pub(super) use connection::api_connection;
pub(super) use connector::connector;

use super::finding::Finding;
use super::reference::NamedValue;
use super::{PlaybookGrantSpec, PlaybookSpec};

/// Checks a playbook.
pub(super) fn playbook(spec: &PlaybookSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    if spec.definition.is_some() == spec.definition_text.is_some() {
        let message = "exactly one of `definition` and `definitionText` must be set";
        findings.push(Finding::new("/spec", "ExactlyOne", message));
    }
    named_values("/spec/parameters", &spec.parameters, &mut findings);
    for (index, parameter) in spec.parameters.iter().enumerate() {
        if parameter.name.eq_ignore_ascii_case("$connections") {
            let message = "`$connections` is made of `spec.connections`; name the connections there";
            findings.push(Finding::new(
                format!("/spec/parameters/{index}/name"),
                "ReservedName",
                message,
            ));
        }
    }
    unique(
        "/spec/connections",
        "name",
        spec.connections.iter().map(|binding| &binding.name),
        &mut findings,
    );
    findings
}

/// Checks a grant.
pub(super) fn playbook_grant(spec: &PlaybookGrantSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    unique(
        "/spec/from",
        "namespace",
        spec.from.iter().map(|from| &from.namespace),
        &mut findings,
    );
    unique("/spec/to", "name", spec.to.iter().map(|to| &to.name), &mut findings);
    findings
}

/// Names once each, and exactly one of `value` and `valueFrom`.
fn named_values(pointer: &str, values: &[NamedValue], findings: &mut Vec<Finding>) {
    unique(pointer, "name", values.iter().map(|value| &value.name), findings);
    for (index, value) in values.iter().enumerate() {
        if value.value.is_some() == value.value_from.is_some() {
            let message = format!(
                "exactly one of `value` and `valueFrom` must be set for `{}`",
                value.name
            );
            findings.push(Finding::new(format!("{pointer}/{index}"), "ExactlyOne", message));
        }
    }
}

/// Names that differ in more than case.
fn unique<'a>(pointer: &str, field: &str, names: impl Iterator<Item = &'a String>, findings: &mut Vec<Finding>) {
    let mut seen = HashMap::new();
    for (index, name) in names.enumerate() {
        if let Some(first) = seen.insert(name.to_lowercase(), index) {
            let message = format!("`{name}` is given twice, first as item {first}; remove one");
            findings.push(Finding::new(
                format!("{pointer}/{index}/{field}"),
                "DuplicateName",
                message,
            ));
        }
    }
}
