//! Collection functions.

use super::super::limits::bounded;
use super::super::value::Value;
use super::{Call, Function, at_least};

const SOURCE: &str = "Collection functions";

pub(super) static COLLECTION: &[Function] = &[Function {
    name: "createArray",
    arity: at_least(0),
    doc: "An array of the arguments.",
    source: SOURCE,
    examples: &[("createArray('h', 1, null)", "[\"h\",1,null]")],
    call: Call::Eager(|arguments| bounded(Value::array(arguments.values.iter().cloned()))),
}];
