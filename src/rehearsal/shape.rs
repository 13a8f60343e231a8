//! What is known of a value from how a playbook uses it, and a value that fits: members that are read exist, what is
//! looped over has an element, what is compared with a constant is that constant.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::connectors::example::example;
use crate::expression::{Object, Value};

/// The deepest value that is made.
const DEPTH: usize = 24;
/// The text where nothing is known but that there is one.
const TEXT: &str = "example";
/// The time where a time is needed.
const DATE: &str = "2024-01-01T00:00:00Z";

/// How a value is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// As a list.
    List,
    /// As an object.
    Object,
    /// As a time.
    Date,
    /// As a number.
    Number,
    /// As a condition.
    Flag,
    /// As base64 text.
    Base64,
    /// As XML text.
    Xml,
    /// As an address.
    Uri,
    /// As a text.
    Text,
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A member of an object.
    Member(String),
    /// An element of a list.
    Item,
    /// The JSON of a text.
    Parsed,
    /// The JSON of a text or of a value that is JSON already, as ParseJson takes either.
    Content,
    /// The JSON of an XML text.
    Xml,
}

/// What is known of a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    members: IndexMap<String, Shape>,
    item: Option<Box<Shape>>,
    parsed: Option<Box<Shape>>,
    content: Option<Box<Shape>>,
    xml: Option<Box<Shape>>,
    /// A separator, and how many parts it makes.
    parts: Option<(String, usize)>,
    uses: BTreeSet<Use>,
    /// Constants that it is compared with.
    equals: Vec<Value>,
    /// Schemas that it is checked against.
    schemas: Vec<Json>,
}

impl Shape {
    /// What is known of the value at a path; nothing yet, where nothing was known.
    pub(super) fn at_mut(&mut self, path: &[Step]) -> &mut Self {
        let mut here = self;
        for step in path {
            here = match step {
                Step::Member(name) => here.member_mut(name),
                Step::Item => here.item.get_or_insert_default(),
                Step::Parsed => here.parsed.get_or_insert_default(),
                Step::Content => here.content.get_or_insert_default(),
                Step::Xml => here.xml.get_or_insert_default(),
            };
        }
        here
    }

    fn member_mut(&mut self, name: &str) -> &mut Self {
        let known = self.members.keys().find(|known| known.eq_ignore_ascii_case(name));
        let name = known.cloned().unwrap_or_else(|| name.to_owned());
        self.members.entry(name).or_default()
    }

    /// What is known of a member, if anything is.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let mut members = self.members.iter();
        members
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, shape)| shape)
    }

    /// It is used in a way.
    pub(super) fn used(&mut self, how: Use) {
        self.uses.insert(how);
    }

    /// It is compared with a constant.
    pub(super) fn compared(&mut self, with: &Value) {
        if !with.is_null() && !self.equals.contains(with) {
            self.equals.push(with.clone());
        }
    }

    /// It is split at a separator, and this part is taken.
    pub(super) fn split(&mut self, separator: &str, part: usize) {
        let most = self.parts.as_ref().map_or(0, |(_, most)| *most);
        self.parts = Some((separator.to_owned(), most.max(part.saturating_add(1)).min(100)));
    }

    /// It is checked against a schema.
    pub(super) fn checked(&mut self, schema: &Value) {
        self.schemas.push(Json::from(schema));
    }

    /// A value that fits; `base` is what is known of it from elsewhere and wins where it says something.
    pub(super) fn value(&self, base: Option<&Value>) -> Value {
        self.fill(base, DEPTH)
    }

    fn fill(&self, base: Option<&Value>, depth: usize) -> Value {
        let base = base.filter(|base| !base.is_null());
        if depth == 0 {
            return base.cloned().unwrap_or_default();
        }
        let of_schema = self.schemas.first().map(|schema| Value::from(example(schema, schema)));
        let merged = match (of_schema, base) {
            (Some(schema), Some(base)) => Some(united(schema, base, depth)),
            (Some(schema), None) => Some(schema),
            (None, base) => base.cloned(),
        };
        let value = match merged.filter(|merged| !merged.is_null()) {
            Some(known) => self.completed(known, depth),
            None => self.invented(depth),
        };
        match &self.content {
            Some(content) => content.inside(value, depth - 1),
            None => value,
        }
    }

    /// What ParseJson takes: of a text its JSON is completed, anything else is completed itself.
    fn inside(&self, value: Value, depth: usize) -> Value {
        let Value::String(text) = &value else {
            return self.fill(Some(&value), depth);
        };
        let known = Value::from_json(text).ok().filter(|known| !known.is_null());
        match known {
            Some(known) => Value::from(self.fill(Some(&known), depth).to_json()),
            None if says_nothing(&value) => Value::from(self.value_or_object(depth).to_json()),
            None => value,
        }
    }

    /// A value of which something is known, with what it lacks.
    fn completed(&self, known: Value, depth: usize) -> Value {
        match known {
            Value::Object(object) if !self.members.is_empty() => {
                let mut object = (*object).clone();
                for (name, shape) in &self.members {
                    let spelling = object.spelling(name).cloned();
                    let member = shape.fill(object.get(name), depth - 1);
                    object.insert(spelling.unwrap_or_else(|| name.as_str().into()), member);
                }
                object.into()
            }
            Value::Array(items) => match &self.item {
                Some(item) if items.is_empty() => Value::array([item.fill(None, depth - 1)]),
                Some(item) => Value::array(items.iter().map(|one| item.fill(Some(one), depth - 1))),
                None => Value::Array(items),
            },
            Value::Object(object) if object.is_empty() => self.invented_or(Value::Object(object), depth),
            known if says_nothing(&known) => {
                let fitting = self.equals.iter().find(|constant| constant.kind() == known.kind());
                match (fitting, &known) {
                    (Some(constant), _) => constant.clone(),
                    (None, Value::String(_)) => match self.invented(depth) {
                        text @ Value::String(_) => text,
                        _ => known,
                    },
                    (None, _) => known,
                }
            }
            known => known,
        }
    }

    fn invented_or(&self, other: Value, depth: usize) -> Value {
        let nothing_known = self.members.is_empty() && self.item.is_none() && !self.uses.contains(&Use::List);
        if nothing_known { other } else { self.invented(depth) }
    }

    /// A value of which nothing is known but its uses.
    fn invented(&self, depth: usize) -> Value {
        if !self.members.is_empty() {
            let members = self.members.iter();
            return Value::object(members.map(|(name, shape)| (name.as_str(), shape.fill(None, depth - 1))));
        }
        if let Some(item) = &self.item {
            return Value::array([item.fill(None, depth - 1)]);
        }
        if let Some(parsed) = &self.parsed {
            let value = parsed.value_or_object(depth - 1);
            return Value::from(value.to_json());
        }
        if let Some(xml) = &self.xml {
            return Value::from(xml_of(&xml.value_or_object(depth - 1), "example"));
        }
        if let Some(constant) = self.equals.first() {
            return constant.clone();
        }
        if let Some((separator, parts)) = &self.parts {
            return Value::from(vec![TEXT; *parts].join(separator));
        }
        match self.uses.first() {
            None if self.content.is_some() => Value::from(Object::new()),
            Some(Use::Object) => Value::from(Object::new()),
            Some(Use::List) => Value::array([Value::from(TEXT)]),
            Some(Use::Date) => Value::from(DATE),
            Some(Use::Number) => Value::from(1),
            Some(Use::Flag) => Value::from(true),
            Some(Use::Base64) => Value::from("ZXhhbXBsZQ=="),
            Some(Use::Xml) => Value::from("<example>example</example>"),
            Some(Use::Uri) => Value::from("https://example.com/example"),
            Some(Use::Text) | None => Value::from(TEXT),
        }
    }

    /// The value where it is JSON: an empty object where nothing is known.
    pub(super) fn value_or_object(&self, depth: usize) -> Value {
        if self.is_unknown() {
            Value::from(Object::new())
        } else {
            self.fill(None, depth)
        }
    }

    /// Whether nothing is known.
    pub(super) fn is_unknown(&self) -> bool {
        self.members.is_empty()
            && self.item.is_none()
            && self.parsed.is_none()
            && self.content.is_none()
            && self.xml.is_none()
            && self.parts.is_none()
            && self.uses.is_empty()
            && self.equals.is_empty()
            && self.schemas.is_empty()
    }
}

/// A value that stands for any value of its type.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => text.is_empty() || &**text == TEXT,
        Value::Int(number) => *number == 0,
        Value::Float(number) => *number == 0.0,
        Value::Decimal(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// The first value with what only the second has.
fn united(first: Value, second: &Value, depth: usize) -> Value {
    match (first, second) {
        (Value::Object(one), Value::Object(other)) if depth > 0 => {
            let mut united = (*one).clone();
            for (name, member) in other.iter() {
                let spelling = united.spelling(name).cloned().unwrap_or_else(|| name.clone());
                let member = match united.get(name) {
                    Some(known) => self::united(known.clone(), member, depth - 1),
                    None => member.clone(),
                };
                united.insert(spelling, member);
            }
            united.into()
        }
        (first, second) if says_nothing(&first) && second.kind() == first.kind() => second.clone(),
        (first, _) => first,
    }
}

/// A value as XML: each member is an element, a list repeats it.
fn xml_of(value: &Value, name: &str) -> String {
    match value {
        Value::Object(members) => {
            let inner: String = members.iter().map(|(name, member)| xml_of(member, name)).collect();
            match (name, members.len()) {
                // The members of the document: one root, or none of its own.
                ("example", 1) => inner,
                _ => element(name, &inner),
            }
        }
        Value::Array(items) => items.iter().map(|item| xml_of(item, name)).collect(),
        other => {
            let text = other.to_text().replace('&', "&amp;").replace('<', "&lt;");
            element(name, &text)
        }
    }
}

/// An element; what is no name of an element, such as an attribute, is left out.
fn element(name: &str, inner: &str) -> String {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if is_name {
        format!("<{name}>{inner}</{name}>")
    } else {
        String::new()
    }
}
