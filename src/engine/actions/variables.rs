//! The variable actions. The state folds their inputs in; here they are evaluated and checked.

use super::{Done, Failure};
use crate::definition::workflow::VariableType;
use crate::definition::{ActionKind, Limit, Limits};
use crate::engine::state::State;
use crate::engine::variable::{Variable, negative, sum};
use crate::expression::{Scope, Template, Value};

/// Evaluates a variable action.
///
/// # Errors
/// A failed expression, an unknown variable, a value of the wrong type, or a limit.
pub fn start(kind: &ActionKind, state: &State, limits: &Limits, scope: &dyn Scope) -> Result<Done, Failure> {
    match kind {
        ActionKind::InitializeVariable(declarations) => initialize(declarations, state, scope),
        ActionKind::SetVariable { name, value } => {
            let variable = find(state, name)?;
            let value = evaluate(name, value, scope)?;
            let value = variable
                .kind
                .accept(value)
                .ok_or_else(|| wrong_type(name, variable.kind.as_str()))?;
            Ok(changed(name, value))
        }
        ActionKind::AppendToArrayVariable { name, value } => {
            append_item(name, value, state, limits.size(Limit::ArrayItems), scope)
        }
        ActionKind::AppendToStringVariable { name, value } => {
            append_text(name, value, state, limits.size(Limit::TextLength), scope)
        }
        ActionKind::IncrementVariable { name, by } => add(name, by, state, scope, |by| Some(by.clone())),
        ActionKind::DecrementVariable { name, by } => add(name, by, state, scope, negative),
        _ => Err(failed("the action has no variable")),
    }
}

fn initialize(
    declarations: &[crate::definition::workflow::VariableDeclaration],
    state: &State,
    scope: &dyn Scope,
) -> Result<Done, Failure> {
    let mut variables = Vec::new();
    for declaration in declarations {
        let name = &declaration.name;
        if state.variables.contains_key(&name.to_lowercase()) {
            return Err(failed(&format!("the variable '{name}' is initialized already")));
        }
        let value = match &declaration.value {
            Some(template) => evaluate(name, template, scope)?,
            None => Value::Null,
        };
        let value = if value.is_null() {
            declaration.kind.empty()
        } else {
            value
        };
        let kind = declaration.kind;
        let value = kind.accept(value).ok_or_else(|| wrong_type(name, kind.as_str()))?;
        let members = [
            ("name", Value::from(name.as_str())),
            ("type", kind.as_str().into()),
            ("value", value),
        ];
        variables.push(Value::object(members));
    }
    Ok(Done {
        inputs: Some(Value::object([("variables", Value::array(variables))])),
        outputs: None,
    })
}

/// `signed` gives what is added for the value of the action.
fn add(
    name: &str,
    by: &Template,
    state: &State,
    scope: &dyn Scope,
    signed: fn(&Value) -> Option<Value>,
) -> Result<Done, Failure> {
    let variable = find(state, name)?;
    let by = evaluate(name, by, scope)?;
    match signed(&by).and_then(|by| sum(&variable.value.value, &by)) {
        Some(Value::Float(_)) if variable.kind == VariableType::Integer => Err(wrong_type(name, "Integer")),
        Some(_) => Ok(changed(name, by)),
        None => Err(wrong_type(name, "Integer or Float, within their range")),
    }
}

fn append_item(name: &str, value: &Template, state: &State, most: usize, scope: &dyn Scope) -> Result<Done, Failure> {
    let variable = find(state, name)?;
    let items = match (&variable.kind, &variable.value.value) {
        (VariableType::Array, Value::Array(items)) => items.len(),
        (VariableType::Array, Value::Null) => 0,
        _ => return Err(wrong_type(name, "Array")),
    };
    if items >= most {
        return Err(failed(&format!(
            "the array variable '{name}' holds {most} items, the most that it can"
        )));
    }
    Ok(changed(name, evaluate(name, value, scope)?))
}

fn append_text(name: &str, value: &Template, state: &State, most: usize, scope: &dyn Scope) -> Result<Done, Failure> {
    let variable = find(state, name)?;
    let length = match (&variable.kind, &variable.value.value) {
        (VariableType::String, Value::String(text)) => text.len(),
        (VariableType::String, Value::Null) => 0,
        _ => return Err(wrong_type(name, "String")),
    };
    let text = evaluate(name, value, scope)?.to_text();
    if length + text.len() > most {
        return Err(failed(&format!(
            "the string variable '{name}' would hold more than {most} characters"
        )));
    }
    Ok(changed(name, text.into()))
}

fn find<'a>(state: &'a State, name: &str) -> Result<&'a Variable, Failure> {
    let missing = || failed(&format!("the variable '{name}' has not been initialized"));
    state.variables.get(&name.to_lowercase()).ok_or_else(missing)
}

fn evaluate(name: &str, template: &Template, scope: &dyn Scope) -> Result<Value, Failure> {
    template.evaluate(scope).map_err(|error| {
        let message = format!(
            "Unable to evaluate the value of variable '{name}': '{}'.",
            error.message
        );
        Failure::new("BadRequest", "InvalidTemplate", message)
    })
}

fn changed(name: &str, value: Value) -> Done {
    let body = Value::object([("name", Value::from(name)), ("value", value)]);
    let outputs = Value::object([("body", body.clone())]);
    Done {
        inputs: Some(body),
        outputs: Some(outputs),
    }
}

fn wrong_type(name: &str, wanted: &str) -> Failure {
    failed(&format!("the value for variable '{name}' must be of type {wanted}"))
}

fn failed(reason: &str) -> Failure {
    Failure::new(
        "BadRequest",
        "InvalidVariableOperation",
        format!("The variable action failed: {reason}."),
    )
}
