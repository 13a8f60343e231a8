//! ARM functions on arrays and objects; some take text as an array of characters.

use std::collections::HashSet;

use crate::expression::{Object, Value};

/// Most items of `range`, as in Azure.
const MAX_RANGE: i64 = 10_000;

fn at(arguments: &[Value], index: usize) -> &Value {
    arguments.get(index).unwrap_or(&Value::Null)
}

pub(super) fn array(arguments: &[Value]) -> Result<Value, String> {
    match at(arguments, 0) {
        items @ Value::Array(_) => Ok(items.clone()),
        other => Ok(Value::array([other.clone()])),
    }
}

pub(super) fn create_object(arguments: &[Value]) -> Result<Value, String> {
    let mut members = Object::new();
    for pair in arguments.chunks(2) {
        let [Value::String(name), value] = pair else {
            return Err("takes names and values in turn".to_owned());
        };
        members.insert(name.clone(), value.clone());
    }
    Ok(Value::from(members))
}

/// Arrays: every item once. Objects: later members win.
pub(super) fn union(arguments: &[Value]) -> Result<Value, String> {
    if let Some(arrays) = arguments.iter().map(Value::as_array).collect::<Option<Vec<_>>>() {
        let mut seen = HashSet::new();
        let items = arrays.into_iter().flatten();
        let items = items.filter(|item| seen.insert(item.to_json())).cloned();
        return Ok(Value::array(items.collect::<Vec<_>>()));
    }
    let objects = arguments.iter().map(Value::as_object).collect::<Option<Vec<_>>>();
    let objects = objects.ok_or("takes arrays only or objects only")?;
    let members = objects.into_iter().flat_map(Object::iter);
    Ok(Value::object(
        members.map(|(name, value)| (name.clone(), value.clone())),
    ))
}

/// Arrays: the items that all hold. Objects: the members that all hold with the same value.
pub(super) fn intersection(arguments: &[Value]) -> Result<Value, String> {
    let others = arguments.get(1..).unwrap_or_default();
    match at(arguments, 0) {
        Value::Array(items) => {
            let others = others.iter().map(|other| other.as_array().unwrap_or_default());
            let others: Vec<HashSet<String>> = others.map(|other| other.iter().map(Value::to_json).collect()).collect();
            let kept = items.iter().filter(|item| {
                let item = item.to_json();
                others.iter().all(|other| other.contains(&item))
            });
            Ok(Value::array(kept.cloned()))
        }
        Value::Object(members) => {
            let all = |name: &str, value: &Value| others.iter().all(|other| other.get(name) == Some(value));
            let kept = members.iter().filter(|(name, value)| all(name, value));
            Ok(Value::object(kept.map(|(name, value)| (name.clone(), value.clone()))))
        }
        _ => Err("takes arrays or objects".to_owned()),
    }
}

pub(super) fn coalesce(arguments: &[Value]) -> Result<Value, String> {
    Ok(arguments
        .iter()
        .find(|value| !value.is_null())
        .cloned()
        .unwrap_or_default())
}

pub(super) fn json(arguments: &[Value]) -> Result<Value, String> {
    match at(arguments, 0) {
        Value::String(text) => Value::from_json(text).map_err(|error| format!("is no JSON: {error}")),
        _ => Err("takes text".to_owned()),
    }
}

fn size(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(members) => Some(members.len()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => None,
    }
}

pub(super) fn empty(arguments: &[Value]) -> Result<Value, String> {
    match at(arguments, 0) {
        Value::Null => Ok(Value::Bool(true)),
        value => size(value)
            .map(|size| Value::Bool(size == 0))
            .ok_or_else(|| "takes text, an array or an object".to_owned()),
    }
}

pub(super) fn length(arguments: &[Value]) -> Result<Value, String> {
    let size = size(at(arguments, 0)).and_then(|size| i64::try_from(size).ok());
    size.map(Value::Int)
        .ok_or_else(|| "takes text, an array or an object".to_owned())
}

pub(super) fn contains(arguments: &[Value]) -> Result<Value, String> {
    let part = at(arguments, 1);
    match at(arguments, 0) {
        Value::String(text) => {
            let part = part.as_str().map_or_else(|| part.to_json(), str::to_owned);
            Ok(Value::Bool(text.contains(&part)))
        }
        Value::Array(items) => Ok(Value::Bool(items.contains(part))),
        Value::Object(members) => Ok(Value::Bool(
            part.as_str().is_some_and(|name| members.get(name).is_some()),
        )),
        _ => Err("takes text, an array or an object".to_owned()),
    }
}

pub(super) fn first(arguments: &[Value]) -> Result<Value, String> {
    match at(arguments, 0) {
        Value::String(text) => Ok(Value::from(text.chars().take(1).collect::<String>())),
        Value::Array(items) => Ok(items.first().cloned().unwrap_or_default()),
        _ => Err("takes text or an array".to_owned()),
    }
}

pub(super) fn last(arguments: &[Value]) -> Result<Value, String> {
    match at(arguments, 0) {
        Value::String(text) => Ok(Value::from(
            text.chars().next_back().map(String::from).unwrap_or_default(),
        )),
        Value::Array(items) => Ok(items.last().cloned().unwrap_or_default()),
        _ => Err("takes text or an array".to_owned()),
    }
}

/// The count of `skip` and `take`; a negative one is none.
fn count(arguments: &[Value]) -> Result<usize, String> {
    let count = at(arguments, 1).as_int().ok_or("the count is no integer")?;
    Ok(usize::try_from(count).unwrap_or(0))
}

pub(super) fn skip(arguments: &[Value]) -> Result<Value, String> {
    let count = count(arguments)?;
    match at(arguments, 0) {
        Value::String(text) => Ok(Value::from(text.chars().skip(count).collect::<String>())),
        Value::Array(items) => Ok(Value::array(items.iter().skip(count).cloned())),
        _ => Err("takes text or an array".to_owned()),
    }
}

pub(super) fn take(arguments: &[Value]) -> Result<Value, String> {
    let count = count(arguments)?;
    match at(arguments, 0) {
        Value::String(text) => Ok(Value::from(text.chars().take(count).collect::<String>())),
        Value::Array(items) => Ok(Value::array(items.iter().take(count).cloned())),
        _ => Err("takes text or an array".to_owned()),
    }
}

pub(super) fn range(arguments: &[Value]) -> Result<Value, String> {
    let (Some(start), Some(count @ 0..=MAX_RANGE)) = (at(arguments, 0).as_int(), at(arguments, 1).as_int()) else {
        return Err(format!("takes a start and a count of at most {MAX_RANGE}"));
    };
    let end = start
        .checked_add(count)
        .ok_or("the last number is no integer of 64 bits")?;
    Ok(Value::array((start..end).map(Value::Int)))
}

fn sorted(members: &Object) -> Vec<(&str, &Value)> {
    let mut sorted: Vec<(&str, &Value)> = members.iter().map(|(name, value)| (&**name, value)).collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}

/// The members as objects with `key` and `value`, sorted by name.
pub(super) fn items(arguments: &[Value]) -> Result<Value, String> {
    let members = at(arguments, 0).as_object().ok_or("takes an object")?;
    let items = sorted(members).into_iter();
    Ok(Value::array(items.map(|(name, value)| {
        Value::object([("key", Value::from(name)), ("value", value.clone())])
    })))
}

pub(super) fn object_keys(arguments: &[Value]) -> Result<Value, String> {
    let members = at(arguments, 0).as_object().ok_or("takes an object")?;
    Ok(Value::array(
        sorted(members).into_iter().map(|(name, _)| Value::from(name)),
    ))
}

pub(super) fn shallow_merge(arguments: &[Value]) -> Result<Value, String> {
    union(at(arguments, 0).as_array().ok_or("takes an array of objects")?)
}

pub(super) fn flatten(arguments: &[Value]) -> Result<Value, String> {
    let items = at(arguments, 0).as_array().ok_or("takes an array of arrays")?;
    let inner = items.iter().map(Value::as_array).collect::<Option<Vec<_>>>();
    Ok(Value::array(inner.ok_or("takes an array of arrays")?.concat()))
}

/// The item at a place counted from the end, from 1.
pub(super) fn index_from_end(arguments: &[Value]) -> Result<Value, String> {
    let items = at(arguments, 0).as_array().ok_or("takes an array")?;
    let place = at(arguments, 1).as_int().and_then(|place| usize::try_from(place).ok());
    let index = place
        .filter(|place| *place > 0)
        .and_then(|place| items.len().checked_sub(place));
    let item = index.and_then(|index| items.get(index));
    item.cloned().ok_or_else(|| "there is no such item".to_owned())
}

/// The place of an item, the first or the last; -1 for none.
pub(super) fn place_of(items: &[Value], item: &Value, from_end: bool) -> Value {
    let place = if from_end {
        items.iter().rposition(|other| other == item)
    } else {
        items.iter().position(|other| other == item)
    };
    Value::Int(place.and_then(|place| i64::try_from(place).ok()).unwrap_or(-1))
}
