//! Reads the actions that call services: ApiConnection and Http.

use super::action::{Entry, nothing};
use super::draft::Draft;
use super::node::Node;
use super::retry;
use super::workflow::{ActionKind, CallAction};
use crate::expression::{Template, Value};

/// The mark in `metadata` by which an author allows that a call is repeated when its outcome was lost.
const SAFE_TO_REPEAT: &str = "riposte.dev/safe-to-repeat";

/// The members of an authentication object that are secret.
const SECRETS: [&str; 4] = ["password", "secret", "pfx", "value"];

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
        authentication: authentication(draft, entry, inputs),
        retry: retry::parse(draft, inputs),
        disable_async_pattern: entry.options.disable_async_pattern,
        safe_to_repeat: safe_to_repeat(&entry.node),
    }
}

/// The authentication object; secrets that stand in the text are warned of.
fn authentication(draft: &mut Draft, entry: &Entry, inputs: &Node) -> Option<Template> {
    let node = inputs.member("authentication")?;
    for secret in SECRETS.iter().filter_map(|name| node.member(name)) {
        let text = secret.value.as_str().unwrap_or_default();
        if !text.is_empty() && !text.contains('@') {
            let message = "a secret stands in the definition; take it from a parameter of type securestring";
            draft.report.warning("LiteralSecret", &secret.pointer, message);
        }
    }
    Some(draft.template(entry.owner(), &node))
}

fn safe_to_repeat(action: &Node) -> bool {
    let mark = action
        .member("metadata")
        .and_then(|metadata| metadata.member(SAFE_TO_REPEAT));
    mark.is_some_and(|mark| matches!(mark.value, Value::Bool(true)))
}
