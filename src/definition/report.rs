//! Collects the problems of one definition, so that a reader can go on after each and all come out at once.

use std::ops::Range;

use super::problem::{Problem, Severity};

/// The problems found so far.
#[derive(Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
}

impl Report {
    /// Adds an error.
    pub(super) fn error(&mut self, code: &'static str, pointer: &str, message: impl Into<String>) {
        self.add(Severity::Error, code, pointer, None, message);
    }

    /// Adds a warning.
    pub(super) fn warning(&mut self, code: &'static str, pointer: &str, message: impl Into<String>) {
        self.add(Severity::Warning, code, pointer, None, message);
    }

    /// Adds a problem, perhaps of a part of a string.
    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        pointer: &str,
        span: Option<Range<usize>>,
        message: impl Into<String>,
    ) {
        self.problems.push(Problem {
            severity,
            code,
            pointer: pointer.to_owned(),
            span,
            message: message.into(),
        });
    }

    /// Whether there is an error among the problems.
    pub(super) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The problems in the order in which they were found.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}
