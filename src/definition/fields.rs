//! Fields that expressions read and that the schema of where they read from does not have: the schema of a ParseJson, or
//! of the body of an HTTP request. A warning only, because a schema need not name everything.

use super::Severity;
use super::check::holders;
use super::draft::{Draft, Owner, Site};
use super::workflow::{ActionId, ActionKind, TriggerKind, Workflow};
use crate::api::nearest;
use crate::expression::{Expression, ExpressionKind, Template, Value};

/// How many references are followed from one value to where it comes from.
const DEPTH: usize = 32;

/// Keywords by which a schema allows what its properties do not name.
const OPEN: [&str; 7] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "patternProperties",
    "unevaluatedProperties",
];

/// What is known about a value.
#[derive(Clone, Copy)]
enum Shape<'a> {
    /// It fits a schema.
    Of(&'a Value),
    /// It is the outputs of something, whose body fits a schema.
    Outputs(&'a Value),
}

/// Warns of fields that schemas do not have.
pub(super) fn check(draft: &mut Draft) {
    let mut found = Vec::new();
    for site in &draft.sites {
        site.template.visit(&mut |pointer, expression| {
            expression.walk(&mut |expression| {
                if let Some(message) = lacking(&draft.workflow, site, expression) {
                    found.push((format!("{}{pointer}", site.pointer), expression.span.clone(), message));
                }
            });
        });
    }
    for (pointer, span, message) in found {
        draft
            .report
            .add(Severity::Warning, "UnknownField", &pointer, Some(span), message);
    }
}

/// What an access reads that its schema does not have.
fn lacking(workflow: &Workflow, site: &Site, expression: &Expression) -> Option<String> {
    let ExpressionKind::Access { target, key, .. } = &expression.kind else {
        return None;
    };
    let ExpressionKind::Literal(Value::String(field)) = &key.kind else {
        return None;
    };
    let Shape::Of(schema) = shape(workflow, site, target, DEPTH)? else {
        return None;
    };
    let properties = closed(schema)?;
    if properties.iter().any(|(name, _)| name.eq_ignore_ascii_case(field)) {
        return None;
    }
    let hint = nearest(field, properties.iter().map(|(name, _)| &**name));
    let hint = hint.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
    Some(format!("the schema of '{target}' has no field '{field}'{hint}"))
}

/// The properties of a schema that names all of them.
fn closed(schema: &Value) -> Option<&crate::expression::Object> {
    let members = schema.as_object()?;
    let is_open = |(name, value): (&std::sync::Arc<str>, &Value)| {
        OPEN.contains(&&**name) && !(&**name == "additionalProperties" && matches!(value, Value::Bool(false)))
    };
    if members.iter().any(is_open) {
        return None;
    }
    let properties = members.get_exact("properties")?.as_object()?;
    (!properties.is_empty()).then_some(properties)
}

/// What is known about the value of an expression.
fn shape<'a>(workflow: &'a Workflow, site: &Site, expression: &Expression, depth: usize) -> Option<Shape<'a>> {
    let depth = depth.checked_sub(1)?;
    match &expression.kind {
        ExpressionKind::Literal(_) => None,
        ExpressionKind::Access { target, key, .. } => {
            let ExpressionKind::Literal(key) = &key.kind else {
                return None;
            };
            member(shape(workflow, site, target, depth)?, key)
        }
        ExpressionKind::Call { name, arguments, .. } => {
            let argument = arguments.first().and_then(|argument| match &argument.kind {
                ExpressionKind::Literal(value) => value.as_str(),
                ExpressionKind::Call { .. } | ExpressionKind::Access { .. } => None,
            });
            match (name.to_lowercase().as_str(), argument) {
                ("body" | "actionbody", Some(action)) => parsed(workflow, action).map(Shape::Of),
                ("outputs" | "actionoutputs", Some(action)) => parsed(workflow, action).map(Shape::Outputs),
                ("triggerbody", None) => requested(workflow).map(Shape::Of),
                ("triggeroutputs", None) => requested(workflow).map(Shape::Outputs),
                ("items", Some(action)) => element(workflow, site, workflow.find(action)?, depth),
                ("item", None) if !site.element => element(workflow, site, innermost_foreach(workflow, site)?, depth),
                _ => None,
            }
        }
    }
}

fn member<'a>(shape: Shape<'a>, key: &Value) -> Option<Shape<'a>> {
    match (shape, key) {
        (Shape::Outputs(schema), Value::String(name)) => name.eq_ignore_ascii_case("body").then_some(Shape::Of(schema)),
        (Shape::Of(schema), Value::String(name)) => {
            let found = closed(schema)?
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, schema)| Shape::Of(schema))
        }
        (Shape::Of(schema), Value::Int(_)) => items(schema),
        _ => None,
    }
}

fn items(schema: &Value) -> Option<Shape<'_>> {
    let items = schema.as_object()?.get_exact("items")?;
    items.as_object().map(|_| Shape::Of(items))
}

/// The schema of a ParseJson.
fn parsed<'a>(workflow: &'a Workflow, name: &str) -> Option<&'a Value> {
    match &workflow.action(workflow.find(name)?).kind {
        ActionKind::ParseJson { schema, .. } => schema.as_ref(),
        _ => None,
    }
}

/// The schema of the body of a request.
fn requested(workflow: &Workflow) -> Option<&Value> {
    let trigger = workflow.triggers.first().filter(|trigger| trigger.split_on.is_none())?;
    match &trigger.kind {
        TriggerKind::Request(request) => request.schema.as_ref(),
        _ => None,
    }
}

fn innermost_foreach(workflow: &Workflow, site: &Site) -> Option<ActionId> {
    let Owner::Action(id) = site.owner else {
        return None;
    };
    holders(workflow, id).find(|holder| matches!(workflow.action(*holder).kind, ActionKind::Foreach { .. }))
}

/// The element of a Foreach over something that is known.
fn element<'a>(workflow: &'a Workflow, site: &Site, id: ActionId, depth: usize) -> Option<Shape<'a>> {
    let ActionKind::Foreach { items: over, .. } = &workflow.action(id).kind else {
        return None;
    };
    let Template::Expression(over) = over else {
        return None;
    };
    let Shape::Of(schema) = shape(workflow, site, over, depth)? else {
        return None;
    };
    items(schema)
}
