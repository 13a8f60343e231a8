//! The ARM functions that take a `lambda`: its body is evaluated once for each item, with variables.

use std::collections::HashMap;

use super::{Error, Expression, evaluate};
use crate::arm::scope::{Frame, Scope};
use crate::expression::{Object, Value};

/// A function with parameters and a body that has not been evaluated.
struct Lambda<'a> {
    names: Vec<String>,
    body: &'a Expression,
}

impl<'a> Lambda<'a> {
    fn of(expression: Option<&'a Expression>, scope: &Scope) -> Result<Self, String> {
        let Some(Expression::Call { name, arguments }) = expression else {
            return Err("needs a lambda".to_owned());
        };
        let ("lambda", Some((body, names))) = (name.as_str(), arguments.split_last()) else {
            return Err("needs a lambda".to_owned());
        };
        let names = names.iter().map(|name| match evaluate(name, scope) {
            Ok(Value::String(name)) => Ok(name.to_string()),
            _ => Err("the lambda has a variable without a name".to_owned()),
        });
        let names = names.collect::<Result<_, String>>()?;
        Ok(Self { names, body })
    }

    fn call(&self, values: impl IntoIterator<Item = Value>, scope: &Scope) -> Result<Value, Error> {
        let names = self.names.iter().cloned();
        let frames = names.zip(values).map(|(name, value)| Frame::Variable(name, value));
        let value = scope.within(frames.collect(), || evaluate(self.body, scope))?;
        scope.session.charge(&value)?;
        Ok(value)
    }

    fn holds(&self, values: impl IntoIterator<Item = Value>, scope: &Scope) -> Result<bool, Error> {
        let value = self.call(values, scope)?;
        Ok(scope.session.opens.plain(&value).as_bool() == Some(true))
    }

    fn text(&self, item: &Value, scope: &Scope) -> Result<String, Error> {
        let value = self.call([item.clone()], scope)?;
        let value = scope.session.opens.plain(&value);
        Ok(value.as_str().map_or_else(|| value.to_json(), str::to_owned))
    }
}

/// Calls a function that takes lambdas; `None` where the name is of no such function.
pub(super) fn call(name: &str, arguments: &[Expression], scope: &Scope) -> Option<Result<Value, Error>> {
    let known = ["map", "filter", "sort", "reduce", "toobject", "groupby", "mapvalues"];
    known.contains(&name).then(|| apply(name, arguments, scope))
}

fn apply(name: &str, arguments: &[Expression], scope: &Scope) -> Result<Value, Error> {
    let failed = |what: String| Error::Call {
        function: name.to_owned(),
        what,
    };
    let first = arguments.first().ok_or_else(|| failed("needs arguments".to_owned()))?;
    let subject = evaluate(first, scope)?;
    if scope.session.opens.whole(&subject).is_some() {
        return Ok(subject);
    }
    let lambda = |at: usize| Lambda::of(arguments.get(at), scope).map_err(failed);
    if name == "mapvalues" {
        let members = subject
            .as_object()
            .ok_or_else(|| failed("takes an object".to_owned()))?;
        return map_values(members, &lambda(1)?, scope);
    }
    let items = subject.as_array().ok_or_else(|| failed("takes an array".to_owned()))?;
    match name {
        "map" => map(items, &lambda(1)?, scope),
        "filter" => filter(items, &lambda(1)?, scope),
        "sort" => sort(items, &lambda(1)?, scope),
        "reduce" => {
            let start = arguments
                .get(1)
                .ok_or_else(|| failed("needs a first value".to_owned()))?;
            reduce(items, evaluate(start, scope)?, &lambda(2)?, scope)
        }
        "toobject" => {
            let value = if arguments.len() > 2 { Some(lambda(2)?) } else { None };
            to_object(items, &lambda(1)?, value.as_ref(), scope)
        }
        _ => group_by(items, &lambda(1)?, scope),
    }
}

/// The arguments of a lambda that may also ask for the place of the item.
fn with_index(item: &Value, index: usize) -> [Value; 2] {
    [item.clone(), Value::Int(i64::try_from(index).unwrap_or(i64::MAX))]
}

fn map(items: &[Value], lambda: &Lambda, scope: &Scope) -> Result<Value, Error> {
    let items = items.iter().enumerate();
    let mapped = items.map(|(index, item)| lambda.call(with_index(item, index), scope));
    Ok(Value::array(mapped.collect::<Result<Vec<_>, _>>()?))
}

fn filter(items: &[Value], lambda: &Lambda, scope: &Scope) -> Result<Value, Error> {
    let mut kept = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if lambda.holds(with_index(item, index), scope)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::array(kept))
}

/// Sorts by a lambda that says whether one item stands before another; whatever it says, this ends.
fn sort(items: &[Value], lambda: &Lambda, scope: &Scope) -> Result<Value, Error> {
    let mut sorted: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        let (mut low, mut high) = (0, sorted.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if lambda.holds([item.clone(), sorted[middle].clone()], scope)? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        sorted.insert(low, item.clone());
    }
    Ok(Value::array(sorted))
}

fn reduce(items: &[Value], start: Value, lambda: &Lambda, scope: &Scope) -> Result<Value, Error> {
    items
        .iter()
        .try_fold(start, |value, item| lambda.call([value, item.clone()], scope))
}

fn to_object(items: &[Value], key: &Lambda, value: Option<&Lambda>, scope: &Scope) -> Result<Value, Error> {
    let mut members = Object::new();
    for item in items {
        let member = match value {
            Some(value) => value.call([item.clone()], scope)?,
            None => item.clone(),
        };
        members.insert(key.text(item, scope)?, member);
    }
    Ok(Value::from(members))
}

fn group_by(items: &[Value], key: &Lambda, scope: &Scope) -> Result<Value, Error> {
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in items {
        let name = key.text(item, scope)?;
        let place = *places.entry(name.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(item.clone()),
            None => groups.push((name, vec![item.clone()])),
        }
    }
    let groups = groups.into_iter();
    Ok(Value::object(groups.map(|(name, group)| (name, Value::array(group)))))
}

fn map_values(members: &Object, lambda: &Lambda, scope: &Scope) -> Result<Value, Error> {
    let mut mapped = Object::new();
    for (name, member) in members.iter() {
        mapped.insert(name.clone(), lambda.call([member.clone()], scope)?);
    }
    Ok(Value::from(mapped))
}
