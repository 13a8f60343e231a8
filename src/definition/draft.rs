//! The workflow while it is being read: what was found so far, where each template stands, and the problems.
//! Readers of triggers and actions share it; checks over the whole run on it at the end.

use std::collections::{BTreeMap, BTreeSet};

use super::Severity;
use super::limits::Limits;
use super::node::{Node, kind_of};
use super::reference::{self, Target};
use super::report::Report;
use super::workflow::{ActionId, RunAfterStatus, Workflow};
use crate::api::nearest;
use crate::expression::template::TextPart;
use crate::expression::{Template, TemplateError, Value, condition};

/// Unknown names for which a near one is looked up: hostile definitions must not cost time.
const HINTS: usize = 50;
/// Characters in the name of an action, a trigger or a case.
const NAME: usize = 80;

/// A workflow that is being read.
pub(super) struct Draft {
    /// What it must keep.
    pub(super) limits: Limits,
    /// What is wrong with it.
    pub(super) report: Report,
    /// What was read.
    pub(super) workflow: Workflow,
    /// Every template, with its place.
    pub(super) sites: Vec<Site>,
    /// For each action what it waits for, by name.
    pub(super) waits: Vec<Vec<Wait>>,
    /// For each action the hiding that it declares.
    pub(super) declared: Vec<DeclaredSecrecy>,
    /// The action that declares each variable, by lower-case name.
    pub(super) variables: BTreeMap<String, ActionId>,
    /// The declared parameters, by lower-case name.
    pub(super) parameters: BTreeSet<String>,
    /// The variables that actions change: name as written, and its pointer.
    pub(super) written: Vec<(String, String)>,
    /// Values that are given to parameters, by lower-case name.
    pub(super) given: BTreeMap<String, Value>,
    /// Whether the workflow is that of a run, for which schedules do not matter any more.
    pub(super) has_begun: bool,
    /// The actions that scripts read: name as written, and its pointer.
    pub(super) script_reads: Vec<(String, String)>,
    /// The declared static results.
    pub(super) static_results: Option<Value>,
    /// Whether actions were left out because there are too many.
    pub(super) truncated: bool,
    hints: usize,
}

/// Where a template stands.
pub(super) struct Site {
    /// Whose template it is.
    pub(super) owner: Owner,
    /// JSON pointer to it.
    pub(super) pointer: String,
    /// The template.
    pub(super) template: Template,
    /// Whether `item()` is an element of the data operation that it belongs to.
    pub(super) element: bool,
}

/// Whose a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The trigger.
    Trigger,
    /// An action.
    Action(ActionId),
    /// An output of the run, by its index.
    Output(usize),
}

/// An entry of `runAfter` before its name is resolved.
pub(super) struct Wait {
    /// The name as written.
    pub(super) name: String,
    /// JSON pointer to the entry.
    pub(super) pointer: String,
    /// The statuses.
    pub(super) statuses: Vec<RunAfterStatus>,
}

/// `runtimeConfiguration.secureData.properties`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DeclaredSecrecy {
    /// `inputs` is among them.
    pub(super) inputs: bool,
    /// `outputs` is among them.
    pub(super) outputs: bool,
}

impl Draft {
    /// An empty workflow.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            report: Report::default(),
            workflow: Workflow {
                parameters: Vec::new(),
                triggers: Vec::new(),
                actions: Vec::new(),
                blocks: Vec::new(),
                outputs: Vec::new(),
                names: Default::default(),
                secure_variables: Default::default(),
                secure_outputs: Default::default(),
                reads: Vec::new(),
                limits,
            },
            sites: Vec::new(),
            waits: Vec::new(),
            declared: Vec::new(),
            variables: BTreeMap::new(),
            parameters: BTreeSet::new(),
            written: Vec::new(),
            given: BTreeMap::new(),
            has_begun: false,
            script_reads: Vec::new(),
            static_results: None,
            truncated: false,
            hints: HINTS,
        }
    }

    /// Whether the name of an action, a trigger or a case may be one; if not, that is reported. What stands under
    /// a longer name is not read, so that pointers stay short.
    pub(super) fn is_name(&mut self, name: &str, node: &Node) -> bool {
        let right = !name.is_empty() && name.chars().count() <= NAME;
        if !right {
            let message = format!("the name must have 1 to {NAME} characters");
            self.report.error("InvalidName", &node.pointer, message);
        }
        right
    }

    /// Whether a node is an object; if not, that is reported.
    pub(super) fn is_object(&mut self, node: &Node) -> bool {
        self.has_kind(node, node.value.as_object().is_some(), "an object")
    }

    /// Whether a node is an array; if not, that is reported.
    pub(super) fn is_array(&mut self, node: &Node) -> bool {
        self.has_kind(node, node.value.as_array().is_some(), "an array")
    }

    /// The text of a node that is needed before any run: of a constant, or of the value or default of the one parameter
    /// that stands there (`@parameters('x')`). `None` where that parameter has no value, which is reported.
    pub(super) fn settled(&mut self, node: &Node) -> Option<String> {
        let template = node.value.as_str().and_then(|text| Template::parse_text(text).ok());
        let expression = match &template {
            Some(Template::Expression(expression)) => Some(&**expression),
            Some(Template::Text(parts)) => match parts.as_slice() {
                [TextPart::Expression(expression)] => Some(expression),
                _ => None,
            },
            Some(Template::Literal(_) | Template::Array(_) | Template::Object(_)) | None => None,
        };
        let reference = expression.and_then(reference::of);
        let named = reference.filter(|reference| reference.target == Target::Parameter);
        let Some(name) = named.and_then(|reference| reference.name) else {
            return Some(node.value.to_text());
        };
        let declared = || {
            let mut parameters = self.workflow.parameters.iter();
            parameters
                .find(|parameter| parameter.name.eq_ignore_ascii_case(name))?
                .default
                .clone()
        };
        let given = self.given.get(&name.to_lowercase()).cloned();
        let text = given.or_else(declared).unwrap_or_default().to_text();
        if text.is_empty() {
            let message = format!(
                "this must be known before any run, but parameter '{name}' has no value; give it in `spec.parameters`"
            );
            self.report.error("MissingValue", &node.pointer, message);
            return None;
        }
        Some(text)
    }

    /// The text of a node; if it is none, that is reported.
    pub(super) fn text<'a>(&mut self, node: &Node<'a>) -> Option<&'a str> {
        self.has_kind(node, node.value.as_str().is_some(), "a string");
        node.value.as_str()
    }

    fn has_kind(&mut self, node: &Node, right: bool, wanted: &str) -> bool {
        if !right {
            let message = format!("{} stands here, but {wanted} is needed", kind_of(node.value));
            self.report.error("WrongType", &node.pointer, message);
        }
        right
    }

    /// A member that must be there and not `null`.
    pub(super) fn required<'a>(&mut self, node: &Node<'a>, name: &str) -> Option<Node<'a>> {
        let member = node.member(name);
        if member.is_none() && node.value.as_object().is_some() {
            self.missing(node, name);
        }
        member
    }

    /// Reports that a member is missing.
    pub(super) fn missing(&mut self, node: &Node, name: &str) {
        let message = format!("the property '{name}' is missing");
        self.report.error("MissingProperty", &node.pointer, message);
    }

    /// The template of a member that must be there; `null` is a value.
    pub(super) fn required_template(&mut self, owner: Owner, node: &Node, name: &str) -> Template {
        match node.find(name) {
            Some(member) => self.template(owner, &member),
            None => {
                if node.value.as_object().is_some() {
                    self.missing(node, name);
                }
                Template::Literal(Value::Null)
            }
        }
    }

    /// The template of a member, if it is there and not `null`.
    pub(super) fn optional_template(&mut self, owner: Owner, node: &Node, name: &str) -> Option<Template> {
        node.member(name).map(|member| self.template(owner, &member))
    }

    /// A template; its problems are reported.
    pub(super) fn template(&mut self, owner: Owner, node: &Node) -> Template {
        let template = self.parsed(node, Template::parse(node.value));
        self.site(owner, node, template.clone(), false);
        template
    }

    /// A template that is evaluated for each element of a data operation.
    pub(super) fn element_template(&mut self, owner: Owner, node: &Node) -> Template {
        let template = self.parsed(node, Template::parse(node.value));
        self.site(owner, node, template.clone(), true);
        template
    }

    /// A condition, in either form; `element` as in [`Site`].
    pub(super) fn condition(&mut self, owner: Owner, node: &Node, element: bool) -> Template {
        let condition = self.parsed(node, condition::parse(node.value));
        // The strings of the object form have places of their own, which the condition has lost.
        let strings = Template::parse(node.value);
        self.site(owner, node, strings.unwrap_or(Template::Literal(Value::Null)), element);
        condition
    }

    fn parsed(&mut self, node: &Node, parsed: Result<Template, Vec<TemplateError>>) -> Template {
        let errors = match parsed {
            Ok(template) => return template,
            Err(errors) => errors,
        };
        for error in errors {
            let pointer = format!("{}{}", node.pointer, error.pointer);
            let span = Some(error.span).filter(|span| !span.is_empty());
            self.report
                .add(Severity::Error, error.code, &pointer, span, error.message);
        }
        Template::Literal(Value::Null)
    }

    fn site(&mut self, owner: Owner, node: &Node, template: Template, element: bool) {
        if !matches!(template, Template::Literal(_)) {
            self.sites.push(Site {
                owner,
                pointer: node.pointer.clone(),
                template,
                element,
            });
        }
    }

    /// `; did you mean 'x'?` for an unknown name, or nothing.
    pub(super) fn hint<'a>(&mut self, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
        hint(&mut self.hints, name, known)
    }

    /// The same with the names of the actions.
    pub(super) fn action_hint(&mut self, name: &str) -> String {
        let known = self.workflow.actions.iter().map(|action| &*action.name);
        hint(&mut self.hints, name, known)
    }

    /// The same with the names of the variables.
    pub(super) fn variable_hint(&mut self, name: &str) -> String {
        hint(&mut self.hints, name, self.variables.keys().map(String::as_str))
    }

    /// The same with the names of the parameters.
    pub(super) fn parameter_hint(&mut self, name: &str) -> String {
        let known = self.workflow.parameters.iter().map(|parameter| &*parameter.name);
        hint(&mut self.hints, name, known)
    }
}

fn hint<'a>(left: &mut usize, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    if *left == 0 {
        return String::new();
    }
    *left -= 1;
    nearest(name, known).map_or_else(String::new, |near| format!("; did you mean '{near}'?"))
}
