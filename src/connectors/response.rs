//! From what came over the wire to the values that expressions read.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{form, multipart};
use crate::engine::call::{Answer, Traffic};
use crate::expression::{Object, Value};
use crate::store::Millis;

/// The longest wait that a `Retry-After` header can ask for: one day.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// The headers that .NET knows and so writes in its own form; every other name stays as it came.
const KNOWN: &[&str] = &[
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Ranges",
    "Age",
    "Allow",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
    "Expect",
    "Expires",
    "From",
    "Host",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "Last-Modified",
    "Link",
    "Location",
    "Pragma",
    "Range",
    "Referer",
    "Retry-After",
    "Server",
    "Set-Cookie",
    "Strict-Transport-Security",
    "Transfer-Encoding",
    "User-Agent",
    "Vary",
    "Via",
    "WWW-Authenticate",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-Powered-By",
];

/// What came over the wire.
pub(super) struct Received {
    /// HTTP status.
    pub status: u16,
    /// Headers in their order.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// How much went over the wire.
    pub traffic: Traffic,
}

impl Received {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// The answer of a status, headers in their order and a body.
pub fn answer(status: u16, headers: &[(String, String)], body: &[u8]) -> Answer {
    let mut joined = Object::new();
    for (name, value) in headers {
        let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name));
        let name = known.map_or(name.as_str(), |known| known);
        let text = match joined.get_exact(name).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier},{value}"),
            None => value.clone(),
        };
        joined.insert(name, text);
    }
    let media = joined
        .get_exact("Content-Type")
        .and_then(Value::as_str)
        .map(str::to_owned);
    Answer {
        status,
        body: decode(media.as_deref(), body),
        headers: joined,
        ..Answer::default()
    }
}

/// The value of a body by its content type; `None` when empty.
pub fn decode(content_type: Option<&str>, bytes: &[u8]) -> Option<Value> {
    decode_at(content_type, bytes, 0)
}

/// The same at a depth of nested multipart bodies.
pub(super) fn decode_at(content_type: Option<&str>, bytes: &[u8], depth: usize) -> Option<Value> {
    if bytes.is_empty() {
        return None;
    }
    let media = content_type.unwrap_or("application/octet-stream");
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let json = essence.ends_with("/json") || essence.ends_with("+json");
    let text = || text(bytes, parameter(media, "charset").as_deref());
    let value = match essence.as_str() {
        _ if json => {
            let text = text();
            Value::from_json(&text).unwrap_or_else(|_| Value::from(text))
        }
        "text/xml" => envelope(media, bytes),
        _ if essence.starts_with("text/") => Value::from(text()),
        "application/x-www-form-urlencoded" => with(envelope(media, bytes), "$formdata", form::decode(bytes)),
        _ if essence.starts_with("multipart/") => {
            let boundary = parameter(media, "boundary").unwrap_or_default();
            with(
                envelope(media, bytes),
                "$multipart",
                multipart::decode(bytes, &boundary, depth),
            )
        }
        _ => envelope(media, bytes),
    };
    Some(value)
}

fn envelope(media: &str, bytes: &[u8]) -> Value {
    Value::object([
        ("$content-type", media.to_owned()),
        ("$content", STANDARD.encode(bytes)),
    ])
}

fn with(envelope: Value, name: &str, value: Value) -> Value {
    let mut members = envelope.as_object().cloned().unwrap_or_default();
    members.insert(name, value);
    Value::from(members)
}

/// A parameter of a media type, without its quotes.
fn parameter(media: &str, name: &str) -> Option<String> {
    media.split(';').skip(1).find_map(|parameter| {
        let (given, value) = parameter.split_once('=')?;
        given
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// Text of a charset: the single-byte Western ones, else UTF-8 with or without a byte order mark.
fn text(bytes: &[u8], charset: Option<&str>) -> String {
    match charset.map(str::to_ascii_lowercase).as_deref() {
        Some("iso-8859-1" | "latin1" | "windows-1252") => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).into_owned(),
    }
}

/// The wait that a `Retry-After` header asks for, in seconds or as an HTTP date.
pub fn retry_after(header: &str, now: Millis) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    }
    let date = jiff::fmt::rfc2822::parse(header.trim())
        .ok()?
        .timestamp()
        .as_millisecond();
    let wait = u64::try_from(date.saturating_sub(now)).unwrap_or(0);
    Some(Duration::from_millis(wait).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_reads_seconds_and_dates() {
        assert_eq!(retry_after("120", 0), Some(Duration::from_secs(120)));
        assert_eq!(
            retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 30_000),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            retry_after("Thu, 01 Jan 1970 00:00:00 GMT", 30_000),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon", 0), None);
    }
}
