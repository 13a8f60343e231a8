//! Fields that expressions read, followed back to where they come from. Those of a ParseJson or of the body of an HTTP
//! request are compared with its schema here; those of the answers of services are noted in the workflow for whoever
//! knows their operations. Warnings only, because a schema need not name everything.

use super::Severity;
use super::check::holders;
use super::draft::{Draft, Owner, Site};
use super::schema::lacking;
use super::workflow::{
    ActionId, ActionKind, CallAction, CallTarget, FieldRead, RunAfterStatus, Source, Step, TriggerKind, Workflow,
};
use crate::expression::{Expression, ExpressionKind, Template, Value};

/// How many references and members are followed from one value to where it comes from.
const DEPTH: usize = 32;
/// How many reads of answers are noted.
const READS: usize = 5_000;

/// Where a value comes from.
struct Origin<'a> {
    root: Root<'a>,
    /// The way to it in the body, or in the outputs.
    path: Vec<Step>,
    /// Whether the way begins at the outputs, whose member is the body.
    is_outputs: bool,
}

/// What is known about the beginning.
#[derive(Clone, Copy)]
enum Root<'a> {
    /// It fits this schema.
    Schema(&'a Value),
    /// A service gives it.
    Answer(Source),
}

/// Where an expression stands.
#[derive(Clone, Copy)]
struct Around {
    /// The action.
    action: Option<ActionId>,
    /// Whether `item()` is an element of its data operation.
    element: bool,
}

/// Warns of fields that schemas do not have, and notes those that are read of answers.
pub(super) fn check(draft: &mut Draft) {
    let (mut found, mut reads) = (Vec::new(), Vec::new());
    for site in &draft.sites {
        site.template.visit(&mut |pointer, expression| {
            expression.walk(&mut |expression| {
                let Some((origin, target)) = read(&draft.workflow, site, expression) else {
                    return;
                };
                let pointer = format!("{}{pointer}", site.pointer);
                let span = expression.span.clone();
                match origin.root {
                    Root::Schema(schema) => {
                        if let Some(lack) = lacking(schema, schema, &origin.path) {
                            found.push((pointer, span, format!("the schema of '{target}' has {lack}")));
                        }
                    }
                    Root::Answer(source) if reads.len() < READS => reads.push(FieldRead {
                        source,
                        path: origin.path,
                        target: target.to_string(),
                        pointer,
                        span,
                    }),
                    Root::Answer(_) => {}
                }
            });
        });
    }
    for (pointer, span, message) in found {
        draft
            .report
            .add(Severity::Warning, "UnknownField", &pointer, Some(span), message);
    }
    reads.retain(|read| !may_be_error(&draft.workflow, read.source));
    draft.workflow.reads = reads;
}

/// The field that an access reads of a body, and what it reads it of.
fn read<'a>(workflow: &'a Workflow, site: &Site, expression: &'a Expression) -> Option<(Origin<'a>, &'a Expression)> {
    let ExpressionKind::Access { target, .. } = &expression.kind else {
        return None;
    };
    let action = match site.owner {
        Owner::Action(id) => Some(id),
        Owner::Trigger | Owner::Output(_) => None,
    };
    let element = site.element;
    let origin = origin(workflow, Around { action, element }, expression, DEPTH)?;
    let is_field = !origin.is_outputs && matches!(origin.path.last(), Some(Step::Field(_)));
    is_field.then_some((origin, &**target))
}

/// Whether a part of the workflow handles the failure of a call: what is read of its answer may be of an error then.
fn may_be_error(workflow: &Workflow, source: Source) -> bool {
    let Source::Action(id) = source else { return false };
    let is_handled = |id: ActionId| {
        workflow.action(id).successors.iter().any(|next| {
            let mut waits = workflow.action(*next).run_after.iter();
            waits.any(|(before, statuses)| *before == id && statuses.contains(&RunAfterStatus::Failed))
        })
    };
    std::iter::once(id).chain(holders(workflow, id)).any(is_handled)
}

/// Where the value of an expression comes from.
fn origin<'a>(workflow: &'a Workflow, around: Around, expression: &'a Expression, depth: usize) -> Option<Origin<'a>> {
    let depth = depth.checked_sub(1)?;
    match &expression.kind {
        ExpressionKind::Literal(_) => None,
        ExpressionKind::Access { target, key, .. } => {
            let ExpressionKind::Literal(key) = &key.kind else {
                return None;
            };
            member(origin(workflow, around, target, depth)?, key)
        }
        ExpressionKind::Call { name, arguments, .. } => {
            let named = arguments.first().and_then(literal).and_then(|name| workflow.find(name));
            match (name.to_lowercase().as_str(), arguments.as_slice(), named) {
                ("body" | "actionbody", [_], Some(id)) => body(workflow, id, depth),
                ("outputs" | "actionoutputs", [_], Some(id)) => outputs(workflow, id, depth),
                ("triggerbody", [], _) => triggered(workflow, false),
                ("triggeroutputs", [], _) => triggered(workflow, true),
                ("items", [_], Some(id)) => element(workflow, id, depth),
                ("item", [], _) if around.element => element(workflow, around.action?, depth),
                ("item", [], _) => element(workflow, innermost_foreach(workflow, around.action?)?, depth),
                ("first" | "last", [list], _) => item(origin(workflow, around, list, depth)?),
                _ => None,
            }
        }
    }
}

fn literal(expression: &Expression) -> Option<&str> {
    match &expression.kind {
        ExpressionKind::Literal(value) => value.as_str(),
        ExpressionKind::Call { .. } | ExpressionKind::Access { .. } => None,
    }
}

fn member<'a>(mut origin: Origin<'a>, key: &Value) -> Option<Origin<'a>> {
    match key {
        Value::String(name) if origin.is_outputs => {
            origin.is_outputs = false;
            name.eq_ignore_ascii_case("body").then_some(origin)
        }
        Value::String(name) => {
            origin.path.push(Step::Field(name.clone()));
            Some(origin)
        }
        Value::Int(_) => item(origin),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::Decimal(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn item(mut origin: Origin<'_>) -> Option<Origin<'_>> {
    origin.path.push(Step::Item);
    (!origin.is_outputs).then_some(origin)
}

fn starting(root: Root<'_>, is_outputs: bool) -> Option<Origin<'_>> {
    Some(Origin {
        root,
        path: Vec::new(),
        is_outputs,
    })
}

/// Where the body of an action comes from.
fn body(workflow: &Workflow, id: ActionId, depth: usize) -> Option<Origin<'_>> {
    match &workflow.action(id).kind {
        // A filter leaves the elements as they are.
        ActionKind::Query { from, .. } => template(workflow, id, from, depth),
        _ => {
            let mut origin = outputs(workflow, id, depth).filter(|origin| origin.is_outputs)?;
            origin.is_outputs = false;
            Some(origin)
        }
    }
}

/// Where the outputs of an action come from.
fn outputs(workflow: &Workflow, id: ActionId, depth: usize) -> Option<Origin<'_>> {
    let answer = Root::Answer(Source::Action(id));
    match &workflow.action(id).kind {
        ActionKind::ParseJson { schema, .. } => starting(Root::Schema(schema.as_ref()?), true),
        ActionKind::Call(call) if is_described(call) => starting(answer, true),
        ActionKind::Webhook(webhook) if is_described(&webhook.subscribe) => starting(answer, true),
        ActionKind::Compose(value) => template(workflow, id, value, depth),
        _ => None,
    }
}

/// Whether a document may describe what a call answers.
fn is_described(call: &CallAction) -> bool {
    matches!(call.target, CallTarget::Connection(_) | CallTarget::Operation { .. })
}

/// Where the body of the trigger comes from.
fn triggered(workflow: &Workflow, is_outputs: bool) -> Option<Origin<'_>> {
    let trigger = workflow.triggers.first().filter(|trigger| trigger.split_on.is_none())?;
    let answer = Root::Answer(Source::Trigger);
    match &trigger.kind {
        TriggerKind::Request(request) => starting(Root::Schema(request.schema.as_ref()?), is_outputs),
        TriggerKind::SentinelIncident | TriggerKind::SentinelAlert | TriggerKind::SentinelEntity(_) => {
            starting(answer, is_outputs)
        }
        TriggerKind::Poll { call, .. } if is_described(call) => starting(answer, is_outputs),
        TriggerKind::Webhook(webhook) if is_described(&webhook.subscribe) => starting(answer, is_outputs),
        _ => None,
    }
}

fn innermost_foreach(workflow: &Workflow, id: ActionId) -> Option<ActionId> {
    holders(workflow, id).find(|holder| matches!(workflow.action(*holder).kind, ActionKind::Foreach { .. }))
}

/// The element of a Foreach or a data operation.
fn element(workflow: &Workflow, id: ActionId, depth: usize) -> Option<Origin<'_>> {
    let over = match &workflow.action(id).kind {
        ActionKind::Foreach { items, .. } => items,
        ActionKind::Query { from, .. } | ActionKind::Select { from, .. } | ActionKind::Table { from, .. } => from,
        _ => return None,
    };
    item(template(workflow, id, over, depth)?)
}

/// Where the value of a template of an action comes from: it is one expression.
fn template<'a>(workflow: &'a Workflow, id: ActionId, value: &'a Template, depth: usize) -> Option<Origin<'a>> {
    let expression = match value {
        Template::Expression(expression) => expression,
        Template::Text(_) | Template::Literal(_) | Template::Array(_) | Template::Object(_) => return None,
    };
    let around = Around {
        action: Some(id),
        element: false,
    };
    origin(workflow, around, expression, depth)
}
