//! If, Switch, Scope, Foreach, Until and Terminate: which block runs, over what, and how a run is ended.

use super::{Failure, kind_of};
use crate::definition::workflow::UntilLoop;
use crate::definition::{ActionKind, BlockId, duration};
use crate::engine::event::ActionError;
use crate::expression::{EvalError, Scope, Template, Value};
use crate::store::Millis;

/// The block that an If, Switch, Scope or Until goes into, and what it decided on.
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
        ActionKind::Until(until) => Ok((until.body, None)),
        _ => Err(condition_failed("the action has no branches")),
    }
}

/// Whether an Until that has gone through its rounds so far ends, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The condition holds.
    Last,
    /// There is another round.
    Next,
    /// A limit ends the loop.
    Limit,
}

/// What comes after `rounds` rounds of an Until, the first of which began `elapsed` milliseconds ago. `highest` is the
/// most rounds that it may ask for.
///
/// # Errors
/// An expression that fails, a condition that is no boolean, a limit that is none.
pub fn round(
    until: &UntilLoop,
    (rounds, highest): (usize, usize),
    elapsed: Millis,
    scope: &dyn Scope,
) -> Result<Round, Failure> {
    if decide(&until.condition, scope)? {
        return Ok(Round::Last);
    }
    let evaluate = |template: &Template| {
        let value = template
            .evaluate(scope)
            .map_err(|error| condition_failed(&error.message))?;
        Ok::<_, Failure>(value.to_text())
    };
    let (count, timeout) = (evaluate(&until.count)?, evaluate(&until.timeout)?);
    let most: usize = count
        .parse()
        .ok()
        .filter(|count| (1..=highest).contains(count))
        .ok_or_else(|| condition_failed(&format!("the limit '{count}' is no integer from 1 to {highest}")))?;
    let longest = duration::parse(&timeout).map(|longest| i64::try_from(longest.as_millis()).unwrap_or(i64::MAX));
    let longest = longest.ok_or_else(|| {
        condition_failed(&format!(
            "the time limit '{timeout}' is no ISO 8601 duration, such as 'PT1H'"
        ))
    })?;
    Ok(if rounds >= most || elapsed >= longest {
        Round::Limit
    } else {
        Round::Next
    })
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

/// The elements of a Foreach, of which there are `most` at most.
///
/// # Errors
/// An expression that failed, a value that is no array, or too many elements.
pub fn elements(action: &str, items: Result<Value, EvalError>, most: usize) -> Result<Value, Failure> {
    let failed = |reason: String| {
        let message = format!("The evaluation of 'foreach' of action '{action}' failed: {reason}");
        Failure::new("BadRequest", "ExpressionEvaluationFailed", message)
    };
    match items.map_err(|error| failed(error.message))? {
        Value::Array(items) if items.len() > most => Err(failed(format!(
            "{} elements are more than the {most} that a loop takes.",
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
