//! The arguments of a call: typed access with the errors of Logic Apps.

use std::sync::Arc;

use super::super::ast::Expression;
use super::super::error::EvalError;
use super::super::limits::Budget;
use super::super::scope::Scope;
use super::super::value::{Object, Value};
use super::Function;

/// The evaluated arguments of a call; their number is within the function's arity.
pub struct Arguments<'a> {
    pub(in super::super) function: &'static Function,
    pub(in super::super) values: &'a [Value],
    pub(in super::super) scope: &'a dyn Scope,
}

impl<'a> Arguments<'a> {
    /// The argument at an index; `null` where an optional one is left out.
    pub(super) fn value(&self, index: usize) -> &'a Value {
        static ABSENT: Value = Value::Null;
        self.values.get(index).unwrap_or(&ABSENT)
    }

    /// Whether an optional argument is given.
    pub(super) fn has(&self, index: usize) -> bool {
        index < self.values.len()
    }

    pub(super) fn text(&self, index: usize) -> Result<&'a Arc<str>, EvalError> {
        match self.value(index) {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong_kind(index, "of type string")),
        }
    }

    /// An optional text.
    pub(super) fn text_or(&self, index: usize, default: &'a str) -> Result<&'a str, EvalError> {
        if self.has(index) {
            Ok(self.text(index)?)
        } else {
            Ok(default)
        }
    }

    /// An integer; a float without fraction is one too.
    pub(super) fn int(&self, index: usize) -> Result<i64, EvalError> {
        let number = match self.value(index) {
            Value::Int(number) => Some(*number),
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 9.0e18 => Some(*number as i64),
            _ => None,
        };
        number.ok_or_else(|| self.wrong_kind(index, "of type integer"))
    }

    /// A count: an integer that is not negative.
    pub(super) fn count(&self, index: usize) -> Result<usize, EvalError> {
        usize::try_from(self.int(index)?).map_err(|_| self.wrong_kind(index, "a positive integer"))
    }

    pub(super) fn array(&self, index: usize) -> Result<&'a [Value], EvalError> {
        match self.value(index) {
            Value::Array(items) => Ok(items),
            _ => Err(self.wrong_kind(index, "of type array")),
        }
    }

    pub(super) fn object(&self, index: usize) -> Result<&'a Object, EvalError> {
        match self.value(index) {
            Value::Object(object) => Ok(object),
            _ => Err(self.wrong_kind(index, "of type object")),
        }
    }

    pub(super) fn bool(&self, index: usize) -> Result<bool, EvalError> {
        match self.value(index) {
            Value::Bool(truth) => Ok(*truth),
            _ => Err(self.wrong_kind(index, "of type boolean")),
        }
    }

    /// The error of an argument that should be something else, for example `of type string`.
    pub(super) fn wrong_kind(&self, index: usize, wanted: &str) -> EvalError {
        wrong_kind(self.function, index, self.value(index), wanted)
    }

    /// An error of this function; the reason continues "The template language function 'x'" and has no final dot.
    pub(super) fn fail(&self, reason: impl AsRef<str>) -> EvalError {
        fail(self.function, reason.as_ref())
    }
}

/// The arguments of a call of a lazy function; their number is within its arity.
pub struct LazyArguments<'a> {
    pub(in super::super) function: &'static Function,
    pub(in super::super) expressions: &'a [Expression],
    pub(in super::super) scope: &'a dyn Scope,
    pub(in super::super) budget: &'a Budget,
}

impl LazyArguments<'_> {
    pub(super) fn len(&self) -> usize {
        self.expressions.len()
    }

    pub(super) fn evaluate(&self, index: usize) -> Result<Value, EvalError> {
        match self.expressions.get(index) {
            Some(expression) => expression.evaluate_within(self.scope, self.budget),
            None => Ok(Value::Null),
        }
    }

    pub(super) fn bool(&self, index: usize) -> Result<bool, EvalError> {
        match self.evaluate(index)? {
            Value::Bool(truth) => Ok(truth),
            other => Err(wrong_kind(self.function, index, &other, "of type boolean")),
        }
    }
}

fn wrong_kind(function: &Function, index: usize, value: &Value, wanted: &str) -> EvalError {
    const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    let ordinal = ORDINALS.get(index).copied().unwrap_or("next");
    fail(
        function,
        &format!(
            "expects its {ordinal} parameter to be {wanted}. The provided value is of type '{}'",
            value.kind()
        ),
    )
}

fn fail(function: &Function, reason: &str) -> EvalError {
    EvalError::new(format!("The template language function '{}' {reason}.", function.name))
}
