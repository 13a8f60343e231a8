//! `application/x-www-form-urlencoded` bodies, both ways.

use url::form_urlencoded;

use crate::expression::Value;

/// Form text of `[{key, value}]` items or of an object's members.
pub(super) fn encode(fields: &Value) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for item in fields.as_array().unwrap_or_default() {
        let key = item.get("key").map(text).unwrap_or_default();
        form.append_pair(&key, &item.get("value").map(text).unwrap_or_default());
    }
    for (key, value) in fields.as_object().into_iter().flat_map(|object| object.iter()) {
        form.append_pair(key, &text(value));
    }
    form.finish()
}

/// The fields of form text as `[{key, value}]`: in order, empty keys kept.
pub(super) fn decode(bytes: &[u8]) -> Value {
    let fields = form_urlencoded::parse(bytes);
    Value::array(fields.map(|(key, value)| Value::object([("key", key.as_ref()), ("value", value.as_ref())])))
}

/// A value as text: a string as it is, `null` empty, everything else as JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.to_string(),
        other => other.to_json(),
    }
}
