//! Data URIs, `data:text/plain;charset=utf-8;base64,aGVsbG8=`, read as leniently as the original does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::content::decode_base64;
use super::uri_text;

/// The parts of a data URI.
#[derive(Debug, PartialEq)]
pub(super) struct DataUri<'a> {
    /// The media type, maybe empty, and its parameters, without a last `base64`.
    parts: Vec<&'a str>,
    /// Whether the data is base64: only where `base64` stands last.
    base64: bool,
    data: &'a str,
}

impl<'a> DataUri<'a> {
    /// Reads the parts of a URI; their form is checked by what uses them.
    ///
    /// # Errors
    /// A text that is not a data URI, or has an empty parameter.
    pub fn read(uri: &'a str) -> Result<Self, &'static str> {
        const NOT: &str = "expects a data URI, data:<media type>;base64,<data>";
        let scheme = uri.get(..5).ok_or(NOT)?;
        if !scheme.eq_ignore_ascii_case("data:") {
            return Err(NOT);
        }
        let (head, data) = uri[5..].split_once(',').ok_or(NOT)?;
        let mut parts: Vec<&str> = head.split(';').collect();
        let base64 = parts.last().is_some_and(|last| last.eq_ignore_ascii_case("base64"));
        if base64 {
            parts.pop();
        }
        if parts.iter().skip(1).any(|part| part.trim().is_empty()) {
            return Err("expects a data URI without empty parameters");
        }
        Ok(Self { parts, base64, data })
    }

    /// The media type with its parameters; `text/plain` if there is none.
    ///
    /// # Errors
    /// A media type or parameter of a wrong form, or a charset that is not known.
    pub fn content_type(&self) -> Result<String, String> {
        let (media_type, parameters) = match self.parts.split_first() {
            None => return Ok("text/plain".to_owned()),
            Some((media_type, parameters)) => (*media_type, parameters),
        };
        let media_type = if media_type.is_empty() {
            "text/plain"
        } else {
            media_type
        };
        if !media_type
            .split_once('/')
            .is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
        {
            return Err(format!("expects a data URI with a media type, not '{media_type}'"));
        }
        let mut whole = media_type.to_owned();
        for parameter in parameters {
            if let Some((name, value)) = parameter.split_once('=') {
                if !is_token(name.trim()) || !is_token(value.trim().trim_matches('"')) {
                    return Err(format!(
                        "expects a data URI with well formed parameters, not '{parameter}'"
                    ));
                }
                if name.trim().eq_ignore_ascii_case("charset") && !is_charset(value) {
                    return Err(format!("does not know the charset '{value}'"));
                }
            } else if !is_token(parameter.trim()) {
                return Err(format!(
                    "expects a data URI with well formed parameters, not '{parameter}'"
                ));
            }
            whole.push(';');
            whole.push_str(parameter);
        }
        Ok(whole)
    }

    /// The data as base64: as it stands if it is, else of the text that it escapes.
    ///
    /// # Errors
    /// Data that is said to be base64 and is not.
    pub fn content(&self) -> Result<String, &'static str> {
        if self.base64 {
            return match decode_base64(self.data) {
                Some(_) => Ok(self.data.to_owned()),
                None => Err("expects valid base64 data"),
            };
        }
        Ok(STANDARD.encode(uri_text::decode_form(self.data)))
    }

    /// The data as text, which must be UTF-8.
    ///
    /// # Errors
    /// Data that is not base64 though it is said to be; another charset, where that is the last parameter.
    pub fn text(&self) -> Result<String, String> {
        // The original looks at the charset only where `base64` is the whole rest behind it.
        if self.base64 {
            let other = |part: &str| {
                let charset = part
                    .split_once('=')
                    .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
                charset.is_some_and(|(_, charset)| is_charset(charset) && !charset.trim().eq_ignore_ascii_case("utf-8"))
            };
            if let Some(part) = self.parts.iter().skip(1).find(|part| other(part)) {
                return Err(format!("reads only data of charset utf-8, not '{part}'"));
            }
            let bytes = decode_base64(self.data).ok_or("expects valid base64 data")?;
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(uri_text::decode_form(self.data))
    }
}

/// A token of a media type.
fn is_token(text: &str) -> bool {
    let separator = |b: u8| b"()<>@,;:\\\"/[]?={} \t".contains(&b);
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !separator(b))
}

fn is_charset(name: &str) -> bool {
    let name = name.trim().trim_matches('"').to_ascii_lowercase();
    matches!(
        name.as_str(),
        "utf-8"
            | "utf8"
            | "ascii"
            | "us-ascii"
            | "iso-8859-1"
            | "latin1"
            | "utf-16"
            | "utf-16le"
            | "utf-16be"
            | "utf-32"
            | "unicode"
    )
}
