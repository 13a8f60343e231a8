//! A value of the definition together with its JSON pointer. Members are found without regard to case,
//! as Logic Apps finds them, and the pointer keeps the spelling of the text.

use std::sync::Arc;

use crate::expression::Value;

/// A place in the definition.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    /// What stands there.
    pub(super) value: &'a Value,
    /// Where it stands.
    pub(super) pointer: String,
}

impl<'a> Node<'a> {
    /// The whole definition.
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            pointer: String::new(),
        }
    }

    /// A member, `null` included.
    pub(super) fn find(&self, name: &str) -> Option<Node<'a>> {
        let object = self.value.as_object()?;
        let (key, value) = match object.get_exact(name) {
            Some(value) => (name, value),
            None => object
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(key, value)| (&**key, value))?,
        };
        Some(self.child(key, value))
    }

    /// A member that is not `null`.
    pub(super) fn member(&self, name: &str) -> Option<Node<'a>> {
        self.find(name).filter(|node| !node.value.is_null())
    }

    /// The members in their order; none if this is not an object.
    pub(super) fn members(&self) -> Vec<(&'a Arc<str>, Node<'a>)> {
        let members = self.value.as_object().into_iter().flat_map(|object| object.iter());
        members.map(|(key, value)| (key, self.child(key, value))).collect()
    }

    /// The items in their order; none if this is not an array.
    pub(super) fn items(&self) -> Vec<Node<'a>> {
        let items = self.value.as_array().unwrap_or_default().iter().enumerate();
        items
            .map(|(index, value)| self.child(&index.to_string(), value))
            .collect()
    }

    fn child(&self, key: &str, value: &'a Value) -> Node<'a> {
        let key = key.replace('~', "~0").replace('/', "~1");
        Node {
            value,
            pointer: format!("{}/{key}", self.pointer),
        }
    }
}

/// The kind of a value as messages name it.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) => "an integer",
        Value::Float(_) | Value::Decimal(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
