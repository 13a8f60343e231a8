//! Values as text: what interpolation, `string()`, `concat()` and `join()` make of them.

use super::content::Envelope;
use super::error::EvalError;
use super::number::{decimal_json, float_json, float_text};
use super::value::Value;

/// Longest text that an expression may make, in bytes. Logic Apps: 104,857,600 characters.
pub const MAX_TEXT: usize = 104_857_600;

impl Value {
    /// The text of this value: `null` is empty, truth values are `True` and `False`, content envelopes their decoded
    /// text, arrays and objects compact JSON.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Without a limit nothing can fail.
        let _ = append(&mut text, self, usize::MAX);
        text
    }
}

/// Appends the text of a value.
///
/// # Errors
/// The text becomes longer than [`MAX_TEXT`].
pub(super) fn append_text(text: &mut String, value: &Value) -> Result<(), EvalError> {
    append(text, value, MAX_TEXT).map_err(|TooLong| too_long())
}

/// The text of a value.
///
/// # Errors
/// It is longer than [`MAX_TEXT`].
pub(super) fn bounded_text(value: &Value) -> Result<String, EvalError> {
    let mut text = String::new();
    append_text(&mut text, value)?;
    Ok(text)
}

/// The error of a text that is longer than [`MAX_TEXT`].
pub(super) fn too_long() -> EvalError {
    EvalError::new(format!(
        "The template language expression makes a text of more than {MAX_TEXT} bytes; make it in smaller parts."
    ))
}

/// The text outgrew the limit.
struct TooLong;

fn append(text: &mut String, value: &Value, limit: usize) -> Result<(), TooLong> {
    match value {
        Value::Null => {}
        Value::Bool(truth) => text.push_str(if *truth { "True" } else { "False" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Float(number) => text.push_str(&float_text(*number)),
        Value::Decimal(number) => text.push_str(&number.to_string()),
        Value::String(content) => text.push_str(content),
        Value::Array(_) => return append_json(text, value, limit),
        Value::Object(_) => match Envelope::of(value) {
            Some(envelope) => text.push_str(&envelope.text()),
            None => return append_json(text, value, limit),
        },
    }
    check(text, limit)
}

fn append_json(text: &mut String, value: &Value, limit: usize) -> Result<(), TooLong> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Float(number) if number.is_finite() => text.push_str(&float_json(*number)),
        Value::Float(number) => append_quoted(text, &float_text(*number)),
        Value::Decimal(number) => text.push_str(&decimal_json(*number)),
        Value::String(content) => append_quoted(text, content),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                append_comma(text, index);
                append_json(text, item, limit)?;
            }
            text.push(']');
        }
        Value::Object(object) => {
            text.push('{');
            for (index, (name, member)) in object.iter().enumerate() {
                append_comma(text, index);
                append_quoted(text, name);
                text.push(':');
                append_json(text, member, limit)?;
            }
            text.push('}');
        }
    }
    check(text, limit)
}

fn append_comma(text: &mut String, index: usize) {
    if index > 0 {
        text.push(',');
    }
}

/// A JSON string, escaped as the original's JSON writer does: line separators too.
fn append_quoted(text: &mut String, content: &str) {
    text.push('"');
    for c in content.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", c as u32)),
            other => text.push(other),
        }
    }
    text.push('"');
}

fn check(text: &str, limit: usize) -> Result<(), TooLong> {
    if text.len() > limit { Err(TooLong) } else { Ok(()) }
}
