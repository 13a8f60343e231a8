//! What goes over the wire for the body of an action, by its kind.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::failure::Code;
use super::{form, multipart};
use crate::engine::call::CallError;
use crate::expression::Value;

/// Bytes and their media type.
#[derive(Debug, PartialEq, Eq)]
pub struct Payload {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// Its media type, if it has one.
    pub content_type: Option<String>,
}

impl Payload {
    fn new(bytes: impl Into<Vec<u8>>, content_type: impl Into<String>) -> Self {
        Self {
            bytes: bytes.into(),
            content_type: Some(content_type.into()),
        }
    }
}

/// The payload of a body. `given` is the action's own Content-Type, `consumes` what the operation declares, `boundary`
/// a text for multipart bodies.
///
/// # Errors
/// A content object that is none.
pub fn encode(
    body: Option<&Value>,
    given: Option<&str>,
    consumes: Option<&str>,
    boundary: &str,
) -> Result<Payload, CallError> {
    encode_at(body, given, consumes, boundary, 0)
}

/// The same at a depth of nested multipart values.
pub(super) fn encode_at(
    body: Option<&Value>,
    given: Option<&str>,
    consumes: Option<&str>,
    boundary: &str,
    depth: usize,
) -> Result<Payload, CallError> {
    let body = match body {
        None | Some(Value::Null) => {
            return Ok(Payload {
                bytes: Vec::new(),
                content_type: given.map(str::to_owned),
            });
        }
        Some(body) => body,
    };
    if let Some(media) = body.get("$content-type").and_then(Value::as_str) {
        return envelope(body, media, given, boundary, depth);
    }
    if let Value::String(text) = body {
        return Ok(Payload::new(
            text.as_bytes(),
            given.or(consumes).unwrap_or("text/plain; charset=utf-8"),
        ));
    }
    let is_form = consumes.is_some_and(|media| media.starts_with("application/x-www-form-urlencoded"));
    if is_form && given.is_none() && body.as_object().is_some() {
        return Ok(Payload::new(form::encode(body), "application/x-www-form-urlencoded"));
    }
    Ok(Payload::new(
        body.to_json(),
        given.unwrap_or("application/json; charset=utf-8"),
    ))
}

/// An object with `$content-type`: its bytes, parts or fields.
fn envelope(
    body: &Value,
    media: &str,
    given: Option<&str>,
    boundary: &str,
    depth: usize,
) -> Result<Payload, CallError> {
    if let Some(content) = body.get("$content").and_then(Value::as_str) {
        let bytes = STANDARD
            .decode(content.trim())
            .map_err(|_| Code::InvalidRequest.refusal("the body's $content is not base64"))?;
        return Ok(Payload::new(bytes, given.unwrap_or(media)));
    }
    if let Some(parts) = body.get("$multipart") {
        let (bytes, boundary) = multipart::encode(parts, boundary, depth)?;
        let kind = media.split(';').next().unwrap_or(media).trim();
        return Ok(Payload::new(bytes, format!("{kind}; boundary=\"{boundary}\"")));
    }
    if let Some(fields) = body.get("$formdata") {
        return Ok(Payload::new(form::encode(fields), given.unwrap_or(media)));
    }
    Err(Code::InvalidRequest.refusal("the body has $content-type, but neither $content, $multipart nor $formdata"))
}
