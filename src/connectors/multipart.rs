//! Multipart bodies: `$multipart` values to bytes, and bytes to parts.
//! Invariant: reading is bounded in parts and never fails; what is no part is left out.

use crate::expression::{Object, Value};

use super::body::{self, Payload};
use super::failure::Code;
use super::{form, response};
use crate::engine::call::CallError;

const PARTS: usize = 1_000;
const NESTING: usize = 4;

/// The bytes of `[{headers, body}]` parts, between lines of `boundary`, which is lengthened while a part contains it.
pub(super) fn encode(parts: &Value, boundary: &str, depth: usize) -> Result<(Vec<u8>, String), CallError> {
    let items = parts
        .as_array()
        .ok_or_else(|| Code::InvalidRequest.refusal("the body's $multipart is no array"))?;
    if depth > NESTING {
        return Err(Code::InvalidRequest.refusal("the body's multipart values are nested too deeply"));
    }
    let encoded = items
        .iter()
        .map(|item| part(item, boundary, depth))
        .collect::<Result<Vec<_>, _>>()?;
    let mut boundary = boundary.to_owned();
    while encoded
        .iter()
        .any(|bytes| find(bytes, boundary.as_bytes(), 0).is_some())
    {
        boundary.push('-');
    }
    let mut bytes = Vec::new();
    for part in encoded {
        bytes.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        bytes.extend_from_slice(&part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((bytes, boundary))
}

fn part(item: &Value, boundary: &str, depth: usize) -> Result<Vec<u8>, CallError> {
    let empty = Object::new();
    let headers = item.get("headers").and_then(Value::as_object).unwrap_or(&empty);
    let given = headers.get("Content-Type").and_then(Value::as_str);
    let inner = format!("{boundary}-{depth}");
    let payload: Payload = body::encode_at(item.get("body"), given, None, &inner, depth + 1)?;
    let mut text = String::new();
    for (name, value) in headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"))
    {
        text.push_str(&header_line(name, &form::text(value))?);
    }
    if let Some(media) = payload
        .content_type
        .filter(|_| given.is_some() || item.get("body").is_some_and(is_typed))
    {
        text.push_str(&header_line("Content-Type", &media)?);
    }
    Ok([text.as_bytes(), b"\r\n", &payload.bytes].concat())
}

fn header_line(name: &str, value: &str) -> Result<String, CallError> {
    if [name, value].iter().any(|text| text.contains(char::is_control)) {
        return Err(Code::InvalidRequest.refusal("a header of a part of the body has a control character"));
    }
    Ok(format!("{name}: {value}\r\n"))
}

/// Whether a part's type is worth a header: plain text is what a part is without one.
fn is_typed(body: &Value) -> bool {
    !matches!(body, Value::String(_) | Value::Null)
}

/// The parts of a multipart body as `[{headers, body}]`.
pub(super) fn decode(bytes: &[u8], boundary: &str, depth: usize) -> Value {
    if boundary.is_empty() || depth > NESTING {
        return Value::array([]);
    }
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let after = |from| find(bytes, &delimiter, from).map(|at| at + delimiter.len());
    let first = bytes.starts_with(&delimiter[2..]).then_some(delimiter.len() - 2);
    let mut next = first.or_else(|| after(0));
    let mut parts = Vec::new();
    while let Some(line) = next.filter(|at| parts.len() < PARTS && !bytes[*at..].starts_with(b"--")) {
        let Some(start) = find(bytes, b"\r\n", line).map(|at| at + 2) else {
            break;
        };
        // The line break of an empty part is that of its delimiter too.
        let Some(end) = find(bytes, &delimiter, start - 2) else {
            break;
        };
        parts.push(decode_part(&bytes[start..end.max(start)], depth));
        next = Some(end + delimiter.len());
    }
    Value::array(parts)
}

fn decode_part(bytes: &[u8], depth: usize) -> Value {
    let (head, content) = match find(bytes, b"\r\n\r\n", 0) {
        _ if bytes.starts_with(b"\r\n") => (&bytes[..0], &bytes[2..]),
        Some(at) => (&bytes[..at], &bytes[at + 4..]),
        None => (bytes, &bytes[bytes.len()..]),
    };
    let mut headers = Object::new();
    for line in String::from_utf8_lossy(head).lines() {
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.trim(), value.trim());
        }
    }
    let media = headers
        .get("Content-Type")
        .and_then(Value::as_str)
        .unwrap_or("application/octet-stream")
        .to_owned();
    let body = response::decode_at(Some(&media), content, depth + 1);
    Value::object([("headers", Value::from(headers)), ("body", body.into())])
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    tail.windows(wanted.len())
        .position(|window| window == wanted)
        .map(|at| from + at)
}
