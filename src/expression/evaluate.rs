//! The value of an expression in a scope.

use super::ast::{Expression, ExpressionKind};
use super::error::EvalError;
use super::functions::{Arguments, Call, Function, LazyArguments};
use super::limits::Budget;
use super::scope::Scope;
use super::text::{MAX_TEXT, too_long};
use super::value::Value;

/// Most names that an error lists of an object without the wanted member.
const LISTED_NAMES: usize = 40;

impl Expression {
    /// The value of this expression.
    ///
    /// # Errors
    /// An unknown function, arguments that it does not take, a missing member, a name that the scope does not know.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.evaluate_within(scope, &Budget::new())
    }

    /// The value of this part of an expression.
    pub(super) fn evaluate_within(&self, scope: &dyn Scope, budget: &Budget) -> Result<Value, EvalError> {
        match &self.kind {
            ExpressionKind::Literal(value) => Ok(value.clone()),
            ExpressionKind::Call {
                name,
                function,
                arguments,
            } => match function {
                Some(function) => call(function, arguments, scope, budget),
                None => Err(EvalError::new(format!(
                    "The template function '{name}' is not defined or not valid."
                ))),
            },
            ExpressionKind::Access { target, key, safe } => {
                let value = target.evaluate_within(scope, budget)?;
                let key = key.evaluate_within(scope, budget)?;
                member(&value, &key, *safe).map_err(|reason| {
                    EvalError::new(format!(
                        "The template language expression '{self}' cannot be evaluated because {reason}."
                    ))
                })
            }
        }
    }
}

fn call(
    function: &'static Function,
    arguments: &[Expression],
    scope: &dyn Scope,
    budget: &Budget,
) -> Result<Value, EvalError> {
    function.check_arity(arguments.len())?;
    let value = match function.call {
        Call::Eager(call) => {
            let values = arguments
                .iter()
                .map(|argument| {
                    let value = argument.evaluate_within(scope, budget)?;
                    budget.take(&value)?;
                    Ok(value)
                })
                .collect::<Result<Vec<_>, _>>()?;
            call(&Arguments {
                function,
                values: &values,
                scope,
            })?
        }
        Call::Lazy(call) => call(&LazyArguments {
            function,
            expressions: arguments,
            scope,
            budget,
        })?,
    };
    budget.take(&value)?;
    match &value {
        Value::String(text) if text.len() > MAX_TEXT => Err(too_long()),
        _ => Ok(value),
    }
}

/// The member of a value, or why there is none. `safe` turns what is missing, not what is of a wrong kind, into null.
fn member(value: &Value, key: &Value, safe: bool) -> Result<Value, String> {
    let missing = match (value, key) {
        (Value::Object(object), Value::String(name)) => match object.get(name) {
            Some(member) => return Ok(member.clone()),
            None => {
                let names: Vec<_> = object.iter().take(LISTED_NAMES).map(|(name, _)| &**name).collect();
                let more = if object.len() > LISTED_NAMES { ", …" } else { "" };
                let names = names.join(", ");
                format!("property '{name}' doesn't exist, available properties are '{names}{more}'")
            }
        },
        (Value::Array(items), Value::Int(index)) => {
            match usize::try_from(*index).ok().and_then(|index| items.get(index)) {
                Some(item) => return Ok(item.clone()),
                None => format!(
                    "array index '{index}' is outside bounds (0, {}) of array",
                    items.len() as i64 - 1
                ),
            }
        }
        (Value::Null, key) => format!(
            "property '{}' cannot be selected. Property selection is not supported on values of type 'Null'",
            key.to_text()
        ),
        (Value::Array(_), key) => {
            return Err(format!(
                "property '{}' cannot be selected. Array elements can only be selected using an integer index",
                key.to_text()
            ));
        }
        (value, key) => {
            return Err(format!(
                "property '{}' cannot be selected. Property selection by a value of type '{}' is not supported on \
                 values of type '{}'",
                key.to_text(),
                key.kind(),
                value.kind()
            ));
        }
    };
    if safe { Ok(Value::Null) } else { Err(missing) }
}
