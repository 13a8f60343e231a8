//! Reads the actions on variables. A variable is declared once, at the top level, and seen by the whole run.

use super::action::{Entry, nothing};
use super::draft::Draft;
use super::limits::Limit;
use super::node::Node;
use super::workflow::{ActionKind, VariableDeclaration, VariableType};
use crate::expression::{Template, Value};

const TYPES: [(&str, VariableType); 6] = [
    ("string", VariableType::String),
    ("integer", VariableType::Integer),
    ("float", VariableType::Float),
    ("boolean", VariableType::Boolean),
    ("array", VariableType::Array),
    ("object", VariableType::Object),
];

/// `InitializeVariable`.
pub(super) fn initialize(draft: &mut Draft, entry: &Entry) -> ActionKind {
    if entry.around.owner.is_some() {
        let message = "variables are declared at the top level of the workflow only; move this action there";
        draft
            .report
            .error("NestedInitializeVariable", &entry.node.pointer, message);
    }
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let Some(variables) = draft.required(&inputs, "variables") else {
        return nothing();
    };
    draft.is_array(&variables);
    let mut declarations = Vec::new();
    for node in variables.items() {
        let most = draft.limits.size(Limit::Variables);
        if draft.variables.len() >= most {
            let message = format!("the workflow has more than {most} variables");
            draft.report.error("TooManyVariables", &node.pointer, message);
            break;
        }
        declarations.extend(declaration(draft, entry, &node));
    }
    ActionKind::InitializeVariable(declarations)
}

fn declaration(draft: &mut Draft, entry: &Entry, node: &Node) -> Option<VariableDeclaration> {
    if !draft.is_object(node) {
        return None;
    }
    let name = draft.required(node, "name")?;
    let name_text = draft.text(&name)?;
    if draft.variables.insert(name_text.to_lowercase(), entry.id).is_some() {
        let message = format!("the variable '{name_text}' is declared twice; set it the second time");
        draft.report.error("DuplicateVariable", &name.pointer, message);
    }
    let value = draft.optional_template(entry.owner(), node, "value");
    let kind = draft.required(node, "type")?;
    let kind_text = draft.text(&kind)?;
    let found = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind_text));
    if found.is_none() {
        let names = TYPES.map(|(name, _)| name);
        let message = format!(
            "'{kind_text}' is no type of a variable; use one of {}",
            names.join(", ")
        );
        draft.report.error("InvalidValue", &kind.pointer, message);
    }
    found.map(|(_, kind)| VariableDeclaration {
        name: name_text.to_owned(),
        kind: *kind,
        value,
    })
}

/// `SetVariable`.
pub(super) fn set(draft: &mut Draft, entry: &Entry) -> ActionKind {
    with_value(draft, entry, |name, value| ActionKind::SetVariable { name, value })
}

/// `AppendToArrayVariable`.
pub(super) fn append_to_array(draft: &mut Draft, entry: &Entry) -> ActionKind {
    with_value(draft, entry, |name, value| ActionKind::AppendToArrayVariable {
        name,
        value,
    })
}

/// `AppendToStringVariable`.
pub(super) fn append_to_string(draft: &mut Draft, entry: &Entry) -> ActionKind {
    with_value(draft, entry, |name, value| ActionKind::AppendToStringVariable {
        name,
        value,
    })
}

/// `IncrementVariable`.
pub(super) fn increment(draft: &mut Draft, entry: &Entry) -> ActionKind {
    by(draft, entry, |name, by| ActionKind::IncrementVariable { name, by })
}

/// `DecrementVariable`.
pub(super) fn decrement(draft: &mut Draft, entry: &Entry) -> ActionKind {
    by(draft, entry, |name, by| ActionKind::DecrementVariable { name, by })
}

fn by(draft: &mut Draft, entry: &Entry, kind: fn(String, Template) -> ActionKind) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let by = draft.optional_template(entry.owner(), &inputs, "value");
    kind(variable(draft, &inputs), by.unwrap_or(Template::Literal(Value::Int(1))))
}

fn with_value(draft: &mut Draft, entry: &Entry, kind: fn(String, Template) -> ActionKind) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let value = draft.required_template(entry.owner(), &inputs, "value");
    kind(variable(draft, &inputs), value)
}

/// The name of the variable that an action changes; whether it exists is known only at the end.
fn variable(draft: &mut Draft, inputs: &Node) -> String {
    let Some(node) = draft.required(inputs, "name") else {
        return String::new();
    };
    let Some(name) = draft.text(&node) else {
        return String::new();
    };
    draft.written.push((name.to_owned(), node.pointer));
    name.to_owned()
}
