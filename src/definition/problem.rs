//! Problems of a definition, each with its place.

use std::ops::Range;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The playbook cannot run.
    Error,
    /// The playbook runs, perhaps not as meant.
    Warning,
}

/// One problem of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, such as `UnknownFunction` or `UnsupportedAction`.
    pub code: &'static str,
    /// JSON pointer to the place in the definition, such as `/actions/Send/inputs/path`.
    pub pointer: String,
    /// The part of the string at that place, in bytes, if the place is a string and the problem a part of it.
    pub span: Option<Range<usize>>,
    /// What is wrong and what to do.
    pub message: String,
}
