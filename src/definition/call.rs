//! Reads the actions that call services: ApiConnection and Http.

use super::action::{Entry, nothing};
use super::draft::Draft;
use super::node::Node;
use super::retry;
use super::workflow::{ActionKind, CallAction};
use crate::expression::{Template, Value};

/// The mark in `metadata` by which an author allows that a call is repeated when its outcome was lost.
const SAFE_TO_REPEAT: &str = "riposte.dev/safe-to-repeat";

/// `ApiConnection`: an operation of a connection.
pub(super) fn api_connection(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let connection = connection(draft, entry, &inputs);
    ActionKind::ApiConnection(Box::new(call(draft, entry, &inputs, "path", connection)))
}

/// `Http`: a call of a URI.
pub(super) fn http(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    ActionKind::Http(Box::new(call(draft, entry, &inputs, "uri", None)))
}

/// The connection: its id, as the consumption plan writes it, or its name, as the standard plan does.
fn connection(draft: &mut Draft, entry: &Entry, inputs: &Node) -> Option<Template> {
    let host = draft.required(inputs, "host")?;
    draft.is_object(&host);
    let connection = draft.required(&host, "connection")?;
    draft.is_object(&connection);
    if connection.member("referenceName").is_some() {
        return draft.optional_template(entry.owner(), &connection, "referenceName");
    }
    draft.required(&connection, "name")?;
    draft.optional_template(entry.owner(), &connection, "name")
}

fn call(draft: &mut Draft, entry: &Entry, inputs: &Node, path: &str, connection: Option<Template>) -> CallAction {
    let owner = entry.owner();
    CallAction {
        connection,
        method: draft.required_template(owner, inputs, "method"),
        path: draft.required_template(owner, inputs, path),
        queries: draft.optional_template(owner, inputs, "queries"),
        headers: draft.optional_template(owner, inputs, "headers"),
        cookie: draft.optional_template(owner, inputs, "cookie"),
        body: draft.optional_template(owner, inputs, "body"),
        authentication: draft.optional_template(owner, inputs, "authentication"),
        retry: retry::parse(draft, inputs),
        disable_async_pattern: entry.options.disable_async_pattern,
        safe_to_repeat: safe_to_repeat(&entry.node),
    }
}

fn safe_to_repeat(action: &Node) -> bool {
    let mark = action
        .member("metadata")
        .and_then(|metadata| metadata.member(SAFE_TO_REPEAT));
    mark.is_some_and(|mark| matches!(mark.value, Value::Bool(true)))
}
