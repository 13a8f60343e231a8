//! The expression language of Logic Apps: text to tree to value. Pure: everything an expression can see,
//! the clock and chance included, comes in through [`Scope`].

pub mod ast;
pub mod scope;
pub mod template;
pub mod value;

pub use ast::{Expression, ExpressionKind};
pub use scope::Scope;
pub use template::Template;
pub use value::{Object, Value};
