//! Reads the action that answers the HTTP request which started the run.

use super::action::{Entry, nothing};
use super::draft::Draft;
use super::workflow::{ActionKind, ResponseAction};
use crate::expression::{Template, Value};

/// `Response`.
pub(super) fn response(draft: &mut Draft, entry: &Entry) -> ActionKind {
    if entry.around.in_loop {
        let message = "a Response cannot stand in a loop; set a variable there and answer after the loop";
        draft.report.error("ResponseInLoop", &entry.node.pointer, message);
    }
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let owner = entry.owner();
    let status = draft.optional_template(owner, &inputs, "statusCode");
    ActionKind::Response(Box::new(ResponseAction {
        status: status.unwrap_or(Template::Literal(Value::Int(200))),
        headers: draft.optional_template(owner, &inputs, "headers"),
        body: draft.optional_template(owner, &inputs, "body"),
        asynchronous: entry.options.asynchronous,
    }))
}
