//! Reads the actions that call something: ApiConnection, OpenApiConnection, Http, Workflow, Function, SendToBatch and
//! JavaScriptCode.

use super::action::{Entry, nothing};
use super::draft::{Draft, Owner};
use super::node::Node;
use super::options::Options;
use super::retry;
use super::workflow::{ActionKind, CallAction, CallTarget, Script};
use crate::expression::{Template, Value};

/// The mark in `metadata` by which an author allows that a call is repeated when its outcome was lost.
const SAFE_TO_REPEAT: &str = "riposte.dev/safe-to-repeat";

/// The members of an authentication object that are secret.
const SECRETS: [&str; 4] = ["password", "secret", "pfx", "value"];

/// `ApiConnection`: an operation of a connection, by method and path.
pub(super) fn api_connection(draft: &mut Draft, entry: &Entry) -> ActionKind {
    read(draft, entry, |draft, entry, inputs| {
        let target = CallTarget::Connection(connection(draft, entry.owner(), inputs));
        let path = draft.required_template(entry.owner(), inputs, "path");
        let method = draft.required_template(entry.owner(), inputs, "method");
        (target, method, path)
    })
}

/// `OpenApiConnection`: an operation of a connection, by its id.
pub(super) fn open_api_connection(draft: &mut Draft, entry: &Entry) -> ActionKind {
    read(draft, entry, |draft, entry, inputs| {
        let target = operation(draft, entry.owner(), inputs);
        (target, Template::Literal(Value::Null), Template::Literal(Value::Null))
    })
}

/// `Http`: a call of a URI.
pub(super) fn http(draft: &mut Draft, entry: &Entry) -> ActionKind {
    read(draft, entry, |draft, entry, inputs| {
        let path = draft.required_template(entry.owner(), inputs, "uri");
        let method = draft.required_template(entry.owner(), inputs, "method");
        (CallTarget::Uri, method, path)
    })
}

/// `Workflow`: another playbook, whose response is the answer.
pub(super) fn workflow(draft: &mut Draft, entry: &Entry) -> ActionKind {
    read(draft, entry, |draft, entry, inputs| {
        let workflow = workflow_id(draft, entry.owner(), inputs);
        posted(CallTarget::Playbook { workflow })
    })
}

/// `Function`: a function of a function app.
pub(super) fn function(draft: &mut Draft, entry: &Entry) -> ActionKind {
    read(draft, entry, |draft, entry, inputs| {
        let function = draft.required(inputs, "function");
        let id = match function.filter(|function| draft.is_object(function)) {
            Some(function) => draft.required_template(entry.owner(), &function, "id"),
            None => Template::Literal(Value::Null),
        };
        let (target, post, path) = posted(CallTarget::Function(id));
        let method = draft.optional_template(entry.owner(), inputs, "method");
        (target, method.unwrap_or(post), path)
    })
}

/// `SendToBatch`: a message for a playbook that collects messages.
pub(super) fn send_to_batch(draft: &mut Draft, entry: &Entry) -> ActionKind {
    read(draft, entry, |draft, entry, inputs| {
        let owner = entry.owner();
        posted(CallTarget::Batch {
            workflow: workflow_id(draft, owner, inputs),
            batch: draft.required_template(owner, inputs, "batchName"),
            partition: draft.optional_template(owner, inputs, "partitionName"),
            message_id: draft.optional_template(owner, inputs, "messageId"),
        })
    })
}

/// `JavaScriptCode`: a script, and the actions that it reads.
pub(super) fn script(draft: &mut Draft, entry: &Entry) -> ActionKind {
    read(draft, entry, |draft, _, inputs| {
        let code = draft.required(inputs, "code");
        let code = code.and_then(|code| draft.text(&code).map(str::to_owned));
        let code = code.unwrap_or_default();
        let dependencies = inputs.member("explicitDependencies");
        let actions = dependencies
            .as_ref()
            .and_then(|dependencies| dependencies.member("actions"));
        let named = actions.as_ref().map(Node::items).unwrap_or_default();
        let trigger = dependencies.and_then(|dependencies| dependencies.member("includeTrigger"));
        let actions = named
            .iter()
            .filter_map(|name| Some((draft.text(name)?.to_owned(), name.pointer.clone())));
        let actions: Vec<_> = actions.collect();
        draft.script_reads.extend(actions.iter().cloned());
        posted(CallTarget::Script(Script {
            trigger: trigger.is_some_and(|trigger| trigger.value == &Value::Bool(true))
                || code.contains("workflowContext.trigger"),
            actions: actions.into_iter().map(|(name, _)| name).collect(),
            code,
        }))
    })
}

/// What a call goes to, its method and its path.
type Address = (CallTarget, Template, Template);

/// A call whose method and path follow from its target.
fn posted(target: CallTarget) -> Address {
    (
        target,
        Template::Literal(Value::from("POST")),
        Template::Literal(Value::Null),
    )
}

fn read(draft: &mut Draft, entry: &Entry, address: fn(&mut Draft, &Entry, &Node) -> Address) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let address = address(draft, entry, &inputs);
    ActionKind::Call(Box::new(call(
        draft,
        entry.owner(),
        &entry.node,
        &inputs,
        &entry.options,
        address,
    )))
}

/// The playbook that `host` names.
fn workflow_id(draft: &mut Draft, owner: Owner, inputs: &Node) -> Template {
    let host = draft.required(inputs, "host").filter(|host| draft.is_object(host));
    let workflow = host.and_then(|host| draft.required(&host, "workflow"));
    match workflow.filter(|workflow| draft.is_object(workflow)) {
        Some(workflow) => draft.required_template(owner, &workflow, "id"),
        None => Template::Literal(Value::Null),
    }
}

/// The operation that `host` names, with its parameters.
pub(super) fn operation(draft: &mut Draft, owner: Owner, inputs: &Node) -> CallTarget {
    let nothing = || Template::Literal(Value::Null);
    let host = draft.required(inputs, "host").filter(|host| draft.is_object(host));
    CallTarget::Operation {
        operation: host
            .as_ref()
            .map_or_else(nothing, |host| draft.required_template(owner, host, "operationId")),
        parameters: draft.optional_template(owner, inputs, "parameters"),
        connection: host.map_or_else(nothing, |host| operation_connection(draft, owner, &host)),
    }
}

/// The connection of an operation: `connectionName`, or `connection` with a name or a reference.
fn operation_connection(draft: &mut Draft, owner: Owner, host: &Node) -> Template {
    let connection = host.member("connection");
    match connection.filter(|connection| connection.value.as_object().is_some()) {
        Some(connection) => named_connection(draft, owner, &connection),
        None if host.member("connectionName").is_some() => draft.required_template(owner, host, "connectionName"),
        None => draft.required_template(owner, host, "connection"),
    }
}

/// The connection: its id, as the consumption plan writes it, or its name, as the standard plan does.
pub(super) fn connection(draft: &mut Draft, owner: Owner, inputs: &Node) -> Template {
    let host = draft.required(inputs, "host").filter(|host| draft.is_object(host));
    let connection = host.and_then(|host| draft.required(&host, "connection"));
    match connection.filter(|connection| draft.is_object(connection)) {
        Some(connection) => named_connection(draft, owner, &connection),
        None => Template::Literal(Value::Null),
    }
}

fn named_connection(draft: &mut Draft, owner: Owner, connection: &Node) -> Template {
    if connection.member("referenceName").is_some() {
        return draft.required_template(owner, connection, "referenceName");
    }
    draft.required(connection, "name");
    draft
        .optional_template(owner, connection, "name")
        .unwrap_or(Template::Literal(Value::Null))
}

/// What all calls have: the parts of a request, and what happens when it fails.
pub(super) fn call(
    draft: &mut Draft,
    owner: Owner,
    node: &Node,
    inputs: &Node,
    options: &Options,
    (target, method, path): Address,
) -> CallAction {
    let body = if matches!(target, CallTarget::Batch { .. }) {
        "content"
    } else {
        "body"
    };
    let is_uri = matches!(target, CallTarget::Uri);
    if options.chunked && !is_uri && inputs.member(body).is_some() {
        let message = "only an Http action sends its content in parts; this one sends it whole";
        draft.report.warning("IgnoredOption", &node.pointer, message);
    }
    CallAction {
        target,
        method,
        path,
        queries: draft.optional_template(owner, inputs, "queries"),
        headers: draft.optional_template(owner, inputs, "headers"),
        cookie: draft.optional_template(owner, inputs, "cookie"),
        body: draft.optional_template(owner, inputs, body),
        authentication: authentication(draft, owner, inputs),
        retry: retry::parse(draft, inputs),
        disable_async_pattern: options.disable_async_pattern,
        suppress_workflow_headers: options.suppress_workflow_headers,
        minimum_items: options.minimum_items,
        chunked: options.chunked && is_uri,
        safe_to_repeat: safe_to_repeat(node),
    }
}

/// The authentication object; secrets that stand in the text are warned of.
fn authentication(draft: &mut Draft, owner: Owner, inputs: &Node) -> Option<Template> {
    let node = inputs.member("authentication")?;
    let kind = node
        .member("type")
        .and_then(|kind| kind.value.as_str())
        .unwrap_or_default();
    let has = |name: &str| node.member(name).is_some();
    let is_certificate = kind.eq_ignore_ascii_case("ClientCertificate")
        || kind.eq_ignore_ascii_case("ActiveDirectoryOAuth") && has("pfx") && !has("secret");
    if is_certificate {
        let message = "an action cannot prove itself by a certificate: its calls will be refused";
        draft
            .report
            .warning("UnsupportedAuthentication", &node.pointer, message);
    }
    for secret in SECRETS.iter().filter_map(|name| node.member(name)) {
        let text = secret.value.as_str().unwrap_or_default();
        if !text.is_empty() && !text.contains('@') {
            let message = "a secret stands in the definition; take it from a parameter of type securestring";
            draft.report.warning("LiteralSecret", &secret.pointer, message);
        }
    }
    Some(draft.template(owner, &node))
}

fn safe_to_repeat(action: &Node) -> bool {
    let mark = action
        .member("metadata")
        .and_then(|metadata| metadata.member(SAFE_TO_REPEAT));
    mark.is_some_and(|mark| matches!(mark.value, Value::Bool(true)))
}
