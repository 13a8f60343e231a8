//! JSON value -> YAML text, in the style of `kubectl get -o yaml`. Text that any YAML reader (1.1 or 1.2) could take
//! for something else is quoted: bare `yes` and `on` are booleans to kubectl.

use serde_json::{Map, Value};

use super::scalar;

/// Longest key that may stand before a `:` on one line.
const LONGEST_SIMPLE_KEY: usize = 1000;

/// Writes a value as YAML: block style, text of several lines as literal blocks, a line break at the end.
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => object(&mut out, members, 0),
        Value::Array(items) if !items.is_empty() => array(&mut out, items, 0),
        _ => {
            leaf(&mut out, value, 0);
            out.push('\n');
        }
    }
    out
}

/// Members, of which the first continues the present line.
fn object(out: &mut String, members: &Map<String, Value>, indent: usize) {
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            spaces(out, indent);
        }
        if key.len() > LONGEST_SIMPLE_KEY {
            out.push_str("? ");
            quoted(out, key);
            out.push('\n');
            spaces(out, indent);
        } else {
            one_line(out, key);
        }
        out.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                spaces(out, indent + 2);
                object(out, inner, indent + 2);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                spaces(out, indent);
                array(out, items, indent);
            }
            _ => {
                out.push(' ');
                leaf(out, value, indent);
                out.push('\n');
            }
        }
    }
}

/// Items, of which the first continues the present line.
fn array(out: &mut String, items: &[Value], indent: usize) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            spaces(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Object(members) if !members.is_empty() => object(out, members, indent + 2),
            Value::Array(inner) if !inner.is_empty() => array(out, inner, indent + 2),
            _ => {
                leaf(out, item, indent);
                out.push('\n');
            }
        }
    }
}

fn spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// What needs no lines below its own, but for literal blocks.
fn leaf(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) if is_block(text) => literal(out, text, indent + 2),
        Value::String(text) => one_line(out, text),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// Whether a text reads well and surely as a literal block.
fn is_block(text: &str) -> bool {
    let content = text.trim_end_matches('\n');
    text.contains('\n')
        && !content.is_empty()
        && !content.starts_with([' ', '\t', '\n'])
        && !content.lines().next_back().is_some_and(|last| last.trim().is_empty())
        && content
            .chars()
            .all(|character| matches!(character, '\n' | '\t') || is_printable(character))
}

fn is_printable(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn literal(out: &mut String, text: &str, indent: usize) {
    let content = text.trim_end_matches('\n');
    let breaks = text.len() - content.len();
    out.push_str(match breaks {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in content.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            spaces(out, indent);
            out.push_str(line);
        }
    }
    out.extend(std::iter::repeat_n('\n', breaks.saturating_sub(1)));
}

fn one_line(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else if text.chars().all(is_printable) && (!text.contains('\'') || text.contains(['"', '\\'])) {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        quoted(out, text);
    }
}

/// Double quotes with the escapes of JSON, and with escapes for what YAML does not allow bare.
fn quoted(out: &mut String, text: &str) {
    for character in Value::String(text.to_owned()).to_string().chars() {
        if is_printable(character) {
            out.push(character);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(character)));
        }
    }
}

/// Whether every YAML reader takes the bare text for the same text.
fn is_plain(text: &str) -> bool {
    let first = text
        .chars()
        .next()
        .is_some_and(|first| first.is_alphanumeric() || matches!(first, '/' | '_' | '$' | '('));
    let inner = text.chars().all(|character| {
        character.is_alphanumeric()
            || matches!(
                character,
                ' ' | '-' | '_' | '.' | '/' | '$' | '(' | ')' | ':' | '+' | '=' | '@' | ';'
            )
    });
    let digits_first = text.starts_with(|first: char| first.is_ascii_digit());
    let number_like = digits_first
        && text.chars().all(|character| {
            character.is_ascii_hexdigit()
                || matches!(character, '.' | '-' | ':' | '_' | 'x' | 'o' | 'T' | 'Z' | ' ' | '+')
        });
    first
        && inner
        && !number_like
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && scalar::trap(text).is_none()
        && matches!(scalar::resolve(text), Some(Value::String(_)))
}
