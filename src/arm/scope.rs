//! What ARM expressions see: the parameters and variables of one template, and the session that a whole file shares.
//! Values are computed when first asked for and kept; a value that needs itself is an error.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::expression::{Error, evaluate, parse, source};
use super::open::{Open, OpenValues};
use super::secret::names_secret;
use crate::expression::{Object, Value};

/// Deepest nesting of evaluation over expressions, variables and JSON together.
const MAX_DEPTH: usize = 300;
/// Deepest value that an expression may make.
const MAX_VALUE_DEPTH: usize = 128;
/// Bytes and nodes that all expressions of a file may make.
const MAX_MADE: usize = 32 << 20;

/// What all templates of a file share.
#[derive(Debug)]
pub(super) struct Session {
    /// The namespace that stands for the resource group.
    pub namespace: String,
    /// Name of the file without its extension.
    pub stem: String,
    /// Values that the templates leave open.
    pub opens: OpenValues,
    /// What the reader of the report should know.
    notes: RefCell<Vec<String>>,
    made: Cell<usize>,
    depth: Cell<usize>,
}

impl Session {
    pub(super) fn new(namespace: &str, stem: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            stem: stem.to_owned(),
            opens: OpenValues::default(),
            notes: RefCell::default(),
            made: Cell::new(0),
            depth: Cell::new(0),
        }
    }

    /// Notes something once.
    pub(super) fn note(&self, note: impl Into<String>) {
        let note = note.into();
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// What was noted.
    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    /// Charges a value that an expression made to the budget of the file.
    pub(super) fn charge(&self, value: &Value) -> Result<(), Error> {
        let mut left = MAX_MADE.saturating_sub(self.made.get());
        weigh(value, 0, &mut left)?;
        self.made.set(MAX_MADE - left);
        Ok(())
    }

    /// Runs a step of evaluation one level deeper.
    pub(super) fn deeper<T>(&self, step: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        if self.depth.get() >= MAX_DEPTH {
            return Err(Error::TooLarge);
        }
        self.depth.set(self.depth.get() + 1);
        let outcome = step();
        self.depth.set(self.depth.get() - 1);
        outcome
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

/// An expression that has no value, with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// JSON pointer to the string, from where the evaluation began.
    pub pointer: String,
    /// What is wrong.
    pub error: Error,
}

/// A value that is being computed, or is there.
#[derive(Debug)]
enum Slot {
    Busy,
    Ready(Value),
}

/// The parameters and variables of one template.
#[derive(Debug)]
pub(super) struct Scope {
    /// What the file shares.
    pub session: Rc<Session>,
    parameters: Object,
    variables: Object,
    /// Values that a deployment gives to the parameters.
    given: Object,
    computed: RefCell<HashMap<String, Slot>>,
}

impl Scope {
    /// The scope of a template to whose parameters `given` values are passed.
    pub(super) fn new(session: Rc<Session>, template: &Value, given: Object) -> Self {
        let object = |name: &str| {
            template
                .get(name)
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default()
        };
        Self {
            session,
            parameters: object("parameters"),
            variables: object("variables"),
            given,
            computed: RefCell::default(),
        }
    }

    /// The value of a parameter: given, default, guessed from its name, or a mark.
    pub(super) fn parameter(&self, name: &str) -> Result<Value, Error> {
        self.computed(format!("parameter `{name}`"), || {
            let declaration = self
                .parameters
                .get(name)
                .ok_or_else(|| Error::Undeclared(format!("parameter `{name}`")))?;
            let kind = declaration
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or("string")
                .to_lowercase();
            let kind = if kind == "string" && names_secret(name) {
                "securestring".to_owned()
            } else {
                kind
            };
            let given = self.given.get(name);
            if kind.starts_with("secure") {
                if let Some(mark) = given.filter(|value| self.session.opens.whole(value).is_some()) {
                    return Ok(mark.clone());
                }
                let why = format!("parameter `{name}` is secure");
                return Ok(self.session.opens.mark(Open::empty(name, &kind, why)));
            }
            if let Some(value) = given {
                return Ok(value.clone());
            }
            match declaration.get("defaultValue") {
                Some(default) => self.strict(default),
                None => Ok(self.missing(name, kind, declaration)),
            }
        })
    }

    /// The value of a variable.
    pub(super) fn variable(&self, name: &str) -> Result<Value, Error> {
        self.computed(format!("variable `{name}`"), || match self.variables.get(name) {
            Some(value) => self.strict(value),
            None if self.variables.get("copy").is_some() => Err(Error::Unsupported("`copy`")),
            None => Err(Error::Undeclared(format!("variable `{name}`"))),
        })
    }

    /// A required parameter: what every deployment of that name would say, or an open value.
    fn missing(&self, name: &str, kind: String, declaration: &Value) -> Value {
        let plain: String = name
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
            .to_lowercase();
        match plain.as_str() {
            "playbookname" | "logicappname" | "workflowname" => return Value::from(self.session.stem.as_str()),
            "resourcegroup" | "resourcegroupname" => return Value::from(self.session.namespace.as_str()),
            "location" | "region" => return Value::from(super::LOCATION),
            "subscriptionid" | "tenantid" => return Value::from(super::NIL_ID),
            _ => {}
        }
        if let Some(first) = declaration
            .get("allowedValues")
            .and_then(Value::as_array)
            .and_then(<[Value]>::first)
        {
            self.session.note(format!(
                "parameter `{name}` has no default: its first allowed value was taken"
            ));
            return first.clone();
        }
        let why = format!("the template gives parameter `{name}` no value");
        self.session.opens.mark(Open::empty(name, &kind, why))
    }

    fn computed(&self, what: String, compute: impl FnOnce() -> Result<Value, Error>) -> Result<Value, Error> {
        let key = what.to_lowercase();
        match self.computed.borrow().get(&key) {
            Some(Slot::Ready(value)) => return Ok(value.clone()),
            Some(Slot::Busy) => return Err(Error::Cycle(what)),
            None => {}
        }
        self.computed.borrow_mut().insert(key.clone(), Slot::Busy);
        let outcome = self.session.deeper(compute);
        match &outcome {
            Ok(value) => self.computed.borrow_mut().insert(key, Slot::Ready(value.clone())),
            Err(_) => self.computed.borrow_mut().remove(&key),
        };
        outcome
    }

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
            faults.push(Fault {
                pointer: pointer.to_owned(),
                error,
            });
            Value::Null
        })
    }

    fn resolve_members(&self, members: &Object, pointer: &str, faults: &mut Vec<Fault>) -> Value {
        let copies = |item: &Value| item.get("count").is_some();
        if members
            .get("copy")
            .and_then(Value::as_array)
            .is_some_and(|items| items.iter().any(copies))
        {
            faults.push(Fault {
                pointer: pointer.to_owned(),
                error: Error::Unsupported("`copy`"),
            });
        }
        Value::object(members.iter().map(|(name, member)| {
            let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            let name = match self.resolve_text(name, &place, faults) {
                Value::String(text) => text,
                _ => name.clone(),
            };
            (name, self.resolve_at(member, &place, faults))
        }))
    }

    fn resolve_text(&self, text: &str, pointer: &str, faults: &mut Vec<Fault>) -> Value {
        let Some(expression) = source(text) else {
            return Value::from(
                text.strip_prefix('[')
                    .filter(|rest| rest.starts_with('['))
                    .unwrap_or(text),
            );
        };
        let outcome = self.session.deeper(|| {
            let value = evaluate(&parse(expression)?, self)?;
            self.session.charge(&value)?;
            Ok(value)
        });
        outcome.unwrap_or_else(|error| {
            faults.push(Fault {
                pointer: pointer.to_owned(),
                error,
            });
            Value::from(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(template: &str) -> Scope {
        let template = Value::from_json(template).expect("template");
        Scope::new(Rc::new(Session::new("soc", "Block-User")), &template, Object::new())
    }

    #[test]
    fn computes_parameters_and_variables_when_asked() {
        let scope = scope(
            r#"{"parameters": {"A": {"type": "string", "defaultValue": "[concat('a', resourceGroup().name)]"}},
                "variables": {"b": {"x": ["[parameters('a')]", "[[b]"]}, "broken": "[nothing()]"}}"#,
        );
        assert_eq!(scope.variable("B").expect("value").to_json(), r#"{"x":["asoc","[b]"]}"#);
        assert_eq!(scope.variable("broken"), Err(Error::UnknownFunction("nothing".into())));
        assert_eq!(scope.parameter("c"), Err(Error::Undeclared("parameter `c`".into())));
    }

    #[test]
    fn refuses_cycles_and_floods() {
        let circle = scope(r#"{"variables": {"a": "[variables('b')]", "b": "[variables('A')]"}}"#);
        assert!(matches!(circle.variable("a"), Err(Error::Cycle(_))));
        for grow in ["concat", "createArray"] {
            let mut variables = vec![r#""v0": "xxxxxxxxxx""#.to_owned()];
            variables
                .extend((1..60).map(|n| format!(r#""v{n}": "[{grow}(variables('v{0}'), variables('v{0}'))]""#, n - 1)));
            let flood = scope(&format!("{{\"variables\": {{{}}}}}", variables.join(",")));
            assert_eq!(flood.variable("v59"), Err(Error::TooLarge), "{grow}");
        }
    }

    #[test]
    fn refuses_depth_that_no_template_needs() {
        let (before, after) = (r#"{"a":"#.repeat(100), "}".repeat(100));
        let mut variables = vec![r#""v0": 0"#.to_owned()];
        variables.extend((1..100).map(|n| format!(r#""v{n}": {before}"[variables('v{}')]"{after}"#, n - 1)));
        let nested = scope(&format!("{{\"variables\": {{{}}}}}", variables.join(",")));
        assert_eq!(nested.variable("v99"), Err(Error::TooLarge));
        let calls = format!("{}variables('v{{n}}'){}", "array(".repeat(60), ")".repeat(60));
        let mut variables = vec![r#""v0": 0"#.to_owned()];
        variables.extend((1..100).map(|n| format!(r#""v{n}": "[{}]""#, calls.replace("{n}", &(n - 1).to_string()))));
        let nested = scope(&format!("{{\"variables\": {{{}}}}}", variables.join(",")));
        assert_eq!(nested.variable("v99"), Err(Error::TooLarge));
    }

    #[test]
    fn required_parameters_are_guessed_or_left_open() {
        let scope = scope(
            r#"{"parameters": {"Playbook Name": {"type": "String"}, "Key": {"type": "SecureString", "defaultValue": "s3cret"},
                "Api Key": {"type": "string", "defaultValue": "s3cret"},
                "Count": {"type": "int"}, "Mode": {"type": "string", "allowedValues": ["on", "off"]}}}"#,
        );
        assert_eq!(scope.parameter("playbook name"), Ok(Value::from("Block-User")));
        assert_eq!(scope.parameter("Mode"), Ok(Value::from("on")));
        for (name, empty) in [
            ("Key", Value::from("")),
            ("Api Key", Value::from("")),
            ("Count", Value::Int(0)),
        ] {
            let value = scope.parameter(name).expect("mark");
            assert!(scope.session.opens.whole(&value).is_some(), "{name}");
            assert_eq!(scope.session.opens.plain(&value), empty);
        }
    }
}
