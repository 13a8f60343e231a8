//! The expression language of ARM templates (`[concat(…)]`): text to tree to value. It runs before anything of the
//! workflow language, whose expressions are plain text here. Pure; it cannot ask Azure, so what only a deployment knows
//! becomes a mark ([`super::open`]).

mod collection;
mod context;
mod evaluate;
mod functions;
mod lambda;
mod network;
mod number;
mod parser;
mod text;
mod time;

pub(super) use evaluate::evaluate;
pub(super) use parser::{parse, source};

use crate::expression::Value;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// A string or a number.
    Literal(Value),
    /// A function call; the name in lower case, `namespace.name` for one that the template defines.
    Call { name: String, arguments: Vec<Expression> },
    /// `of.name`, `of[index]`; with `safe` (`.?name`) a missing member is null.
    Member {
        of: Box<Expression>,
        name: Box<Expression>,
        safe: bool,
    },
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum Error {
    /// The text is no expression.
    #[error("ARM expression cannot be read at character {at}: {what}")]
    Syntax { at: usize, what: String },
    /// A function that exists nowhere or is not served.
    #[error("ARM function `{0}` is not served")]
    UnknownFunction(String),
    /// A function got what it cannot take.
    #[error("ARM function `{function}`: {what}")]
    Call { function: String, what: String },
    /// A parameter or variable that is not declared.
    #[error("the template declares no {0}")]
    Undeclared(String),
    /// A parameter or variable that needs itself.
    #[error("{0} is defined by itself")]
    Cycle(String),
    /// A member that is not there.
    #[error("the value has no member `{0}`")]
    NoMember(String),
    /// The value outgrows what a template may hold.
    #[error("the value is too large or too deep")]
    TooLarge,
}

impl Error {
    /// Whether Azure might take it, only we do not.
    pub(super) fn is_unsupported(&self) -> bool {
        match self {
            Self::UnknownFunction(_) => true,
            Self::Syntax { .. }
            | Self::Call { .. }
            | Self::Undeclared(_)
            | Self::Cycle(_)
            | Self::NoMember(_)
            | Self::TooLarge => false,
        }
    }
}
