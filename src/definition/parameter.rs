//! Reads the declared parameters and the declared outputs of a workflow.

use super::draft::{Draft, Owner};
use super::node::Node;
use super::workflow::{Parameter, ParameterType};
use crate::expression::Value;

const TYPES: [(&str, ParameterType); 8] = [
    ("int", ParameterType::Int),
    ("float", ParameterType::Float),
    ("string", ParameterType::String),
    ("bool", ParameterType::Bool),
    ("array", ParameterType::Array),
    ("object", ParameterType::Object),
    ("securestring", ParameterType::SecureString),
    ("secureobject", ParameterType::SecureObject),
];

/// Reads `parameters`.
pub(super) fn parse(draft: &mut Draft, definition: &Node) {
    let Some(parameters) = definition.member("parameters") else {
        return;
    };
    draft.is_object(&parameters);
    for (name, node) in parameters.members() {
        draft.parameters.insert(name.to_lowercase());
        let Some(kind) = parameter_type(draft, &node) else {
            continue;
        };
        let default = node.member("defaultValue");
        if let Some(default) = &default {
            check_default(draft, kind, default);
        }
        let allowed = node.member("allowedValues");
        let allowed = allowed.filter(|allowed| draft.is_array(allowed));
        draft.workflow.parameters.push(Parameter {
            name: name.to_string(),
            kind,
            default: default.map(|default| default.value.clone()),
            allowed: allowed.map_or_else(Vec::new, |allowed| {
                allowed.value.as_array().unwrap_or_default().to_vec()
            }),
        });
    }
}

/// Reads `outputs`.
pub(super) fn parse_outputs(draft: &mut Draft, definition: &Node) {
    let Some(outputs) = definition.member("outputs") else {
        return;
    };
    draft.is_object(&outputs);
    for (name, node) in outputs.members() {
        let kind = parameter_type(draft, &node);
        let owner = Owner::Output(draft.workflow.outputs.len());
        let value = draft.required_template(owner, &node, "value");
        draft.workflow.outputs.push((name.to_string(), value));
        if kind.is_some_and(ParameterType::is_secure) {
            draft.workflow.secure_outputs.insert(name.to_string());
        }
    }
}

fn parameter_type(draft: &mut Draft, node: &Node) -> Option<ParameterType> {
    if !draft.is_object(node) {
        return None;
    }
    let kind = draft.required(node, "type")?;
    let text = draft.text(&kind)?;
    let found = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    if found.is_none() {
        let names = TYPES.map(|(name, _)| name);
        let message = format!("'{text}' is no type of a parameter; use one of {}", names.join(", "));
        draft.report.error("InvalidValue", &kind.pointer, message);
    }
    found.map(|(_, kind)| *kind)
}

fn check_default(draft: &mut Draft, kind: ParameterType, default: &Node) {
    let fits = match kind {
        ParameterType::Int => default.value.as_int().is_some(),
        ParameterType::Float => matches!(default.value, Value::Int(_) | Value::Float(_)),
        ParameterType::String | ParameterType::SecureString => default.value.as_str().is_some(),
        ParameterType::Bool => default.value.as_bool().is_some(),
        ParameterType::Array => default.value.as_array().is_some(),
        ParameterType::Object | ParameterType::SecureObject => default.value.as_object().is_some(),
    };
    if !fits {
        let message = "the default value is not of the parameter's type";
        draft.report.warning("WrongType", &default.pointer, message);
    }
}
