//! From a part of a template to what a deployment makes of it: every expression in it evaluated, loops over properties
//! unrolled, escaped brackets unescaped. What has no value stays as its text and is a fault with its place.

use super::copy;
use super::expression::{Error, source};
use super::scope::Scope;
use super::template::pointer_step;
use crate::expression::{Object, Value};

/// Most faults that are told of one part of a template.
const MAX_FAULTS: usize = 100;

/// An expression that has no value, with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// JSON pointer to the string, from where the evaluation began.
    pub pointer: String,
    /// What is wrong.
    pub error: Error,
}

fn note(faults: &mut Vec<Fault>, pointer: String, error: Error) {
    if faults.len() < MAX_FAULTS {
        faults.push(Fault { pointer, error });
    }
}

impl Scope {
    /// The value with its expressions evaluated.
    ///
    /// # Errors
    /// The first expression that has no value.
    pub(super) fn strict(&self, value: &Value) -> Result<Value, Error> {
        let mut faults = Vec::new();
        let resolved = self.resolve(value, &mut faults);
        match faults.into_iter().next() {
            Some(fault) => Err(fault.error),
            None => Ok(resolved),
        }
    }

    /// The value with its expressions evaluated; one without a value stays as its text and is a fault.
    pub(super) fn resolve(&self, value: &Value, faults: &mut Vec<Fault>) -> Value {
        self.resolve_at(value, "", faults)
    }

    fn resolve_at(&self, value: &Value, pointer: &str, faults: &mut Vec<Fault>) -> Value {
        if let Value::String(text) = value {
            return self.resolve_text(text, pointer, faults);
        }
        let resolved = self.session.deeper(|| match value {
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Ok(Value::array(items.map(|(index, item)| {
                    self.resolve_at(item, &format!("{pointer}/{index}"), faults)
                })))
            }
            Value::Object(members) => Ok(self.resolve_members(members, pointer, faults)),
            other => Ok(other.clone()),
        });
        resolved.unwrap_or_else(|error| {
            note(faults, pointer.to_owned(), error);
            Value::Null
        })
    }

    fn resolve_members(&self, members: &Object, pointer: &str, faults: &mut Vec<Fault>) -> Value {
        let loops = copy::loops(members.get_exact("copy"));
        let mut resolved = Object::new();
        for (name, member) in members.iter() {
            let place = format!("{pointer}/{}", pointer_step(name));
            if name.as_ref() == "copy" && !loops.is_empty() {
                self.resolve_loops(loops, &place, &mut resolved, faults);
                continue;
            }
            let name = match self.resolve_text(name, &place, faults) {
                Value::String(text) => text,
                _ => name.clone(),
            };
            let member = self.resolve_at(member, &place, faults);
            resolved.insert(name, member);
        }
        Value::from(resolved)
    }

    /// The arrays that loops over properties make.
    fn resolve_loops(&self, loops: &[Value], pointer: &str, into: &mut Object, faults: &mut Vec<Fault>) {
        for (index, looped) in loops.iter().enumerate() {
            let name = looped.get("name").and_then(Value::as_str).unwrap_or_default();
            match copy::items(looped, self) {
                Ok(items) => into.insert(name, items),
                Err(error) => note(faults, format!("{pointer}/{index}"), error),
            }
        }
    }

    fn resolve_text(&self, text: &str, pointer: &str, faults: &mut Vec<Fault>) -> Value {
        let Some(expression) = source(text) else {
            return Value::from(
                text.strip_prefix('[')
                    .filter(|rest| rest.starts_with('['))
                    .unwrap_or(text),
            );
        };
        self.evaluate(expression).unwrap_or_else(|error| {
            note(faults, pointer.to_owned(), error);
            Value::from(text)
        })
    }
}
