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
        arity: at_least(1),
        doc: "Tells whether all truth values are true. Stops at the first that is false.",
        source: SOURCE,
        examples: &[
            ("and(true, true)", "true"),
            ("and(false, true)", "false"),
            ("and(equals(1, 1), equals(1, 2))", "false"),
            ("and(false, nope())", "false"),
        ],
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
        arity: at_least(1),
        doc: "Tells whether at least one truth value is true. Stops at the first that is.",
        source: SOURCE,
        examples: &[
            ("or(true, false)", "true"),
            ("or(false, false)", "false"),
            ("or(true, nope())", "true"),
        ],
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
        arity: exactly(1),
        doc: "The opposite of a truth value.",
        source: SOURCE,
        examples: &[("not(false)", "true"), ("not(equals(1, 1))", "false")],
        call: Call::Eager(|arguments| Ok(Value::Bool(!arguments.bool(0)?))),
    },
    Function {
        name: "if",
        arity: exactly(3),
        doc: "The second argument if the first is true, else the third. Evaluates only that one.",
        source: SOURCE,
        examples: &[
            ("if(equals(1, 1), 'yes', 'no')", "\"yes\""),
            ("if(false, nope(), 2)", "2"),
        ],
        call: Call::Lazy(|arguments| arguments.evaluate(if arguments.bool(0)? { 1 } else { 2 })),
    },
    Function {
        name: "equals",
        arity: exactly(2),
        doc: "Tells whether two values are the same. Numbers of any kind compare by value; a string equals a truth \
              value if it is exactly `True` or `False`; text minds case; `null` equals only `null`.",
        source: SOURCE,
        examples: &[
            ("equals('abc', 'abcd')", "false"),
            ("equals(1, 1.0)", "true"),
            ("equals('True', true)", "true"),
            ("equals(null, '')", "false"),
            ("equals('a', 'A')", "false"),
        ],
        call: Call::Eager(|arguments| Ok(Value::Bool(equal(arguments.value(0), arguments.value(1))))),
    },
    Function {
        name: "greater",
        arity: exactly(2),
        doc: "Tells whether the first number or text is greater than the second.",
        source: SOURCE,
        examples: &[("greater(10, 5)", "true"), ("greater('apple', 'banana')", "false")],
        call: Call::Eager(|arguments| compared(arguments, Ordering::is_gt)),
    },
    Function {
        name: "greaterOrEquals",
        arity: exactly(2),
        doc: "Tells whether the first number or text is greater than or the same as the second.",
        source: SOURCE,
        examples: &[
            ("greaterOrEquals(5, 5)", "true"),
            ("greaterOrEquals('apple', 'banana')", "false"),
        ],
        call: Call::Eager(|arguments| compared(arguments, Ordering::is_ge)),
    },
    Function {
        name: "less",
        arity: exactly(2),
        doc: "Tells whether the first number or text is less than the second.",
        source: SOURCE,
        examples: &[("less(5, 10)", "true"), ("less('banana', 'apple')", "false")],
        call: Call::Eager(|arguments| compared(arguments, Ordering::is_lt)),
    },
    Function {
        name: "lessOrEquals",
        arity: exactly(2),
        doc: "Tells whether the first number or text is less than or the same as the second.",
        source: SOURCE,
        examples: &[
            ("lessOrEquals(10, 10)", "true"),
            ("lessOrEquals('apply', 'apple')", "false"),
        ],
        call: Call::Eager(|arguments| compared(arguments, Ordering::is_le)),
    },
    Function {
        name: "coalesce",
        arity: at_least(1),
        doc: "The first argument that is not null; null if all are. Evaluates nothing after it.",
        source: "Collection functions",
        examples: &[
            ("coalesce(null, true, false)", "true"),
            ("coalesce(null, 'hello', 'world')", "\"hello\""),
            ("coalesce(null, null, null)", "null"),
            ("coalesce('', nope())", "\"\""),
        ],
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
