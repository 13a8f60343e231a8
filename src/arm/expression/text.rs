//! ARM functions on text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::collection;
use super::context::stable_id;
use crate::expression::Value;

/// What `uriComponent` leaves as it is: the unreserved characters.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Longest text that a function makes, in bytes; what one file makes in all is limited elsewhere.
const MAX_TEXT: usize = 4 << 20;
/// Longest result of `padLeft`.
const MAX_WIDTH: usize = 4096;
/// The letters of `uniqueString`.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The text that a value has inside other text: `True`, `1`, JSON for arrays and objects.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.to_string(),
        Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::Array(_) | Value::Object(_) => value.to_json(),
    }
}

fn text(arguments: &[Value], index: usize) -> Result<&str, String> {
    arguments
        .get(index)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("argument {} is no text", index + 1))
}

fn size(arguments: &[Value], index: usize) -> Result<usize, String> {
    let number = arguments
        .get(index)
        .and_then(Value::as_int)
        .and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| format!("argument {} is no number from 0", index + 1))
}

fn fits(bytes: usize) -> Result<(), String> {
    if bytes > MAX_TEXT {
        return Err(format!("makes more than {MAX_TEXT} bytes"));
    }
    Ok(())
}

pub(super) fn concat(arguments: &[Value]) -> Result<Value, String> {
    if matches!(arguments.first(), Some(Value::Array(_))) {
        let arrays: Option<Vec<&[Value]>> = arguments.iter().map(Value::as_array).collect();
        return arrays
            .map(|arrays| Value::array(arrays.concat()))
            .ok_or_else(|| "mixes arrays and text".to_owned());
    }
    Ok(Value::from(arguments.iter().map(shown).collect::<String>()))
}

/// `{0}` places, with `{{` and `}}` as braces; .NET's number formats are not served.
pub(super) fn format(arguments: &[Value]) -> Result<Value, String> {
    let mut output = String::new();
    let mut rest = text(arguments, 0)?;
    while let Some(at) = rest.find(['{', '}']) {
        fits(output.len())?;
        output.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(escaped) = after.strip_prefix(brace) {
            output.push_str(brace);
            rest = escaped;
            continue;
        }
        let (place, behind) = after.split_once('}').ok_or("has a brace without its other half")?;
        let index: usize = place
            .trim()
            .parse()
            .map_err(|_| format!("cannot format `{{{place}}}`"))?;
        output.push_str(&shown(
            arguments
                .iter()
                .skip(1)
                .nth(index)
                .ok_or("has fewer values than places")?,
        ));
        rest = behind;
    }
    output.push_str(rest);
    Ok(Value::from(output))
}

pub(super) fn string(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(arguments.first().map(shown).unwrap_or_default()))
}

pub(super) fn to_lower(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(text(arguments, 0)?.to_lowercase()))
}

pub(super) fn to_upper(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(text(arguments, 0)?.to_uppercase()))
}

pub(super) fn trim(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(text(arguments, 0)?.trim()))
}

pub(super) fn replace(arguments: &[Value]) -> Result<Value, String> {
    let (old, new) = (text(arguments, 1)?, text(arguments, 2)?);
    if old.is_empty() {
        return Err("has nothing to replace".to_owned());
    }
    let whole = text(arguments, 0)?;
    fits(
        whole
            .len()
            .saturating_add(whole.matches(old).count().saturating_mul(new.len())),
    )?;
    Ok(Value::from(whole.replace(old, new)))
}

pub(super) fn substring(arguments: &[Value]) -> Result<Value, String> {
    let characters: Vec<char> = text(arguments, 0)?.chars().collect();
    let start = size(arguments, 1)?;
    let length = if arguments.len() > 2 {
        size(arguments, 2)?
    } else {
        characters.len().saturating_sub(start)
    };
    let end = start
        .checked_add(length)
        .filter(|end| start <= *end && *end <= characters.len());
    let end = end.ok_or("reaches beyond the text")?;
    Ok(Value::from(
        characters
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .collect::<String>(),
    ))
}

pub(super) fn split(arguments: &[Value]) -> Result<Value, String> {
    let separators: Vec<&str> = match arguments.get(1) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => vec![text(arguments, 1)?],
    };
    fits(text(arguments, 0)?.len().saturating_mul(separators.len()))?;
    let mut pieces = vec![text(arguments, 0)?.to_owned()];
    for separator in separators.into_iter().filter(|separator| !separator.is_empty()) {
        pieces = pieces
            .iter()
            .flat_map(|piece| piece.split(separator))
            .map(str::to_owned)
            .collect();
    }
    Ok(Value::from(pieces))
}

pub(super) fn join(arguments: &[Value]) -> Result<Value, String> {
    let items = arguments
        .first()
        .and_then(Value::as_array)
        .ok_or("argument 1 is no array")?;
    let separator = text(arguments, 1)?;
    fits(separator.len().saturating_mul(items.len()))?;
    let pieces: Vec<String> = items.iter().map(shown).collect();
    Ok(Value::from(pieces.join(separator)))
}

fn lower_pair(arguments: &[Value]) -> Result<(String, String), String> {
    Ok((text(arguments, 0)?.to_lowercase(), text(arguments, 1)?.to_lowercase()))
}

pub(super) fn starts_with(arguments: &[Value]) -> Result<Value, String> {
    let (whole, part) = lower_pair(arguments)?;
    Ok(Value::Bool(whole.starts_with(&part)))
}

pub(super) fn ends_with(arguments: &[Value]) -> Result<Value, String> {
    let (whole, part) = lower_pair(arguments)?;
    Ok(Value::Bool(whole.ends_with(&part)))
}

/// A byte position as a number of characters; -1 for none.
fn position(whole: &str, at: Option<usize>) -> Value {
    let characters = at.map(|at| whole[..at].chars().count());
    Value::Int(characters.and_then(|count| i64::try_from(count).ok()).unwrap_or(-1))
}

pub(super) fn index_of(arguments: &[Value]) -> Result<Value, String> {
    if let [Value::Array(items), item] = arguments {
        return Ok(collection::place_of(items, item, false));
    }
    let (whole, part) = lower_pair(arguments)?;
    Ok(position(&whole, whole.find(&part)))
}

pub(super) fn last_index_of(arguments: &[Value]) -> Result<Value, String> {
    if let [Value::Array(items), item] = arguments {
        return Ok(collection::place_of(items, item, true));
    }
    let (whole, part) = lower_pair(arguments)?;
    Ok(position(&whole, whole.rfind(&part)))
}

pub(super) fn pad_left(arguments: &[Value]) -> Result<Value, String> {
    let value = arguments.first().map(shown).unwrap_or_default();
    let width = size(arguments, 1)?;
    if width > MAX_WIDTH {
        return Err(format!("pads to at most {MAX_WIDTH} characters"));
    }
    let fill = if arguments.len() > 2 { text(arguments, 2)? } else { " " };
    let missing = width.saturating_sub(value.chars().count());
    Ok(Value::from(
        fill.chars().next().unwrap_or(' ').to_string().repeat(missing) + &value,
    ))
}

pub(super) fn base64(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(STANDARD.encode(text(arguments, 0)?)))
}

pub(super) fn base64_to_string(arguments: &[Value]) -> Result<Value, String> {
    let bytes = STANDARD
        .decode(text(arguments, 0)?)
        .map_err(|_| "is no base64".to_owned())?;
    String::from_utf8(bytes)
        .map(Value::from)
        .map_err(|_| "is no text in base64".to_owned())
}

pub(super) fn base64_to_json(arguments: &[Value]) -> Result<Value, String> {
    collection::json(&[base64_to_string(arguments)?])
}

pub(super) fn data_uri(arguments: &[Value]) -> Result<Value, String> {
    let content = STANDARD.encode(text(arguments, 0)?);
    Ok(Value::from(format!("data:text/plain;charset=utf8;base64,{content}")))
}

pub(super) fn data_uri_to_string(arguments: &[Value]) -> Result<Value, String> {
    let uri = text(arguments, 0)?.strip_prefix("data:");
    let (kind, content) = uri.and_then(|uri| uri.split_once(',')).ok_or("is no data URI")?;
    let content = [Value::from(content)];
    if kind.ends_with(";base64") {
        base64_to_string(&content)
    } else {
        uri_component_to_string(&content)
    }
}

/// The base up to its last slash, then the relative part; by text, so that open parts may be in it.
pub(super) fn uri(arguments: &[Value]) -> Result<Value, String> {
    let (base, relative) = (text(arguments, 0)?, text(arguments, 1)?);
    let authority = base.find("://").map_or(0, |at| at + 3);
    let kept = base[authority..]
        .rfind('/')
        .map_or(base, |slash| &base[..authority + slash]);
    Ok(Value::from(format!(
        "{kept}/{}",
        relative.strip_prefix('/').unwrap_or(relative)
    )))
}

pub(super) fn uri_component(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(
        utf8_percent_encode(text(arguments, 0)?, COMPONENT).to_string(),
    ))
}

pub(super) fn uri_component_to_string(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(
        percent_decode_str(text(arguments, 0)?).decode_utf8_lossy().into_owned(),
    ))
}

/// The parts of an absolute URI; without a port of its own that is null.
pub(super) fn parse_uri(arguments: &[Value]) -> Result<Value, String> {
    let text = text(arguments, 0)?;
    let uri = url::Url::parse(text).map_err(|problem| format!("`{text}` is no absolute URI: {problem}"))?;
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    Ok(Value::object([
        ("scheme", Value::from(uri.scheme())),
        ("host", Value::from(uri.host_str().unwrap_or_default())),
        (
            "port",
            uri.port().map_or(Value::Null, |port| Value::Int(i64::from(port))),
        ),
        ("path", Value::from(uri.path())),
        ("query", Value::from(query)),
    ]))
}

/// The URI of parts as [`parse_uri`] gives them.
pub(super) fn build_uri(arguments: &[Value]) -> Result<Value, String> {
    let parts = arguments.first();
    let part = |name: &str| parts.and_then(|parts| parts.get(name)).map(shown).unwrap_or_default();
    let (scheme, host, port, path, query) = (part("scheme"), part("host"), part("port"), part("path"), part("query"));
    if scheme.is_empty() || host.is_empty() {
        return Err("needs an object with `scheme` and `host`".to_owned());
    }
    let port = if port.is_empty() { port } else { format!(":{port}") };
    let slash = if path.is_empty() || path.starts_with('/') {
        ""
    } else {
        "/"
    };
    let mark = if query.is_empty() || query.starts_with('?') {
        ""
    } else {
        "?"
    };
    Ok(Value::from(format!(
        "{scheme}://{host}{port}{slash}{path}{mark}{query}"
    )))
}

/// Thirteen letters that depend on the arguments alone; not the letters that Azure makes, whose hash is not public.
pub(super) fn unique_string(arguments: &[Value]) -> Result<Value, String> {
    let bits = stable_id("uniqueString", arguments).as_u128();
    let letters = (0..13).map(|place| char::from(LETTERS[(bits >> (place * 5)) as usize % LETTERS.len()]));
    Ok(Value::from(letters.collect::<String>()))
}

/// An id that depends on the arguments alone; not the one that Azure makes.
pub(super) fn guid(arguments: &[Value]) -> Result<Value, String> {
    Ok(Value::from(stable_id("guid", arguments).to_string()))
}
