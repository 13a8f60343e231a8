//! The expression language of Logic Apps: text to tree to value. Pure: everything an expression can see,
//! the clock and chance included, comes in through [`Scope`].

pub mod ast;
pub mod compare;
pub mod condition;
pub mod content;
pub mod context;
pub mod functions;
pub mod limits;
pub mod parser;
pub mod scope;
pub mod template;
pub mod time_zones;
pub mod value;

mod data_uri;
mod date_format;
mod date_parse;
mod error;
mod evaluate;
mod locale;
mod moment;
mod number;
mod number_format;
mod number_parse;
mod number_pattern;
mod text;
mod time_span;
mod uri_text;
mod utf16;
mod xml;

pub use ast::{Expression, ExpressionKind};
pub use error::{EvalError, INVALID_TEMPLATE, ParseError, TemplateError};
pub use scope::Scope;
pub use template::Template;
pub use value::{Object, Value};
