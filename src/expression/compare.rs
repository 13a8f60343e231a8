//! Comparison of values as the original was seen to do it: numbers by value whatever their kind, text by code units,
//! `null` only with `null`.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use thiserror::Error;

use super::value::Value;

/// Whether `equals` holds: the values are the same, or one is a truth value and the other its text, `True` or `False`.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Bool(truth), Value::String(text)) | (Value::String(text), Value::Bool(truth)) => {
            &**text == if *truth { "True" } else { "False" }
        }
        (left, right) => same(left, right),
    }
}

/// Whether two values are the same, for `contains` and the set functions; the order of members does not matter.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
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

/// A text that two values share exactly if they are [`same`].
pub(super) fn identity(value: &Value) -> String {
    canonical(value).to_json()
}

/// The value with its numbers in one form and its members in one order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::String(_) => value.clone(),
        Value::Float(_) | Value::Decimal(_) => match exact(value).map(|number| (number, number.to_i64())) {
            Some((number, Some(whole))) if number == Decimal::from(whole) => Value::Int(whole),
            _ => Value::Float(float(value).unwrap_or(f64::NAN)),
        },
        Value::Array(items) => Value::array(items.iter().map(canonical)),
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by(|left, right| left.0.cmp(right.0));
            Value::object(
                members
                    .into_iter()
                    .map(|(name, member)| (name.clone(), canonical(member))),
            )
        }
    }
}

/// The error of two values that have no order.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("values of these kinds have no order")]
pub struct Incomparable;

/// The order of two numbers or two texts; `Ok(None)` where a NaN is one of them.
///
/// # Errors
/// Values that have no order.
pub fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, Incomparable> {
    if let (Value::String(left), Value::String(right)) = (left, right) {
        return Ok(Some(order_texts(left, right)));
    }
    order_numbers(left, right).ok_or(Incomparable)
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
