//! `Playbook` to `Microsoft.Logic/workflows`: the definition with its brackets escaped, the values of its parameters as
//! parameters of the template, the connections wired, an identity where something signs in as the workflow.

use std::collections::HashSet;

use super::literal::quoted;
use super::{Draft, ExportError, azure_name, resource};
use crate::api::identity::MANAGED_IDENTITY;
use crate::api::manifest::{Metadata, Object as Item};
use crate::api::playbook::ConnectionBinding;
use crate::api::reference::{NamedValue, ValueSource};
use crate::api::{PlaybookSpec, yaml};
use crate::arm::secret::names_secret;
use crate::arm::workflow::{TEMPLATE_NAME, TEMPLATE_VERSION};
use crate::expression::{Object, Value};

impl Draft<'_> {
    pub(super) fn playbook(
        &mut self,
        playbook: &Item<PlaybookSpec>,
        taken: &mut HashSet<String>,
    ) -> Result<(), ExportError> {
        let Item { metadata, spec } = playbook;
        let name = metadata.name.as_str();
        let bound = spec.connections.iter().filter(|one| !self.connections.is_identity(one));
        let bound: Vec<ConnectionBinding> = bound.cloned().collect();
        let definition = definition(name, spec, !bound.is_empty())?;
        self.without_counterpart(name, spec);
        let azure_name = self.places.text(&azure_name(metadata, "playbook", taken));
        let azure_name = Some(Value::from(azure_name));
        let azure_name = self
            .parameters
            .declare("PlaybookName", "string", azure_name, "Name of the workflow");
        let (bindings, depends) = self.bindings(name, &bound);
        let mut values = Object::new();
        if !bound.is_empty() {
            values.insert("$connections", Value::object([("value", bindings)]));
        }
        for value in &spec.parameters {
            let given = self.value(name, &definition, value);
            values.insert(self.places.text(&value.name), Value::object([("value", given)]));
        }
        let signs_in = |name: &str| self.connections.signs_in_as_workflow(name);
        let signs_in = bound.iter().any(|one| signs_in(&one.connection_ref.name));
        let mut rest = Vec::new();
        if let Some(identity) = self.identity(&definition, signs_in) {
            rest.push(("identity", identity));
        }
        if let Some(tags) = self.tags(metadata) {
            rest.push(("tags", tags));
        }
        if let Some(depends) = depends {
            rest.push(("dependsOn", depends));
        }
        let state = if spec.suspend { "Disabled" } else { "Enabled" };
        let properties = [
            ("state", Value::from(state)),
            ("definition", self.places.write(&wired(&Value::from(definition)))),
            ("parameters", Value::from(values)),
        ];
        rest.push(("properties", Value::object(properties)));
        self.resources
            .push(resource("Microsoft.Logic/workflows", "2019-05-01", azure_name, rest));
        Ok(())
    }

    fn without_counterpart(&mut self, name: &str, spec: &PlaybookSpec) {
        let fields = [
            ("appSettings", !spec.app_settings.is_empty()),
            ("serviceAccountName", spec.service_account_name.is_some()),
            ("concurrency", spec.concurrency.is_some()),
            (
                "successfulRunsHistoryLimit",
                spec.successful_runs_history_limit.is_some(),
            ),
            ("failedRunsHistoryLimit", spec.failed_runs_history_limit.is_some()),
            ("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished.is_some()),
        ];
        for (field, _) in fields.into_iter().filter(|(_, is_set)| *is_set) {
            self.note(format!(
                "`{field}` of Playbook `{name}` has no counterpart in a template"
            ));
        }
    }

    /// The value of a parameter of the workflow: a parameter of the template, where the template has such a type.
    fn value(&mut self, playbook: &str, definition: &Object, value: &NamedValue) -> Value {
        let declared = definition.get("parameters").and_then(|all| all.get(&value.name));
        let declared = declared.and_then(|one| one.get("type")).and_then(Value::as_str);
        let declared = declared.unwrap_or("string").to_lowercase();
        let holds_text = !declared.contains("object") && !declared.contains("array");
        let description = format!("Parameter {} of workflow {playbook}", value.name);
        let mut declare =
            |kind: &str, default: Option<Value>| self.parameters.declare(&value.name, kind, default, &description);
        match &value.value_from {
            Some(ValueSource::SecretKeyRef(_)) if holds_text => return declare("securestring", None),
            Some(ValueSource::SecretKeyRef(_)) => return declare("secureObject", None),
            Some(ValueSource::ConfigMapKeyRef(_)) if holds_text => return declare("string", None),
            Some(ValueSource::ConfigMapKeyRef(_)) => return declare("object", None),
            None => {}
        }
        let given = value.value.as_ref().map(Value::from).unwrap_or_default();
        if declared.starts_with("secure") {
            let kind = if holds_text { "securestring" } else { "secureObject" };
            let parameter = declare(kind, None);
            self.note(format!(
                "the value of secure parameter `{}` of Playbook `{playbook}` was left out: give it when you deploy",
                value.name
            ));
            return parameter;
        }
        let kind = match &given {
            Value::String(_) if names_secret(&value.name) => None,
            Value::String(_) => Some("string"),
            Value::Int(_) => Some("int"),
            Value::Bool(_) => Some("bool"),
            Value::Array(_) => Some("array"),
            Value::Object(_) => Some("object"),
            Value::Null | Value::Float(_) | Value::Decimal(_) => None,
        };
        let given = self.places.write(&given);
        match kind {
            Some(kind) => self.parameters.declare(&value.name, kind, Some(given), &description),
            None => given,
        }
    }

    /// The identity that a workflow needs to sign in as itself.
    fn identity(&self, definition: &Object, connections_sign_in: bool) -> Option<Value> {
        let mut users = Vec::new();
        let mut signs_in = connections_sign_in;
        let mut rest = vec![Value::from(definition.clone())];
        while let Some(value) = rest.pop() {
            if let Some(authentication) = value.get("authentication") {
                let kind = authentication.get("type").and_then(Value::as_str).unwrap_or_default();
                let is_identity = kind.eq_ignore_ascii_case(MANAGED_IDENTITY);
                signs_in |= is_identity;
                let user = authentication.get("identity").and_then(Value::as_str);
                users.extend(
                    user.filter(|user| is_identity && user.starts_with('/'))
                        .map(str::to_owned),
                );
            }
            match &value {
                Value::Array(items) => rest.extend(items.iter().cloned()),
                Value::Object(members) => rest.extend(members.iter().map(|(_, member)| member.clone())),
                Value::Null
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Decimal(_)
                | Value::String(_) => {}
            }
        }
        if users.is_empty() {
            return signs_in.then(|| Value::object([("type", "SystemAssigned")]));
        }
        let users = users
            .iter()
            .map(|user| (self.places.text(user), Value::from(Object::new())));
        Some(Value::object([
            ("type", Value::from("UserAssigned")),
            ("userAssignedIdentities", Value::object(users)),
        ]))
    }

    fn tags(&self, metadata: &Metadata) -> Option<Value> {
        let mut tags = Object::new();
        for (tag, annotation) in [
            ("hidden-SentinelTemplateName", TEMPLATE_NAME),
            ("hidden-SentinelTemplateVersion", TEMPLATE_VERSION),
        ] {
            if let Some(text) = metadata.annotations.get(annotation) {
                tags.insert(tag, self.places.text(text));
            }
        }
        (!tags.is_empty()).then(|| Value::from(tags))
    }
}

/// The definition with connections named as the consumption plan names them, which is the one that a template deploys.
fn wired(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| {
                let alias = member.at(&["connection", "referenceName"]).and_then(Value::as_str);
                let Some(alias) = alias.filter(|_| name.eq_ignore_ascii_case("host")) else {
                    return (name.clone(), wired(member));
                };
                let id = format!("@parameters('$connections')[{}]['connectionId']", quoted(alias));
                let mut host = member.as_object().cloned().unwrap_or_default();
                host.insert("connection", Value::object([("name", id)]));
                (name.clone(), Value::from(host))
            });
            Value::object(members)
        }
        Value::Array(items) => Value::array(items.iter().map(wired)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::String(_) => {
            value.clone()
        }
    }
}

/// The definition, with `$connections` declared where the workflow has connections, as Azure demands.
fn definition(name: &str, spec: &PlaybookSpec, has_connections: bool) -> Result<Object, ExportError> {
    let failed = |problem: String| ExportError::Definition {
        playbook: name.to_owned(),
        problem,
    };
    let definition = match (&spec.definition, &spec.definition_text) {
        (Some(definition), _) => Value::from(definition),
        (None, Some(text)) => match Value::from_json(text) {
            Ok(definition) => definition,
            Err(_) => {
                let documents = yaml::parse(text).map_err(|problem| failed(problem.message))?;
                documents.first().map(|one| Value::from(&one.json)).unwrap_or_default()
            }
        },
        (None, None) => Value::Null,
    };
    let definition = definition.as_object().cloned();
    let mut definition = definition.ok_or_else(|| failed("it is no object".to_owned()))?;
    if has_connections {
        let parameters = definition.get("parameters").and_then(Value::as_object).cloned();
        let mut parameters = parameters.unwrap_or_default();
        if parameters.get("$connections").is_none() {
            let empty = Value::from(Object::new());
            let declaration = Value::object([("type", Value::from("Object")), ("defaultValue", empty)]);
            parameters.insert("$connections", declaration);
            definition.insert("parameters", parameters);
        }
    }
    Ok(definition)
}
