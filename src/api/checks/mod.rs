//! The rules that no schema can say: which fields go together, which texts must parse, which names must be unique.
//! Each check gets a typed spec and returns every problem, with pointers into the document.

mod analytics_rule;
mod automation_rule;
mod connection;
mod connector;
mod content_repository;

use std::collections::HashMap;

pub(super) use analytics_rule::analytics_rule;
pub(super) use automation_rule::{automation_rule, incident};
pub(super) use connection::api_connection;
pub(super) use connector::connector;
pub(super) use content_repository::content_repository;

use super::cel;
use super::finding::Finding;
use super::playbook_run::RunTrigger;
use super::playbook_test::Expectation;
use super::reference::NamedValue;
use super::{PlaybookGrantSpec, PlaybookRunSpec, PlaybookSpec, PlaybookTestSpec};

/// Checks a playbook.
pub(super) fn playbook(spec: &PlaybookSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    if spec.definition.is_some() == spec.definition_text.is_some() {
        findings.push(Finding::new("/spec", "ExactlyOne", cel::ONE_DEFINITION));
    }
    named_values("/spec/parameters", &spec.parameters, &mut findings);
    named_values("/spec/appSettings", &spec.app_settings, &mut findings);
    for (index, parameter) in spec.parameters.iter().enumerate() {
        if parameter.name.eq_ignore_ascii_case("$connections") {
            findings.push(Finding::new(
                format!("/spec/parameters/{index}/name"),
                "ReservedName",
                cel::RESERVED_NAME,
            ));
        }
    }
    unique(
        "/spec/connections",
        "name",
        spec.connections.iter().map(|binding| &binding.name),
        &mut findings,
    );
    findings
}

/// Checks a grant.
pub(super) fn playbook_grant(spec: &PlaybookGrantSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    unique(
        "/spec/from",
        "namespace",
        spec.from.iter().map(|from| &from.namespace),
        &mut findings,
    );
    unique("/spec/to", "name", spec.to.iter().map(|to| &to.name), &mut findings);
    findings
}

/// Checks a run.
pub(super) fn playbook_run(spec: &PlaybookRunSpec) -> Vec<Finding> {
    match &spec.trigger {
        RunTrigger::Payload(payload) if serde_json::from_str::<serde::de::IgnoredAny>(&payload.body).is_err() => {
            let message = "`body` must be JSON; text alone is written in quotes: `'\"text\"'`";
            vec![Finding::new("/spec/trigger/payload/body", "InvalidJson", message)]
        }
        RunTrigger::Schedule(schedule) if schedule.time.parse::<jiff::Timestamp>().is_err() => {
            let message = "`time` is no RFC 3339 time; write it like `2026-12-31T23:00:00Z`";
            vec![Finding::new("/spec/trigger/schedule/time", "InvalidTime", message)]
        }
        RunTrigger::Incident(_)
        | RunTrigger::Alert(_)
        | RunTrigger::Entity(_)
        | RunTrigger::Payload(_)
        | RunTrigger::Schedule(_) => Vec::new(),
    }
}

/// Checks a test.
pub(super) fn playbook_test(spec: &PlaybookTestSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    let time = spec.now.as_ref().map(|now| now.parse::<jiff::Timestamp>());
    if time.is_some_and(|time| time.is_err()) {
        let message = "`now` is no RFC 3339 time; write it like `2026-12-31T23:00:00Z`";
        findings.push(Finding::new("/spec/now", "InvalidTime", message));
    }
    if spec.expect.refused.is_some() && spec.expect.status.is_some() {
        let message = "a playbook that does not start has no status; remove `status` or `refused`";
        findings.push(Finding::new("/spec/expect/refused", "Contradiction", message));
    }
    let expect = &spec.expect;
    let alone = Expectation {
        runs: expect.runs.clone(),
        ..Expectation::default()
    };
    if !expect.runs.is_empty() && *expect != alone {
        let message = "`runs` says what must come of each run; put what stands beside it into them";
        findings.push(Finding::new("/spec/expect/runs", "Contradiction", message));
    }
    for (index, run) in expect.runs.iter().enumerate() {
        if run.refused.is_some() || !run.runs.is_empty() {
            let message = "a run of several has neither `refused` nor `runs`";
            findings.push(Finding::new(
                format!("/spec/expect/runs/{index}"),
                "Contradiction",
                message,
            ));
        }
    }
    findings
}

/// Names once each, and exactly one of `value` and `valueFrom`.
fn named_values(pointer: &str, values: &[NamedValue], findings: &mut Vec<Finding>) {
    unique(pointer, "name", values.iter().map(|value| &value.name), findings);
    for (index, value) in values.iter().enumerate() {
        if value.value.is_some() == value.value_from.is_some() {
            let message = format!("{} for `{}`", cel::ONE_VALUE, value.name);
            findings.push(Finding::new(format!("{pointer}/{index}"), "ExactlyOne", message));
        }
    }
}

/// Names that differ in more than case.
fn unique<'a>(pointer: &str, field: &str, names: impl Iterator<Item = &'a String>, findings: &mut Vec<Finding>) {
    let mut seen = HashMap::new();
    for (index, name) in names.enumerate() {
        if let Some(first) = seen.insert(name.to_lowercase(), index) {
            let message = format!("`{name}` is given twice, first as item {first}; remove one");
            findings.push(Finding::new(
                format!("{pointer}/{index}/{field}"),
                "DuplicateName",
                message,
            ));
        }
    }
}
