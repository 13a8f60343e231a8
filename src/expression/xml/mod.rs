//! XML as the language knows it: text in, normalized text out, to JSON and back, and XPath 1.0. No entities but the
//! five of XML, no external documents; nothing is fetched, nothing is expanded.

mod convert;
mod parse;
mod tree;
mod write;
mod xpath;
mod xpath_functions;
mod xpath_parse;

use super::value::{Object, Value};

pub(super) use convert::{decoded as decode_name, encoded as encode_name};
pub(super) use parse::unescaped as decode_value;
pub(super) use write::attribute as encode_value;
pub(super) use xpath::evaluate as xpath;

/// Parses XML text and writes it again: white space between markup is gone, `<a/>` becomes `<a />`.
///
/// # Errors
/// Text that is not well-formed XML 1.0, or is nested too deep.
pub(super) fn normalize(text: &str) -> Result<String, String> {
    Ok(write::document(&parse::document(text)?))
}

/// XML text as JSON: elements are members, attributes `@name`, texts `#text` where they are not alone.
///
/// # Errors
/// As of [`normalize`]; a declared encoding that is not known.
pub(super) fn to_json(text: &str) -> Result<Value, String> {
    convert::to_json(&parse::document(text)?)
}

/// The XML text of an object with one member, the root element.
///
/// # Errors
/// More than one root; a value that XML cannot hold.
pub(super) fn from_object(object: &Object) -> Result<String, String> {
    Ok(write::document(&convert::from_object(object)?))
}
