//! What becomes of a workflow outside Azure: a verdict, and the findings that led to it.

use std::collections::HashSet;

use super::expression::Error;
use crate::definition::{Problem, Severity};

/// Whether a workflow runs, from best to worst: the worst finding decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It runs once its connections have their secrets.
    Runs,
    /// It would run if its connectors were there.
    NeedsConnector,
    /// It names a subscription that no workspace setting maps to a namespace.
    NeedsMapping,
    /// It uses what is not served, or not yet.
    Unsupported,
    /// It cannot be read, or breaks the rules of its language.
    Invalid,
}

impl Verdict {
    /// The verdict as the report writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::NeedsConnector => "needsConnector",
            Self::NeedsMapping => "needsMapping",
            Self::Unsupported => "unsupported",
            Self::Invalid => "invalid",
        }
    }
}

/// One reason, with the best verdict that it leaves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    /// The best verdict that it leaves; `Runs` for advice.
    pub verdict: Verdict,
    /// Stable code, such as `UnknownConnector`.
    pub code: &'static str,
    /// JSON pointer to its place in the resource, or in its definition; empty for all of it.
    pub pointer: String,
    /// Whether the pointer is one into the definition.
    pub in_definition: bool,
    /// The reason.
    pub reason: String,
}

impl Finding {
    /// A finding about all of a resource.
    pub(super) fn new(verdict: Verdict, code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            code,
            pointer: String::new(),
            in_definition: false,
            reason: reason.into(),
        }
    }

    /// The same finding about a part of the resource.
    pub(super) fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// The same finding about a part of the definition.
    pub(super) fn in_definition(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self.in_definition = true;
        self
    }

    /// Advice that changes no verdict.
    pub(super) fn advice(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Runs, "Advice", reason)
    }

    /// The reason with its place before it.
    pub(super) fn text(&self) -> String {
        if self.pointer.is_empty() {
            self.reason.clone()
        } else {
            format!("{}: {}", self.pointer, self.reason)
        }
    }

    /// An ARM expression that has no value.
    pub(super) fn of_template(error: &Error, pointer: &str) -> Self {
        let (verdict, code) = if error.is_unsupported() {
            (Verdict::Unsupported, "UnsupportedTemplate")
        } else {
            (Verdict::Invalid, "InvalidTemplate")
        };
        Self::new(verdict, code, error.to_string()).at(pointer)
    }

    /// A problem of a workflow definition.
    pub(super) fn of_definition(problem: &Problem) -> Self {
        let served = !problem.code.starts_with("Unsupported") && problem.code != "UnknownFunction";
        let verdict = match problem.severity {
            Severity::Warning => Verdict::Runs,
            // The manifest waits for the value.
            Severity::Error if problem.code == "MissingValue" => Verdict::Runs,
            Severity::Error if served => Verdict::Invalid,
            Severity::Error => Verdict::Unsupported,
        };
        Self::new(verdict, problem.code, problem.message.clone()).in_definition(&problem.pointer)
    }
}

/// The verdict of findings and what is left of them: worst first, each once.
pub(super) fn judge(mut findings: Vec<Finding>) -> (Verdict, Vec<Finding>) {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    let verdict = findings.first().map_or(Verdict::Runs, |finding| finding.verdict);
    let mut seen = HashSet::new();
    findings.retain(|finding| seen.insert(finding.text()));
    (verdict, findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        let finding = |verdict, reason: &str| Finding::new(verdict, "Code", reason);
        assert_eq!(judge(vec![]), (Verdict::Runs, vec![]));
        let (verdict, findings) = judge(vec![
            Finding::advice("a"),
            finding(Verdict::Unsupported, "b"),
            finding(Verdict::NeedsConnector, "c"),
            finding(Verdict::Unsupported, "b"),
        ]);
        assert_eq!(verdict, Verdict::Unsupported);
        let reasons: Vec<String> = findings.iter().map(Finding::text).collect();
        assert_eq!(reasons, ["b", "c", "a"]);
    }

    #[test]
    fn codes_of_problems_lead_to_verdicts() {
        let problem = |severity, code| Problem {
            severity,
            code,
            pointer: "/actions/A".to_owned(),
            span: None,
            message: "m".to_owned(),
        };
        let cases = [
            (Severity::Error, "UnsupportedAction", Verdict::Unsupported),
            (Severity::Error, "UnknownFunction", Verdict::Unsupported),
            (Severity::Error, "UnknownAction", Verdict::Invalid),
            (Severity::Error, "MissingValue", Verdict::Runs),
            (Severity::Warning, "UnsupportedOption", Verdict::Runs),
        ];
        for (severity, code, expected) in cases {
            assert_eq!(
                Finding::of_definition(&problem(severity, code)).verdict,
                expected,
                "{code}"
            );
        }
    }
}
