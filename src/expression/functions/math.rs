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
        signature: "(left: int|float|decimal, right: int|float|decimal): int|float|decimal",
        arity: exactly(2),
        doc: "The sum of two numbers.",
        source: SOURCE,
        examples: r#"
            add(1, 1.5) => 2.5
            add(4294967295, 1) => 4294967296
            string(add(decimal('0'), 3.0)) => "3"
            add(9223372036854775807, 1) => error: too large
        "#,
        call: Call::Eager(|arguments| calculate(arguments, i64::checked_add, |a, b| a + b, Decimal::checked_add)),
    },
    Function {
        name: "sub",
        signature: "(left: int|float|decimal, right: int|float|decimal): int|float|decimal",
        arity: exactly(2),
        doc: "The first number less the second.",
        source: SOURCE,
        examples: r#"
            sub(10, 3) => 7
            sub(10.3, .3) => 10.0
            string(sub(decimal('1.10'), decimal('0.10'))) => "1.00"
            sub('10', 3) => error: be a number
        "#,
        call: Call::Eager(|arguments| calculate(arguments, i64::checked_sub, |a, b| a - b, Decimal::checked_sub)),
    },
    Function {
        name: "mul",
        signature: "(left: int|float|decimal, right: int|float|decimal): int|float|decimal",
        arity: exactly(2),
        doc: "The product of two numbers.",
        source: SOURCE,
        examples: r#"
            mul(1, 2) => 2
            mul(1.5, 2) => 3.0
            mul(4294967295, 4294967295.0) => 1.8446744065119617e+19
            mul(9223372036854775807, 2) => error: too large
        "#,
        call: Call::Eager(|arguments| calculate(arguments, i64::checked_mul, |a, b| a * b, Decimal::checked_mul)),
    },
    Function {
        name: "div",
        signature: "(left: int|float|decimal, right: int|float|decimal): int|float|decimal",
        arity: exactly(2),
        doc: "The first number divided by the second; of two integers without the remainder.",
        source: SOURCE,
        examples: r#"
            div(10, 5) => 2
            div(11, 5) => 2
            div(-7, 2) => -3
            div(11, 5.0) => 2.2
            div(11.0, 5) => 2.2
            div(0, 0) => error: by zero
        "#,
        call: Call::Eager(|arguments| {
            divisor(arguments)?;
            calculate(arguments, i64::checked_div, |a, b| a / b, quotient)
        }),
    },
    Function {
        name: "mod",
        signature: "(left: int|float|decimal, right: int|float|decimal): int|float|decimal",
        arity: exactly(2),
        doc: "The remainder of a division, with the sign of the first number.",
        source: SOURCE,
        examples: r#"
            mod(3, 2) => 1
            mod(-5, 2) => -1
            mod(4, -3) => 1
            mod(5.5, 2) => 1.5
            mod(5, 0) => error: by zero
        "#,
        call: Call::Eager(|arguments| {
            divisor(arguments)?;
            calculate(arguments, i64::checked_rem, |a, b| a % b, Decimal::checked_rem)
        }),
    },
    Function {
        name: "max",
        signature: "(number: int|float|decimal|array, …): int|float|decimal",
        arity: at_least(1),
        doc: "The greatest of some numbers, or of an array of numbers.",
        source: SOURCE,
        examples: r#"
            max(1, 2, 3) => 3
            max(createArray(1, 2, 3)) => 3
            max(1, 0.5) => 1.0
            max(createArray()) => error: numbers
        "#,
        call: Call::Eager(|arguments| extreme(arguments, |ordering| ordering.is_gt())),
    },
    Function {
        name: "min",
        signature: "(number: int|float|decimal|array, …): int|float|decimal",
        arity: at_least(1),
        doc: "The least of some numbers, or of an array of numbers.",
        source: SOURCE,
        examples: r#"
            min(1, 2, 3) => 1
            min(createArray(1, 2, 3)) => 1
            min(createArray(1, 2.5)) => 1.0
            min('1', 2) => error: numbers
        "#,
        call: Call::Eager(|arguments| extreme(arguments, |ordering| ordering.is_lt())),
    },
    Function {
        name: "rand",
        signature: "(min: int, max: int): int",
        arity: exactly(2),
        doc: "A random integer, at least the first number and less than the second.",
        source: SOURCE,
        examples: r#"
            rand(3, 4) => 3
            and(greaterOrEquals(rand(1, 5), 1), less(rand(1, 5), 5)) => true
            rand(-1, 0) => -1
            rand(5, 5) => error: greater than the first
        "#,
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
        signature: "(start: int, count: int): array",
        arity: exactly(2),
        doc: "An array of consecutive integers: the first, and how many, at most 100,000.",
        source: SOURCE,
        examples: r#"
            range(1, 4) => [1,2,3,4]
            range(-1, 3) => [-1,0,1]
            range(7, 0) => []
            range(0, 100001) => error: 100000
        "#,
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

/// The quotient with the digits that .NET gives it: those of the first number that the second has not, or as many more
/// as it needs.
fn quotient(left: Decimal, right: Decimal) -> Option<Decimal> {
    let mut quotient = left.checked_div(right)?.normalize();
    let scale = left.scale().saturating_sub(right.scale());
    if quotient.scale() < scale {
        quotient.rescale(scale);
    }
    Some(quotient)
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
