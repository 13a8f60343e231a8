//! How much of a delivery is kept. Limits are Sentinel's where it has them; text beyond them is cut with an ellipsis.

use indexmap::IndexMap;
use serde_json::Value;

/// Entities of one alert or incident (Sentinel: 500 per alert).
pub const MAX_ENTITIES: usize = 500;
/// Alerts of one incident (Sentinel: 150).
pub const MAX_ALERTS_PER_INCIDENT: usize = 150;
/// Comments of one incident (Sentinel: 100).
pub(super) const MAX_COMMENTS: usize = 100;
/// Tasks of one incident (Sentinel: 40).
pub(super) const MAX_TASKS: usize = 40;
/// Characters of a comment (Sentinel: 30,000).
pub(super) const MAX_COMMENT: usize = 30_000;
/// Alerts or incidents of one native body.
pub(super) const MAX_BATCH: usize = 1_000;
/// Characters of a title.
const MAX_TITLE: usize = 500;
/// Characters of a description.
const MAX_DESCRIPTION: usize = 5_000;
/// Characters of a name, tactic, label and the like.
const MAX_NAME: usize = 256;
/// Names in a list such as tactics.
const MAX_NAMES: usize = 100;
/// Members of the extended properties or of an entity's properties.
const MAX_PROPERTIES: usize = 200;
/// Characters of one property (Sentinel keeps rows of up to 10 KB in `Query`).
const MAX_PROPERTY: usize = 10_000;
/// Custom details of an alert (Sentinel: 20), values of each (50) and characters of each (2 KB).
const MAX_DETAILS: (usize, usize, usize) = (20, 50, 2_048);

/// The text, at most so many characters, the last an ellipsis if it was cut.
pub(super) fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
    }
}

pub(super) fn title(text: &str) -> String {
    cut(text.trim(), MAX_TITLE)
}

pub(super) fn description(text: &str) -> String {
    cut(text.trim(), MAX_DESCRIPTION)
}

pub(super) fn name(text: &str) -> String {
    cut(text.trim(), MAX_NAME)
}

/// The names without blanks and repetitions.
pub(super) fn names<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in names {
        let text = name(text.as_ref());
        if !text.is_empty() && !kept.contains(&text) {
            kept.push(text);
        }
        if kept.len() == MAX_NAMES {
            break;
        }
    }
    kept
}

/// A value of a property: long text is cut, and a structure that is too large becomes cut JSON text.
pub(super) fn property(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => Value::String(cut(text, MAX_PROPERTY)),
        Value::Array(_) | Value::Object(_) => {
            let json = value.to_string();
            if json.len() <= MAX_PROPERTY {
                value.clone()
            } else {
                Value::String(cut(&json, MAX_PROPERTY))
            }
        }
    }
}

/// Properties in their order, bounded in number and size.
pub(super) fn properties<'a>(members: impl IntoIterator<Item = (&'a String, &'a Value)>) -> IndexMap<String, Value> {
    let bounded = members.into_iter().take(MAX_PROPERTIES);
    bounded.map(|(key, value)| (name(key), property(value))).collect()
}

/// Custom details: a key, its values.
pub(super) fn details<K, V>(details: impl IntoIterator<Item = (K, V)>) -> IndexMap<String, Vec<String>>
where
    K: AsRef<str>,
    V: IntoIterator<Item = String>,
{
    let (keys, values, length) = MAX_DETAILS;
    let bounded = details.into_iter().take(keys);
    let values_of = |list: V| list.into_iter().take(values).map(|value| cut(&value, length)).collect();
    bounded
        .map(|(key, list)| (name(key.as_ref()), values_of(list)))
        .collect()
}

/// Text for a message: control characters escaped, at most 500 characters.
pub(super) fn printable(text: &str) -> String {
    let bounded = cut(text, 500);
    bounded
        .chars()
        .flat_map(|letter| {
            if letter.is_control() {
                letter.escape_default().collect::<Vec<_>>()
            } else {
                vec![letter]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(cut("ab", 0), "…");
    }

    #[test]
    fn names_are_unique_and_bounded() {
        assert_eq!(names(["a", " a ", "", "b"]), ["a", "b"]);
        assert_eq!(names((0..1_000).map(|n| n.to_string())).len(), MAX_NAMES);
    }

    #[test]
    fn a_large_structure_becomes_text() {
        let large = json!(vec!["x".repeat(1_000); 20]);
        assert!(
            property(&large)
                .as_str()
                .is_some_and(|text| text.chars().count() == MAX_PROPERTY)
        );
        assert_eq!(property(&json!({"a": [1]})), json!({"a": [1]}));
    }
}
