//! If, Switch, Scope, Foreach and Terminate: which block runs, over what, and how a run is ended.

use super::{Failure, kind_of};
use crate::definition::{ActionKind, BlockId};
use crate::engine::event::ActionError;
use crate::expression::{EvalError, Scope, Template, Value};

/// The most elements of a Foreach.
pub const ITEMS_MAX: usize = 100_000;

/// The block that an If, Switch or Scope goes into, and what it decided on.
pub fn branch(kind: &ActionKind, scope: &dyn Scope) -> Result<(BlockId, Option<Value>), Failure> {
    match kind {
        ActionKind::If {
            condition,
            then,
            otherwise,
        } => {
            let holds = decide(condition, scope)?;
            let inputs = Value::object([("expressionResult", Value::Bool(holds))]);
            Ok((if holds { *then } else { *otherwise }, Some(inputs)))
        }
        ActionKind::Switch { on, cases, default } => {
            let value = on.evaluate(scope).map_err(|error| condition_failed(&error.message))?;
            let case = cases.iter().find(|case| case.value == value);
            let inputs = Value::object([("expression", value)]);
            Ok((case.map_or(*default, |case| case.body), Some(inputs)))
        }
        ActionKind::Scope { body } => Ok((*body, None)),
        _ => Err(condition_failed("the action has no branches")),
    }
}

/// Whether a condition holds.
///
/// # Errors
/// An expression that fails, or a value that is no boolean.
pub fn decide(condition: &Template, scope: &dyn Scope) -> Result<bool, Failure> {
    match condition
        .evaluate(scope)
        .map_err(|error| condition_failed(&error.message))?
    {
        Value::Bool(holds) => Ok(holds),
        other => Err(condition_failed(&format!(
            "the condition must give a boolean, not a value of type {}",
            kind_of(&other)
        ))),
    }
}

fn condition_failed(reason: &str) -> Failure {
    let message = format!("Unable to evaluate the condition: {}.", reason.trim_end_matches('.'));
    Failure::new("ActionConditionFailed", "InvalidTemplate", message)
}

/// The elements of a Foreach.
///
/// # Errors
/// An expression that failed, a value that is no array, or too many elements.
pub fn elements(action: &str, items: Result<Value, EvalError>) -> Result<Value, Failure> {
    let failed = |reason: String| {
        let message = format!("The evaluation of 'foreach' of action '{action}' failed: {reason}");
        Failure::new("BadRequest", "ExpressionEvaluationFailed", message)
    };
    match items.map_err(|error| failed(error.message))? {
        Value::Array(items) if items.len() > ITEMS_MAX => Err(failed(format!(
            "{} elements are more than the {ITEMS_MAX} that a loop takes.",
            items.len()
        ))),
        items @ Value::Array(_) => Ok(items),
        other => Err(failed(format!(
            "the result must be an array, not a value of type {}.",
            kind_of(&other)
        ))),
    }
}

/// The error that a Terminate gives the run.
///
/// # Errors
/// An expression that failed.
pub fn terminate(
    code: &Option<Template>,
    message: &Option<Template>,
    scope: &dyn Scope,
) -> Result<Option<ActionError>, Failure> {
    let text = |template: &Option<Template>| {
        let value = template.as_ref().map(|template| template.evaluate(scope)).transpose();
        value
            .map(|value| value.map(|value| value.to_text()))
            .map_err(|error| Failure::expression("Terminate", &error))
    };
    let (code, message) = (text(code)?, text(message)?);
    if code.is_none() && message.is_none() {
        return Ok(None);
    }
    Ok(Some(ActionError::new(
        code.unwrap_or_else(|| "Terminated".into()),
        message.unwrap_or_default(),
    )))
}
