//! String functions.

use super::super::text::append_text;
use super::super::value::Value;
use super::{Call, Function, at_least};

const SOURCE: &str = "String functions";

pub(super) static STRING: &[Function] = &[Function {
    name: "concat",
    arity: at_least(1),
    doc: "The texts of all arguments in one.",
    source: SOURCE,
    examples: &[
        ("concat('Hello', 'World')", "\"HelloWorld\""),
        ("concat('n: ', 1, null, true)", "\"n: 1True\""),
    ],
    call: Call::Eager(|arguments| {
        let mut text = String::new();
        for value in arguments.values {
            append_text(&mut text, value)?;
        }
        Ok(Value::from(text))
    }),
}];
