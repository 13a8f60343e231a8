//! A place in a body: a value and the pointer that leads to it, so that each complaint names its place. Names are found
//! whatever their case, because senders of Sentinel's shapes disagree; `null` counts as absent. Lenient about what is
//! missing, exact about what is there.

use serde_json::Value;

use super::{DecodeError, bounds, time};

/// A value of a body and where it is.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pointer: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            pointer: String::new(),
        }
    }

    /// The same place with another value, for JSON that lies in text.
    pub(super) fn with<'b>(&self, value: &'b Value) -> Node<'b> {
        Node {
            value,
            pointer: self.pointer.clone(),
        }
    }

    /// A complaint about this place.
    pub(super) fn error(&self, message: impl Into<String>) -> DecodeError {
        DecodeError::at(&self.pointer, message)
    }

    /// Whether there is a member of this name that is not `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The member of this name.
    pub(super) fn get(&self, name: &str) -> Option<Node<'a>> {
        let members = self.value.as_object()?;
        let (key, value) = members.get_key_value(name).or_else(|| {
            let mut members = members.iter();
            members.find(|(key, _)| key.eq_ignore_ascii_case(name))
        })?;
        let pointer = || format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"));
        (!value.is_null()).then(|| Node {
            value,
            pointer: pointer(),
        })
    }

    /// The first of these members that is there.
    pub(super) fn any(&self, names: &[&str]) -> Option<Node<'a>> {
        names.iter().find_map(|name| self.get(name))
    }

    /// The items of this array.
    pub(super) fn items(&self) -> Result<Vec<Node<'a>>, DecodeError> {
        let items = self.value.as_array().ok_or_else(|| self.expected("an array"))?;
        let place = |index: usize| format!("{}/{index}", self.pointer);
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Node {
                value,
                pointer: place(index),
            })
            .collect())
    }

    /// The items of the array of this name; none if it is absent.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Node<'a>>, DecodeError> {
        self.get(name).map_or(Ok(Vec::new()), |node| node.items())
    }

    /// This text, or a number or truth value as text.
    pub(super) fn as_text(&self) -> Result<String, DecodeError> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(_) | Value::Bool(_) => Ok(self.value.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(self.expected("text")),
        }
    }

    /// The first of these members as text; `None` if all are absent or blank.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<String>, DecodeError> {
        for node in names.iter().filter_map(|name| self.get(name)) {
            let text = node.as_text()?;
            if !text.trim().is_empty() {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// The first of these members as a time in UTC.
    pub(super) fn time(&self, names: &[&str]) -> Result<Option<String>, DecodeError> {
        let Some(node) = self.any(names) else { return Ok(None) };
        let text = node.as_text()?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let utc = time::utc(&text);
        utc.map(Some)
            .ok_or_else(|| node.error(format!("'{text}' is no time; write one as 2026-03-01T10:00:00Z")))
    }

    /// The first of these members as one of a closed set, whatever its case.
    pub(super) fn one_of<T: Copy>(
        &self,
        names: &[&str],
        all: &[T],
        name_of: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, DecodeError> {
        let Some(node) = self.any(names) else { return Ok(None) };
        let text = node.as_text()?;
        let found = all
            .iter()
            .copied()
            .find(|member| name_of(*member).eq_ignore_ascii_case(text.trim()));
        if found.is_some() || text.trim().is_empty() {
            return Ok(found);
        }
        let known: Vec<&str> = all.iter().map(|member| name_of(*member)).collect();
        Err(node.error(format!("'{text}' is not one of {}", known.join(", "))))
    }

    /// The first of these members as names: an array of texts, or text as JSON or separated by commas.
    pub(super) fn names(&self, names: &[&str]) -> Result<Vec<String>, DecodeError> {
        let Some(node) = self.any(names) else {
            return Ok(Vec::new());
        };
        let parsed = node
            .value
            .as_str()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        match (node.value, parsed) {
            (_, Some(Value::Array(items))) => Ok(bounds::names(items.iter().filter_map(Value::as_str))),
            (Value::String(text), _) => Ok(bounds::names(text.split(','))),
            _ => {
                let texts: Result<Vec<String>, DecodeError> = node.items()?.iter().map(Node::as_text).collect();
                Ok(bounds::names(texts?))
            }
        }
    }

    /// The complaint that this should be something else.
    pub(super) fn expected(&self, what: &str) -> DecodeError {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.error(format!("expected {what}, found {found}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn complaints_name_their_place() {
        let body = json!({"Alerts": [{"Start/Time": 5}, {"Start/Time": [1]}]});
        let alerts = Node::root(&body).list("alerts").expect("a list");
        let error = alerts[1].text(&["start/time"]).expect_err("an array is no text");
        assert_eq!(
            error.to_string(),
            "expected text, found an array at /Alerts/1/Start~1Time"
        );
        let error = alerts[0].time(&["start/time"]).expect_err("5 is no time");
        assert_eq!(error.pointer.as_deref(), Some("/Alerts/0/Start~1Time"));
    }

    #[test]
    fn names_come_in_three_forms() {
        let body = json!({"a": ["x", "y"], "b": "x, y", "c": "[\"x\",\"y\"]", "d": null, "e": 5});
        let node = Node::root(&body);
        for name in ["a", "b", "c"] {
            assert_eq!(node.names(&[name]).expect("names"), ["x", "y"]);
        }
        assert!(node.names(&["d"]).expect("absent").is_empty());
        assert!(node.names(&["e"]).is_err());
    }
}
