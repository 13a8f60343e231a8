//! What all templates of a file share while it is read: the open values, what the reader should know, the nested
//! deployments by name, and the budget that keeps a hostile file from using time or memory without bound.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::expression::Error;
use super::open::OpenValues;
use super::scope::Scope;
use crate::expression::{Object, Value};

/// Deepest nesting of evaluation over expressions, variables and JSON together.
const MAX_DEPTH: usize = 300;
/// Deepest value that an expression may make.
const MAX_VALUE_DEPTH: usize = 128;
/// Bytes and nodes that all expressions and copies of a file may make.
const MAX_MADE: usize = 32 << 20;
/// Steps of evaluation for a file.
const MAX_STEPS: usize = 2_000_000;

/// Most notes about a file.
const MAX_NOTES: usize = 500;

/// What all templates of a file share.
#[derive(Debug)]
pub(super) struct Session {
    /// The namespace that stands for the resource group.
    pub namespace: String,
    /// Name of the file without its extension.
    pub stem: String,
    /// Values that the templates leave open.
    pub opens: OpenValues,
    notes: RefCell<Vec<String>>,
    deployments: RefCell<Vec<Deployment>>,
    made: Cell<usize>,
    steps: Cell<usize>,
    depth: Cell<usize>,
}

/// A nested deployment whose outputs others may ask for.
#[derive(Debug)]
struct Deployment {
    /// Its name and its symbolic name.
    names: Vec<String>,
    outputs: Object,
    scope: Rc<Scope>,
}

impl Session {
    pub(super) fn new(namespace: &str, stem: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            stem: stem.to_owned(),
            opens: OpenValues::default(),
            notes: RefCell::default(),
            deployments: RefCell::default(),
            made: Cell::new(0),
            steps: Cell::new(0),
            depth: Cell::new(0),
        }
    }

    /// Notes something once.
    pub(super) fn note(&self, note: impl Into<String>) {
        let note = note.into();
        let mut notes = self.notes.borrow_mut();
        if notes.len() < MAX_NOTES && !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// What was noted.
    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    /// Charges a value that was made to the budget of the file.
    pub(super) fn charge(&self, value: &Value) -> Result<(), Error> {
        let mut left = MAX_MADE.saturating_sub(self.made.get());
        weigh(value, 0, &mut left)?;
        self.made.set(MAX_MADE - left);
        Ok(())
    }

    /// Runs a step of evaluation one level deeper.
    pub(super) fn deeper<T>(&self, step: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        if self.depth.get() >= MAX_DEPTH || self.steps.get() >= MAX_STEPS {
            return Err(Error::TooLarge);
        }
        self.steps.set(self.steps.get() + 1);
        self.depth.set(self.depth.get() + 1);
        let outcome = step();
        self.depth.set(self.depth.get() - 1);
        outcome
    }

    /// Remembers a nested deployment by its names.
    pub(super) fn deploy(&self, names: Vec<String>, outputs: Object, scope: Rc<Scope>) {
        self.deployments.borrow_mut().push(Deployment { names, outputs, scope });
    }

    /// What `reference` gives for a nested deployment of the file, by its name or its id: its outputs.
    pub(super) fn outputs_of(&self, name_or_id: &str) -> Option<Result<Value, Error>> {
        let name = name_or_id.rsplit('/').next().unwrap_or_default();
        let found = {
            let deployments = self.deployments.borrow();
            let is_named = |one: &&Deployment| one.names.iter().any(|known| known.eq_ignore_ascii_case(name));
            let found = deployments.iter().find(is_named)?;
            (found.outputs.clone(), Rc::clone(&found.scope))
        };
        let (outputs, scope) = found;
        Some(self.deeper(|| {
            let mut values = Object::new();
            for (name, output) in outputs.iter() {
                let value = scope.strict(output.get("value").unwrap_or(&Value::Null))?;
                values.insert(name.clone(), Value::object([("value", value)]));
            }
            Ok(Value::object([("outputs", Value::from(values))]))
        }))
    }

    /// Lets go of the deployments, which hold this session.
    pub(super) fn close(&self) {
        self.deployments.borrow_mut().clear();
    }
}

fn weigh(value: &Value, depth: usize, left: &mut usize) -> Result<(), Error> {
    let mut take = |weight: usize| left.checked_sub(weight).map(|rest| *left = rest).ok_or(Error::TooLarge);
    if depth > MAX_VALUE_DEPTH {
        return Err(Error::TooLarge);
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => take(1),
        Value::String(text) => take(text.len() + 1),
        Value::Array(items) => {
            take(1)?;
            items.iter().try_for_each(|item| weigh(item, depth + 1, left))
        }
        Value::Object(members) => {
            take(1)?;
            members.iter().try_for_each(|(name, member)| {
                *left = left.checked_sub(name.len()).ok_or(Error::TooLarge)?;
                weigh(member, depth + 1, left)
            })
        }
    }
}
