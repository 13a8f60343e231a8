//! What each kind of action does when it begins. Pure: inputs are evaluated, outputs or a failure come back.

pub mod call;
mod caller;
pub mod control;
pub mod data;
pub mod response;
pub mod table;
pub mod target;
pub mod variables;
pub mod wait;
pub mod webhook;

use crate::expression::{EvalError, Value};

/// An action that succeeded by itself.
#[derive(Debug, Default)]
pub struct Done {
    /// Evaluated inputs, as people see them.
    pub inputs: Option<Value>,
    /// Outputs.
    pub outputs: Option<Value>,
}

/// An action that failed by itself.
#[derive(Debug)]
pub struct Failure {
    /// The code of the action, such as `BadRequest`.
    pub action_code: &'static str,
    /// The code of the error, such as `InvalidTemplate`.
    pub code: &'static str,
    /// What failed and what to do.
    pub message: String,
    /// Inputs as far as they were evaluated.
    pub inputs: Option<Value>,
    /// Outputs that there are all the same.
    pub outputs: Option<Value>,
}

impl Failure {
    /// A failure without inputs and outputs.
    pub fn new(action_code: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            action_code,
            code,
            message: message.into(),
            inputs: None,
            outputs: None,
        }
    }

    /// An expression in the inputs failed.
    pub fn expression(action: &str, error: &EvalError) -> Self {
        let reason = &error.message;
        let message =
            format!("Unable to process template language expressions in action '{action}' inputs: '{reason}'.");
        Self::new("BadRequest", "InvalidTemplate", message)
    }

    /// The same with the inputs that were evaluated.
    #[must_use]
    pub fn with_inputs(self, inputs: Value) -> Self {
        Self {
            inputs: Some(inputs),
            ..self
        }
    }
}

/// The kind of a value, for messages.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Int(_) => "Integer",
        Value::Float(_) | Value::Decimal(_) => "Float",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}
