//! What a playbook reads of its trigger, its parameters and the answers to its calls: every expression is followed back
//! to where its value comes from, through data operations, loops and variables.

use std::collections::HashMap;

use super::shape::{Shape, Step, Use};
use super::words;
use crate::definition::workflow::{ActionKind, Case, VariableType};
use crate::definition::{Action, ActionId, Workflow, templates, trigger_templates};
use crate::engine::content::GivenParameter;
use crate::expression::{Expression, ExpressionKind, Template, Value, template::TextPart};

/// How many steps back an expression is followed.
const DEPTH: usize = 40;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Root {
    /// The outputs of an action, by lower-case name.
    Action(String),
    /// The outputs of the trigger.
    Trigger,
    /// A parameter, by lower-case name.
    Parameter(String),
}

/// What a playbook reads, by root.
#[derive(Debug, Default)]
pub(super) struct Reads(HashMap<Root, Shape>);

impl Reads {
    /// Everything that a workflow reads.
    pub(super) fn of(workflow: &Workflow, parameters: &[GivenParameter]) -> Self {
        let mut reader = Reader {
            workflow,
            parameters,
            found: HashMap::new(),
        };
        for trigger in &workflow.triggers {
            let around = Around::default();
            for template in trigger_templates(trigger) {
                reader.template(template, around);
            }
            trigger
                .conditions
                .iter()
                .for_each(|condition| reader.holds(condition, around));
            if let Some(split_on) = &trigger.split_on {
                reader.looped(split_on, around);
            }
        }
        for (index, action) in workflow.actions.iter().enumerate() {
            reader.action(ActionId(u32::try_from(index).unwrap_or(u32::MAX)), action);
        }
        for (_, template) in &workflow.outputs {
            reader.template(template, Around::default());
        }
        Self(reader.found)
    }

    /// What is known of a root.
    pub(super) fn shape(&self, root: &Root) -> Option<&Shape> {
        self.0.get(root)
    }
}

/// Where an expression stands: what `item()` is there.
#[derive(Clone, Copy, Default)]
struct Around<'w> {
    action: Option<ActionId>,
    /// The list of a data operation.
    from: Option<&'w Template>,
}

/// What an expression gives.
#[derive(Clone)]
enum Place<'w> {
    /// A value inside of a root.
    Value(Root, Vec<Step>),
    /// What a template makes.
    Made(&'w Template, Around<'w>),
    /// The elements that a Select makes.
    Selected(&'w Template, Around<'w>),
    /// A variable, by lower-case name.
    Variable(String),
    /// The object of an action, by lower-case name.
    Action(String),
    /// The object of the trigger.
    Trigger,
}

struct Reader<'w> {
    workflow: &'w Workflow,
    /// What is given of the parameters: comparisons with them are comparisons with constants.
    parameters: &'w [GivenParameter],
    found: HashMap<Root, Shape>,
}

impl<'w> Reader<'w> {
    fn action(&mut self, id: ActionId, action: &'w Action) {
        let around = Around {
            action: Some(id),
            from: None,
        };
        let inside = |from| Around {
            from: Some(from),
            ..around
        };
        for template in templates(action) {
            let is_inner = match &action.kind {
                ActionKind::Query { from, .. } | ActionKind::Select { from, .. } | ActionKind::Table { from, .. } => {
                    (!std::ptr::eq(template, from)).then_some(from)
                }
                _ => None,
            };
            self.template(template, is_inner.map_or(around, inside));
        }
        match &action.kind {
            ActionKind::Call(call) => {
                for (template, word) in words::of(call) {
                    if let Some(shape) = self.shape_of_template(template, around) {
                        shape.compared(&Value::from(word));
                    }
                }
            }
            ActionKind::Foreach { items, .. } => self.looped(items, around),
            ActionKind::Select { from, .. } | ActionKind::Table { from, .. } | ActionKind::Join { from, .. } => {
                self.looped(from, around);
            }
            ActionKind::Query { from, condition } => {
                self.looped(from, around);
                self.holds(condition, inside(from));
            }
            ActionKind::If { condition, .. } => self.holds(condition, around),
            ActionKind::Until(until) => self.holds(&until.condition, around),
            ActionKind::Switch { on, cases, .. } => self.switched(on, cases, around),
            ActionKind::ParseJson {
                content,
                schema: Some(schema),
            } => {
                if let Some(place) = self.made(content, around, 0)
                    && let Some(place) = self.access(place, Step::Content, 0)
                    && let Some(shape) = self.shape_at(place)
                {
                    shape.checked(schema);
                }
            }
            ActionKind::SetVariable { name, value } => {
                let kind = self.variable_type(name);
                self.typed(value, kind, around);
            }
            ActionKind::InitializeVariable(declared) => {
                for one in declared {
                    if let Some(value) = &one.value {
                        self.typed(value, Some(one.kind), around);
                    }
                }
            }
            _ => {}
        }
    }

    fn looped(&mut self, items: &'w Template, around: Around<'w>) {
        if let Some(shape) = self.shape_of_template(items, around) {
            shape.used(Use::List);
        }
    }

    fn variable_type(&self, name: &str) -> Option<VariableType> {
        let declared = self.workflow.actions.iter().flat_map(|action| match &action.kind {
            ActionKind::InitializeVariable(declared) => declared.as_slice(),
            _ => &[],
        });
        let mut declared = declared.filter(|declared| declared.name.eq_ignore_ascii_case(name));
        declared.next().map(|declared| declared.kind)
    }

    /// A value that must have the type of a variable.
    fn typed(&mut self, value: &'w Template, kind: Option<VariableType>, around: Around<'w>) {
        let how = match kind {
            Some(VariableType::Array) => Use::List,
            Some(VariableType::Object) => Use::Object,
            Some(VariableType::Integer | VariableType::Float) => Use::Number,
            Some(VariableType::Boolean) => Use::Flag,
            Some(VariableType::String) | None => return,
        };
        if let (Template::Expression(_), Some(shape)) = (value, self.shape_of_template(value, around)) {
            shape.used(how);
        }
    }

    /// The value of an expression that is the same in every run: a literal, or a parameter.
    fn constant(&self, expression: &Expression, depth: usize) -> Option<Value> {
        match &expression.kind {
            ExpressionKind::Literal(value) => Some(value.clone()),
            ExpressionKind::Access { .. } => None,
            ExpressionKind::Call { name, arguments, .. } => {
                let first = arguments.first().filter(|_| depth < DEPTH)?;
                let inner = self.constant(first, depth + 1)?;
                match name.to_lowercase().as_str() {
                    "parameters" => self.parameter(inner.as_str()?),
                    "string" => Some(Value::from(inner.to_text())),
                    "tolower" => Some(Value::from(inner.as_str()?.to_lowercase())),
                    "toupper" => Some(Value::from(inner.as_str()?.to_uppercase())),
                    _ => None,
                }
            }
        }
    }

    fn parameter(&self, name: &str) -> Option<Value> {
        let given = self
            .parameters
            .iter()
            .find(|given| given.name.eq_ignore_ascii_case(name));
        let declared = self.workflow.parameters.iter();
        let declared = declared.filter(|declared| declared.name.eq_ignore_ascii_case(name));
        match given {
            Some(given) => given.value.clone().ok(),
            None => declared.into_iter().next()?.default.clone(),
        }
    }

    fn switched(&mut self, on: &'w Template, cases: &[Case], around: Around<'w>) {
        if let Some(shape) = self.shape_of_template(on, around) {
            cases.iter().for_each(|case| shape.compared(&case.value));
        }
    }

    /// A condition that is to hold.
    fn holds(&mut self, condition: &'w Template, around: Around<'w>) {
        if let Template::Expression(expression) = condition {
            self.wish(expression, true, around, 0);
        }
    }

    /// Values are wished for that make an expression true, or false.
    fn wish(&mut self, expression: &'w Expression, wanted: bool, around: Around<'w>, depth: usize) {
        let ExpressionKind::Call { name, arguments, .. } = &expression.kind else {
            if let Some(shape) = self.shape_of(expression, around) {
                shape.used(Use::Flag);
            }
            return;
        };
        if depth > DEPTH {
            return;
        }
        match (name.to_lowercase().as_str(), arguments.as_slice()) {
            ("not", [inner]) => self.wish(inner, !wanted, around, depth + 1),
            ("and" | "or", parts) => parts.iter().for_each(|part| self.wish(part, wanted, around, depth + 1)),
            ("equals", [one, other]) => match (&one.kind, &other.kind) {
                (ExpressionKind::Literal(Value::Bool(constant)), _) if is_condition(other) => {
                    self.wish(other, *constant == wanted, around, depth + 1);
                }
                (_, ExpressionKind::Literal(Value::Bool(constant))) if is_condition(one) => {
                    self.wish(one, *constant == wanted, around, depth + 1);
                }
                _ if wanted => {
                    if let Some(constant) = self.constant(one, 0) {
                        self.compared(other, &constant, around);
                    } else if let Some(constant) = self.constant(other, 0) {
                        self.compared(one, &constant, around);
                    }
                }
                _ => {}
            },
            ("contains" | "startswith" | "endswith", [text, part]) if wanted => {
                if let Some(constant @ Value::String(_)) = self.constant(part, 0)
                    && let Some(shape) = self.shape_of(text, around)
                {
                    shape.compared(&constant);
                }
            }
            (comparison, [one, other]) => {
                let step = match (comparison, wanted) {
                    ("greater", true) | ("lessorequals", false) => 1,
                    ("less", true) | ("greaterorequals", false) => -1,
                    ("greaterorequals" | "lessorequals", true) | ("greater" | "less", false) => 0,
                    _ => return,
                };
                match (self.constant(one, 0), self.constant(other, 0)) {
                    (None, Some(limit)) => self.beside(one, &limit, step, around),
                    (Some(limit), None) => self.beside(other, &limit, -step, around),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// A number on the right side of a limit.
    fn beside(&mut self, expression: &'w Expression, limit: &Value, step: i64, around: Around<'w>) {
        match limit {
            Value::Int(limit) => self.compared(expression, &Value::from(limit.saturating_add(step)), around),
            Value::Float(limit) => self.compared(expression, &Value::from(limit + step as f64), around),
            _ => {}
        }
    }

    fn compared(&mut self, expression: &'w Expression, constant: &Value, around: Around<'w>) {
        if let Some(shape) = self.shape_of(expression, around) {
            shape.compared(constant);
        }
    }

    /// Every expression of a template is read.
    fn template(&mut self, template: &'w Template, around: Around<'w>) {
        let mut expressions: Vec<&'w Expression> = Vec::new();
        template.visit(&mut |_, expression| expressions.push(expression));
        for outer in expressions {
            let mut all: Vec<&'w Expression> = Vec::new();
            outer.walk(&mut |expression| all.push(expression));
            all.into_iter().for_each(|expression| self.read(expression, around));
        }
    }

    fn read(&mut self, expression: &'w Expression, around: Around<'w>) {
        match &expression.kind {
            ExpressionKind::Literal(_) => {}
            ExpressionKind::Access { target, key, .. } => {
                self.shape_of(expression, around);
                self.part(target, key, around);
            }
            ExpressionKind::Call { name, arguments, .. } => {
                let name = name.to_lowercase();
                for (index, argument) in arguments.iter().enumerate() {
                    if let Some(how) = use_of(&name, index)
                        && let Some(shape) = self.shape_of(argument, around)
                    {
                        shape.used(how);
                    }
                }
                self.shape_of(expression, around);
            }
        }
    }

    /// `split(text, separator)[2]` needs a text of three parts.
    fn part(&mut self, target: &'w Expression, key: &Expression, around: Around<'w>) {
        let (ExpressionKind::Call { name, arguments, .. }, ExpressionKind::Literal(Value::Int(part))) =
            (&target.kind, &key.kind)
        else {
            return;
        };
        let [text, separator] = arguments.as_slice() else {
            return;
        };
        if let (true, Some(separator), Ok(part)) = (
            name.eq_ignore_ascii_case("split"),
            self.constant(separator, 0),
            usize::try_from(*part),
        ) && let Some(shape) = self.shape_of(text, around)
        {
            shape.split(&separator.to_text(), part);
        }
    }

    fn shape_of_template(&mut self, template: &'w Template, around: Around<'w>) -> Option<&mut Shape> {
        let place = self.made(template, around, 0)?;
        self.shape_at(place)
    }

    fn shape_of(&mut self, expression: &'w Expression, around: Around<'w>) -> Option<&mut Shape> {
        let place = self.place(expression, around, 0)?;
        self.shape_at(place)
    }

    fn shape_at(&mut self, place: Place<'w>) -> Option<&mut Shape> {
        match place {
            Place::Value(root, path) => Some(self.found.entry(root).or_default().at_mut(&path)),
            Place::Made(..) | Place::Selected(..) | Place::Variable(_) | Place::Action(_) | Place::Trigger => None,
        }
    }

    /// Where the value of a template comes from.
    fn made(&self, template: &'w Template, around: Around<'w>, depth: usize) -> Option<Place<'w>> {
        match template {
            Template::Expression(expression) => self.place(expression, around, depth + 1),
            // Text of one expression only.
            Template::Text(parts) => match parts.as_slice() {
                [TextPart::Expression(expression)] => self.place(expression, around, depth + 1),
                _ => None,
            },
            Template::Object(_) | Template::Array(_) => Some(Place::Made(template, around)),
            Template::Literal(_) => None,
        }
    }

    fn place(&self, expression: &'w Expression, around: Around<'w>, depth: usize) -> Option<Place<'w>> {
        if depth > DEPTH {
            return None;
        }
        match &expression.kind {
            ExpressionKind::Literal(_) => None,
            ExpressionKind::Access { target, key, .. } => {
                if self.is_body_of_data(target, key) {
                    return self.place(target, around, depth + 1);
                }
                let target = self.place(target, around, depth + 1)?;
                let step = match &key.kind {
                    ExpressionKind::Literal(Value::String(name)) => Step::Member(name.to_string()),
                    ExpressionKind::Literal(Value::Int(_)) => Step::Item,
                    _ => return None,
                };
                self.access(target, step, depth + 1)
            }
            ExpressionKind::Call { name, arguments, .. } => self.called(&name.to_lowercase(), arguments, around, depth),
        }
    }

    fn called(&self, name: &str, arguments: &'w [Expression], around: Around<'w>, depth: usize) -> Option<Place<'w>> {
        let named = || match &arguments.first()?.kind {
            ExpressionKind::Literal(Value::String(name)) => Some(name.to_lowercase()),
            _ => None,
        };
        let inner = |index: usize| self.place(arguments.get(index)?, around, depth + 1);
        let body = || Step::Member("body".to_owned());
        match name {
            "body" | "actionbody" => match self.outputs(named()?, depth + 1)? {
                place @ Place::Value(Root::Action(_), _) if self.makes_calls(&named()?) => {
                    self.access(place, body(), depth + 1)
                }
                place => Some(place),
            },
            "outputs" | "actionoutputs" => self.outputs(named()?, depth + 1),
            "actions" => Some(Place::Action(named()?)),
            "trigger" => Some(Place::Trigger),
            "triggeroutputs" => Some(Place::Value(Root::Trigger, Vec::new())),
            "triggerbody" => Some(Place::Value(Root::Trigger, vec![body()])),
            "parameters" => Some(Place::Value(Root::Parameter(named()?), Vec::new())),
            "variables" => Some(Place::Variable(named()?)),
            "items" => self.item_of(self.workflow.find(&named()?)?, depth + 1),
            "item" => match around.from {
                Some(from) => {
                    let list = self.made(from, Around { from: None, ..around }, depth + 1)?;
                    self.access(list, Step::Item, depth + 1)
                }
                None => self.item_of(self.innermost_loop(around.action?)?, depth + 1),
            },
            "first" | "last" => self.access(inner(0)?, Step::Item, depth + 1),
            "json" => match &arguments.first()?.kind {
                ExpressionKind::Call { name, arguments, .. } if name.eq_ignore_ascii_case("xml") => {
                    let text = self.place(arguments.first()?, around, depth + 1)?;
                    self.access(text, Step::Xml, depth + 1)
                }
                _ => self.access(inner(0)?, Step::Parsed, depth + 1),
            },
            "coalesce" | "take" | "skip" | "sort" | "reverse" | "trim" | "tolower" | "toupper" | "union" | "string" => {
                inner(0)
            }
            "if" => inner(1),
            _ => None,
        }
    }

    fn makes_calls(&self, name: &str) -> bool {
        let id = self.workflow.find(name);
        id.is_some_and(|id| {
            matches!(
                self.workflow.action(id).kind,
                ActionKind::Call(_) | ActionKind::Webhook(_)
            )
        })
    }

    /// Whether an access takes the body out of the outputs of a data operation, which are followed as that body.
    fn is_body_of_data(&self, target: &Expression, key: &Expression) -> bool {
        let ExpressionKind::Call { name, arguments, .. } = &target.kind else {
            return false;
        };
        let named = |expression: &Expression, wanted: &str| matches!(&expression.kind, ExpressionKind::Literal(Value::String(text)) if text.eq_ignore_ascii_case(wanted));
        let action = arguments.first().and_then(|argument| match &argument.kind {
            ExpressionKind::Literal(Value::String(action)) => self.workflow.find(action),
            _ => None,
        });
        let is_data = action.is_some_and(|id| {
            let kind = &self.workflow.action(id).kind;
            matches!(
                kind,
                ActionKind::ParseJson { .. } | ActionKind::Query { .. } | ActionKind::Select { .. }
            )
        });
        name.eq_ignore_ascii_case("outputs") && named(key, "body") && is_data
    }

    /// The outputs of an action: of a data operation what it was made of.
    fn outputs(&self, name: String, depth: usize) -> Option<Place<'w>> {
        if depth > DEPTH {
            return None;
        }
        let id = self.workflow.find(&name)?;
        let around = Around {
            action: Some(id),
            from: None,
        };
        match &self.workflow.action(id).kind {
            ActionKind::Call(_) | ActionKind::Webhook(_) => Some(Place::Value(Root::Action(name), Vec::new())),
            ActionKind::Compose(value) => self.made(value, around, depth + 1),
            ActionKind::ParseJson { content, .. } => {
                self.access(self.made(content, around, depth + 1)?, Step::Content, depth + 1)
            }
            ActionKind::Query { from, .. } => self.made(from, around, depth + 1),
            ActionKind::Select { from, select } => Some(Place::Selected(
                select,
                Around {
                    from: Some(from),
                    ..around
                },
            )),
            _ => None,
        }
    }

    fn access(&self, place: Place<'w>, step: Step, depth: usize) -> Option<Place<'w>> {
        if depth > DEPTH {
            return None;
        }
        match (place, step) {
            // The body of a data operation is its value.
            (Place::Value(Root::Action(name), path), step) => {
                Some(Place::Value(Root::Action(name), stepped(path, step)))
            }
            (Place::Value(root, path), step) => Some(Place::Value(root, stepped(path, step))),
            (Place::Made(template, around), Step::Member(name)) => match template {
                Template::Object(members) => {
                    let is_it = |member: &&(Template, Template)| matches!(&member.0, Template::Literal(Value::String(known)) if known.eq_ignore_ascii_case(&name));
                    let (_, member) = members.iter().find(is_it)?;
                    self.made(member, around, depth + 1)
                }
                _ => None,
            },
            (Place::Made(template, around), Step::Item) => match template {
                Template::Array(items) => self.made(items.first()?, around, depth + 1),
                _ => None,
            },
            // What a template makes is parsed to what it makes.
            (made @ (Place::Made(..) | Place::Selected(..)), Step::Content) => Some(made),
            (Place::Selected(select, around), Step::Item) => self.made(select, around, depth + 1),
            (Place::Selected(..) | Place::Made(..), _) => None,
            (Place::Variable(name), step) => {
                let value = self.variable(&name, matches!(step, Step::Item), depth + 1)?;
                match value {
                    (value, true) => Some(value),
                    (value, false) => self.access(value, step, depth + 1),
                }
            }
            (Place::Action(name), Step::Member(member)) if member.eq_ignore_ascii_case("outputs") => {
                self.outputs(name, depth + 1)
            }
            (Place::Trigger, Step::Member(member)) if member.eq_ignore_ascii_case("outputs") => {
                Some(Place::Value(Root::Trigger, Vec::new()))
            }
            (Place::Action(_) | Place::Trigger, _) => None,
        }
    }

    /// Where the value of a variable comes from; with `true` an element that is appended to it.
    fn variable(&self, name: &str, item: bool, depth: usize) -> Option<(Place<'w>, bool)> {
        let actions = self.workflow.actions.iter().zip(0_u32..);
        let mut found = actions.filter_map(|(action, id)| {
            let around = Around {
                action: Some(ActionId(id)),
                from: None,
            };
            let is_it = |other: &String| other.eq_ignore_ascii_case(name);
            let (template, appended) = match &action.kind {
                ActionKind::SetVariable { name, value } if is_it(name) => (value, false),
                ActionKind::AppendToArrayVariable { name, value } if item && is_it(name) => (value, true),
                ActionKind::InitializeVariable(declared) => {
                    let declared = declared.iter().find(|declared| is_it(&declared.name))?;
                    (declared.value.as_ref()?, false)
                }
                _ => return None,
            };
            match self.made(template, around, depth + 1)? {
                Place::Variable(_) => None,
                place => Some((place, appended)),
            }
        });
        found.next()
    }

    fn item_of(&self, id: ActionId, depth: usize) -> Option<Place<'w>> {
        let ActionKind::Foreach { items, .. } = &self.workflow.action(id).kind else {
            return None;
        };
        let around = Around {
            action: Some(id),
            from: None,
        };
        let list = self.made(items, around, depth + 1)?;
        self.access(list, Step::Item, depth + 1)
    }

    fn innermost_loop(&self, id: ActionId) -> Option<ActionId> {
        let mut here = self.workflow.block(self.workflow.action(id).block).owner;
        while let Some(owner) = here {
            let action = self.workflow.action(owner);
            if matches!(action.kind, ActionKind::Foreach { .. }) {
                return Some(owner);
            }
            here = self.workflow.block(action.block).owner;
        }
        None
    }
}

fn stepped(mut path: Vec<Step>, step: Step) -> Vec<Step> {
    path.push(step);
    path
}

fn is_condition(expression: &Expression) -> bool {
    const CONDITIONS: &[&str] = &[
        "equals",
        "and",
        "or",
        "not",
        "greater",
        "less",
        "greaterorequals",
        "lessorequals",
        "contains",
        "startswith",
        "endswith",
    ];
    let ExpressionKind::Call { name, .. } = &expression.kind else {
        return false;
    };
    CONDITIONS.contains(&name.to_lowercase().as_str())
}

/// How a function uses one of its arguments, where that says something about the argument.
fn use_of(function: &str, argument: usize) -> Option<Use> {
    const DATES: &[&str] = &[
        "formatdatetime",
        "adddays",
        "addhours",
        "addminutes",
        "addseconds",
        "addtotime",
        "subtractfromtime",
        "ticks",
        "convertfromutc",
        "converttoutc",
        "converttimezone",
        "startofday",
        "startofhour",
        "startofmonth",
        "dayofmonth",
        "dayofweek",
        "dayofyear",
    ];
    match (function, argument) {
        ("first" | "last" | "join" | "take" | "skip" | "sort" | "reverse" | "length", 0)
        | ("union" | "intersection", _) => Some(Use::List),
        ("datedifference", 0 | 1) => Some(Use::Date),
        ("base64" | "trim", 0) => Some(Use::Text),
        ("addproperty" | "setproperty" | "removeproperty", 0) => Some(Use::Object),
        (date, 0) if DATES.contains(&date) => Some(Use::Date),
        ("adddays" | "addhours" | "addminutes" | "addseconds", 1) => Some(Use::Number),
        ("add" | "sub" | "mul" | "div" | "mod", 0 | 1) | ("int" | "float" | "decimal" | "formatnumber", 0) => {
            Some(Use::Number)
        }
        ("base64tostring" | "decodebase64" | "base64tobinary", 0) => Some(Use::Base64),
        ("xml" | "xpath", 0) => Some(Use::Xml),
        ("urihost" | "uripath" | "uriport" | "uriquery" | "urischeme" | "uripathandquery", 0) => Some(Use::Uri),
        _ => None,
    }
}
