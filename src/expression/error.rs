//! What can go wrong between a text and its value. Messages name functions, members and kinds; of data they show names
//! only, and they are short whatever the data.

use std::ops::Range;

use thiserror::Error;

/// A text that is not an expression or a template.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{message}")]
pub struct ParseError {
    /// Where in the text, in bytes; empty at the end of a text that stops too early.
    pub span: Range<usize>,
    /// What is wrong and what was expected.
    pub message: String,
}

impl ParseError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }
}

/// A string in a JSON value that is not a template.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{message}")]
pub struct TemplateError {
    /// JSON pointer to the string, relative to the value that was parsed; of a member name, the member.
    pub pointer: String,
    /// Where in that string, in bytes.
    pub span: Range<usize>,
    /// Stable code: `InvalidExpression`; in the object form of a condition also `UnknownFunction` and `WrongArity`.
    pub code: &'static str,
    /// What is wrong and what was expected.
    pub message: String,
}

/// The code of a text that cannot be read.
pub(super) const INVALID_EXPRESSION: &str = "InvalidExpression";

/// The one code that Logic Apps gives to every expression that cannot be evaluated.
pub const INVALID_TEMPLATE: &str = "InvalidTemplate";

/// Longest message of an [`EvalError`], in characters.
const MAX_MESSAGE: usize = 2_000;

/// An expression without a value.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{message}")]
pub struct EvalError {
    /// [`INVALID_TEMPLATE`].
    pub code: &'static str,
    /// Why, in the manner of Logic Apps.
    pub message: String,
}

impl EvalError {
    /// An error with this message, which is cut where it is long.
    pub fn new(message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Self {
            code: INVALID_TEMPLATE,
            message,
        }
    }
}
