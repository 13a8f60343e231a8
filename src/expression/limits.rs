//! The size of values that expressions build. Every value that nests others is checked when it is made, so no value
//! grows beyond what can be walked, compared or written down, even where it holds the same part many times.

use std::cell::Cell;

use super::error::EvalError;
use super::text::MAX_TEXT;
use super::value::Value;

/// Deepest nesting of arrays and objects; a little less than what JSON readers take.
pub const MAX_VALUE_DEPTH: usize = 100;

/// Most items that a function makes of a text.
pub(super) const MAX_ITEMS: usize = 1_000_000;

/// Most bytes, roughly, that the calls of one expression may take in and give out together.
const MAX_WORK: usize = 1 << 30;

/// What the calls of one expression may still take in and give out: so a short expression cannot hold many large values
/// at once.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub fn new() -> Self {
        Self(Cell::new(MAX_WORK))
    }

    /// Takes the size of a value off, without what nests in it: that was made by other calls.
    ///
    /// # Errors
    /// The budget is used up.
    pub fn take(&self, value: &Value) -> Result<(), EvalError> {
        let size = match value {
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => return Ok(()),
            Value::String(text) => text.len(),
            Value::Array(items) => items.len().saturating_mul(size_of::<Value>()),
            Value::Object(object) => object.len().saturating_mul(2 * size_of::<Value>()),
        };
        let left = self.0.get().checked_sub(size);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(|| {
            EvalError::new(format!(
                "The template language expression works on more than {MAX_WORK} bytes; divide it among several actions."
            ))
        })
    }
}

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
