//! Collects the problems of one definition, so that a reader can go on after each and all come out at once.

use std::ops::Range;

use super::problem::{Problem, Severity};

/// Bytes of pointers and messages that are kept: hostile definitions must not cost memory.
const MAX_BYTES: usize = 1 << 20;

/// The problems found so far.
#[derive(Default)]
pub(super) struct Report {
    problems: Vec<Problem>,
    bytes: usize,
    errors: usize,
    left_out: usize,
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
        let message = message.into();
        self.errors += usize::from(severity == Severity::Error);
        self.bytes += pointer.len() + message.len();
        if self.bytes > MAX_BYTES {
            self.left_out += 1;
            return;
        }
        self.problems.push(Problem {
            severity,
            code,
            pointer: pointer.to_owned(),
            span,
            message,
        });
    }

    /// Whether there is an error among the problems.
    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// The problems in the order in which they were found; where there were too many, the last one says so.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        if self.left_out > 0 {
            self.problems.push(Problem {
                severity: if self.errors > 0 {
                    Severity::Error
                } else {
                    Severity::Warning
                },
                code: "TooManyProblems",
                pointer: String::new(),
                span: None,
                message: format!("{} more problems are not shown; mend the first ones", self.left_out),
            });
        }
        self.problems
    }
}
