//! What ARM expressions see: the parameters, variables and functions of one template, and the loops and lambdas around
//! the expression. Values are computed when first asked for and kept; a value that needs itself is an error.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::copy;
use super::expression::{Error, evaluate, parse};
use super::open::Open;
use super::secret::names_secret;
use super::session::Session;
use crate::expression::{Object, Value};

/// A value that is being computed, or is there.
#[derive(Debug)]
enum Slot {
    Busy,
    Ready(Value),
}

/// The values that are given to the parameters of a template.
#[derive(Debug)]
pub(super) enum Given {
    /// None: a deployment by hand.
    Nothing,
    /// Those of a nested deployment, as it writes them, and what their expressions see.
    Deployment(Object, Rc<Scope>),
    /// The arguments of a function.
    Arguments(Object),
}

/// What one template declares.
#[derive(Debug)]
struct Declared {
    parameters: Object,
    variables: Object,
    /// Types by name.
    types: Object,
    /// Functions by `namespace.name` in lower case.
    functions: Rc<HashMap<String, Value>>,
    given: Given,
    computed: RefCell<HashMap<String, Slot>>,
}

/// One loop or lambda around an expression.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    /// A round of a loop.
    Copy {
        /// Name of the loop.
        name: String,
        /// Whether it makes resources; `copyIndex()` without a name means such a loop.
        of_resources: bool,
        /// The round, from 0.
        index: i64,
    },
    /// A variable of a lambda.
    Variable(String, Value),
}

/// What an expression sees.
#[derive(Debug)]
pub(super) struct Scope {
    /// What the file shares.
    pub session: Rc<Session>,
    declared: Rc<Declared>,
    /// From the outermost to the innermost.
    frames: RefCell<Vec<Frame>>,
}

fn object(template: &Value, name: &str) -> Object {
    template
        .get(name)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// The functions that a template defines.
fn functions(template: &Value) -> HashMap<String, Value> {
    let spaces = template.get("functions").and_then(Value::as_array).unwrap_or_default();
    let mut functions = HashMap::new();
    for space in spaces {
        let name = space.get("namespace").and_then(Value::as_str).unwrap_or_default();
        for (member, function) in object(space, "members").iter() {
            functions.insert(format!("{name}.{member}").to_lowercase(), function.clone());
        }
    }
    functions
}

impl Scope {
    /// The scope of a template to whose parameters values are given.
    pub(super) fn new(session: Rc<Session>, template: &Value, given: Given) -> Self {
        let declared = Declared {
            parameters: object(template, "parameters"),
            variables: object(template, "variables"),
            types: object(template, "definitions"),
            functions: Rc::new(functions(template)),
            given,
            computed: RefCell::default(),
        };
        Self {
            session,
            declared: Rc::new(declared),
            frames: RefCell::default(),
        }
    }

    /// The same scope with one more loop or lambda around it.
    pub(super) fn inside(&self, frame: Frame) -> Self {
        let mut frames = self.frames.borrow().clone();
        frames.push(frame);
        Self {
            session: Rc::clone(&self.session),
            declared: Rc::clone(&self.declared),
            frames: RefCell::new(frames),
        }
    }

    /// Evaluates something with more loops or lambdas around it.
    pub(super) fn within<T>(&self, frames: Vec<Frame>, evaluate: impl FnOnce() -> T) -> T {
        let before = self.frames.borrow().len();
        self.frames.borrow_mut().extend(frames);
        let outcome = evaluate();
        self.frames.borrow_mut().truncate(before);
        outcome
    }

    /// The template as its parameters and variables see it: without the loops around the expression that asks.
    fn outside(&self) -> Self {
        Self {
            session: Rc::clone(&self.session),
            declared: Rc::clone(&self.declared),
            frames: RefCell::default(),
        }
    }

    /// The round of the loop of this name, or of the loop that makes resources.
    pub(super) fn copy_index(&self, wanted: Option<&str>) -> Option<i64> {
        let frames = self.frames.borrow();
        let fits = |of_resources_only: bool| {
            frames.iter().rev().find_map(|frame| match frame {
                Frame::Copy {
                    name,
                    of_resources,
                    index,
                } => {
                    let fits = match wanted {
                        Some(wanted) => name.eq_ignore_ascii_case(wanted),
                        None => *of_resources || !of_resources_only,
                    };
                    fits.then_some(*index)
                }
                Frame::Variable(..) => None,
            })
        };
        fits(true).or_else(|| fits(false))
    }

    /// A variable of a lambda.
    pub(super) fn lambda_variable(&self, wanted: &str) -> Option<Value> {
        let frames = self.frames.borrow();
        frames.iter().rev().find_map(|frame| match frame {
            Frame::Variable(name, value) if name.eq_ignore_ascii_case(wanted) => Some(value.clone()),
            Frame::Variable(..) | Frame::Copy { .. } => None,
        })
    }

    /// The value of a function that the template defines; `None` where it defines none of this name.
    pub(super) fn defined(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, Error>> {
        let function = self.declared.functions.get(name)?;
        let names = function.get("parameters").and_then(Value::as_array).unwrap_or_default();
        let names = names
            .iter()
            .map(|one| one.get("name").and_then(Value::as_str).unwrap_or_default());
        let names: Vec<&str> = names.collect();
        if names.len() < arguments.len() {
            let what = format!("takes at most {} arguments, got {}", names.len(), arguments.len());
            let function = name.to_owned();
            return Some(Err(Error::Call { function, what }));
        }
        let given: Object = names.into_iter().zip(arguments.iter().cloned()).collect();
        let declared = Declared {
            parameters: Object::new(),
            variables: Object::new(),
            types: Object::new(),
            functions: Rc::clone(&self.declared.functions),
            given: Given::Arguments(given),
            computed: RefCell::default(),
        };
        let scope = Self {
            session: Rc::clone(&self.session),
            declared: Rc::new(declared),
            frames: RefCell::default(),
        };
        let output = function.at(&["output", "value"]).cloned().unwrap_or_default();
        Some(self.session.deeper(|| scope.strict(&output)))
    }

    /// The value of a parameter: given, default, guessed from its name, or a mark.
    pub(super) fn parameter(&self, name: &str) -> Result<Value, Error> {
        if let Given::Arguments(arguments) = &self.declared.given {
            let argument = arguments.get(name).cloned();
            return argument.ok_or_else(|| Error::Undeclared(format!("parameter `{name}`")));
        }
        self.computed(format!("parameter `{name}`"), || {
            let declaration = self.declared.parameters.get(name);
            let declaration = declaration.ok_or_else(|| Error::Undeclared(format!("parameter `{name}`")))?;
            let declaration = self.declaration(declaration);
            let kind = kind_of(name, &declaration);
            let given = self.given(name);
            if kind.starts_with("secure") {
                if let Some(mark) = given.filter(|value| self.session.opens.whole(value).is_some()) {
                    return Ok(mark);
                }
                let why = format!("parameter `{name}` is secure");
                return Ok(self.session.opens.mark(Open::empty(name, &kind, why)));
            }
            if let Some(value) = given {
                return Ok(value);
            }
            match declaration.get("defaultValue") {
                Some(default) => self.outside().strict(default),
                None if declaration.get("nullable").and_then(Value::as_bool) == Some(true) => Ok(Value::Null),
                None => Ok(self.missing(name, kind, &declaration)),
            }
        })
    }

    /// A declaration with the members of the type that it names.
    fn declaration(&self, declaration: &Value) -> Value {
        let named = declaration.get("$ref").and_then(Value::as_str);
        let named = named.and_then(|path| path.strip_prefix("#/definitions/"));
        let Some(members) = named.and_then(|name| self.declared.types.get(name)?.as_object()) else {
            return declaration.clone();
        };
        let own = declaration.as_object().into_iter().flat_map(Object::iter);
        let all = members.iter().chain(own);
        Value::object(all.map(|(name, member)| (name.clone(), member.clone())))
    }

    /// The value that a deployment gives to a parameter.
    fn given(&self, name: &str) -> Option<Value> {
        let Given::Deployment(values, outer) = &self.declared.given else {
            return None;
        };
        let given = values.get(name)?;
        let Some(value) = given.get("value") else {
            self.session.note(format!(
                "nested parameter `{name}` comes from a Key Vault and was left open"
            ));
            let why = format!("nested parameter `{name}` comes from a Key Vault");
            return Some(self.session.opens.mark(Open::empty(name, "securestring", why)));
        };
        match outer.strict(value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.session
                    .note(format!("nested parameter `{name}` has no value: {error}"));
                None
            }
        }
    }

    /// The value of a variable.
    pub(super) fn variable(&self, name: &str) -> Result<Value, Error> {
        self.computed(format!("variable `{name}`"), || {
            let scope = self.outside();
            if let Some(value) = self.declared.variables.get(name) {
                return scope.strict(value);
            }
            let looped = copy::loop_of(self.declared.variables.get("copy"), name);
            match looped {
                Some(looped) => copy::items(looped, &scope),
                None => Err(Error::Undeclared(format!("variable `{name}`"))),
            }
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
        match self.declared.computed.borrow().get(&key) {
            Some(Slot::Ready(value)) => return Ok(value.clone()),
            Some(Slot::Busy) => return Err(Error::Cycle(what)),
            None => {}
        }
        self.declared.computed.borrow_mut().insert(key.clone(), Slot::Busy);
        let outcome = self.session.deeper(compute);
        match &outcome {
            Ok(value) => self
                .declared
                .computed
                .borrow_mut()
                .insert(key, Slot::Ready(value.clone())),
            Err(_) => self.declared.computed.borrow_mut().remove(&key),
        };
        outcome
    }

    /// The value of the text between the brackets of an expression.
    pub(super) fn evaluate(&self, expression: &str) -> Result<Value, Error> {
        self.session.deeper(|| {
            let value = evaluate(&parse(expression)?, self)?;
            self.session.charge(&value)?;
            Ok(value)
        })
    }
}

/// The type of a parameter in lower case; what its name calls a secret is secure.
fn kind_of(name: &str, declaration: &Value) -> String {
    let kind = declaration.get("type").and_then(Value::as_str).unwrap_or("string");
    let kind = kind.to_lowercase();
    if kind == "string" && names_secret(name) {
        "securestring".to_owned()
    } else {
        kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(template: &str) -> Scope {
        let template = Value::from_json(template).expect("template");
        Scope::new(Rc::new(Session::new("soc", "Block-User")), &template, Given::Nothing)
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
