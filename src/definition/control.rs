//! Reads the actions that hold blocks, and the one that ends the run: Foreach, Until, If, Switch, Scope, Terminate.

use std::collections::BTreeSet;

use super::action::{self, Entry, nothing};
use super::draft::Draft;
use super::limits::Limit;
use super::node::Node;
use super::workflow::{ActionKind, Case, TerminateStatus, UntilLoop};
use crate::expression::{Template, Value};

/// `Foreach`: a block for each element.
pub(super) fn foreach(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let items = draft.required_template(entry.owner(), &entry.node, "foreach");
    if entry.options.sequential && entry.options.repetitions.is_some_and(|count| count > 1) {
        let message = "'Sequential' and a concurrency exclude each other; remove one";
        draft.report.error("ConflictingOptions", &entry.node.pointer, message);
    }
    let most = draft.limits.of(Limit::ForeachConcurrency);
    let usual = draft.limits.of(Limit::ForeachDefaultConcurrency).min(most);
    let asked = entry.options.repetitions.unwrap_or(usual);
    let mut around = entry.around.within(entry.id);
    around.in_foreach = true;
    around.in_loop = true;
    let body = draft.required(&entry.node, "actions");
    ActionKind::Foreach {
        items,
        body: action::block(draft, body, around),
        concurrency: if entry.options.sequential || entry.around.in_foreach {
            1
        } else {
            asked
        },
    }
}

/// `If`: one of two blocks.
pub(super) fn condition(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let condition = match draft.required(&entry.node, "expression") {
        Some(expression) => draft.condition(entry.owner(), &expression, false),
        None => Template::Literal(Value::Null),
    };
    let around = entry.around.within(entry.id);
    let otherwise = entry.node.member("else");
    if let Some(otherwise) = &otherwise {
        draft.is_object(otherwise);
    }
    ActionKind::If {
        condition,
        then: action::block(draft, entry.node.member("actions"), around),
        otherwise: action::block(
            draft,
            otherwise.and_then(|otherwise| otherwise.member("actions")),
            around,
        ),
    }
}

/// `Switch`: one of several blocks.
pub(super) fn switch(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let on = draft.required_template(entry.owner(), &entry.node, "expression");
    let cases = entry.node.member("cases");
    if let Some(cases) = &cases {
        draft.is_object(cases);
    }
    let members = cases.as_ref().map(Node::members).unwrap_or_default();
    let most = draft.limits.size(Limit::Cases);
    if members.len() > most {
        let message = format!("a Switch has at most {most} cases beside the default");
        draft.report.error("TooManyCases", &entry.node.pointer, message);
        return nothing();
    }
    let mut seen = BTreeSet::new();
    let cases = members
        .into_iter()
        .filter_map(|(name, node)| case(draft, entry, name, &node, &mut seen));
    let cases = cases.collect();
    let default = entry.node.member("default");
    if let Some(default) = &default {
        draft.is_object(default);
    }
    let default = default.and_then(|default| default.member("actions"));
    ActionKind::Switch {
        on,
        cases,
        default: action::block(draft, default, entry.around.within(entry.id)),
    }
}

fn case(draft: &mut Draft, entry: &Entry, name: &str, node: &Node, seen: &mut BTreeSet<String>) -> Option<Case> {
    if !draft.is_name(name, node) || !draft.is_object(node) {
        return None;
    }
    let value = draft.required(node, "case")?;
    match value.value {
        Value::String(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => {}
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            let message = "the value of a case is a string or a number";
            draft.report.error("WrongType", &value.pointer, message);
        }
    }
    if !seen.insert(value.value.to_json()) {
        let message = "another case has the same value; only the first would run";
        draft.report.error("DuplicateCase", &value.pointer, message);
    }
    Some(Case {
        name: name.to_owned(),
        value: value.value.clone(),
        body: action::block(draft, node.member("actions"), entry.around.within(entry.id)),
    })
}

/// `Until`: a block again and again.
pub(super) fn until(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let owner = entry.owner();
    let condition = match draft.required(&entry.node, "expression") {
        Some(expression) => draft.condition(owner, &expression, false),
        None => Template::Literal(Value::Null),
    };
    let limit = entry.node.member("limit");
    let mut limit = |name: &str, usual: Value| {
        let given = limit
            .as_ref()
            .and_then(|limit| draft.optional_template(owner, limit, name));
        given.unwrap_or(Template::Literal(usual))
    };
    let (count, timeout) = (limit("count", Value::Int(60)), limit("timeout", Value::from("PT1H")));
    let mut around = entry.around.within(entry.id);
    around.in_loop = true;
    ActionKind::Until(Box::new(UntilLoop {
        body: action::block(draft, entry.node.member("actions"), around),
        condition,
        count,
        timeout,
        fails_at_limits: entry.options.fails_at_limits,
    }))
}

/// `Scope`: a block.
pub(super) fn scope(draft: &mut Draft, entry: &Entry) -> ActionKind {
    ActionKind::Scope {
        body: action::block(draft, entry.node.member("actions"), entry.around.within(entry.id)),
    }
}

/// `Terminate`: the end of the run.
pub(super) fn terminate(draft: &mut Draft, entry: &Entry) -> ActionKind {
    if entry.around.in_loop {
        let message = "a Terminate cannot stand in a loop; set a variable there and end the run after the loop";
        draft.report.error("TerminateInLoop", &entry.node.pointer, message);
    }
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let error = inputs.member("runError");
    if let Some(error) = &error {
        draft.is_object(error);
    }
    let mut part = |name| {
        let error = error.as_ref()?;
        draft.optional_template(entry.owner(), error, name)
    };
    let (code, message) = (part("code"), part("message"));
    ActionKind::Terminate {
        status: terminate_status(draft, &inputs),
        code,
        message,
    }
}

fn terminate_status(draft: &mut Draft, inputs: &Node) -> TerminateStatus {
    const STATUSES: [(&str, TerminateStatus); 3] = [
        ("Succeeded", TerminateStatus::Succeeded),
        ("Failed", TerminateStatus::Failed),
        ("Cancelled", TerminateStatus::Cancelled),
    ];
    let Some(node) = draft.required(inputs, "runStatus") else {
        return TerminateStatus::Failed;
    };
    let text = node.value.as_str().unwrap_or_default();
    let found = STATUSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, status)| *status).unwrap_or_else(|| {
        let message = "the status of a run is one of Succeeded, Failed, Cancelled, and no expression";
        draft.report.error("InvalidValue", &node.pointer, message);
        TerminateStatus::Failed
    })
}
