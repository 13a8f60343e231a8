//! Comparison of values as the original was seen to do it: numbers by value whatever their kind, text by code units,
//! `null` only with `null`, and the strings `True` and `False` with truth values.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::value::Value;

/// Whether two values are the same for `equals`, `contains` and the set functions.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Bool(truth), Value::String(text)) | (Value::String(text), Value::Bool(truth)) => {
            &**text == if *truth { "True" } else { "False" }
        }
        (Value::String(left), Value::String(right)) => left == right,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, left)| right.get_exact(name).is_some_and(|right| same(left, right)))
        }
        (left, right) => order_numbers(left, right).is_some_and(|ordering| ordering == Some(Ordering::Equal)),
    }
}

/// The order of two numbers or two texts; `Ok(None)` where a NaN is one of them.
///
/// # Errors
/// Values that have no order.
pub fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, ()> {
    if let (Value::String(left), Value::String(right)) = (left, right) {
        return Ok(Some(order_texts(left, right)));
    }
    order_numbers(left, right).ok_or(())
}

/// The order of two texts by UTF-16 code units, as .NET compares ordinally.
pub fn order_texts(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

/// The order of two numbers, promoted as needed; `None` if one is not a number.
fn order_numbers(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    if let (Value::Int(left), Value::Int(right)) = (left, right) {
        return Some(Some(left.cmp(right)));
    }
    if let (Some(left), Some(right)) = (exact(left), exact(right)) {
        return Some(Some(left.cmp(&right)));
    }
    Some(float(left)?.partial_cmp(&float(right)?))
}

/// The number as a decimal, where that loses nothing that matters: not for floats that a decimal cannot hold.
fn exact(value: &Value) -> Option<Decimal> {
    match value {
        Value::Int(number) => Some(Decimal::from(*number)),
        Value::Decimal(number) => Some(*number),
        Value::Float(number) if number.fract() == 0.0 => Decimal::from_f64(*number),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Decimal(number) => number.to_f64(),
        _ => None,
    }
}
