//! Templates: JSON whose strings and member names may hold expressions (`@…` and `@{…}`), parsed once.

use std::sync::Arc;

use super::ast::Expression;
use super::value::Value;

/// JSON with expressions in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Template {
    /// A value without any expression.
    Literal(Value),
    /// A string that is one expression, `@…`; keeps the type of its value.
    Expression(Arc<Expression>),
    /// A string with expressions in it, `…@{…}…`; always text.
    Text(Arc<Vec<TextPart>>),
    /// An array with an expression somewhere in it.
    Array(Arc<Vec<Template>>),
    /// An object with an expression somewhere in it; names are templates too.
    Object(Arc<Vec<(Template, Template)>>),
}

/// A part of a string with expressions in it.
#[derive(Clone, Debug, PartialEq)]
pub enum TextPart {
    /// Text as it stands.
    Literal(Arc<str>),
    /// The text of a value.
    Expression(Expression),
}
