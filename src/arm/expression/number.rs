//! ARM functions on numbers and truth values.

use std::cmp::Ordering;

use crate::expression::Value;

fn number(value: &Value) -> Result<i64, String> {
    value.as_int().ok_or_else(|| "needs integers".to_owned())
}

fn truths(arguments: &[Value]) -> Result<Vec<bool>, String> {
    arguments
        .iter()
        .map(|value| value.as_bool().ok_or_else(|| "needs truth values".to_owned()))
        .collect()
}

pub(super) fn not(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(!truths(arguments)?.iter().all(|truth| *truth)))
}

pub(super) fn and(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(truths(arguments)?.iter().all(|truth| *truth)))
}

pub(super) fn or(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(truths(arguments)?.iter().any(|truth| *truth)))
}

pub(super) fn equals(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::Bool(arguments.first() == arguments.get(1)))
}

pub(super) fn compare(arguments: &[Value], holds: fn(Ordering) -> bool) -> Result<Value, String> {
    match arguments {
        [Value::Int(left), Value::Int(right)] => Ok(Value::Bool(holds(left.cmp(right)))),
        [Value::String(left), Value::String(right)] => Ok(Value::Bool(holds(left.cmp(right)))),
        _ => Err("compares two integers or two texts".to_owned()),
    }
}

pub(super) fn bool(arguments: &[Value]) -> Result<Value, String> {
    match arguments.first() {
        Some(Value::Bool(truth)) => Ok(Value::Bool(*truth)),
        Some(Value::Int(number)) => Ok(Value::Bool(*number != 0)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") || &**text == "1" => Ok(Value::Bool(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") || &**text == "0" => Ok(Value::Bool(false)),
        _ => Err("is no truth value".to_owned()),
    }
}

pub(super) fn int(arguments: &[Value]) -> Result<Value, String> {
    match arguments.first() {
        Some(Value::Int(number)) => Ok(Value::Int(*number)),
        Some(Value::String(text)) => text
            .trim()
            .parse()
            .map(Value::Int)
            .map_err(|_| "is no integer".to_owned()),
        _ => Err("is no integer".to_owned()),
    }
}

pub(super) fn float(arguments: &[Value]) -> Result<Value, String> {
    match arguments.first() {
        Some(number @ Value::Float(_)) => Ok(number.clone()),
        Some(Value::Int(number)) => Value::from_json(&format!("{number}.0")).map_err(|_| "is no number".to_owned()),
        Some(Value::String(text)) => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err("is no number".to_owned()),
        },
        _ => Err("is no number".to_owned()),
    }
}

pub(super) fn calculate(arguments: &[Value], operation: fn(i64, i64) -> Option<i64>) -> Result<Value, String> {
    let [left, right] = arguments else {
        return Err("takes two integers".to_owned());
    };
    let result = operation(number(left)?, number(right)?);
    result
        .map(Value::Int)
        .ok_or_else(|| "the result is no integer of 64 bits".to_owned())
}

pub(super) fn extreme(arguments: &[Value], choose: fn(i64, i64) -> i64) -> Result<Value, String> {
    let items = arguments.first().and_then(Value::as_array).unwrap_or(arguments);
    let numbers = items.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    numbers
        .into_iter()
        .reduce(choose)
        .map(Value::Int)
        .ok_or_else(|| "has nothing to choose from".to_owned())
}
