//! JSON manipulation functions.

use super::super::error::EvalError;
use super::super::limits::bounded;
use super::super::value::{Object, Value};
use super::{Arguments, Call, Function, exactly};

const SOURCE: &str = "Manipulation functions: JSON & XML";

pub(super) static OBJECT: &[Function] = &[
    Function {
        name: "addProperty",
        arity: exactly(3),
        doc: "The object with a new member at its end. A member of that name, in any case, is an error.",
        source: SOURCE,
        examples: &[("addProperty(json('{\"a\":1}'), 'b', 2)", "{\"a\":1,\"b\":2}")],
        call: Call::Eager(|arguments| {
            let (object, name) = (arguments.object(0)?, arguments.text(1)?);
            if object.get(name).is_some() {
                return Err(arguments.fail(format!("expects the '{name}' property to not exist in the object")));
            }
            with_member(object, name, arguments.value(2))
        }),
    },
    Function {
        name: "setProperty",
        arity: exactly(3),
        doc: "The object with a member set. A member of that name, in any case, is replaced, keeps its spelling and moves \
              to the end.",
        source: SOURCE,
        examples: &[
            ("setProperty(json('{\"a\":1,\"b\":2}'), 'a', 3)", "{\"b\":2,\"a\":3}"),
            ("setProperty(json('{\"A\":1}'), 'a', 2)", "{\"A\":2}"),
        ],
        call: Call::Eager(|arguments| {
            let (object, name) = (arguments.object(0)?, arguments.text(1)?);
            let name = object.spelling(name).unwrap_or(name);
            with_member(object, name, arguments.value(2))
        }),
    },
    Function {
        name: "removeProperty",
        arity: exactly(2),
        doc: "The object without the member of that name, else of that name in another case.",
        source: SOURCE,
        examples: &[
            ("removeProperty(json('{\"a\":1,\"b\":2}'), 'b')", "{\"a\":1}"),
            ("removeProperty(json('{\"a\":1}'), 'x')", "{\"a\":1}"),
        ],
        call: Call::Eager(|arguments| {
            let (object, name) = (arguments.object(0)?, arguments.text(1)?);
            let mut object = object.clone();
            if let Some(name) = object.spelling(name).cloned() {
                object.remove(&name);
            }
            Ok(Value::from(object))
        }),
    },
    Function {
        name: "mergeObjects",
        arity: exactly(2),
        doc: "The members of two objects, the second's winning.",
        source: "Designer functions",
        examples: &[(
            "mergeObjects(json('{\"a\":1,\"b\":2}'), json('{\"b\":3}'))",
            "{\"a\":1,\"b\":3}",
        )],
        call: Call::Eager(merge),
    },
];

fn with_member(object: &Object, name: &str, value: &Value) -> Result<Value, EvalError> {
    let mut object = object.clone();
    object.insert_last(name, value.clone());
    bounded(Value::from(object))
}

fn merge(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let mut merged = arguments.object(0)?.clone();
    for (name, value) in arguments.object(1)?.iter() {
        merged.insert(name.clone(), value.clone());
    }
    bounded(Value::from(merged))
}
