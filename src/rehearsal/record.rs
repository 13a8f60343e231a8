//! Mocks from a run that really happened: what each call was answered, without what is secret. Pure.

use std::sync::Arc;

use super::stage::Stage;
use crate::definition::{ActionKind, Workflow};
use crate::engine::event::Payload;
use crate::engine::node::Node;
use crate::engine::state::State;
use crate::expression::{Object, Value};

/// What stands for a secret.
const HIDDEN: &str = "*** hidden ***";
/// The shortest text that counts as a secret where it stands inside of another: shorter ones are everywhere.
const SECRET_MIN: usize = 4;
/// Headers that carry credentials.
const SECRET_HEADERS: &[&str] = &["authorization", "cookie", "set-cookie", "www-authenticate", "x-api-key"];

/// The mocks that make another run get the same answers, by action. Actions of loops have one for each repetition.
/// Secure outputs are hidden, and the secure parameters wherever they stand. What Riposte's own incidents answered is
/// left out: a rehearsal has its own.
pub fn record(stage: &Stage, workflow: &Workflow, state: &State) -> Value {
    let secrets = secrets(state);
    let mut nodes: Vec<(&Arc<str>, &Node)> = Vec::new();
    for frame in &state.frames {
        let calls = frame.nodes.iter().filter_map(|(id, node)| {
            let action = workflow.action(*id);
            let calls = matches!(action.kind, ActionKind::Call(_) | ActionKind::Webhook(_));
            (calls && node.attempts > 0 && !stage.answers_itself(action)).then_some((&action.name, node.as_ref()))
        });
        nodes.extend(calls);
    }
    nodes.sort_by_key(|(_, node)| node.started_at);
    let mut mocks: indexmap::IndexMap<Arc<str>, Vec<Value>> = indexmap::IndexMap::new();
    for (name, node) in nodes {
        mocks
            .entry(Arc::clone(name))
            .or_default()
            .extend(answer(node, &secrets));
    }
    Value::object(mocks.into_iter().map(|(name, mut answers)| match answers.len() {
        1 => (name, answers.remove(0)),
        _ => (name, Value::array(answers)),
    }))
}

fn answer(node: &Node, secrets: &[Arc<str>]) -> Option<Value> {
    let mut mock = Object::new();
    match (&node.outputs, &node.error) {
        (Some(outputs), _) if outputs.secure => {
            mock.insert(
                "statusCode",
                outputs.value.get("statusCode").cloned().unwrap_or(Value::from(200)),
            );
            mock.insert("body", HIDDEN);
        }
        (Some(outputs), _) => {
            for (name, value) in outputs.value.as_object()?.iter() {
                match &**name {
                    "headers" => mock.insert("headers", headers(value, secrets)),
                    _ => mock.insert(Arc::clone(name), scrubbed(value, secrets)),
                }
            }
        }
        (None, Some(error)) => {
            let message = scrubbed(&Value::from(error.message.as_str()), secrets);
            mock.insert(
                "error",
                Value::object([("code", Value::from(error.code.as_str())), ("message", message)]),
            );
        }
        (None, None) => return None,
    }
    Some(mock.into())
}

fn headers(value: &Value, secrets: &[Arc<str>]) -> Value {
    let Some(headers) = value.as_object() else {
        return Value::from(Object::new());
    };
    Value::object(headers.iter().map(|(name, value)| {
        let is_secret = SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret));
        let shown = if is_secret {
            Value::from(HIDDEN)
        } else {
            scrubbed(value, secrets)
        };
        (Arc::clone(name), shown)
    }))
}

/// Every text of the secure parameters and credentials.
fn secrets(state: &State) -> Vec<Arc<str>> {
    let parameters = state.opened.parameters.iter().map(|(_, payload)| payload);
    let nodes = state.frames.iter().flat_map(|frame| frame.nodes.values());
    let credentials = nodes.filter_map(|node| node.credentials.as_ref());
    let mut found = Vec::new();
    let is_secret = |payload: &&Payload| payload.secure;
    for payload in parameters.filter(is_secret).chain(credentials) {
        texts(&payload.value, &mut found);
    }
    // The longest first: one may be a part of another.
    found.sort_by_key(|text| std::cmp::Reverse(text.len()));
    found.dedup();
    found
}

fn texts(value: &Value, found: &mut Vec<Arc<str>>) {
    match value {
        Value::String(text) if text.len() >= SECRET_MIN => found.push(Arc::clone(text)),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.iter().for_each(|(_, member)| texts(member, found)),
        _ => {}
    }
}

fn scrubbed(value: &Value, secrets: &[Arc<str>]) -> Value {
    match value {
        Value::String(text) => {
            let mut clean = text.to_string();
            for secret in secrets {
                if clean.contains(&**secret) {
                    clean = clean.replace(&**secret, HIDDEN);
                }
            }
            Value::from(clean)
        }
        Value::Array(items) => Value::array(items.iter().map(|item| scrubbed(item, secrets))),
        Value::Object(members) => Value::object(
            members
                .iter()
                .map(|(name, member)| (Arc::clone(name), scrubbed(member, secrets))),
        ),
        other => other.clone(),
    }
}
