//! Words that "Update incident" and "Create incident" of Microsoft Sentinel take and nothing else: an example of what a
//! person or a service decided must be one of them.

use crate::definition::workflow::{CallAction, CallTarget};
use crate::expression::{Template, Value};

/// Members of the body, and a word for each.
const WORDS: &[(&str, &str)] = &[
    ("severity", "High"),
    ("ClassificationAndReason", "BenignPositive - SuspiciousButExpected"),
    ("ownerAction", "Assign"),
];

/// The templates in the body of a call that must give words, each with a word.
pub(super) fn of(call: &CallAction) -> Vec<(&Template, &'static str)> {
    let is_incident =
        matches!(&call.path, Template::Literal(Value::String(path)) if path.eq_ignore_ascii_case("/Incidents"));
    let Some(body) = call
        .body
        .as_ref()
        .filter(|_| is_incident && matches!(call.target, CallTarget::Connection(_)))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, word) in WORDS {
        let inner = member(body, "classification").and_then(|inner| member(inner, name));
        found.extend(member(body, name).or(inner).map(|template| (template, *word)));
    }
    // Only a closed incident has a classification.
    let status = if member(body, "classification").is_some() {
        "Closed"
    } else {
        "Active"
    };
    found.extend(member(body, "status").map(|template| (template, status)));
    found
}

fn member<'t>(template: &'t Template, name: &str) -> Option<&'t Template> {
    let Template::Object(members) = template else {
        return None;
    };
    let is_it = |member: &&(Template, Template)| matches!(&member.0, Template::Literal(Value::String(known)) if known.eq_ignore_ascii_case(name));
    members.iter().find(is_it).map(|(_, value)| value)
}
