//! Workflow definitions: from the JSON that Logic Apps writes to a typed tree, checked as a whole.
//! Pure; every problem is reported at once, with its place.

mod action;
mod call;
mod check;
mod constant;
mod control;
mod data;
mod draft;
pub mod duration;
mod fields;
mod graph;
pub mod limits;
pub mod manual;
mod needs;
mod node;
mod options;
mod parameter;
pub mod problem;
mod recurrence;
mod reference;
mod report;
mod response;
mod retry;
pub mod schema;
mod secrecy;
mod templates;
mod trigger;
mod variables;
mod wait;
mod webhook;
pub mod workflow;

pub use limits::{Limit, Limits};
pub use needs::{app_settings, calls, connection_of, connections, function_app, identity_of, trigger_kind};
pub use problem::{Problem, Severity};
pub use templates::{templates, trigger_templates};
pub use workflow::{Action, ActionId, ActionKind, Block, BlockId, Workflow};

use std::collections::BTreeMap;

use crate::expression::Value;
use action::Surroundings;
use draft::Draft;
use node::Node;

/// Reads and checks a workflow definition: the object with `triggers` and `actions`. The warnings come beside it.
///
/// # Errors
/// Every problem of the definition, at least one of them an error.
pub fn parse(definition: &Value) -> Result<(Workflow, Vec<Problem>), Vec<Problem>> {
    parse_within(definition, Limits::default())
}

/// The same within other limits.
///
/// # Errors
/// As [`parse`].
pub fn parse_within(definition: &Value, limits: Limits) -> Result<(Workflow, Vec<Problem>), Vec<Problem>> {
    parse_given(definition, limits, BTreeMap::new())
}

/// The same with values of parameters, by lower-case name: schedules are made of them before any run.
///
/// # Errors
/// As [`parse`].
pub fn parse_given(
    definition: &Value,
    limits: Limits,
    given: BTreeMap<String, Value>,
) -> Result<(Workflow, Vec<Problem>), Vec<Problem>> {
    let mut draft = Draft::new(limits);
    draft.given = given;
    finish(draft, definition)
}

/// The workflow of a run that has begun. Its schedule does not matter any more, so it is not read: it may be made of
/// parameters whose values only the playbook of that time gave. Of the limits only those hold that are about what
/// happens from now on.
///
/// # Errors
/// As [`parse`].
pub fn parse_begun(definition: &Value, limits: Limits) -> Result<Workflow, Vec<Problem>> {
    let mut draft = Draft::new(limits.begun());
    draft.has_begun = true;
    finish(draft, definition).map(|(workflow, _)| workflow)
}

fn finish(mut draft: Draft, definition: &Value) -> Result<(Workflow, Vec<Problem>), Vec<Problem>> {
    let root = Node::root(definition);
    if draft.is_object(&root) {
        read(&mut draft, &root);
    }
    if draft.report.has_errors() {
        return Err(draft.report.into_problems());
    }
    secrecy::mark(&mut draft);
    Ok((draft.workflow, draft.report.into_problems()))
}

/// The action types that are served, sorted.
pub fn action_types() -> impl Iterator<Item = &'static str> {
    action::SERVED.iter().map(|(name, _)| *name)
}

/// The trigger types that are served, sorted.
pub fn trigger_types() -> impl Iterator<Item = &'static str> {
    trigger::SERVED.iter().map(|(name, _)| *name)
}

fn read(draft: &mut Draft, root: &Node) {
    parameter::parse(draft, root);
    draft.static_results = root.member("staticResults").map(|results| results.value.clone());
    trigger::parse(draft, root);
    action::block(draft, root.member("actions"), Surroundings::default());
    parameter::parse_outputs(draft, root);
    // What was left out would be missed everywhere.
    if !draft.truncated {
        let order = graph::link(draft);
        check::run(draft, order.as_deref());
        constant::check(draft);
        fields::check(draft);
    }
}
