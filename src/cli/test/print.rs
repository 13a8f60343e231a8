//! Results of tests for people and programs, with the coverage of each playbook.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::case::{Case, Outcome};
use super::millis;
use crate::cli::output::{Style, Tone, clean};
use crate::rehearsal::{Coverage, Reached};

/// The most actions that are named as not reached.
const MISSED_MAX: usize = 8;
/// The most calls that are shown of a failed test.
const CALLS_MAX: usize = 20;

/// What the tests of one playbook reached.
struct Covered<'a> {
    case: &'a Case,
    coverage: Coverage,
    tests: usize,
}

/// Coverage by playbook.
fn covered<'a>(cases: &'a [Case], outcomes: &[Outcome]) -> BTreeMap<(String, String), Covered<'a>> {
    let mut all: BTreeMap<(String, String), Covered<'a>> = BTreeMap::new();
    for (case, outcome) in cases.iter().zip(outcomes) {
        let key = (case.playbook(), case.stage.playbook().hash.clone());
        let covered = all.entry(key).or_insert_with(|| Covered {
            case,
            coverage: Coverage::default(),
            tests: 0,
        });
        covered.coverage.merge(&outcome.coverage);
        covered.tests += 1;
    }
    all
}

/// Lines: a test each, with its differences; coverage; the sum.
pub(super) fn lines(cases: &[Case], outcomes: &[Outcome], took: Duration) -> String {
    let style = Style::stdout();
    let mut text = String::new();
    for (case, outcome) in cases.iter().zip(outcomes) {
        let (symbol, tone) = if outcome.is_good() {
            ("✓", Tone::Good)
        } else {
            ("✗", Tone::Bad)
        };
        let playbook = style.paint(Tone::Quiet, &clean(&case.playbook()));
        text += &format!("{} {}  {playbook}\n", style.paint(tone, symbol), clean(&case.name));
        for failure in &outcome.failures {
            let place = format!("{}:{}", case.file, failure.position);
            let what = if failure.what.is_empty() {
                String::new()
            } else {
                format!("{}: ", failure.what)
            };
            text += &format!("    {}: {}{}\n", clean(&place), clean(&what), clean(&failure.message));
        }
        if !outcome.is_good() {
            text += &calls(style, outcome);
        }
    }
    text += &style.paint(Tone::Strong, "coverage");
    text.push('\n');
    for covered in covered(cases, outcomes).values() {
        let workflow = &covered.case.stage.playbook().workflow;
        let Reached {
            actions,
            all_actions,
            branches,
            all_branches,
        } = covered.coverage.of(workflow);
        let mut missed = covered.coverage.missed(workflow);
        let more = missed.len().saturating_sub(MISSED_MAX);
        missed.truncate(MISSED_MAX);
        let mut note = if missed.is_empty() {
            String::new()
        } else {
            format!("; not reached: {}", missed.join(", "))
        };
        if more > 0 {
            note += &format!(" and {more} more");
        }
        let line = format!(
            "  {}  {actions} of {all_actions} actions, {branches} of {all_branches} branches{note}",
            covered.case.playbook()
        );
        text += &format!("{}\n", clean(&line));
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.is_good()).count();
    let sum = format!(
        "{} tests, {} passed, {failed} failed, {:.0} ms",
        outcomes.len(),
        outcomes.len() - failed,
        millis(took)
    );
    text + &style.paint(if failed == 0 { Tone::Good } else { Tone::Bad }, &sum) + "\n"
}

/// What a failed test called: mostly that tells why.
fn calls(style: Style, outcome: &Outcome) -> String {
    let shown = outcome.calls.iter().take(CALLS_MAX).map(|made| {
        let answer = match &made.outcome {
            Ok((status, _)) => status.to_string(),
            Err(code) => code.clone(),
        };
        let line = format!(
            "{} {} {} -> {answer} ({:?})",
            made.call.action, made.call.method, made.call.path, made.by
        );
        format!("    {}\n", style.paint(Tone::Quiet, &clean(&line)))
    });
    shown.collect()
}

/// `{"summary": {…}, "tests": […], "coverage": […]}`.
pub(super) fn json(cases: &[Case], outcomes: &[Outcome], took: Duration) -> String {
    let tests = cases.iter().zip(outcomes).map(|(case, outcome)| {
        let failures: Vec<_> = outcome
            .failures
            .iter()
            .map(|failure| {
                json!({"file": case.file, "line": failure.position.line, "column": failure.position.column,
                    "what": failure.what, "message": failure.message})
            })
            .collect();
        json!({"name": case.name, "file": case.file, "playbook": case.playbook(), "passed": outcome.is_good(),
            "milliseconds": millis(outcome.took), "failures": failures})
    });
    let coverage: Vec<_> = covered(cases, outcomes)
        .values()
        .map(|covered| {
            let workflow = &covered.case.stage.playbook().workflow;
            let reached = covered.coverage.of(workflow);
            json!({"playbook": covered.case.playbook(), "tests": covered.tests,
                "actions": {"reached": reached.actions, "total": reached.all_actions},
                "branches": {"reached": reached.branches, "total": reached.all_branches},
                "notReached": covered.coverage.missed(workflow)})
        })
        .collect();
    let failed = outcomes.iter().filter(|outcome| !outcome.is_good()).count();
    let summary = json!({"tests": outcomes.len(), "passed": outcomes.len() - failed, "failed": failed, "milliseconds": millis(took)});
    let tests: Vec<_> = tests.collect();
    format!(
        "{:#}\n",
        json!({"summary": summary, "tests": tests, "coverage": coverage})
    )
}

/// Prints data; a reader that has gone away is no failure.
pub(super) fn out(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot write to the standard output"),
    }
}
