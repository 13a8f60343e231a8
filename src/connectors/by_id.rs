//! Calls by the id of an operation: from the parameters of an `OpenApiConnection` action to path, queries, headers and
//! body. Invariant: a parameter that the operation does not have is refused, never dropped.

use std::borrow::Cow;

use super::failure::Code;
use super::form;
use super::spec::{Connector, In, Match, Operation, Parameter};
use crate::engine::call::{Call, CallError, Target};
use crate::expression::{Object, Value};

/// How deep a member of the body may lie.
const DEPTH_MAX: usize = 32;

/// The operation that a call names, by id or by method and path, and the call with its address.
///
/// # Errors
/// The connector has no such operation, or the operation no such parameter.
pub fn find<'c, 'a>(connector: &'c Connector, call: &'a Call) -> Result<(Cow<'a, Call>, Match<'c>), CallError> {
    if let Target::Operation {
        operation, parameters, ..
    } = &call.target
    {
        let found = connector.operation(operation);
        let found = found.ok_or_else(|| Code::OperationNotFound.refusal(connector.no_operation(operation)))?;
        return Parts::read(found, parameters)?.address(found, call);
    }
    let path = call.path.split('?').next().unwrap_or_default();
    let found = connector.find(&call.method, path).ok_or_else(|| {
        let (name, method) = (&connector.name, &call.method);
        let nearest = connector.nearest(method, path).join("', '");
        let message = format!("connector '{name}' has no operation '{method} {path}'; the nearest are '{nearest}'");
        Code::OperationNotFound.refusal(message)
    })?;
    Ok((Cow::Borrowed(call), found))
}

/// Where the values of the parameters go.
#[derive(Default)]
struct Parts {
    path: Vec<(String, String)>,
    queries: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    form: Vec<(String, Value)>,
    body: Option<Value>,
}

impl Parts {
    fn read(operation: &Operation, given: &Object) -> Result<Self, CallError> {
        let mut parts = Self::default();
        let mut members = Vec::new();
        for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
            let place = operation.parameter(name);
            let place = place.ok_or_else(|| Code::InvalidRequest.refusal(operation.no_parameter(name)))?;
            match place {
                (In::Path, _) => parts.path.push((spelled(operation, name), form::text(value))),
                (In::Query, _) => parts.query(operation, name, value),
                (In::Header, _) => parts.headers.push((spelled(operation, name), form::text(value))),
                (In::Form, _) => parts.form.push((spelled(operation, name), value.clone())),
                (In::Body, None) => parts.body = Some(value.clone()),
                (In::Body, Some(member)) => members.push((member, value)),
            }
        }
        // After the whole body, which they are members of.
        for (member, value) in members {
            let path: Vec<&str> = member.split('/').collect();
            if path.len() > DEPTH_MAX {
                let message = format!("a member of the body lies deeper than {DEPTH_MAX} levels");
                return Err(Code::InvalidRequest.refusal(message));
            }
            parts.body = Some(with_member(parts.body.as_ref(), &path, value));
        }
        parts.check(operation)?;
        Ok(parts)
    }

    fn query(&mut self, operation: &Operation, name: &str, value: &Value) {
        let repeats = declared(operation, name).is_some_and(|parameter| parameter.repeats);
        let name = spelled(operation, name);
        match value.as_array() {
            Some(items) if repeats => {
                let pairs = items.iter().map(|item| (name.clone(), form::text(item)));
                self.queries.extend(pairs);
            }
            Some(items) => {
                let items: Vec<String> = items.iter().map(form::text).collect();
                self.queries.push((name, items.join(",")));
            }
            None => self.queries.push((name, form::text(value))),
        }
    }

    /// Whether everything is there that the operation cannot do without.
    fn check(&self, operation: &Operation) -> Result<(), CallError> {
        let has = |pairs: &[(String, String)], name: &str| pairs.iter().any(|(given, _)| given == name);
        let required = operation.parameters.iter().filter(|parameter| parameter.required);
        let absent = required.filter(|parameter| {
            let name = parameter.name.as_str();
            let is_given = match parameter.place {
                In::Path => has(&self.path, name),
                In::Query => has(&self.queries, name),
                In::Header => has(&self.headers, name),
                In::Form => self.form.iter().any(|(given, _)| given == name),
                In::Body => self.body.is_some(),
            };
            !is_given && !parameter.has_default
        });
        let undeclared = operation.path.parameters().filter(|name| !has(&self.path, name));
        let mut missing = absent.map(|parameter| parameter.name.as_str()).chain(undeclared);
        match missing.next() {
            None => Ok(()),
            Some(name) => {
                let message = format!("operation '{}' needs the parameter '{name}'", operation.id);
                Err(Code::InvalidRequest.refusal(message))
            }
        }
    }

    /// The call with its address, and the operation with the values of its path.
    fn address<'c>(self, operation: &'c Operation, call: &Call) -> Result<(Cow<'static, Call>, Match<'c>), CallError> {
        let path = operation.path.fill(|name| {
            let mut values = self.path.iter();
            values.find(|(given, _)| given == name).map(|(_, value)| value.as_str())
        });
        let path = path.ok_or_else(|| {
            let message = format!(
                "the path of operation '{}' cannot be filled: a value is empty, '.' or '..'",
                operation.id
            );
            Code::InvalidRequest.refusal(message)
        })?;
        let body = if self.form.is_empty() {
            self.body
        } else {
            Some(form_body(operation, self.form))
        };
        let addressed = Call {
            method: operation.method.clone(),
            path,
            queries: [call.queries.clone(), self.queries].concat(),
            headers: [call.headers.clone(), self.headers].concat(),
            body: body.or_else(|| call.body.clone()),
            ..call.clone()
        };
        let found = Match {
            operation,
            values: self.path,
        };
        Ok((Cow::Owned(addressed), found))
    }
}

/// Fields as the body that the operation consumes: parts where it asks for them, else members of a form.
fn form_body(operation: &Operation, fields: Vec<(String, Value)>) -> Value {
    let consumes = operation.consumes.as_deref().unwrap_or_default();
    if !consumes.starts_with("multipart/") {
        return Value::object(fields);
    }
    let part = |(name, value): (String, Value)| {
        let disposition = format!("form-data; name=\"{}\"", name.replace(['"', '\r', '\n'], "_"));
        Value::object([
            ("headers", Value::object([("Content-Disposition", disposition)])),
            ("body", value),
        ])
    };
    Value::object([
        ("$content-type", Value::from("multipart/form-data")),
        ("$multipart", Value::array(fields.into_iter().map(part))),
    ])
}

/// An object with a value at a path of members; what is no object on the way is replaced.
fn with_member(object: Option<&Value>, path: &[&str], value: &Value) -> Value {
    let Some((name, rest)) = path.split_first() else {
        return value.clone();
    };
    let mut members = object.and_then(Value::as_object).cloned().unwrap_or_default();
    let member = with_member(members.get_exact(name), rest, value);
    members.insert(*name, member);
    members.into()
}

fn declared<'o>(operation: &'o Operation, name: &str) -> Option<&'o Parameter> {
    let mut parameters = operation.parameters.iter();
    parameters.find(|parameter| parameter.name.eq_ignore_ascii_case(name))
}

/// The name as the document spells it.
fn spelled(operation: &Operation, name: &str) -> String {
    let in_path = || {
        operation
            .path
            .parameters()
            .find(|place| place.eq_ignore_ascii_case(name))
    };
    let declared = declared(operation, name).map(|parameter| parameter.name.as_str());
    declared.or_else(in_path).unwrap_or(name).to_owned()
}
