//! The parameters of the template. Names are unique without regard to case; a secret never has a value.

use std::collections::HashSet;

use super::literal::quoted;
use crate::expression::{Object, Value};

/// The location of every resource.
pub(super) const LOCATION: &str = "[parameters('location')]";

/// The parameters of a template.
pub(super) struct Parameters {
    taken: HashSet<String>,
    declared: Object,
}

impl Parameters {
    pub(super) fn new() -> Self {
        let mut parameters = Self {
            taken: HashSet::new(),
            declared: Object::new(),
        };
        let group = Value::from("[resourceGroup().location]");
        parameters.declare("location", "string", Some(group), "Where everything is deployed");
        parameters
    }

    /// Declares a parameter and gives the expression for it. A name that is taken gets a number.
    pub(super) fn declare(&mut self, wanted: &str, kind: &str, default: Option<Value>, description: &str) -> Value {
        let mut name = wanted.to_owned();
        let mut number = 1_usize;
        while !self.taken.insert(name.to_lowercase()) {
            number += 1;
            name = format!("{wanted}-{number}");
        }
        let mut declaration = Object::new();
        declaration.insert("type", kind);
        if let Some(default) = default {
            declaration.insert("defaultValue", default);
        }
        declaration.insert("metadata", Value::object([("description", description)]));
        self.declared.insert(name.as_str(), declaration);
        Value::from(format!("[parameters({})]", quoted(&name)))
    }

    pub(super) fn finish(self) -> Value {
        Value::from(self.declared)
    }
}
