//! Logical functions and `coalesce`. What decides lazily evaluates no argument that it does not need.

use std::cmp::Ordering;

use super::super::compare::{Incomparable, equal, order};
use super::super::error::EvalError;
use super::super::value::Value;
use super::{Arguments, Call, Function, at_least, exactly};

const SOURCE: &str = "Logical comparison functions";

pub(super) static LOGICAL: &[Function] = &[
    Function {
        name: "and",
        signature: "(condition: bool, …): bool",
        arity: at_least(1),
        doc: "Tells whether all truth values are true. Stops at the first that is false.",
        source: SOURCE,
        examples: r#"
            and(true, true) => true
            and(false, true) => false
            and(equals(1, 1), equals(2, 2)) => true
            and(equals(1, 1), equals(1, 2)) => false
            and(false, nope()) => false
            and(true, 1) => error: second parameter to be of type boolean
        "#,
        call: Call::Lazy(|arguments| {
            for index in 0..arguments.len() {
                if !arguments.bool(index)? {
                    return Ok(Value::Bool(false));
                }
            }
            Ok(Value::Bool(true))
        }),
    },
    Function {
        name: "or",
        signature: "(condition: bool, …): bool",
        arity: at_least(1),
        doc: "Tells whether at least one truth value is true. Stops at the first that is.",
        source: SOURCE,
        examples: r#"
            or(true, false) => true
            or(false, false) => false
            or(equals(1, 2), equals(1, 1)) => true
            or(true, nope()) => true
            or() => error: at least one parameter
        "#,
        call: Call::Lazy(|arguments| {
            for index in 0..arguments.len() {
                if arguments.bool(index)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }),
    },
    Function {
        name: "not",
        signature: "(condition: bool): bool",
        arity: exactly(1),
        doc: "The opposite of a truth value.",
        source: SOURCE,
        examples: r#"
            not(false) => true
            not(true) => false
            not(equals(1, 2)) => true
            not('true') => error: be of type boolean
        "#,
        call: Call::Eager(|arguments| Ok(Value::Bool(!arguments.bool(0)?))),
    },
    Function {
        name: "if",
        signature: "(condition: bool, then: any, else: any): any",
        arity: exactly(3),
        doc: "The second argument if the first is true, else the third. Evaluates only that one.",
        source: SOURCE,
        examples: r#"
            if(equals(1, 1), 'yes', 'no') => "yes"
            if(false, nope(), 2) => 2
            if(true, null, nope()) => null
            if('true', 1, 2) => error: first parameter to be of type boolean
        "#,
        call: Call::Lazy(|arguments| arguments.evaluate(if arguments.bool(0)? { 1 } else { 2 })),
    },
    Function {
        name: "equals",
        signature: "(left: any, right: any): bool",
        arity: exactly(2),
        doc: "Tells whether two values are the same. Numbers of any kind compare by value; a string equals a truth \
              value if it is exactly `True` or `False`; text minds case; `null` equals only `null`.",
        source: SOURCE,
        examples: r#"
            equals('abc', 'abcd') => false
            equals(1, 1.0) => true
            equals('True', true) => true
            equals(true, 1) => false
            equals(null, '') => false
            equals('a', 'A') => false
            equals(1, '1') => false
            equals(createArray(1, 'a'), createArray(1, 'a')) => true
            equals(1) => error: expects two parameters
        "#,
        call: Call::Eager(|arguments| Ok(Value::Bool(equal(arguments.value(0), arguments.value(1))))),
    },
    Function {
        name: "greater",
        signature: "(left: int|float|decimal|string, right: int|float|decimal|string): bool",
        arity: exactly(2),
        doc: "Tells whether the first number or text is greater than the second.",
        source: SOURCE,
        examples: r#"
            greater(10, 5) => true
            greater('apple', 'banana') => false
            greater(2.5, 2) => true
            greater(true, false) => error: strictly comparable
        "#,
        call: Call::Eager(|arguments| compared(arguments, Ordering::is_gt)),
    },
    Function {
        name: "greaterOrEquals",
        signature: "(left: int|float|decimal|string, right: int|float|decimal|string): bool",
        arity: exactly(2),
        doc: "Tells whether the first number or text is greater than or the same as the second.",
        source: SOURCE,
        examples: r#"
            greaterOrEquals(5, 5) => true
            greaterOrEquals('apple', 'banana') => false
            greaterOrEquals(5, decimal('5.0')) => true
            greaterOrEquals(1, 'a') => error: strictly comparable
        "#,
        call: Call::Eager(|arguments| compared(arguments, Ordering::is_ge)),
    },
    Function {
        name: "less",
        signature: "(left: int|float|decimal|string, right: int|float|decimal|string): bool",
        arity: exactly(2),
        doc: "Tells whether the first number or text is less than the second.",
        source: SOURCE,
        examples: r#"
            less(5, 10) => true
            less('banana', 'apple') => false
            less('B', 'a') => true
            less(null, 2) => error: strictly comparable
        "#,
        call: Call::Eager(|arguments| compared(arguments, Ordering::is_lt)),
    },
    Function {
        name: "lessOrEquals",
        signature: "(left: int|float|decimal|string, right: int|float|decimal|string): bool",
        arity: exactly(2),
        doc: "Tells whether the first number or text is less than or the same as the second.",
        source: SOURCE,
        examples: r#"
            lessOrEquals(10, 10) => true
            lessOrEquals('apply', 'apple') => false
            lessOrEquals(1, 1.5) => true
            lessOrEquals('1', 2) => error: strictly comparable
        "#,
        call: Call::Eager(|arguments| compared(arguments, Ordering::is_le)),
    },
    Function {
        name: "coalesce",
        signature: "(value: any, …): any",
        arity: at_least(1),
        doc: "The first argument that is not null; null if all are. Evaluates nothing after it.",
        source: "Collection functions",
        examples: r#"
            coalesce(null, true, false) => true
            coalesce(null, 'hello', 'world') => "hello"
            coalesce(null, null, null) => null
            coalesce('', nope()) => ""
            coalesce(null, nope()) => error: 'nope' is not defined
        "#,
        call: Call::Lazy(|arguments| {
            for index in 0..arguments.len() {
                let value = arguments.evaluate(index)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            Ok(Value::Null)
        }),
    },
];

fn compared(arguments: &Arguments<'_>, decide: fn(Ordering) -> bool) -> Result<Value, EvalError> {
    match order(arguments.value(0), arguments.value(1)) {
        Ok(ordering) => Ok(Value::Bool(ordering.is_some_and(decide))),
        Err(Incomparable) => Err(arguments.fail(format!(
            "expects two parameters of kinds that are known to be strictly comparable. The provided types are '{}' and '{}'",
            arguments.value(0).kind(),
            arguments.value(1).kind()
        ))),
    }
}
