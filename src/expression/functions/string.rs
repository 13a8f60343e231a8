//! String functions. Lengths and positions count UTF-16 code units.

use super::super::error::EvalError;
use super::super::limits::MAX_ITEMS;
use super::super::locale::Locale;
use super::super::number_format::format_number;
use super::super::text::{MAX_TEXT, append_text, too_long};
use super::super::utf16;
use super::super::value::Value;
use super::{Arguments, Call, Function, at_least, between, exactly};

const SOURCE: &str = "String functions";

pub(super) static STRING: &[Function] = &[
    Function {
        name: "concat",
        signature: "(value: any, …): string",
        arity: at_least(1),
        doc: "The texts of all arguments in one.",
        source: SOURCE,
        examples: r#"
            concat('Hello', 'World') => "HelloWorld"
            concat('n: ', 1, null, true, 1.0) => "n: 1True1"
            concat(createArray(1, 'a'), json('{"a":null}')) => "[1,\"a\"]{\"a\":null}"
            concat() => error: expects at least one parameter
        "#,
        call: Call::Eager(concat),
    },
    Function {
        name: "endsWith",
        signature: "(text: string, search: string): bool",
        arity: exactly(2),
        doc: "Tells whether a text ends with another. Case does not matter.",
        source: SOURCE,
        examples: r#"
            endsWith('hello world', 'world') => true
            endsWith('hello world', 'WORLD') => true
            endsWith('hello world', 'universe') => false
            endsWith('hello world', '') => true
            endsWith('hello', 1) => error: second parameter to be of type string
        "#,
        call: Call::Eager(|arguments| {
            let (text, search) = folded_pair(arguments)?;
            Ok(Value::Bool(text.ends_with(&search)))
        }),
    },
    Function {
        name: "startsWith",
        signature: "(text: string, search: string): bool",
        arity: exactly(2),
        doc: "Tells whether a text begins with another. Case does not matter.",
        source: SOURCE,
        examples: r#"
            startsWith('hello world', 'Hello') => true
            startsWith('hello world', 'greetings') => false
            startsWith('', '') => true
            startsWith(null, 'a') => error: first parameter to be of type string
        "#,
        call: Call::Eager(|arguments| {
            let (text, search) = folded_pair(arguments)?;
            Ok(Value::Bool(text.starts_with(&search)))
        }),
    },
    Function {
        name: "formatNumber",
        signature: "(number: int|float|decimal, format: string, locale?: string): string",
        arity: between(2, 3),
        doc: "A number in a .NET numeric format, by default of the culture en-US.",
        source: SOURCE,
        examples: r#"
            formatNumber(1234567890, '#,##0.00', 'en-US') => "1,234,567,890.00"
            formatNumber(1234567890, '#,##0.00', 'is-IS') => "1.234.567.890,00"
            formatNumber(17.35, 'C2') => "$17.35"
            formatNumber(17.35, 'C2', 'is-IS') => "17,35 kr"
            formatNumber(-5, '0;(0)') => "(5)"
            formatNumber(255, 'X4') => "00FF"
            formatNumber(0.2468, 'P1') => "24.7%"
            formatNumber(1.5, 'D') => error: does not take the format 'D'
            formatNumber('1', 'N') => error: expects a number
        "#,
        call: Call::Eager(|arguments| {
            let locale = locale(arguments, 2)?;
            let formatted = format_number(arguments.value(0), arguments.text(1)?, locale);
            formatted.map(Value::from).map_err(|reason| arguments.fail(reason))
        }),
    },
    Function {
        name: "guid",
        signature: "(format?: string): string",
        arity: between(0, 1),
        doc: "A new random identifier, in the format `N`, `D` (the default), `B`, `P` or `X`.",
        source: SOURCE,
        examples: r#"
            length(guid()) => 36
            length(guid('N')) => 32
            length(guid('P')) => 38
            length(guid('X')) => 68
            equals(guid(), guid()) => false
            guid('Z') => error: does not know the format 'Z'
        "#,
        call: Call::Eager(guid),
    },
    Function {
        name: "indexOf",
        signature: "(text: string, search: string): int",
        arity: exactly(2),
        doc: "The position of the first occurrence of a text in another; -1 if there is none. Case does not matter.",
        source: SOURCE,
        examples: r#"
            indexOf('hello world', 'world') => 6
            indexOf('hello world', 'World') => 6
            indexOf('hello', 'x') => -1
            indexOf('a', '') => 0
            indexOf('a', null) => error: second parameter to be of type string
        "#,
        call: Call::Eager(|arguments| {
            let (text, search) = folded_pair(arguments)?;
            if search.is_empty() {
                return Ok(Value::Int(0));
            }
            Ok(position(utf16::positions(&text, &search).next()))
        }),
    },
    Function {
        name: "lastIndexOf",
        signature: "(text: string, search: string): int",
        arity: exactly(2),
        doc: "The position of the last occurrence of a text in another; -1 if there is none. Case does not matter.",
        source: SOURCE,
        examples: r#"
            lastIndexOf('hello world hello world', 'world') => 18
            lastIndexOf('hello world hello world', '') => 22
            lastIndexOf('', '') => 0
            lastIndexOf('', 'a') => -1
            lastIndexOf(1, '1') => error: first parameter to be of type string
        "#,
        call: Call::Eager(|arguments| {
            let (text, search) = folded_pair(arguments)?;
            if search.is_empty() {
                return Ok(Value::Int(text.len().saturating_sub(1) as i64));
            }
            Ok(position(utf16::positions(&text, &search).last()))
        }),
    },
    Function {
        name: "nthIndexOf",
        signature: "(text: string, search: string, n: int): int",
        arity: exactly(3),
        doc: "The position of the n-th occurrence of a text in another; negative n counts from the end; -1 if there is \
              none. Case does not matter, occurrences may overlap.",
        source: SOURCE,
        examples: r#"
            nthIndexOf('123456789123465789', '1', 1) => 0
            nthIndexOf('123456789123465789', '12', 2) => 9
            nthIndexOf('123456789123465789', '12', -1) => 9
            nthIndexOf('123456789123465789', '6', 4) => -1
            nthIndexOf('aaa', 'aa', 2) => 1
            nthIndexOf('abc', 'a', 0) => error: third parameter to be an integer other than 0
        "#,
        call: Call::Eager(|arguments| {
            let (mut text, mut search) = folded_pair(arguments)?;
            let n = arguments.int(2)?;
            let skip = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
            match n {
                0 => Err(arguments.wrong_kind(2, "an integer other than 0")),
                1.. => Ok(position(utf16::positions(&text, &search).nth(skip - 1))),
                _ => {
                    text.reverse();
                    search.reverse();
                    let found = utf16::positions(&text, &search).nth(skip - 1);
                    Ok(position(found.map(|found| text.len() - search.len() - found)))
                }
            }
        }),
    },
    Function {
        name: "length",
        signature: "(collection: string|array): int",
        arity: exactly(1),
        doc: "The number of characters of a text or of items of an array.",
        source: SOURCE,
        examples: r#"
            length('abcd') => 4
            length(createArray(0, 1, 2, 3)) => 4
            length('😀') => 2
            length(json('{}')) => error: be an array or a string
        "#,
        call: Call::Eager(|arguments| match arguments.value(0) {
            Value::String(text) => Ok(Value::Int(utf16::length(text) as i64)),
            Value::Array(items) => Ok(Value::Int(items.len() as i64)),
            _ => Err(arguments.wrong_kind(0, "an array or a string")),
        }),
    },
    Function {
        name: "replace",
        signature: "(text: string, old: string, new: string): string",
        arity: exactly(3),
        doc: "The text with every occurrence of the second text replaced by the third. Case matters.",
        source: SOURCE,
        examples: r#"
            replace('the old string', 'old', 'new') => "the new string"
            replace('xxxxx', 'x', '') => ""
            replace('abc', 'B', 'x') => "abc"
            replace('aaa', 'aa', 'b') => "ba"
            replace('a', '', 'b') => error: String cannot be of zero length
        "#,
        call: Call::Eager(replace),
    },
    Function {
        name: "slice",
        signature: "(text: string, start: int, end?: int): string",
        arity: between(2, 3),
        doc: "The part of a text between two positions; negative ones count from the end, those outside are clipped.",
        source: SOURCE,
        examples: r#"
            slice('Hello World', 2) => "llo World"
            slice('Hello World', 2, 5) => "llo"
            slice('Hello World', 10, 2) => ""
            slice('Hello World', 6, 20) => "World"
            slice('Hello World', -2) => "ld"
            slice('Hello World', 3, -1) => "lo Worl"
            slice('abcdef', -3, -1) => "de"
            slice('abcdef', '1') => error: second parameter to be of type integer
        "#,
        call: Call::Eager(|arguments| {
            let text = arguments.text(0)?;
            let length = utf16::length(text) as i64;
            let clip = |index: i64| {
                if index < 0 {
                    (length.saturating_add(index)).max(0)
                } else {
                    index.min(length)
                }
            };
            let start = clip(arguments.int(1)?);
            let end = if arguments.has(2) {
                clip(arguments.int(2)?)
            } else {
                length
            };
            Ok(Value::from(utf16::part(text, start as usize, end.max(start) as usize)))
        }),
    },
    Function {
        name: "split",
        signature: "(text: string, delimiter: string): array",
        arity: exactly(2),
        doc: "The parts of a text between the occurrences of a delimiter, empty ones too.",
        source: SOURCE,
        examples: r#"
            split('a_b_c', '_') => ["a","b","c"]
            split('a_b_c', ' ') => ["a_b_c"]
            split('abc,,def', ',') => ["abc","","def"]
            split('abc', '') => ["abc"]
            split('', ',') => [""]
            split('abc1def', 1) => error: be of type string
        "#,
        call: Call::Eager(|arguments| {
            let (text, delimiter) = (arguments.text(0)?, arguments.text(1)?);
            if delimiter.is_empty() {
                return Ok(Value::array([Value::String(text.clone())]));
            }
            if text.matches(&**delimiter).take(MAX_ITEMS).count() == MAX_ITEMS {
                return Err(arguments.fail(format!("makes more than {MAX_ITEMS} items")));
            }
            Ok(Value::array(text.split(&**delimiter).map(Value::from)))
        }),
    },
    Function {
        name: "substring",
        signature: "(text: string, start: int, length?: int): string",
        arity: between(2, 3),
        doc: "The part of a text from a position, of a length or to the end. Nothing is clipped.",
        source: SOURCE,
        examples: r#"
            substring('hello world', 6, 5) => "world"
            substring('abcdef', 0) => "abcdef"
            substring('abcdef', 6, 0) => ""
            substring('abcdef', 0, 99) => error: out of range
            substring('abcdef', -3) => error: out of range
        "#,
        call: Call::Eager(substring),
    },
    Function {
        name: "toLower",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text in lower case.",
        source: SOURCE,
        examples: r#"
            toLower('Hello World') => "hello world"
            toLower('ÄÖÜ') => "äöü"
            toLower('ıIiİ') => "ıiiİ"
            toLower(1) => error: of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(utf16::lower(arguments.text(0)?)))),
    },
    Function {
        name: "toUpper",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text in upper case.",
        source: SOURCE,
        examples: r#"
            toUpper('Hello World') => "HELLO WORLD"
            toUpper('straße') => "STRAßE"
            toUpper('ıIiİ') => "ıIIİ"
            toUpper(binary('Testing')) => error: of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(utf16::upper(arguments.text(0)?)))),
    },
    Function {
        name: "trim",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text without white space at its start and end.",
        source: SOURCE,
        examples: r#"
            trim(' Hello World  ') => "Hello World"
            trim('a  b') => "a  b"
            trim('　x　') => "x"
            trim(binary('x')) => error: of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(arguments.text(0)?.trim()))),
    },
    Function {
        name: "trimByteOrderMark",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text without a byte order mark at its start.",
        source: "Designer functions",
        examples: r#"
            trimByteOrderMark(uriComponentToString('%EF%BB%BFa')) => "a"
            trimByteOrderMark('a') => "a"
            trimByteOrderMark('') => ""
            trimByteOrderMark(null) => error: of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(arguments.text(0)?.trim_start_matches('\u{feff}')))),
    },
    Function {
        name: "utf8Length",
        signature: "(text: string): int",
        arity: exactly(1),
        doc: "The length of a text in UTF-8 bytes.",
        source: "Designer functions",
        examples: r#"
            utf8Length('é') => 2
            utf8Length('abc') => 3
            utf8Length('😀') => 4
            utf8Length(1) => error: of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::Int(arguments.text(0)?.len() as i64))),
    },
    Function {
        name: "utf16Length",
        signature: "(text: string): int",
        arity: exactly(1),
        doc: "The length of a text in UTF-16 code units.",
        source: "Designer functions",
        examples: r#"
            utf16Length('é') => 1
            utf16Length('abc') => 3
            utf16Length('😀') => 2
            utf16Length(null) => error: of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::Int(utf16::length(arguments.text(0)?) as i64))),
    },
];

/// The culture that an optional argument names; by default en-US.
pub(super) fn locale(arguments: &Arguments<'_>, index: usize) -> Result<&'static Locale, EvalError> {
    if !arguments.has(index) {
        return Ok(Locale::us());
    }
    let name = arguments.text(index)?;
    Locale::find(name).ok_or_else(|| arguments.fail(format!("does not know the culture '{name}'")))
}

fn concat(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let mut text = String::new();
    for value in arguments.values {
        append_text(&mut text, value)?;
    }
    Ok(Value::from(text))
}

fn folded_pair(arguments: &Arguments<'_>) -> Result<(Vec<u16>, Vec<u16>), EvalError> {
    Ok((utf16::folded(arguments.text(0)?), utf16::folded(arguments.text(1)?)))
}

fn position(found: Option<usize>) -> Value {
    Value::Int(found.map_or(-1, |index| index as i64))
}

fn replace(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let (text, old, new) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    if old.is_empty() {
        return Err(arguments.fail("cannot replace: String cannot be of zero length. (Parameter 'oldValue')"));
    }
    if new.len() > old.len() {
        let growth = text.matches(&**old).count().saturating_mul(new.len() - old.len());
        if text.len().saturating_add(growth) > MAX_TEXT {
            return Err(too_long());
        }
    }
    Ok(Value::from(text.replace(&**old, new)))
}

fn substring(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let text = arguments.text(0)?;
    let length = utf16::length(text);
    let start = arguments.int(1)?;
    let taken = if arguments.has(2) {
        Some(arguments.int(2)?)
    } else {
        None
    };
    let part = || {
        let start = usize::try_from(start).ok()?;
        let end = match taken {
            Some(taken) => start.checked_add(usize::try_from(taken).ok()?)?,
            None => length,
        };
        (start <= end && end <= length).then(|| utf16::part(text, start, end))
    };
    part().map(Value::from).ok_or_else(|| {
        arguments.fail(
            "parameters are out of range: 'start index' and 'length' must be non-negative integers and their sum must \
             be no larger than the length of the string",
        )
    })
}

fn guid(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let guid = uuid::Builder::from_random_bytes(arguments.scope.random()).into_uuid();
    let hyphenated = guid.hyphenated();
    Ok(Value::from(match arguments.text_or(0, "D")? {
        "N" | "n" => guid.simple().to_string(),
        "D" | "d" | "" => hyphenated.to_string(),
        "B" | "b" => format!("{{{hyphenated}}}"),
        "P" | "p" => format!("({hyphenated})"),
        "X" | "x" => {
            let (a, b, c, d) = guid.as_fields();
            let bytes: Vec<String> = d.iter().map(|byte| format!("0x{byte:02x}")).collect();
            format!("{{0x{a:08x},0x{b:04x},0x{c:04x},{{{}}}}}", bytes.join(","))
        }
        other => return Err(arguments.fail(format!("does not know the format '{other}'; use N, D, B, P or X"))),
    }))
}
