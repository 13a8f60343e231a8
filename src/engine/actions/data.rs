//! Compose, ParseJson, Query, Select, Join and Table.

use super::control::decide;
use super::{Done, Failure, kind_of, table};
use crate::definition::ActionKind;
use crate::expression::scope::WithItem;
use crate::expression::{EvalError, Scope, Template, Value};

/// Evaluates a data operation.
///
/// # Errors
/// A failed expression, a `from` that is no array, or content that does not fit its schema.
pub fn start(action: &str, kind: &ActionKind, scope: &dyn Scope) -> Result<Done, Failure> {
    let evaluate = |template: &Template| evaluate(action, template, scope);
    match kind {
        ActionKind::Compose(inputs) => {
            let value = evaluate(inputs)?;
            Ok(Done {
                inputs: Some(value.clone()),
                outputs: Some(value),
            })
        }
        ActionKind::Expression(call) => Ok(Done {
            inputs: None,
            outputs: Some(Value::object([("body", evaluate(call)?)])),
        }),
        ActionKind::ParseJson { content, schema } => parse_json(evaluate(content)?, schema.as_ref()),
        ActionKind::Query { from, condition } => {
            let (from, items) = array(action, evaluate(from)?)?;
            let mut kept = Vec::new();
            for item in items.iter() {
                let inner = WithItem {
                    outer: scope,
                    item: item.clone(),
                };
                let keep = decide(condition, &inner).map_err(|failure| Failure {
                    action_code: "BadRequest",
                    ..failure
                })?;
                if keep {
                    kept.push(item.clone());
                }
            }
            Ok(body([("from", from)], Value::array(kept)))
        }
        ActionKind::Select { from, select } => {
            let (from, items) = array(action, evaluate(from)?)?;
            let mapped = items.iter().map(|item| {
                let scope = WithItem {
                    outer: scope,
                    item: item.clone(),
                };
                select
                    .evaluate(&scope)
                    .map_err(|error| Failure::expression(action, &error))
            });
            let mapped = Value::array(mapped.collect::<Result<Vec<_>, _>>()?);
            Ok(body([("from", from)], mapped))
        }
        ActionKind::Join { from, with } => {
            let (from, items) = array(action, evaluate(from)?)?;
            let with = evaluate(with)?;
            let text = items
                .iter()
                .map(Value::to_text)
                .collect::<Vec<_>>()
                .join(&with.to_text());
            Ok(body([("from", from), ("joinWith", with)], text.into()))
        }
        ActionKind::Table { from, format, columns } => {
            let (from, items) = array(action, evaluate(from)?)?;
            let rows = table::rows(&items, columns.as_deref(), scope);
            let rows = rows.map_err(|error: EvalError| Failure::expression(action, &error))?;
            Ok(body([("from", from)], rows.render(*format).into()))
        }
        _ => Err(Failure::new(
            "BadRequest",
            "InvalidTemplate",
            "the action is no data operation",
        )),
    }
}

fn evaluate(action: &str, template: &Template, scope: &dyn Scope) -> Result<Value, Failure> {
    template
        .evaluate(scope)
        .map_err(|error| Failure::expression(action, &error))
}

fn body<const N: usize>(inputs: [(&str, Value); N], body: Value) -> Done {
    Done {
        inputs: Some(Value::object(inputs)),
        outputs: Some(Value::object([("body", body)])),
    }
}

fn array(action: &str, from: Value) -> Result<(Value, std::sync::Arc<Vec<Value>>), Failure> {
    if let Value::Array(items) = &from {
        let items = items.clone();
        return Ok((from, items));
    }
    let kind = kind_of(&from);
    let message = format!(
        "The 'from' property value in the '{action}' action inputs is of type '{kind}'. The value must be an array."
    );
    Err(Failure::new("BadRequest", "InvalidTemplate", message).with_inputs(Value::object([("from", from)])))
}

/// Parses text or a content object, and checks the value against the schema.
fn parse_json(content: Value, schema: Option<&Value>) -> Result<Done, Failure> {
    let inputs = Value::object([("content", content.clone())]);
    let failed = |message: String| Failure::new("BadRequest", "InvalidTemplate", message).with_inputs(inputs.clone());
    let is_envelope = content.get("$content").is_some();
    let value = match &content {
        Value::Null => return Err(failed("The 'content' of ParseJson must not be null.".into())),
        Value::String(text) => {
            Value::from_json(text).map_err(|error| failed(format!("The content is no JSON: {error}.")))
        }
        Value::Object(_) if is_envelope => {
            Value::from_json(&content.to_text()).map_err(|error| failed(format!("The content is no JSON: {error}.")))
        }
        other => Ok(other.clone()),
    }?;
    let outputs = Value::object([("body", value.clone())]);
    if let Some(problem) = schema.and_then(|schema| mismatch(schema, &value)) {
        let failure = Failure::new(
            "BadRequest",
            "ActionSchemaNotMatched",
            format!("JSON validation failed: {problem}"),
        );
        return Err(Failure {
            inputs: Some(inputs),
            outputs: Some(outputs),
            ..failure
        });
    }
    Ok(Done {
        inputs: Some(inputs),
        outputs: Some(outputs),
    })
}

/// Takes `required: []` out: the original takes it, though draft 4 wants at least one name.
fn allow_nothing_required(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(members) => {
            if members
                .get("required")
                .and_then(serde_json::Value::as_array)
                .is_some_and(Vec::is_empty)
            {
                members.remove("required");
            }
            members.values_mut().for_each(allow_nothing_required);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(allow_nothing_required),
        _ => {}
    }
}

/// The first place where a value does not fit a JSON schema; a schema that cannot be read is itself the problem.
pub(in crate::engine) fn mismatch(schema: &Value, value: &Value) -> Option<String> {
    let mut schema = serde_json::Value::from(schema);
    allow_nothing_required(&mut schema);
    let options = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft4)
        // The linear-time engine: patterns come from playbooks and must not stall a run.
        .with_pattern_options(jsonschema::PatternOptions::regex());
    let validator = match options.build(&schema) {
        Ok(validator) => validator,
        Err(error) => return Some(format!("the schema cannot be read: {error}")),
    };
    let instance = serde_json::Value::from(value);
    let error = validator.iter_errors(&instance).next()?;
    Some(format!("at '{}': {error}", error.instance_path()))
}
