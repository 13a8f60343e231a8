//! Math functions. The kind of the result is the widest of the arguments': decimal, float, integer.

use rust_decimal::Decimal;

use super::super::compare::order;
use super::super::error::EvalError;
use super::super::value::Value;
use super::conversion::as_decimal;
use super::{Arguments, Call, Function, at_least, exactly};

const SOURCE: &str = "Math functions";
/// Most items of a `range`.
const MAX_RANGE: usize = 100_000;

pub(super) static MATH: &[Function] = &[
    Function {
        name: "add",
        arity: exactly(2),
        doc: "The sum of two numbers.",
        source: SOURCE,
        examples: &[("add(1, 1.5)", "2.5"), ("add(4294967295, 1)", "4294967296")],
        call: Call::Eager(|arguments| calculate(arguments, i64::checked_add, |a, b| a + b, Decimal::checked_add)),
    },
    Function {
        name: "sub",
        arity: exactly(2),
        doc: "The first number less the second.",
        source: SOURCE,
        examples: &[("sub(10, 3)", "7"), ("sub(10.3, .3)", "10.0")],
        call: Call::Eager(|arguments| calculate(arguments, i64::checked_sub, |a, b| a - b, Decimal::checked_sub)),
    },
    Function {
        name: "mul",
        arity: exactly(2),
        doc: "The product of two numbers.",
        source: SOURCE,
        examples: &[("mul(1, 2)", "2"), ("mul(1.5, 2)", "3.0")],
        call: Call::Eager(|arguments| calculate(arguments, i64::checked_mul, |a, b| a * b, Decimal::checked_mul)),
    },
    Function {
        name: "div",
        arity: exactly(2),
        doc: "The first number divided by the second; of two integers without the remainder.",
        source: SOURCE,
        examples: &[("div(11, 5)", "2"), ("div(11, 5.0)", "2.2")],
        call: Call::Eager(|arguments| {
            divisor(arguments)?;
            calculate(arguments, i64::checked_div, |a, b| a / b, Decimal::checked_div)
        }),
    },
    Function {
        name: "mod",
        arity: exactly(2),
        doc: "The remainder of a division, with the sign of the first number.",
        source: SOURCE,
        examples: &[("mod(3, 2)", "1"), ("mod(-5, 2)", "-1"), ("mod(4, -3)", "1")],
        call: Call::Eager(|arguments| {
            divisor(arguments)?;
            calculate(arguments, i64::checked_rem, |a, b| a % b, Decimal::checked_rem)
        }),
    },
    Function {
        name: "max",
        arity: at_least(1),
        doc: "The greatest of some numbers, or of an array of numbers.",
        source: SOURCE,
        examples: &[("max(1, 2, 3)", "3"), ("max(createArray(1, 2, 3))", "3")],
        call: Call::Eager(|arguments| extreme(arguments, |ordering| ordering.is_gt())),
    },
    Function {
        name: "min",
        arity: at_least(1),
        doc: "The least of some numbers, or of an array of numbers.",
        source: SOURCE,
        examples: &[("min(1, 2, 3)", "1"), ("min(createArray(1, 2.5))", "1.0")],
        call: Call::Eager(|arguments| extreme(arguments, |ordering| ordering.is_lt())),
    },
    Function {
        name: "rand",
        arity: exactly(2),
        doc: "A random integer, at least the first number and less than the second.",
        source: SOURCE,
        examples: &[("rand(3, 4)", "3")],
        call: Call::Eager(|arguments| {
            let (min, max) = (arguments.int(0)?, arguments.int(1)?);
            if max <= min {
                return Err(arguments.fail("expects its second parameter to be greater than the first"));
            }
            let width = (i128::from(max) - i128::from(min)) as u128;
            let drawn = u128::from_be_bytes(arguments.scope.random()) % width;
            Ok(Value::Int((i128::from(min) + drawn as i128) as i64))
        }),
    },
    Function {
        name: "range",
        arity: exactly(2),
        doc: "An array of consecutive integers: the first, and how many, at most 100,000.",
        source: SOURCE,
        examples: &[("range(1, 4)", "[1,2,3,4]")],
        call: Call::Eager(|arguments| {
            let (start, count) = (arguments.int(0)?, arguments.count(1)?);
            let end = start.checked_add(count as i64).filter(|&end| end <= 1 << 31);
            match end {
                Some(end) if count <= MAX_RANGE => Ok(Value::array((start..end).map(Value::Int))),
                _ => Err(arguments.fail(format!("makes at most {MAX_RANGE} items, all below 2,147,483,648"))),
            }
        }),
    },
];

fn calculate(
    arguments: &Arguments<'_>,
    ints: fn(i64, i64) -> Option<i64>,
    floats: fn(f64, f64) -> f64,
    decimals: fn(Decimal, Decimal) -> Option<Decimal>,
) -> Result<Value, EvalError> {
    let (left, right) = (arguments.value(0), arguments.value(1));
    let result = match (left, right) {
        (Value::Int(left), Value::Int(right)) => ints(*left, *right).map(Value::Int),
        (Value::Decimal(_), Value::Int(_) | Value::Float(_) | Value::Decimal(_))
        | (Value::Int(_) | Value::Float(_), Value::Decimal(_)) => as_decimal(left)
            .zip(as_decimal(right))
            .and_then(|(left, right)| decimals(left, right))
            .map(Value::Decimal),
        _ => Some(Value::Float(floats(float(arguments, 0)?, float(arguments, 1)?))),
    };
    result.ok_or_else(|| arguments.fail("cannot calculate: the result is too large"))
}

/// Checks that the second number is not zero.
fn divisor(arguments: &Arguments<'_>) -> Result<(), EvalError> {
    let zero = match arguments.value(1) {
        Value::Int(number) => *number == 0,
        Value::Float(number) => *number == 0.0,
        Value::Decimal(number) => number.is_zero(),
        _ => return Err(arguments.wrong_kind(1, "a number")),
    };
    if zero {
        Err(arguments.fail("attempted to divide an integer or a decimal by zero"))
    } else {
        Ok(())
    }
}

fn float(arguments: &Arguments<'_>, index: usize) -> Result<f64, EvalError> {
    match arguments.value(index) {
        Value::Int(number) => Ok(*number as f64),
        Value::Float(number) => Ok(*number),
        _ => Err(arguments.wrong_kind(index, "a number")),
    }
}

fn extreme(arguments: &Arguments<'_>, better: fn(std::cmp::Ordering) -> bool) -> Result<Value, EvalError> {
    let numbers = match arguments.values {
        [Value::Array(items)] => items,
        values => values,
    };
    let not_numbers = || arguments.fail("expects numbers, or one array of numbers that is not empty");
    let is_number = |value: &Value| matches!(value, Value::Int(_) | Value::Float(_) | Value::Decimal(_));
    let mut best = numbers
        .first()
        .filter(|first| is_number(first))
        .ok_or_else(not_numbers)?;
    for number in numbers {
        if !is_number(number) {
            return Err(not_numbers());
        }
        if order(number, best).ok().flatten().is_some_and(better) {
            best = number;
        }
    }
    let decimal = numbers.iter().any(|number| matches!(number, Value::Decimal(_)));
    let float = numbers.iter().any(|number| matches!(number, Value::Float(_)));
    Ok(match best {
        number if decimal => as_decimal(number).map_or_else(|| number.clone(), Value::Decimal),
        Value::Int(number) if float => Value::Float(*number as f64),
        number => number.clone(),
    })
}
