//! Variables of a run: their types, and how the variable actions change them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::Payload;
use crate::definition::workflow::{VariableDeclaration, VariableType};
use crate::definition::{ActionKind, Workflow};
use crate::expression::Value;

/// One variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// Name as declared.
    pub name: String,
    /// Type.
    pub kind: VariableType,
    /// Value.
    pub value: Payload,
}

impl VariableType {
    /// The name that definitions use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Integer => "Integer",
            Self::Float => "Float",
            Self::Boolean => "Boolean",
            Self::Array => "Array",
            Self::Object => "Object",
        }
    }

    /// The value of a variable that is declared without one.
    pub fn empty(self) -> Value {
        match self {
            Self::String => Value::from(""),
            Self::Integer => Value::Int(0),
            Self::Float => Value::Float(0.0),
            Self::Boolean => Value::Bool(false),
            Self::Array => Value::array([]),
            Self::Object => Value::Null,
        }
    }

    /// The value as this type holds it; `None` if it does not fit.
    pub fn accept(self, value: Value) -> Option<Value> {
        match (self, value) {
            (Self::Float, Value::Int(number)) => Some(Value::Float(number as f64)),
            (Self::Float, Value::Decimal(number)) => Some(Value::Decimal(number)),
            (Self::String, value @ Value::String(_))
            | (Self::Integer, value @ Value::Int(_))
            | (Self::Float, value @ Value::Float(_))
            | (Self::Boolean, value @ Value::Bool(_))
            | (Self::Array, value @ Value::Array(_))
            | (Self::Object, value @ (Value::Object(_) | Value::Null)) => Some(value),
            // Logic Apps lets any variable be null.
            (_, Value::Null) => Some(Value::Null),
            _ => None,
        }
    }
}

impl Variable {
    /// What a succeeded action with these inputs does to the variables.
    pub(super) fn fold(
        variables: &mut BTreeMap<String, Variable>,
        workflow: &Workflow,
        kind: &ActionKind,
        inputs: &Payload,
    ) {
        let is_secure = |name: &str| inputs.secure || workflow.secure_variables.contains(&name.to_lowercase());
        let value = inputs.value.get("value").cloned().unwrap_or_default();
        match kind {
            ActionKind::InitializeVariable(declarations) => {
                Self::declare(variables, workflow, declarations, inputs);
            }
            ActionKind::SetVariable { name, .. } => {
                Self::change(variables, name, is_secure(name), |current| *current = value);
            }
            ActionKind::AppendToArrayVariable { name, .. } => {
                Self::change(variables, name, is_secure(name), |current| {
                    if let Value::Array(items) = current {
                        Arc::make_mut(items).push(value);
                    } else {
                        *current = Value::array([value]);
                    }
                })
            }
            ActionKind::AppendToStringVariable { name, .. } => {
                Self::change(variables, name, is_secure(name), |current| {
                    *current = Value::from(
                        [current.as_str().unwrap_or_default(), value.as_str().unwrap_or_default()].concat(),
                    );
                });
            }
            ActionKind::IncrementVariable { name, .. } => {
                Self::change(variables, name, is_secure(name), |current| {
                    if let Some(sum) = sum(current, &value) {
                        *current = sum;
                    }
                });
            }
            ActionKind::DecrementVariable { name, .. } => {
                Self::change(variables, name, is_secure(name), |current| {
                    if let Some(difference) = negative(&value).and_then(|value| sum(current, &value)) {
                        *current = difference;
                    }
                });
            }
            ActionKind::Call(_)
            | ActionKind::Webhook(_)
            | ActionKind::Wait(_)
            | ActionKind::Response(_)
            | ActionKind::Until(_)
            | ActionKind::Expression(_)
            | ActionKind::Foreach { .. }
            | ActionKind::If { .. }
            | ActionKind::Switch { .. }
            | ActionKind::Scope { .. }
            | ActionKind::Compose(_)
            | ActionKind::ParseJson { .. }
            | ActionKind::Query { .. }
            | ActionKind::Select { .. }
            | ActionKind::Join { .. }
            | ActionKind::Table { .. }
            | ActionKind::Terminate { .. } => {}
        }
    }

    fn declare(
        variables: &mut BTreeMap<String, Variable>,
        workflow: &Workflow,
        declarations: &[VariableDeclaration],
        inputs: &Payload,
    ) {
        let values = inputs.value.get("variables").and_then(Value::as_array);
        for (declaration, declared) in declarations.iter().zip(values.unwrap_or_default()) {
            let key = declaration.name.to_lowercase();
            let secure = inputs.secure || workflow.secure_variables.contains(&key);
            let value = declared.get("value").cloned().unwrap_or_default();
            let variable = Variable {
                name: declaration.name.clone(),
                kind: declaration.kind,
                value: Payload::hidden_if(secure, value),
            };
            variables.insert(key, variable);
        }
    }

    fn change(variables: &mut BTreeMap<String, Variable>, name: &str, secure: bool, with: impl FnOnce(&mut Value)) {
        if let Some(variable) = variables.get_mut(&name.to_lowercase()) {
            with(&mut variable.value.value);
            variable.value.secure |= secure;
            // What was stored beside the journal is the old value.
            variable.value.stored = None;
        }
    }
}

/// The same number below zero; `None` if it is no number or out of range.
pub fn negative(value: &Value) -> Option<Value> {
    match value {
        Value::Int(number) => number.checked_neg().map(Value::Int),
        other => sum(&Value::Float(0.0), other).and_then(|sum| match sum {
            Value::Float(number) => Some(Value::Float(-number)),
            _ => None,
        }),
    }
}

/// The sum of two numbers; `None` if they are none or the sum is out of range.
pub fn sum(left: &Value, right: &Value) -> Option<Value> {
    let float = |value: &Value| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Decimal(number) => number.to_string().parse().ok(),
        _ => None,
    };
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.checked_add(*right).map(Value::Int),
        (left, right) => Some(Value::Float(float(left)? + float(right)?)),
    }
}
