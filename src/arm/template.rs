//! The resources of a template: those at the top, those inside others and those of nested deployments, each with the
//! scope that its expressions see.

use std::rc::Rc;

use super::copy;
use super::resolve::Fault;
use super::scope::{Frame, Given, Scope};
use super::session::Session;
use super::verdict::Finding;
use crate::expression::Value;

/// Deepest nesting of resources and deployments in each other.
const MAX_NESTING: usize = 8;
/// Most resources of a file, rounds of loops included.
const MAX_RESOURCES: usize = 2000;
/// The type of a deployment; among the resources that are found, one whose template is elsewhere.
pub(super) const DEPLOYMENT: &str = "microsoft.resources/deployments";
/// How types end that carry a template in `mainTemplate`.
const PACKAGES: [&str; 2] = ["/contenttemplates", "microsoft.resources/templatespecs/versions"];

/// One resource.
pub(super) struct Resource {
    /// Type in lower case, such as `microsoft.logic/workflows`.
    pub kind: String,
    /// JSON pointer to it in the file.
    pub pointer: String,
    /// The resource as it is written.
    pub body: Value,
    /// Whether its condition, and those of the deployments around it, hold with the default parameters.
    pub deployed: bool,
    /// What its expressions see.
    pub scope: Rc<Scope>,
}

impl Resource {
    /// A member with its expressions evaluated; those without a value become findings.
    pub(super) fn resolve(&self, member: &str, findings: &mut Vec<Finding>) -> Value {
        let mut faults = Vec::new();
        let raw = self.body.get(member).unwrap_or(&Value::Null);
        let value = self.scope.resolve(raw, &mut faults);
        findings.extend(
            faults
                .into_iter()
                .map(|Fault { pointer, error }| Finding::of_template(&error, &format!("/{member}{pointer}"))),
        );
        value
    }

    /// The name that it gets in Azure; open values in it are left out.
    pub(super) fn name(&self, findings: &mut Vec<Finding>) -> String {
        let name = self.resolve("name", findings);
        self.scope.session.opens.plain_text(name.as_str().unwrap_or_default())
    }
}

/// The resources of a template, in order.
pub(super) fn resources(template: &Value, session: &Rc<Session>) -> Vec<Resource> {
    let scope = Rc::new(Scope::new(Rc::clone(session), template, Given::Nothing));
    let mut walk = Walk::default();
    walk.list(template.get("resources"), &List::top("/resources"), &scope);
    walk.found
}

#[derive(Default)]
struct Walk {
    found: Vec<Resource>,
    seen: usize,
}

/// Where a list of resources stands.
struct List<'a> {
    /// JSON pointer to it in the file.
    pointer: String,
    /// Type of the resource that holds it; empty at the top.
    parent: &'a str,
    /// How many resources and deployments are around it.
    depth: usize,
    /// Whether the conditions of all of these hold.
    deployed: bool,
}

impl List<'_> {
    fn top(pointer: &str) -> Self {
        Self {
            pointer: pointer.to_owned(),
            parent: "",
            depth: 0,
            deployed: true,
        }
    }
}

/// One round of a resource, or the resource where there is no loop.
struct Round<'a> {
    kind: &'a str,
    /// Its symbolic name, or its place in the list.
    step: &'a str,
    pointer: &'a str,
    depth: usize,
    deployed: bool,
}

impl Walk {
    /// `resources` is an array, or in newer templates an object with a symbolic name for each.
    fn list(&mut self, resources: Option<&Value>, list: &List, scope: &Rc<Scope>) {
        if list.depth > MAX_NESTING {
            scope.session.note("resources nested too deeply were left out");
            return;
        }
        match resources {
            Some(Value::Array(items)) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| self.resource(item, &index.to_string(), list, scope));
            }
            Some(Value::Object(members)) => {
                members
                    .iter()
                    .for_each(|(name, member)| self.resource(member, name, list, scope));
            }
            _ => {}
        }
    }

    /// Takes every round of a resource; one that exists already is none of the template's.
    fn resource(&mut self, body: &Value, step: &str, list: &List, scope: &Rc<Scope>) {
        let Some(kind) = body.get("type").and_then(Value::as_str).map(str::to_lowercase) else {
            return;
        };
        if body.get("existing").and_then(Value::as_bool) == Some(true) {
            return;
        }
        let kind = if list.parent.is_empty() || kind.starts_with("microsoft.") {
            kind
        } else {
            format!("{}/{kind}", list.parent)
        };
        let pointer = format!("{}/{}", list.pointer, pointer_step(step));
        let mut round = Round {
            kind: &kind,
            step,
            pointer: &pointer,
            depth: list.depth,
            deployed: list.deployed,
        };
        let Some(looped) = body.get("copy").filter(|copy| copy.as_object().is_some()) else {
            self.round(body, &round, scope);
            return;
        };
        let mut frames = copy::rounds(looped, true, scope).unwrap_or_else(|error| {
            scope.session.note(format!("the loop over a `{kind}`: {error}"));
            Vec::new()
        });
        if frames.is_empty() {
            scope.session.note(format!(
                "the loop over a `{kind}` has no round with the default parameters"
            ));
            round.deployed = false;
            let (name, of_resources, index) = (String::new(), true, 0);
            frames.push(Frame::Copy {
                name,
                of_resources,
                index,
            });
        }
        for frame in frames {
            if scope.session.charge(body).is_err() {
                scope.session.note(format!(
                    "the loop over a `{kind}` makes too much; the rest was left out"
                ));
                return;
            }
            self.round(body, &round, &Rc::new(scope.inside(frame)));
        }
    }

    fn round(&mut self, body: &Value, round: &Round, scope: &Rc<Scope>) {
        let Round { kind, pointer, .. } = *round;
        self.seen += 1;
        if self.seen > MAX_RESOURCES {
            scope
                .session
                .note(format!("resources after the first {MAX_RESOURCES} were left out"));
            return;
        }
        let condition = body.get("condition").map(|condition| scope.strict(condition));
        let holds = match condition {
            Some(Ok(value)) => scope.session.opens.plain(&value).as_bool() != Some(false),
            Some(Err(_)) | None => true,
        };
        if !holds {
            scope.session.note(format!(
                "a `{kind}` has a condition that does not hold with the default parameters"
            ));
        }
        let inner = List {
            pointer: format!("{pointer}/resources"),
            parent: kind,
            depth: round.depth + 1,
            deployed: round.deployed && holds,
        };
        if kind == DEPLOYMENT {
            self.deployment(body, round.step, inner, pointer, scope);
        } else if PACKAGES.iter().any(|package| kind.ends_with(package)) {
            self.package(body, inner, pointer, scope);
        } else {
            self.list(body.get("resources"), &inner, scope);
            self.found.push(Resource {
                kind: kind.to_owned(),
                pointer: pointer.to_owned(),
                body: body.clone(),
                deployed: inner.deployed,
                scope: Rc::clone(scope),
            });
        }
    }

    fn deployment(&mut self, body: &Value, step: &str, around: List, pointer: &str, scope: &Rc<Scope>) {
        let session = &scope.session;
        let Some(template) = body.at(&["properties", "template"]) else {
            session.note(linked(body, scope));
            self.found.push(Resource {
                kind: DEPLOYMENT.to_owned(),
                pointer: pointer.to_owned(),
                body: body.clone(),
                deployed: around.deployed,
                scope: Rc::clone(scope),
            });
            return;
        };
        let scope_name = body
            .at(&["properties", "expressionEvaluationOptions", "scope"])
            .and_then(Value::as_str);
        let inner = if scope_name.is_some_and(|name| name.eq_ignore_ascii_case("inner")) {
            let given = body.at(&["properties", "parameters"]).and_then(Value::as_object);
            let given = Given::Deployment(given.cloned().unwrap_or_default(), Rc::clone(scope));
            Rc::new(Scope::new(Rc::clone(session), template, given))
        } else {
            Rc::clone(scope)
        };
        let name = scope
            .strict(body.get("name").unwrap_or(&Value::Null))
            .unwrap_or_default();
        let name = session.opens.plain_text(name.as_str().unwrap_or_default());
        let outputs = template.get("outputs").and_then(Value::as_object).cloned();
        let names = [name, step.to_owned()].into_iter().filter(|name| !name.is_empty());
        session.deploy(names.collect(), outputs.unwrap_or_default(), Rc::clone(&inner));
        let list = List {
            pointer: format!("{pointer}/properties/template/resources"),
            parent: "",
            ..around
        };
        self.list(template.get("resources"), &list, &inner);
    }

    /// A template that another one carries as a value, as solutions of the content hub carry their playbooks.
    fn package(&mut self, body: &Value, around: List, pointer: &str, scope: &Rc<Scope>) {
        let mut faults = Vec::new();
        let carried = body.at(&["properties", "mainTemplate"]).unwrap_or(&Value::Null);
        let template = scope.resolve(carried, &mut faults);
        for fault in faults {
            scope.session.note(format!("a packaged template: {}", fault.error));
        }
        let inner = Rc::new(Scope::new(Rc::clone(&scope.session), &template, Given::Nothing));
        let list = List {
            pointer: format!("{pointer}/properties/mainTemplate/resources"),
            parent: "",
            ..around
        };
        self.list(template.get("resources"), &list, &inner);
    }
}

/// What is to be done about a deployment whose template is elsewhere.
fn linked(body: &Value, scope: &Scope) -> String {
    let text = |value: Option<&Value>| {
        let value = scope.strict(value?).ok()?;
        Some(scope.session.opens.shown(&value)).filter(|text| !text.is_empty())
    };
    let link = |name: &str| text(body.at(&["properties", "templateLink", name]));
    let name = text(body.get("name")).map_or_else(String::new, |name| format!(" `{name}`"));
    match link("uri").or_else(|| link("id")).or_else(|| link("relativePath")) {
        Some(place) => {
            format!("deployment{name} takes its template from {place}: get it and import it as a file of its own")
        }
        None => format!("deployment{name} has no template in this file: import it as a file of its own"),
    }
}

/// A name as a step of a JSON pointer.
pub(super) fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_resources_in_resources_and_deployments() {
        let template = Value::from_json(
            r#"{"parameters": {"P": {"type": "string", "defaultValue": "outer"}}, "resources": [
                {"type": "Microsoft.A/b", "name": "[parameters('P')]", "resources": [{"type": "c", "name": "child"}]},
                {"type": "Microsoft.Resources/deployments", "name": "d", "properties": {
                    "expressionEvaluationOptions": {"scope": "Inner"},
                    "parameters": {"P": {"value": "[concat(parameters('P'), '-inner')]"}},
                    "template": {"parameters": {"P": {"type": "string"}}, "resources": [
                        {"type": "Microsoft.D/e", "name": "[parameters('P')]"},
                        {"type": "Microsoft.Resources/deployments", "properties": {"template": {"resources": [
                            {"type": "Microsoft.F/g", "name": "[parameters('P')]"}]}}}]}}},
                {"type": "Microsoft.Resources/deployments", "properties": {"templateLink": {"uri": "[concat('https://x/', parameters('P'))]"}}}]}"#,
        );
        let session = Rc::new(Session::new("soc", "file"));
        let found = resources(&template.expect("template"), &session);
        let mut findings = Vec::new();
        let mut seen = found.iter().map(|resource| {
            format!(
                "{} {} {}",
                resource.kind,
                resource.name(&mut findings),
                resource.pointer
            )
        });
        let inner = "/resources/1/properties/template/resources";
        let expected = [
            "microsoft.a/b/c child /resources/0/resources/0".to_owned(),
            "microsoft.a/b outer /resources/0".to_owned(),
            format!("microsoft.d/e outer-inner {inner}/0"),
            format!("microsoft.f/g outer-inner {inner}/1/properties/template/resources/0"),
            "microsoft.resources/deployments  /resources/2".to_owned(),
        ];
        assert!(seen.by_ref().eq(expected));
        drop(seen);
        let link = "deployment takes its template from https://x/outer: get it and import it as a file of its own";
        assert_eq!(session.notes(), [link]);
        assert!(findings.is_empty());
    }
}
