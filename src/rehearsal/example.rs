//! Examples of what services answer: made from the schema of the operation where the connector is known, and from what
//! the playbook reads of the answer.

use std::sync::Arc;

use super::reads::{Reads, Root};
use crate::connectors::example::example;
use crate::connectors::{Connector, Operation};
use crate::engine::call::Answer;
use crate::expression::{Object, Value};

/// The answer of an operation to an action, as an example.
pub(super) fn answer(reads: &Reads, action: &str, operation: Option<(&Connector, &Operation)>) -> Answer {
    let shape = reads.shape(&Root::Action(action.to_lowercase()));
    let schema = operation.and_then(|(connector, operation)| Some((connector, operation.response.as_ref()?)));
    let known = schema.map(|(connector, schema)| Value::from(example(schema, &connector.document)));
    let body = match shape.and_then(|shape| shape.member("body")) {
        Some(body) if !body.is_unknown() => body.value(known.as_ref()),
        _ => known.unwrap_or_else(|| Value::from(Object::new())),
    };
    let mut headers: Object = [("Content-Type", "application/json; charset=utf-8")]
        .into_iter()
        .collect();
    if let Some(Value::Object(read)) = shape
        .and_then(|shape| shape.member("headers"))
        .map(|shape| shape.value(None))
    {
        for (name, value) in read
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"))
        {
            headers.insert(Arc::clone(name), value.clone());
        }
    }
    Answer {
        status: 200,
        headers,
        body: Some(body),
        ..Answer::default()
    }
}

/// The outputs of the trigger: what is given of the body, and what the playbook reads beside.
pub(super) fn trigger_body(reads: &Reads, known: Option<&Value>) -> Value {
    let shape = reads.shape(&Root::Trigger).and_then(|outputs| outputs.member("body"));
    match shape {
        Some(body) if !body.is_unknown() => body.value(known),
        _ => known.cloned().unwrap_or_default(),
    }
}

/// The headers of the trigger that the playbook reads.
pub(super) fn trigger_headers(reads: &Reads) -> Option<Value> {
    let shape = reads.shape(&Root::Trigger)?.member("headers")?;
    Some(shape.value_or_object(4)).filter(|headers| headers.as_object().is_some())
}
