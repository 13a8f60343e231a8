//! Response: what the caller of a run is answered.

use super::{Done, Failure};
use crate::definition::workflow::ResponseAction;
use crate::expression::{Object, Scope, Template, Value};

/// The caller waits no more, so it has been told that there is no answer.
pub fn late(action: &str) -> Failure {
    let message = format!(
        "The execution of template action '{action}' failed: the client application timed out waiting for a response from \
         the service. The workflow took longer to respond than the allotted timeout value, so the client application got \
         the HTTP status code 504 Gateway Timeout."
    );
    Failure::new("ActionResponseTimedOut", "ActionResponseTimedOut", message)
}

/// The answer; it is inputs and outputs of the action.
///
/// # Errors
/// A failed expression, or a status that no Response may have.
pub fn start(action: &str, response: &ResponseAction, scope: &dyn Scope) -> Result<Done, Failure> {
    let evaluate = |template: &Template| {
        template
            .evaluate(scope)
            .map_err(|error| Failure::expression(action, &error))
    };
    let status = evaluate(&response.status)?;
    let mut answer = Object::new();
    answer.insert("statusCode", status.clone());
    for (name, template) in [("headers", &response.headers), ("body", &response.body)] {
        if let Some(template) = template {
            answer.insert(name, evaluate(template)?);
        }
    }
    match status.to_text().parse::<i64>() {
        Ok(number) if (200..300).contains(&number) || (400..600).contains(&number) => {
            answer.insert("statusCode", number);
            let answer = Value::from(answer);
            Ok(Done {
                inputs: Some(answer.clone()),
                outputs: Some(answer),
            })
        }
        Ok(_) | Err(_) => {
            let message = format!(
                "The status of response action '{action}' must be 2xx, 4xx or 5xx, not '{}'.",
                status.to_text()
            );
            Err(Failure::new("BadRequest", "InvalidTemplate", message).with_inputs(answer.into()))
        }
    }
}
