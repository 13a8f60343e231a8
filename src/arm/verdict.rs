//! What becomes of a workflow outside Azure: a verdict, and the findings that led to it.

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
    /// The reason.
    pub reason: String,
}

impl Finding {
    /// Advice that changes no verdict.
    pub(super) fn advice(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Runs,
            reason: reason.into(),
        }
    }

    /// An ARM expression that has no value.
    pub(super) fn of_template(error: &Error, pointer: &str) -> Self {
        let verdict = if error.is_unsupported() {
            Verdict::Unsupported
        } else {
            Verdict::Invalid
        };
        Self {
            verdict,
            reason: format!("{pointer}: {error}"),
        }
    }

    /// A problem of a workflow definition.
    pub(super) fn of_definition(problem: &Problem) -> Self {
        let served = !problem.code.starts_with("Unsupported") && problem.code != "UnknownFunction";
        let verdict = match problem.severity {
            Severity::Warning => Verdict::Runs,
            Severity::Error if served => Verdict::Invalid,
            Severity::Error => Verdict::Unsupported,
        };
        Self {
            verdict,
            reason: format!("{}: {}", problem.pointer, problem.message),
        }
    }
}

/// The verdict of findings and their reasons, worst first, each once.
pub(super) fn judge(mut findings: Vec<Finding>) -> (Verdict, Vec<String>) {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    let verdict = findings.first().map_or(Verdict::Runs, |finding| finding.verdict);
    let mut reasons: Vec<String> = Vec::new();
    for finding in findings {
        if !reasons.contains(&finding.reason) {
            reasons.push(finding.reason);
        }
    }
    (verdict, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        let finding = |verdict, reason: &str| Finding {
            verdict,
            reason: reason.to_owned(),
        };
        assert_eq!(judge(vec![]), (Verdict::Runs, vec![]));
        let (verdict, reasons) = judge(vec![
            Finding::advice("a"),
            finding(Verdict::Unsupported, "b"),
            finding(Verdict::NeedsConnector, "c"),
            finding(Verdict::Unsupported, "b"),
        ]);
        assert_eq!(verdict, Verdict::Unsupported);
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
