//! Reads the actions and triggers whose result comes to a callback URL: HttpWebhook and ApiConnectionWebhook.

use super::action::{Entry, nothing};
use super::call::{call, connection, operation};
use super::draft::{Draft, Owner};
use super::node::Node;
use super::options::Options;
use super::workflow::{ActionKind, CallAction, CallTarget, WebhookAction};
use crate::expression::{Template, Value};

/// `HttpWebhook`.
pub(super) fn http(draft: &mut Draft, entry: &Entry) -> ActionKind {
    action(draft, entry, http_parts)
}

/// `ApiConnectionWebhook`.
pub(super) fn api_connection(draft: &mut Draft, entry: &Entry) -> ActionKind {
    action(draft, entry, connection_parts)
}

/// `OpenApiConnectionWebhook`.
pub(super) fn open_api_connection(draft: &mut Draft, entry: &Entry) -> ActionKind {
    action(draft, entry, operation_parts)
}

/// The action or trigger that is read.
pub(super) struct Subscriber<'a> {
    /// Whose its templates are.
    pub(super) owner: Owner,
    /// Its text.
    pub(super) node: &'a Node<'a>,
    /// Its options.
    pub(super) options: &'a Options,
}

type Parts = fn(&mut Draft, &Subscriber, &Node) -> WebhookAction;

fn action(draft: &mut Draft, entry: &Entry, parts: Parts) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let subscriber = Subscriber {
        owner: entry.owner(),
        node: &entry.node,
        options: &entry.options,
    };
    ActionKind::Webhook(Box::new(parts(draft, &subscriber, &inputs)))
}

/// The calls `subscribe` and `unsubscribe`.
pub(super) fn http_parts(draft: &mut Draft, subscriber: &Subscriber, inputs: &Node) -> WebhookAction {
    let subscribe = draft.required(inputs, "subscribe");
    let subscribe = subscribe.filter(|subscribe| draft.is_object(subscribe));
    let unsubscribe = inputs.member("unsubscribe");
    // The designer writes an empty object where nothing is to be unsubscribed.
    let unsubscribe = unsubscribe.filter(|node| node.value.as_object().is_none_or(|members| !members.is_empty()));
    WebhookAction {
        subscribe: uri_call(draft, subscriber, subscribe.as_ref().unwrap_or(inputs)),
        unsubscribe: unsubscribe
            .filter(|unsubscribe| draft.is_object(unsubscribe))
            .map(|unsubscribe| uri_call(draft, subscriber, &unsubscribe)),
    }
}

fn uri_call(draft: &mut Draft, subscriber: &Subscriber, inputs: &Node) -> CallAction {
    let method = method(draft, subscriber, inputs);
    let path = draft.required_template(subscriber.owner, inputs, "uri");
    parsed(draft, subscriber, inputs, (CallTarget::Uri, method, path))
}

/// One operation of a connection that gets the callback URL.
pub(super) fn connection_parts(draft: &mut Draft, subscriber: &Subscriber, inputs: &Node) -> WebhookAction {
    let target = CallTarget::Connection(connection(draft, subscriber.owner, inputs));
    let path = draft.required_template(subscriber.owner, inputs, "path");
    let method = method(draft, subscriber, inputs);
    WebhookAction {
        subscribe: parsed(draft, subscriber, inputs, (target, method, path)),
        unsubscribe: None,
    }
}

fn operation_parts(draft: &mut Draft, subscriber: &Subscriber, inputs: &Node) -> WebhookAction {
    let target = operation(draft, subscriber.owner, inputs);
    let nothing = || Template::Literal(Value::Null);
    WebhookAction {
        subscribe: parsed(draft, subscriber, inputs, (target, nothing(), nothing())),
        unsubscribe: None,
    }
}

/// Subscriptions are posted where nothing else is said.
fn method(draft: &mut Draft, subscriber: &Subscriber, inputs: &Node) -> Template {
    let method = draft.optional_template(subscriber.owner, inputs, "method");
    method.unwrap_or_else(|| Template::Literal(Value::from("POST")))
}

fn parsed(
    draft: &mut Draft,
    subscriber: &Subscriber,
    inputs: &Node,
    address: (CallTarget, Template, Template),
) -> CallAction {
    call(
        draft,
        subscriber.owner,
        subscriber.node,
        inputs,
        subscriber.options,
        address,
    )
}
