//! Content envelopes: bytes with their media type inside a JSON value, `{"$content-type": …, "$content": base64}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::value::Value;

/// Media type of bytes about which nothing is known.
pub const OCTET_STREAM: &str = "application/octet-stream";
/// Media type of what `xml()` makes.
pub const XML: &str = "application/xml;charset=utf-8";

/// A content envelope, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The media type with its parameters.
    pub content_type: String,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Envelope {
    /// The envelope that this value is; `None` if it is another value or its content is not base64.
    pub fn of(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let content_type = object.get_exact("$content-type")?.as_str()?;
        let content = object.get_exact("$content")?.as_str()?;
        Some(Self {
            content_type: content_type.to_owned(),
            bytes: decode_base64(content)?,
        })
    }

    /// An envelope of these bytes.
    pub fn new(content_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            content_type: content_type.into(),
            bytes: bytes.into(),
        }
    }

    /// The content as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Whether the content is XML by its media type.
    pub fn is_xml(&self) -> bool {
        let essence = self
            .content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        matches!(essence.as_str(), "application/xml" | "text/xml") || essence.ends_with("+xml")
    }
}

impl From<Envelope> for Value {
    fn from(envelope: Envelope) -> Self {
        Self::object([
            ("$content-type", Value::from(envelope.content_type)),
            ("$content", Value::from(STANDARD.encode(&envelope.bytes))),
        ])
    }
}

/// Decodes standard base64 with padding; white space in it does not matter.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().any(|b| b.is_ascii_whitespace()) {
        return STANDARD.decode(text).ok();
    }
    let compact: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).ok()
}
