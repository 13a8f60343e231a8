//! The functions of the workflow language, one table row each: code, manual, arity and examples in one place.
//! A function sees its arguments and the scope and nothing else.

mod arguments;
mod collection;
mod conversion;
mod date;
mod example;
mod form;
mod logical;
mod math;
mod object;
mod string;
mod uri;
mod workflow;
mod xml;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

pub use arguments::{Arguments, LazyArguments};
pub use example::{Example, Outcome};

use super::error::EvalError;
use super::value::Value;

/// A function of the workflow language.
pub struct Function {
    /// Its name, in the spelling of the Logic Apps reference; calls may write it in any case.
    pub name: &'static str,
    /// Its parameters with their kinds and the kind of its value: `(text: string, start: int, length?: int): string`.
    pub signature: &'static str,
    /// How many arguments it takes.
    pub arity: Arity,
    /// What it does, for the manual.
    pub doc: &'static str,
    /// The section of the Logic Apps function reference that it mirrors.
    pub source: &'static str,
    /// Its examples as lines of text: see [`Function::examples`].
    examples: &'static str,
    /// The code.
    pub call: Call,
}

/// How many arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    /// At least.
    pub min: usize,
    /// At most; `None` for any number.
    pub max: Option<usize>,
}

impl Arity {
    /// Whether a function takes this number of arguments.
    pub fn takes(self, count: usize) -> bool {
        count >= self.min && self.max.is_none_or(|max| count <= max)
    }
}

/// The code of a function.
#[derive(Clone, Copy)]
pub enum Call {
    /// Gets the values of its arguments.
    Eager(fn(&Arguments<'_>) -> Result<Value, EvalError>),
    /// Gets its arguments unevaluated and evaluates what it needs.
    Lazy(fn(&LazyArguments<'_>) -> Result<Value, EvalError>),
}

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Function").field(&self.name).finish()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Function {
    /// Expressions with their values or errors.
    pub fn examples(&self) -> impl Iterator<Item = Example> {
        example::read(self.examples)
    }

    /// Checks the number of arguments.
    ///
    /// # Errors
    /// A number that [`Arity`] does not allow, in the words of Logic Apps.
    pub fn check_arity(&self, count: usize) -> Result<(), EvalError> {
        if self.arity.takes(count) {
            return Ok(());
        }
        let words = ["no", "one", "two", "three", "four", "five"];
        let word = |count: usize| words.get(count).copied().unwrap_or("more");
        let plural = |count: usize| if count == 1 { "parameter" } else { "parameters" };
        let Arity { min, max } = self.arity;
        let wanted = match max {
            None => format!("at least {} {}", word(min), plural(min)),
            Some(max) if max == min => format!("{} {}", word(min), plural(min)),
            Some(max) => format!("{} to {} parameters", word(min), word(max)),
        };
        Err(EvalError::new(format!(
            "The template language function '{}' expects {wanted}, but got {count}.",
            self.name
        )))
    }
}

/// Exactly this many arguments.
const fn exactly(count: usize) -> Arity {
    Arity {
        min: count,
        max: Some(count),
    }
}

/// This many arguments, the last ones optional.
const fn between(min: usize, max: usize) -> Arity {
    Arity { min, max: Some(max) }
}

/// This many arguments or more.
const fn at_least(min: usize) -> Arity {
    Arity { min, max: None }
}

/// The tables, in the order of the Logic Apps reference.
static TABLES: &[&[Function]] = &[
    string::STRING,
    collection::COLLECTION,
    logical::LOGICAL,
    conversion::CONVERSION,
    math::MATH,
    date::DATE,
    workflow::WORKFLOW,
    form::FORM,
    uri::URI,
    object::OBJECT,
    xml::XML,
];

static BY_NAME: LazyLock<HashMap<String, &'static Function>> = LazyLock::new(|| {
    all()
        .map(|function| (function.name.to_ascii_lowercase(), function))
        .collect()
});

/// All functions, by section of the reference.
pub fn all() -> impl Iterator<Item = &'static Function> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The function of this name, in any case.
pub fn find(name: &str) -> Option<&'static Function> {
    BY_NAME.get(&name.to_ascii_lowercase()).copied()
}
