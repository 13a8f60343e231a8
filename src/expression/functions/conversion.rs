//! Conversion functions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::super::content::{Envelope, OCTET_STREAM, decode_base64};
use super::super::data_uri::DataUri;
use super::super::error::EvalError;
use super::super::limits::bounded;
use super::super::locale::Locale;
use super::super::number_parse::{parse_decimal, parse_float, parse_int, whole};
use super::super::text::{MAX_TEXT, bounded_text, too_long};
use super::super::uri_text;
use super::super::value::Value;
use super::super::xml;
use super::string::locale;
use super::{Arguments, Call, Function, at_least, between, exactly};

const SOURCE: &str = "Conversion functions";

pub(super) static CONVERSION: &[Function] = &[
    Function {
        name: "array",
        signature: "(value: any): array",
        arity: exactly(1),
        doc: "An array of the one value.",
        source: SOURCE,
        examples: r#"
            array('hello') => ["hello"]
            array(json('[1]')) => [[1]]
            array(1.0) => [1.0]
            array('a', 'b') => error: expects one parameter
        "#,
        call: Call::Eager(|arguments| bounded(Value::array([arguments.value(0).clone()]))),
    },
    Function {
        name: "base64",
        signature: "(value: any): string",
        arity: exactly(1),
        doc: "The base64 of a text.",
        source: SOURCE,
        examples: r#"
            base64('hello') => "aGVsbG8="
            base64('é') => "w6k="
            base64('') => ""
            base64(null) => error: be of type string
        "#,
        call: Call::Eager(|arguments| match arguments.value(0) {
            Value::Null => Err(arguments.wrong_kind(0, "of type string")),
            value => Ok(Value::from(STANDARD.encode(bounded_text(value)?))),
        }),
    },
    Function {
        name: "base64ToString",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text that a base64 text stands for.",
        source: SOURCE,
        examples: r#"
            base64ToString('aGVsbG8=') => "hello"
            base64ToString('') => ""
            base64ToString('w6k=') => "é"
            base64ToString('aa') => error: cannot be decoded
        "#,
        call: Call::Eager(base64_to_string),
    },
    Function {
        name: "decodeBase64",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The old name of `base64ToString`.",
        source: SOURCE,
        examples: r#"
            decodeBase64('aGVsbG8=') => "hello"
            decodeBase64('aGVs bG8=') => "hello"
            decodeBase64('') => ""
            decodeBase64('$#[<') => error: cannot be decoded
        "#,
        call: Call::Eager(base64_to_string),
    },
    Function {
        name: "base64ToBinary",
        signature: "(text: string): object",
        arity: exactly(1),
        doc: "The bytes that a base64 text stands for, as a content envelope.",
        source: SOURCE,
        examples: r#"
            base64ToBinary('aGVsbG8=') => {"$content-type":"application/octet-stream","$content":"aGVsbG8="}
            base64ToBinary('') => {"$content-type":"application/octet-stream","$content":""}
            string(base64ToBinary('aGVsbG8=')) => "hello"
            base64ToBinary('$#[<') => error: cannot be decoded
        "#,
        call: Call::Eager(|arguments| {
            base64_bytes(arguments)?;
            Ok(envelope(OCTET_STREAM, arguments.text(0)?))
        }),
    },
    Function {
        name: "binary",
        signature: "(value: any): object",
        arity: exactly(1),
        doc: "The bytes of the text of a value, as a content envelope.",
        source: SOURCE,
        examples: r#"
            binary('hello') => {"$content-type":"application/octet-stream","$content":"aGVsbG8="}
            binary(3.14).$content => "My4xNA=="
            binary(true).$content => "VHJ1ZQ=="
            binary(createArray('a', 'b', 'c')).$content => "WyJhIiwiYiIsImMiXQ=="
            binary(null) => error: first parameter
        "#,
        call: Call::Eager(|arguments| Ok(Envelope::new(OCTET_STREAM, bytes(arguments)?).into())),
    },
    Function {
        name: "bool",
        signature: "(value: any): bool",
        arity: exactly(1),
        doc: "The truth value of a number (whether it is not 0) or of the text `true` or `false`.",
        source: SOURCE,
        examples: r#"
            bool(1) => true
            bool(0) => false
            bool('True') => true
            bool('false') => false
            bool(0.3) => true
            bool('troo') => error: not a boolean
        "#,
        call: Call::Eager(to_bool),
    },
    Function {
        name: "dataUri",
        signature: "(value: any): string",
        arity: exactly(1),
        doc: "A data URI of the text of a value.",
        source: SOURCE,
        examples: r#"
            dataUri('hello') => "data:text/plain;charset=utf-8;base64,aGVsbG8="
            dataUri(createArray(1, 2, 3)) => "data:application/json;charset=utf-8;base64,WzEsMiwzXQ=="
            dataUri(xml('<a/>')) => "data:application/xml;charset=utf-8;base64,PGEgLz4="
            dataUri(null) => error: first parameter
        "#,
        call: Call::Eager(|arguments| {
            let content_type = match arguments.value(0) {
                Value::String(_) => "text/plain;charset=utf-8".to_owned(),
                value => match Envelope::of(value) {
                    Some(envelope) => envelope.content_type,
                    None => "application/json;charset=utf-8".to_owned(),
                },
            };
            let data = STANDARD.encode(bytes(arguments)?);
            Ok(Value::from(format!("data:{content_type};base64,{data}")))
        }),
    },
    Function {
        name: "dataUriToBinary",
        signature: "(uri: string): object",
        arity: exactly(1),
        doc: "The content of a data URI, as a content envelope.",
        source: SOURCE,
        examples: r#"
            dataUriToBinary('data:text/plain;charset=utf-8;base64,aGVsbG8=') => {"$content-type":"text/plain;charset=utf-8","$content":"aGVsbG8="}
            dataUriToBinary('data:text/plain;charset=utf-8,aGVsbG8=').$content => "YUdWc2JHOD0="
            dataUriToBinary('data:,x')['$content-type'] => "text/plain"
            dataUriToBinary('data:;;base64,dGVzdA==') => error: empty parameters
        "#,
        call: Call::Eager(data_uri_to_binary),
    },
    Function {
        name: "decodeDataUri",
        signature: "(uri: string): object",
        arity: exactly(1),
        doc: "The old name of `dataUriToBinary`.",
        source: SOURCE,
        examples: r#"
            string(decodeDataUri('data:text/plain;base64,aGVsbG8=')) => "hello"
            decodeDataUri('data:text/plain;base64,aGVsbG8=').$content => "aGVsbG8="
            string(decodeDataUri('DATA:TEXT/PLAIN;BASE64,dGVzdA==')) => "test"
            decodeDataUri('hello') => error: a data URI
        "#,
        call: Call::Eager(data_uri_to_binary),
    },
    Function {
        name: "dataUriToString",
        signature: "(uri: string): string",
        arity: exactly(1),
        doc: "The text of a data URI.",
        source: SOURCE,
        examples: r#"
            dataUriToString('data:text/plain;charset=utf-8;base64,aGVsbG8=') => "hello"
            dataUriToString('data:text/plain;charset=utf-8,abc+def%20g') => "abc def g"
            dataUriToString('data:text/plain;base64;charset=ascii,dGVzdA==') => "dGVzdA=="
            dataUriToString('data:text/plain;charset=ascii;base64,dGVzdA==') => error: charset utf-8
        "#,
        call: Call::Eager(|arguments| {
            let text = DataUri::read(arguments.text(0)?)
                .map_err(str::to_owned)
                .and_then(|uri| uri.text());
            text.map(Value::from).map_err(|reason| arguments.fail(reason))
        }),
    },
    Function {
        name: "decimal",
        signature: "(value: string|int|float): decimal",
        arity: exactly(1),
        doc: "The decimal number of a text or number, with all its digits.",
        source: SOURCE,
        examples: r#"
            string(decimal('1.2345678912312131')) => "1.2345678912312131"
            string(add(decimal('1.2345678912312131'), decimal('1.2345678912312131'))) => "2.4691357824624262"
            string(decimal('5.0000')) => "5.0000"
            decimal('200-') => -200.0
            string(div(decimal('10'), 4)) => "2.5"
            decimal('3e-1') => error: not a decimal number
        "#,
        call: Call::Eager(|arguments| {
            let decimal = match arguments.value(0) {
                Value::String(text) => parse_decimal(text),
                number => as_decimal(number),
            };
            decimal
                .map(Value::Decimal)
                .ok_or_else(|| cannot_convert(arguments, "a decimal number"))
        }),
    },
    Function {
        name: "float",
        signature: "(value: string|int|decimal, locale?: string): float",
        arity: between(1, 2),
        doc: "The float of a text or number; the text as a culture writes it, by default en-US.",
        source: SOURCE,
        examples: r#"
            float('10,000.333') => 10000.333
            float('10.000,333', 'de-DE') => 10000.333
            float('12,3,4,5678') => 12345678.0
            float('12345,6,78,-') => -12345678.0
            float('.12345678') => 0.12345678
            float('1 234,5', 'fr-FR') => 1234.5
            float('Infinity') => error: not a floating point number
        "#,
        call: Call::Eager(|arguments| {
            let float = match arguments.value(0) {
                Value::String(text) => parse_float(text, locale(arguments, 1)?),
                Value::Int(number) => Some(*number as f64),
                Value::Float(number) => Some(*number),
                Value::Decimal(number) => number.to_f64(),
                _ => None,
            };
            float
                .map(Value::Float)
                .ok_or_else(|| cannot_convert(arguments, "a floating point number"))
        }),
    },
    Function {
        name: "int",
        signature: "(value: string|float|decimal): int",
        arity: exactly(1),
        doc: "The integer of a text or number without fraction.",
        source: SOURCE,
        examples: r#"
            int('10') => 10
            int('  +1,000 ') => 1000
            int(1.0) => 1
            int('1.0') => 1
            int(1.5) => error: not an integer
        "#,
        call: Call::Eager(|arguments| {
            let int = match arguments.value(0) {
                Value::String(text) => parse_int(text),
                Value::Int(number) => Some(*number),
                Value::Float(number) => whole(*number),
                Value::Decimal(number) if number.fract().is_zero() => number.to_i64(),
                _ => None,
            };
            int.map(Value::Int)
                .ok_or_else(|| cannot_convert(arguments, "an integer"))
        }),
    },
    Function {
        name: "isInt",
        signature: "(text: string): bool",
        arity: exactly(1),
        doc: "Tells whether a text is an integer for `int`.",
        source: "String functions",
        examples: r#"
            isInt('10') => true
            isInt('1.5') => false
            isInt('nan') => false
            isInt(10) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::Bool(parse_int(arguments.text(0)?).is_some()))),
    },
    Function {
        name: "isFloat",
        signature: "(text: string, locale?: string): bool",
        arity: between(1, 2),
        doc: "Tells whether a text is a number for `float`, as a culture writes it.",
        source: "String functions",
        examples: r#"
            isFloat('10,000.00') => true
            isFloat('10.000,00', 'de-DE') => true
            isFloat('111.222.333') => false
            isFloat('Infinity', 'en-us') => false
            isFloat(3.14) => error: be of type string
        "#,
        call: Call::Eager(|arguments| {
            let locale = if arguments.has(1) {
                locale(arguments, 1)?
            } else {
                Locale::invariant()
            };
            Ok(Value::Bool(parse_float(arguments.text(0)?, locale).is_some()))
        }),
    },
    Function {
        name: "json",
        signature: "(value: string|object): any",
        arity: exactly(1),
        doc: "The JSON value of a text, of the bytes of an envelope or of XML.",
        source: SOURCE,
        examples: r##"
            json('[1, 2, 3]') => [1,2,3]
            json('{"fullName": "Sophia Owen"}') => {"fullName":"Sophia Owen"}
            json('{"a":1,"b":-1,"a":2}') => {"b":-1,"a":2}
            json(null) => {}
            json(xml('<r><n attr="x">y</n></r>')) => {"r":{"n":{"@attr":"x","#text":"y"}}}
            json(binary('[1,2,3]')) => [1,2,3]
            json('{') => error: not valid JSON
        "##,
        call: Call::Eager(to_json),
    },
    Function {
        name: "string",
        signature: "(value: any): string",
        arity: exactly(1),
        doc: "The text of a value.",
        source: SOURCE,
        examples: r#"
            string(10) => "10"
            string(null) => ""
            string(true) => "True"
            string(float('5.0')) => "5"
            string(createArray(float('5.0'), true)) => "[5.0,true]"
            string(json('{"name": "Sophie Owen"}')) => "{\"name\":\"Sophie Owen\"}"
            string() => error: expects one parameter
        "#,
        call: Call::Eager(|arguments| match arguments.value(0) {
            Value::String(text) => Ok(Value::String(text.clone())),
            value => Ok(Value::from(bounded_text(value)?)),
        }),
    },
    Function {
        name: "uriComponent",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text escaped as a component of a URI.",
        source: SOURCE,
        examples: r#"
            uriComponent('https://contoso.com') => "https%3A%2F%2Fcontoso.com"
            uriComponent('a b+c') => "a%20b%2Bc"
            uriComponent('-_.~é') => "-_.~%C3%A9"
            uriComponent(1) => error: be of type string
        "#,
        call: Call::Eager(uri_component),
    },
    Function {
        name: "encodeUriComponent",
        signature: "(text: string, …): string",
        arity: at_least(1),
        doc: "The text escaped as a component of a URI; the older name of `uriComponent`. The designer writes several \
              texts into it where a field holds several; they are joined.",
        source: SOURCE,
        examples: r#"
            encodeUriComponent('https://contoso.com') => "https%3A%2F%2Fcontoso.com"
            encodeURIComponent('a b/c') => "a%20b%2Fc"
            encodeURIComponent('contoso', '\', 'jo') => "contoso%5Cjo"
            encodeURIComponent(42) => "42"
            encodeUriComponent(null) => error: be of type string
        "#,
        call: Call::Eager(encode_uri_component),
    },
    Function {
        name: "uriComponentToString",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text of an escaped component of a URI.",
        source: SOURCE,
        examples: r#"
            uriComponentToString('https%3A%2F%2Fcontoso.com') => "https://contoso.com"
            uriComponentToString('a+b%20c') => "a+b c"
            uriComponentToString('%C3%A9') => "é"
            uriComponentToString(1) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(uri_text::decode(arguments.text(0)?)))),
    },
    Function {
        name: "decodeUriComponent",
        signature: "(text: string): string",
        arity: exactly(1),
        doc: "The text of an escaped component of a URI; the older name of `uriComponentToString`.",
        source: SOURCE,
        examples: r#"
            decodeUriComponent('https%3A%2F%2Fcontoso.com') => "https://contoso.com"
            decodeUriComponent('a%20b') => "a b"
            decodeUriComponent('100%') => "100%"
            decodeUriComponent(null) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Value::from(uri_text::decode(arguments.text(0)?)))),
    },
    Function {
        name: "uriComponentToBinary",
        signature: "(text: string): object",
        arity: exactly(1),
        doc: "The bytes of an escaped component of a URI, as a content envelope.",
        source: SOURCE,
        examples: r#"
            uriComponentToBinary('https%3A%2F%2Fcontoso.com').$content => "aHR0cHM6Ly9jb250b3NvLmNvbQ=="
            uriComponentToBinary('a%20b').$content => "YSBi"
            uriComponentToBinary('a')['$content-type'] => "application/octet-stream"
            uriComponentToBinary(1) => error: be of type string
        "#,
        call: Call::Eager(|arguments| Ok(Envelope::new(OCTET_STREAM, uri_text::decode(arguments.text(0)?)).into())),
    },
    Function {
        name: "xml",
        signature: "(value: string|object): object",
        arity: exactly(1),
        doc: "The XML of a text or of an object with one member, as a content envelope.",
        source: SOURCE,
        examples: r#"
            string(xml(json('{"name":"Sophia Owen"}'))) => "<name>Sophia Owen</name>"
            string(xml('<root/>')) => "<root />"
            xml('<root/>').$content => "PHJvb3QgLz4="
            string(xml(json('{"root":{"@attr":"te\"xt","i":[1,null]}}'))) => "<root attr=\"te&quot;xt\"><i>1</i><i /></root>"
            xml('<one/><two/>') => error: multiple root
        "#,
        call: Call::Eager(to_xml),
    },
];

/// The number as a decimal; of a float the 15 digits that .NET converts.
pub(super) fn as_decimal(number: &Value) -> Option<Decimal> {
    match number {
        Value::Int(number) => Some(Decimal::from(*number)),
        Value::Decimal(number) => Some(*number),
        Value::Float(number) => {
            let rounded: f64 = format!("{number:.14e}").parse().ok()?;
            format!("{rounded}").parse().ok()
        }
        _ => None,
    }
}

fn envelope(content_type: &str, content: &str) -> Value {
    Value::object([("$content-type", content_type), ("$content", content)])
}

fn cannot_convert(arguments: &Arguments<'_>, wanted: &str) -> EvalError {
    let kind = arguments.value(0).kind();
    arguments.fail(format!(
        "was invoked with a parameter of type '{kind}' whose value is not {wanted}"
    ))
}

/// The bytes of an envelope or of the text of a value; null has none.
fn bytes(arguments: &Arguments<'_>) -> Result<Vec<u8>, EvalError> {
    match arguments.value(0) {
        Value::Null => Err(arguments.wrong_kind(0, "a value")),
        value => match Envelope::of(value) {
            Some(envelope) => Ok(envelope.bytes),
            None => Ok(bounded_text(value)?.into_bytes()),
        },
    }
}

fn base64_bytes(arguments: &Arguments<'_>) -> Result<Vec<u8>, EvalError> {
    decode_base64(arguments.text(0)?).ok_or_else(|| arguments.fail("expects valid base64: the value cannot be decoded"))
}

fn base64_to_string(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let bytes = base64_bytes(arguments)?;
    Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
}

fn to_bool(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let truth = match arguments.value(0) {
        Value::Bool(truth) => Some(*truth),
        Value::Int(number) => Some(*number != 0),
        Value::Float(number) => Some(*number != 0.0),
        Value::Decimal(number) => Some(!number.is_zero()),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    truth
        .map(Value::Bool)
        .ok_or_else(|| cannot_convert(arguments, "a boolean"))
}

fn data_uri_to_binary(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let uri = DataUri::read(arguments.text(0)?).map_err(|reason| arguments.fail(reason))?;
    let content_type = uri.content_type().map_err(|reason| arguments.fail(reason))?;
    let content = uri.content().map_err(|reason| arguments.fail(reason))?;
    Ok(envelope(&content_type, &content))
}

fn to_json(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let parse = |text: &str| {
        let value = Value::from_json(text.trim_start_matches('\u{feff}'));
        value.map_err(|error| arguments.fail(format!("parameter is not valid JSON: {error}")))
    };
    match arguments.value(0) {
        Value::Null => Ok(Value::object::<&str, Value>([])),
        Value::String(text) => parse(text),
        value => match Envelope::of(value) {
            Some(envelope) if envelope.is_xml() => {
                let json = xml::to_json(&envelope.text());
                json.map_err(|reason| arguments.fail(format!("parameter is not valid XML: {reason}")))
            }
            Some(envelope) => parse(&envelope.text()),
            None => Err(arguments.wrong_kind(0, "a string or an XML or binary content")),
        },
    }
}

fn to_xml(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    let text = match arguments.value(0) {
        Value::String(text) => xml::normalize(text),
        value @ Value::Object(object) => match Envelope::of(value) {
            Some(envelope) => return Ok(Envelope::new(super::super::content::XML, envelope.bytes).into()),
            None => xml::from_object(object),
        },
        _ => return Err(arguments.wrong_kind(0, "a string or an object")),
    };
    let text = text.map_err(|reason| arguments.fail(format!("parameter is not valid: {reason}")))?;
    Ok(Envelope::new(super::super::content::XML, text).into())
}

fn encode_uri_component(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    // The designer writes numbers into paths with it, such as the id of a list's item.
    let text = |index: usize| match arguments.value(index) {
        number @ (Value::Int(_) | Value::Float(_) | Value::Decimal(_)) => Ok(uri_text::encode(&number.to_text())),
        _ => Ok::<_, EvalError>(uri_text::encode(arguments.text(index)?)),
    };
    let mut encoded = String::new();
    for index in 0..arguments.values.len() {
        encoded.push_str(&text(index)?);
        if encoded.len() > MAX_TEXT {
            return Err(too_long());
        }
    }
    Ok(Value::from(encoded))
}

fn uri_component(arguments: &Arguments<'_>) -> Result<Value, EvalError> {
    Ok(Value::from(uri_text::encode(arguments.text(0)?)))
}
