//! JSON manipulation functions.

use super::super::error::EvalError;
use super::super::limits::bounded;
use super::super::value::{Object, Value};
use super::{Arguments, Call, Function, exactly};

const SOURCE: &str = "Manipulation functions: JSON & XML";

pub(super) static OBJECT: &[Function] = &[
    Function {
        name: "addProperty",
        signature: "(object: object, name: string, value: any): object",
        arity: exactly(3),
        doc: "The object with a new member at its end. A member of that name, in any case, is an error.",
        source: SOURCE,
        examples: r#"
            addProperty(json('{"firstName":"Sophia","lastName":"Owen"}'), 'middleName', 'Anne') => {"firstName":"Sophia","lastName":"Owen","middleName":"Anne"}
            addProperty(json('{"a":1}'), '', null) => {"a":1,"":null}
            addProperty(binary('test'), 'x', 1) => {"$content-type":"application/octet-stream","$content":"dGVzdA==","x":1}
            addProperty(json('{"a":1}'), 'A', 2) => error: property to not exist in the object
        "#,
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
        signature: "(object: object, name: string, value: any): object",
        arity: exactly(3),
        doc: "The object with a member set. A member of that name, in any case, is replaced, keeps its spelling and moves \
              to the end.",
        source: SOURCE,
        examples: r#"
            setProperty(json('{"firstName":"Sophia","surName":"Owen"}'), 'surName', 'Hartnett') => {"firstName":"Sophia","surName":"Hartnett"}
            setProperty(json('{"a":1,"b":2,"c":3,"d":4}'), 'c', 999) => {"a":1,"b":2,"d":4,"c":999}
            setProperty(json('{"A":1}'), 'a', 2) => {"A":2}
            setProperty('{}', 'x', 1) => error: be of type object
        "#,
        call: Call::Eager(|arguments| {
            let (object, name) = (arguments.object(0)?, arguments.text(1)?);
            let name = object.spelling(name).unwrap_or(name);
            with_member(object, name, arguments.value(2))
        }),
    },
    Function {
        name: "removeProperty",
        signature: "(object: object, name: string): object",
        arity: exactly(2),
        doc: "The object without the member of that name, else of that name in another case.",
        source: SOURCE,
        examples: r#"
            removeProperty(json('{"firstName":"Sophia","middleName":"Anne","surName":"Owen"}'), 'middleName') => {"firstName":"Sophia","surName":"Owen"}
            removeProperty(json('{"aAa":1,"AaA":2}'), 'AAA') => {"AaA":2}
            removeProperty(json('{"a":1}'), 'x') => {"a":1}
            removeProperty(json('{"a":1}'), 1) => error: be of type string
        "#,
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
        signature: "(first: object, second: object): object",
        arity: exactly(2),
        doc: "The members of two objects, the second's winning.",
        source: "Designer functions",
        examples: r#"
            mergeObjects(json('{"a":1,"b":2}'), json('{"b":3}')) => {"a":1,"b":3}
            mergeObjects(json('{}'), json('{"a":{"x":1}}')) => {"a":{"x":1}}
            mergeObjects(json('{"a":1}'), json('{}')) => {"a":1}
            mergeObjects(json('{}'), createArray()) => error: be of type object
        "#,
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
