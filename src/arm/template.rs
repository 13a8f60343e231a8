//! The resources of a template: those at the top, those inside others and those of nested deployments, each with the
//! scope that its expressions see.

use std::rc::Rc;

use super::scope::{Fault, Scope, Session};
use super::verdict::Finding;
use crate::expression::{Object, Value};

/// Deepest nesting of resources and deployments in each other.
const MAX_NESTING: usize = 8;

/// One resource.
pub(super) struct Resource {
    /// Type in lower case, such as `microsoft.logic/workflows`.
    pub kind: String,
    /// JSON pointer to it in the file.
    pub pointer: String,
    /// The resource as it is written.
    pub body: Value,
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
    let scope = Rc::new(Scope::new(Rc::clone(session), template, Object::new()));
    let mut found = Vec::new();
    let list = List {
        pointer: "/resources".to_owned(),
        parent: "",
        depth: 0,
    };
    Walk { found: &mut found }.list(template.get("resources"), &list, &scope);
    found
}

struct Walk<'a> {
    found: &'a mut Vec<Resource>,
}

/// Where a list of resources stands.
struct List<'a> {
    /// JSON pointer to it in the file.
    pointer: String,
    /// Type of the resource that holds it; empty at the top.
    parent: &'a str,
    /// How many resources and deployments are around it.
    depth: usize,
}

impl Walk<'_> {
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
                    .for_each(|(name, member)| self.resource(member, &pointer_step(name), list, scope));
            }
            _ => {}
        }
    }

    fn resource(&mut self, body: &Value, step: &str, list: &List, scope: &Rc<Scope>) {
        let List { parent, depth, .. } = *list;
        let pointer = format!("{}/{step}", list.pointer);
        let Some(kind) = body.get("type").and_then(Value::as_str).map(str::to_lowercase) else {
            return;
        };
        let kind = if parent.is_empty() || kind.starts_with("microsoft.") {
            kind
        } else {
            format!("{parent}/{kind}")
        };
        let condition = body.get("condition").map(|condition| scope.strict(condition));
        if let Some(Ok(Value::Bool(false))) = condition {
            scope.session.note(format!(
                "a `{kind}` has a condition that does not hold with the default parameters"
            ));
        }
        if body.get("copy").is_some() {
            scope
                .session
                .note(format!("`copy` is not served: one `{kind}` was read"));
        }
        if kind == "microsoft.resources/deployments" {
            self.deployment(body, &pointer, scope, depth);
        } else {
            let inner = List {
                pointer: format!("{pointer}/resources"),
                parent: &kind,
                depth: depth + 1,
            };
            self.list(body.get("resources"), &inner, scope);
            self.found.push(Resource {
                kind,
                pointer,
                body: body.clone(),
                scope: Rc::clone(scope),
            });
        }
    }

    fn deployment(&mut self, body: &Value, pointer: &str, scope: &Rc<Scope>, depth: usize) {
        let session = &scope.session;
        let Some(template) = body.at(&["properties", "template"]) else {
            session.note("a linked template was not read: import it as a file of its own");
            return;
        };
        let scope_name = body
            .at(&["properties", "expressionEvaluationOptions", "scope"])
            .and_then(Value::as_str);
        let inner = if scope_name.is_some_and(|name| name.eq_ignore_ascii_case("inner")) {
            Rc::new(Scope::new(Rc::clone(session), template, given(body, scope)))
        } else {
            Rc::clone(scope)
        };
        let list = List {
            pointer: format!("{pointer}/properties/template/resources"),
            parent: "",
            depth: depth + 1,
        };
        self.list(template.get("resources"), &list, &inner);
    }
}

/// A name as a step of a JSON pointer.
pub(super) fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The values that a deployment gives to the parameters of its template.
fn given(body: &Value, outer: &Scope) -> Object {
    let parameters = body
        .at(&["properties", "parameters"])
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let mut given = Object::new();
    for (name, parameter) in parameters.iter() {
        match parameter.get("value").map(|value| outer.strict(value)) {
            Some(Ok(value)) => given.insert(name.clone(), value),
            Some(Err(error)) => outer
                .session
                .note(format!("nested parameter `{name}` has no value: {error}")),
            None => outer.session.note(format!(
                "nested parameter `{name}` comes from a Key Vault and was left open"
            )),
        }
    }
    given
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
                {"type": "Microsoft.Resources/deployments", "properties": {"templateLink": {"uri": "https://x"}}}]}"#,
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
        ];
        assert!(seen.by_ref().eq(expected));
        drop(seen);
        assert_eq!(session.notes().len(), 1, "{:?}", session.notes());
        assert!(findings.is_empty());
    }
}
