//! The size of values that expressions build. Every value that nests others is checked when it is made, so no value
//! grows beyond what can be walked, compared or written down, even where it holds the same part many times.

use super::error::EvalError;
use super::text::MAX_TEXT;
use super::value::Value;

/// Deepest nesting of arrays and objects; a little less than what JSON readers take.
pub const MAX_VALUE_DEPTH: usize = 100;

/// Most items that a function makes of a text.
pub(super) const MAX_ITEMS: usize = 1_000_000;

/// Passes a value that is no deeper than [`MAX_VALUE_DEPTH`] and whose JSON text is about at most [`MAX_TEXT`] long.
///
/// # Errors
/// A value that is deeper or larger.
pub fn bounded(value: Value) -> Result<Value, EvalError> {
    let mut budget = MAX_TEXT;
    if spend(&value, MAX_VALUE_DEPTH, &mut budget) {
        return Ok(value);
    }
    Err(EvalError::new(format!(
        "The template language expression makes a value that is nested deeper than {MAX_VALUE_DEPTH} \
         or is larger than {MAX_TEXT} bytes."
    )))
}

/// Takes the size of a value off the budget; `false` when the budget or the depth is used up.
fn spend(value: &Value, depth: usize, budget: &mut usize) -> bool {
    let own = match value {
        Value::String(text) => text.len() + 2,
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => 4,
        Value::Array(_) | Value::Object(_) => 2,
    };
    if own > *budget {
        return false;
    }
    *budget -= own;
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| spend(item, depth - 1, budget)),
        Value::Object(object) => {
            depth > 0
                && object.iter().all(|(name, member)| {
                    *budget = budget.saturating_sub(name.len() + 3);
                    spend(member, depth - 1, budget)
                })
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::String(_) => true,
    }
}
