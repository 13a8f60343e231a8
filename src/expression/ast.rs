//! The tree of an expression.

use std::ops::Range;
use std::sync::Arc;

use super::value::Value;

/// An expression and where it stands in its text, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// What it is.
    pub kind: ExpressionKind,
    /// Where it stands in the whole string, in bytes.
    pub span: Range<usize>,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// A string, number, `true`, `false` or `null`.
    Literal(Value),
    /// A function with its arguments. The name is as written; case does not matter.
    Call {
        /// Name as written.
        name: Arc<str>,
        /// Arguments.
        arguments: Vec<Expression>,
    },
    /// A member of a value: `.name`, `['name']`, `[0]`, and with `?` before it the same or `null`.
    Access {
        /// The value.
        target: Box<Expression>,
        /// The name or index.
        key: Box<Expression>,
        /// Whether `?` stands before it.
        safe: bool,
    },
}
