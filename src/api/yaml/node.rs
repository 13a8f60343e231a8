//! The tree of a text. Aliased nodes are shared, so the tree is never larger than the text; only the JSON value
//! that is made of it repeats them, within a budget.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{MAX_DEPTH, MAX_EXPANDED, MAX_VALUES, Position, Problem};

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes.
    Plain,
    /// In single quotes.
    Single,
    /// In double quotes.
    Double,
    /// A literal block, `|`.
    Literal,
    /// A folded block, `>`.
    Folded,
}

/// A value with its place.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it begins.
    pub position: Position,
    /// How many levels it has; 1 for a scalar.
    pub height: usize,
    /// What it is.
    pub content: Content,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Content {
    /// A scalar.
    Scalar {
        /// Its value.
        value: Value,
        /// How it is written.
        style: Style,
    },
    /// A list.
    Sequence(Vec<Arc<Node>>),
    /// An object.
    Mapping {
        /// Its members in order.
        members: Vec<Member>,
        /// Whether it is written in braces.
        flow: bool,
    },
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its name.
    pub key: String,
    /// Where the name stands.
    pub position: Position,
    /// Its value.
    pub value: Arc<Node>,
}

/// A node that a pointer led to.
pub(super) struct Found<'a> {
    /// The node.
    pub node: &'a Node,
    key: Option<Position>,
}

impl Found<'_> {
    /// Where the value begins, or its key where the value is a list, a block or nothing at all.
    pub fn value_position(&self) -> Position {
        match (&self.node.content, self.key) {
            (Content::Scalar { value: Value::Null, .. } | Content::Sequence(_), Some(key)) => key,
            (Content::Mapping { flow: false, .. }, Some(key)) => key,
            (
                Content::Scalar {
                    style: Style::Literal | Style::Folded,
                    ..
                },
                Some(key),
            ) => key,
            _ => self.node.position,
        }
    }

    /// Where the key stands, or the value where it has none.
    pub fn key_position(&self) -> Position {
        self.key.unwrap_or(self.node.position)
    }
}

impl Node {
    /// The node at a JSON pointer.
    pub fn find(&self, pointer: &str) -> Option<Found<'_>> {
        let mut found = Found { node: self, key: None };
        if pointer.is_empty() {
            return Some(found);
        }
        for token in pointer.strip_prefix('/')?.split('/') {
            found = found.node.step(token)?;
        }
        Some(found)
    }

    fn step(&self, token: &str) -> Option<Found<'_>> {
        match &self.content {
            Content::Scalar { .. } => None,
            Content::Sequence(items) => {
                let node = items.get(token.parse::<usize>().ok()?)?;
                Some(Found { node, key: None })
            }
            Content::Mapping { members, .. } => {
                let name = token.replace("~1", "/").replace("~0", "~");
                let member = members.iter().find(|member| member.key == name)?;
                Some(Found {
                    node: &member.value,
                    key: Some(member.position),
                })
            }
        }
    }

    /// The JSON value, with aliases written out.
    pub fn to_json(&self, budget: &mut Budget) -> Result<Value, Problem> {
        if self.height > MAX_DEPTH {
            return Err(too_deep(self.position));
        }
        self.expand(budget)
    }

    fn expand(&self, budget: &mut Budget) -> Result<Value, Problem> {
        budget.value(self.position)?;
        match &self.content {
            Content::Scalar { value, .. } => {
                budget.text(self.position, value.as_str().map_or(0, str::len))?;
                Ok(value.clone())
            }
            Content::Sequence(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| item.expand(budget)).collect();
                Ok(Value::Array(items?))
            }
            Content::Mapping { members, .. } => {
                let mut object = Map::with_capacity(members.len());
                for member in members {
                    budget.text(self.position, member.key.len())?;
                    object.insert(member.key.clone(), member.value.expand(budget)?);
                }
                Ok(Value::Object(object))
            }
        }
    }
}

pub(super) fn too_deep(position: Position) -> Problem {
    let message = format!("values are nested more than {MAX_DEPTH} levels deep");
    Problem::new(position, "TooDeep", message)
}

/// What a text may still cost.
pub(super) struct Budget {
    values: usize,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            values: MAX_VALUES,
            bytes: MAX_EXPANDED,
        }
    }
}

impl Budget {
    /// Pays for one value.
    pub fn value(&mut self, position: Position) -> Result<(), Problem> {
        Self::pay(&mut self.values, 1, position)
    }

    /// Pays for the bytes of a text.
    pub fn text(&mut self, position: Position, bytes: usize) -> Result<(), Problem> {
        Self::pay(&mut self.bytes, bytes, position)
    }

    fn pay(purse: &mut usize, price: usize, position: Position) -> Result<(), Problem> {
        *purse = purse.checked_sub(price).ok_or_else(|| {
            let message = format!(
                "the text stands for more than {MAX_VALUES} values or {MAX_EXPANDED} bytes; use fewer aliases or split it"
            );
            Problem::new(position, "TooLarge", message)
        })?;
        Ok(())
    }
}
