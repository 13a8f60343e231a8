//! The tree of an expression. No deeper than [`MAX_DEPTH`], so that walking it needs little stack.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;
use std::sync::Arc;

use super::functions::Function;
use super::value::Value;

/// Deepest tree: calls in calls, and members of members.
pub const MAX_DEPTH: usize = 100;

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
        /// The function of that name; `None` if there is none, which fails only when it is called.
        function: Option<&'static Function>,
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

impl Expression {
    /// Calls `visit` on this expression and on every one in it, outer before inner, left to right.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expression)) {
        visit(self);
        match &self.kind {
            ExpressionKind::Literal(_) => {}
            ExpressionKind::Call { arguments, .. } => arguments.iter().for_each(|argument| argument.walk(visit)),
            ExpressionKind::Access { target, key, .. } => {
                target.walk(visit);
                key.walk(visit);
            }
        }
    }
}

/// The expression as one would write it: the same tree when parsed again.
impl Display for Expression {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExpressionKind::Literal(value) => write_literal(value, formatter),
            ExpressionKind::Call { name, arguments, .. } => {
                write!(formatter, "{name}(")?;
                for (index, argument) in arguments.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(formatter, "{comma}{argument}")?;
                }
                formatter.write_str(")")
            }
            ExpressionKind::Access { target, key, safe } => {
                let question = if *safe { "?" } else { "" };
                write!(formatter, "{target}{question}[{key}]")
            }
        }
    }
}

fn write_literal(value: &Value, formatter: &mut Formatter<'_>) -> fmt::Result {
    match value {
        Value::String(text) => write!(formatter, "'{}'", text.replace('\'', "''")),
        other => formatter.write_str(&other.to_json()),
    }
}
