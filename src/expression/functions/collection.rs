//! Collection functions.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::compare::{identity, order, same};
use super::super::error::EvalError;
use super::super::limits::{MAX_ITEMS, bounded};
use super::super::text::{MAX_TEXT, append_text, too_long};
use super::super::utf16;
use super::super::value::{Object, Value};
use super::{Arguments, Call, Function, at_least, between, exactly};

const SOURCE: &str = "Collection functions";

pub(super) static COLLECTION: &[Function] = &[
    Function {
        name: "chunk",
        signature: "(collection: string|array, length: int): array",
        arity: exactly(2),
        doc: "A text or an array in parts of the same length; the last may be shorter.",
        source: SOURCE,
        examples: r#"
            chunk('abcdefghijklmnopqrstuvwxyz', 10) => ["abcdefghij","klmnopqrst","uvwxyz"]
            chunk(createArray(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 5) => [[1,2,3,4,5],[6,7,8,9,10],[11,12]]
            chunk('', 3) => []
            chunk('abc', 0) => error: be a positive integer
        "#,
        call: Call::Eager(chunk),
    },
    Function {
        name: "contains",
        signature: "(collection: string|array|object, value: any): bool",
        arity: exactly(2),
        doc: "Tells whether a text contains a text, an array an item or an object a member of that name. Case matters.",
        source: SOURCE,
        examples: r#"
            contains('hello world', 'world') => true
            contains('hello world', 'World') => false
            contains(createArray(1, 2), 2) => true
            contains(json('{"a":1}'), 'a') => true
            contains(json('{"a":1}'), 'A') => false
            contains(null, 'a') => error: be an object, an array or a string
        "#,
        call: Call::Eager(|arguments| {
            Ok(Value::Bool(match arguments.value(0) {
                Value::String(text) => text.contains(&**arguments.text(1)?),
                Value::Array(items) => items.iter().any(|item| same(item, arguments.value(1))),
                Value::Object(object) => object.get_exact(arguments.text(1)?).is_some(),
                _ => return Err(arguments.wrong_kind(0, "an object, an array or a string")),
            }))
        }),
    },
    Function {
        name: "createArray",
        signature: "(value: any, …): array",
        arity: at_least(0),
        doc: "An array of the arguments.",
        source: "Conversion functions",
        examples: r#"
            createArray('h', 'e', 'l', 'l', 'o') => ["h","e","l","l","o"]
            createArray('h', 1, null) => ["h",1,null]
            createArray(createArray(1), json('{"a":1.0}')) => [[1],{"a":1.0}]
            createArray(nope()) => error: 'nope' is not defined
        "#,
        call: Call::Eager(|arguments| bounded(Value::array(arguments.values.iter().cloned()))),
    },
    Function {
        name: "empty",
        signature: "(collection: string|array|object): bool",
        arity: exactly(1),
        doc: "Tells whether a text, an array or an object is empty. Null is.",
        source: SOURCE,
        examples: r#"
            empty('') => true
            empty('abc') => false
            empty('   ') => false
            empty(json('{}')) => true
            empty(createArray(null)) => false
            empty(null) => true
            empty(0) => error: be an object, an array or a string
        "#,
        call: Call::Eager(|arguments| {
            Ok(Value::Bool(match arguments.value(0) {
                Value::Null => true,
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Object(object) => object.is_empty(),
                _ => return Err(arguments.wrong_kind(0, "an object, an array or a string")),
            }))
        }),
    },
    Function {
        name: "first",
        signature: "(collection: string|array): any",
        arity: exactly(1),
        doc: "The first item of an array (null if it is empty) or the first character of a text.",
        source: SOURCE,
        examples: r#"
            first('hello') => "h"
            first(createArray(0, 1, 2)) => 0
            first(json('[]')) => null
            first('') => ""
            first(json('{}')) => error: be an array or a string
        "#,
        call: Call::Eager(|arguments| end(arguments, <[Value]>::first, |text| text.chars().next())),
    },
    Function {
        name: "last",
        signature: "(collection: string|array): any",
        arity: exactly(1),
        doc: "The last item of an array (null if it is empty) or the last character of a text.",
        source: SOURCE,
        examples: r#"
            last('abcd') => "d"
            last(createArray(0, 1, 2, 3)) => 3
            last(json('[]')) => null
            last(null) => error: be an array or a string
        "#,
        call: Call::Eager(|arguments| end(arguments, <[Value]>::last, |text| text.chars().next_back())),
    },
    Function {
        name: "intersection",
        signature: "(collection: array|object, …): array|object",
        arity: at_least(1),
        doc: "What all arrays have in common, in the order of the first; or the members that all objects share in name and value.",
        source: SOURCE,
        examples: r#"
            intersection(createArray(1, 2, 3), createArray(101, 2, 1, 10), createArray(6, 8, 1, 2)) => [1,2]
            intersection(createArray(1, 2, 3, 4, 4, 5), createArray(3, 4, 4, 5)) => [3,4,5]
            intersection(json('{"a":1,"b":2}'), json('{"a":1,"b":3}')) => {"a":1}
            intersection(createArray(1), json('{}')) => error: expects parameters of same type
        "#,
        call: Call::Eager(intersection),
    },
    Function {
        name: "union",
        signature: "(collection: array|object, …): array|object",
        arity: at_least(1),
        doc: "The items of all arrays, each once; or the members of all objects, the last of a name winning.",
        source: SOURCE,
        examples: r#"
            union(createArray(1, 2, 3), createArray(1, 2, 10, 101)) => [1,2,3,10,101]
            union(createArray(5, 4, 5, 5, 4), json('[]')) => [5,4]
            union(json('{"a":1,"b":2}'), json('{"a":3,"c":4}')) => {"a":3,"b":2,"c":4}
            union(json('{"a":{"x":1}}'), json('{"a":{"y":2}}')) => {"a":{"y":2}}
            union('a', 'b') => error: be an object or an array
        "#,
        call: Call::Eager(union),
    },
    Function {
        name: "join",
        signature: "(array: array, delimiter: string): string",
        arity: exactly(2),
        doc: "The texts of the items of an array in one, with a delimiter between them.",
        source: SOURCE,
        examples: r#"
            join(createArray('a', 'b', 'c'), '.') => "a.b.c"
            join(createArray('a', createArray('b', null)), ', ') => "a, [\"b\",null]"
            join(createArray('', null, true, 1.0), 'x') => "xxTruex1"
            join(json('[]'), 'x') => ""
            join(createArray('a'), null) => error: be of type string
        "#,
        call: Call::Eager(join),
    },
    Function {
        name: "reverse",
        signature: "(array: array): array",
        arity: exactly(1),
        doc: "The items of an array in reverse order.",
        source: SOURCE,
        examples: r#"
            reverse(createArray(0, 1, 2, 3)) => [3,2,1,0]
            reverse(json('[9,null,true]')) => [true,null,9]
            reverse(json('[]')) => []
            reverse('abc') => error: be of type array
        "#,
        call: Call::Eager(|arguments| Ok(Value::array(arguments.array(0)?.iter().rev().cloned()))),
    },
    Function {
        name: "skip",
        signature: "(collection: string|array, count: int): string|array",
        arity: exactly(2),
        doc: "An array (or text) without its first items.",
        source: SOURCE,
        examples: r#"
            skip(createArray(0, 1, 2, 3), 1) => [1,2,3]
            skip(createArray(0), 5) => []
            skip('abcd', 2) => "cd"
            skip(createArray(0), -1) => error: be a positive integer
        "#,
        call: Call::Eager(|arguments| match arguments.value(0) {
            Value::Array(items) => Ok(Value::array(items.iter().skip(arguments.count(1)?).cloned())),
            Value::String(text) => {
                let length = utf16::length(text);
                Ok(Value::from(utf16::part(text, arguments.count(1)?.min(length), length)))
            }
            _ => Err(arguments.wrong_kind(0, "an array or a string")),
        }),
    },
    Function {
        name: "take",
        signature: "(collection: string|array, count: int): string|array",
        arity: exactly(2),
        doc: "The first items of an array or characters of a text.",
        source: SOURCE,
        examples: r#"
            take('abcde', 3) => "abc"
            take(createArray(0, 1, 2, 3, 4), 3) => [0,1,2]
            take('meow', 10) => "meow"
            take('meow', 0) => ""
            take('meow', -1) => error: be a positive integer
        "#,
        call: Call::Eager(|arguments| match arguments.value(0) {
            Value::Array(items) => Ok(Value::array(items.iter().take(arguments.count(1)?).cloned())),
            Value::String(text) => {
                let end = arguments.count(1)?.min(utf16::length(text));
                Ok(Value::from(utf16::part(text, 0, end)))
            }
            _ => Err(arguments.wrong_kind(0, "an array or a string")),
        }),
    },
    Function {
        name: "sort",
        signature: "(array: array, sortBy?: string): array",
        arity: between(1, 2),
        doc: "The items of an array in ascending order; objects by the member that the second argument names.",
        source: SOURCE,
        examples: r#"
            sort(createArray(2, 1, 0, 3)) => [0,1,2,3]
            sort(createArray('10', '4')) => ["10","4"]
            sort(json('[{"first":"Amalie","last":"Rose"},{"first":"Elise","last":"Renee"}]'), 'last')[0].first => "Elise"
            sort(createArray(1, 'a')) => error: items of one kind
        "#,
        call: Call::Eager(sort),
    },
];

fn end(
    arguments: &Arguments<'_>,
    item: fn(&[Value]) -> Option<&Value>,
    character: fn(&str) -> Option<char>,
) -> Result<Value, EvalError> {
    match arguments.value(0) {
        Value::Array(items) => Ok(item(items).cloned().unwrap_or_default()),
        Value::String(text) => Ok(Value::from(character(text).map(String::from).unwrap_or_default())),
        _ => Err(arguments.wrong_kind(0, "an array or a string")),
    }
}

fn chunk(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let length = match arguments.count(1)? {
        0 => return Err(arguments.wrong_kind(1, "a positive integer")),
        length => length,
    };
    match arguments.value(0) {
        Value::Array(items) => Ok(Value::array(
            items.chunks(length).map(|part| Value::array(part.iter().cloned())),
        )),
        Value::String(text) => {
            let units: Vec<u16> = text.encode_utf16().collect();
            if units.len() / length > MAX_ITEMS {
                return Err(arguments.fail(format!("makes more than {MAX_ITEMS} items")));
            }
            Ok(Value::array(
                units
                    .chunks(length)
                    .map(|part| Value::from(String::from_utf16_lossy(part))),
            ))
        }
        _ => Err(arguments.wrong_kind(0, "an array or a string")),
    }
}

/// All arguments as arrays or all as objects.
enum Collections<'a> {
    Arrays(Vec<&'a [Value]>),
    Objects(Vec<&'a Object>),
}

fn collections<'a>(arguments: &Arguments<'a>) -> Result<Collections<'a>, EvalError> {
    let values = arguments.values;
    if let Some(arrays) = values.iter().map(Value::as_array).collect() {
        return Ok(Collections::Arrays(arrays));
    }
    if let Some(objects) = values.iter().map(Value::as_object).collect() {
        return Ok(Collections::Objects(objects));
    }
    match values
        .iter()
        .position(|value| value.as_array().is_none() && value.as_object().is_none())
    {
        Some(index) => Err(arguments.wrong_kind(index, "an object or an array")),
        None => Err(arguments.fail("expects parameters of same type, either all arrays or all objects")),
    }
}

fn intersection(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    match collections(arguments)? {
        Collections::Arrays(arrays) => {
            let (first, others) = (arrays[0], &arrays[1..]);
            let others: Vec<HashSet<String>> = others
                .iter()
                .map(|items| items.iter().map(identity).collect())
                .collect();
            let mut seen = HashSet::new();
            let shared = first.iter().filter(|item| {
                let identity = identity(item);
                others.iter().all(|other| other.contains(&identity)) && seen.insert(identity)
            });
            Ok(Value::array(shared.cloned()))
        }
        Collections::Objects(objects) => {
            let (first, others) = (objects[0], &objects[1..]);
            let shared = first.iter().filter(|(name, value)| {
                let shares = |other: &&Object| other.get_exact(name).is_some_and(|other| same(value, other));
                others.iter().all(shares)
            });
            Ok(Value::object(shared.map(|(name, value)| (name.clone(), value.clone()))))
        }
    }
}

fn union(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    match collections(arguments)? {
        Collections::Arrays(arrays) => {
            let mut seen = HashSet::new();
            let all = arrays.iter().flat_map(|items| items.iter());
            bounded(Value::array(all.filter(|item| seen.insert(identity(item))).cloned()))
        }
        Collections::Objects(objects) => {
            let mut all = Object::new();
            for (name, value) in objects.iter().flat_map(|object| object.iter()) {
                all.insert(name.clone(), value.clone());
            }
            bounded(Value::from(all))
        }
    }
}

fn join(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let (items, delimiter) = (arguments.array(0)?, arguments.text(1)?);
    if items.len().saturating_mul(delimiter.len()) > MAX_TEXT {
        return Err(too_long());
    }
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push_str(delimiter);
        }
        append_text(&mut text, item)?;
    }
    Ok(Value::from(text))
}

fn sort(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let mut items = arguments.array(0)?.to_vec();
    let by = if arguments.has(1) {
        Some(arguments.text(1)?)
    } else {
        None
    };
    let key = |item: &Value| match by {
        Some(name) => item.get(name).cloned().unwrap_or_default(),
        None => item.clone(),
    };
    let keys: Vec<Value> = items.iter().map(key).collect();
    let comparable = |pair: &[Value]| match (&pair[0], &pair[1]) {
        (Value::Bool(_), Value::Bool(_)) => true,
        (left, right) => order(left, right).is_ok(),
    };
    let single = |key: &Value| matches!(key, Value::Bool(_)) || order(key, key).is_ok();
    if !keys.windows(2).all(comparable) || !keys.first().is_none_or(single) {
        return Err(
            arguments.fail("expects items of one kind: numbers, strings or booleans; objects need a second parameter")
        );
    }
    items.sort_by_cached_key(|item| SortKey(key(item)));
    Ok(Value::Array(Arc::new(items)))
}

/// A key of `sort`; all keys of one array are of one kind.
struct SortKey(Value);

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (&self.0, &other.0) {
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            (Value::Float(left), Value::Float(right)) => left.total_cmp(right),
            (left, right) => order(left, right).ok().flatten().unwrap_or(std::cmp::Ordering::Equal),
        }
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}
