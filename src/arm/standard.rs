//! Workflows of the standard plan: what lies beside `workflow.json` (`connections.json`, `parameters.json`) put where the
//! consumption plan has it, and settings of the app: what the definition reads of them is given by the Playbook, and
//! elsewhere their values stand, or open values where they are not known or secret.

use std::ops::Range;

use super::json;
use super::open::Open;
use super::secret::{holds_secret, names_connection_secret};
use super::session::Session;
use crate::expression::{Object, Value};

/// The call that reads a setting of the app, up to its name.
const SETTING: &str = "appsetting('";

/// Most parameters that are taken from `parameters.json`; Azure takes fewer.
const MAX_PARAMETERS: usize = 500;
/// Most settings of the app that a Playbook gives.
const MAX_SETTINGS: usize = 200;

/// The texts of the files that lie beside the workflow of a Logic App of the standard plan.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// `connections.json`.
    pub connections: Option<String>,
    /// `parameters.json`.
    pub parameters: Option<String>,
    /// `local.settings.json`.
    pub settings: Option<String>,
}

/// A setting of the app that the definition reads.
pub(super) struct Setting {
    /// Its name.
    pub name: String,
    /// Its value, if it is known and no secret.
    pub value: Option<String>,
    /// Whether it may only come from a Secret.
    pub is_secret: bool,
}

/// The properties of a bare workflow: the definition and the values of its parameters; and the settings that the
/// definition reads.
pub(super) fn properties(file: &Value, beside: &Beside, session: &Session) -> (Value, Vec<Setting>) {
    let mut properties = match (file.get("definition"), file.as_object()) {
        (Some(_), Some(members)) => members.clone(),
        _ => [("definition", file.clone())].into_iter().collect(),
    };
    if file
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("Stateless"))
    {
        session.note("a stateless workflow keeps its runs here as any other");
    }
    let member = |properties: &Object, name: &str| properties.get(name).and_then(Value::as_object).cloned();
    let mut given = member(&properties, "parameters").unwrap_or_default();
    let mut definition = member(&properties, "definition").unwrap_or_default();
    if let Some(connections) = read(beside.connections.as_deref(), "connections.json", session) {
        connect(&connections, &mut given);
    }
    if let Some(Value::Object(parameters)) = read(beside.parameters.as_deref(), "parameters.json", session) {
        give(&parameters, &mut definition, &mut given);
    }
    let settings = Settings::read(beside, session);
    let mut read = Vec::new();
    for (name, member) in definition.clone().iter() {
        if name.eq_ignore_ascii_case("parameters") {
            definition.insert(name.clone(), settings.placed(member));
        } else {
            names_in(member, &mut read);
        }
    }
    if !definition.is_empty() {
        properties.insert("definition", definition);
    }
    if !given.is_empty() {
        properties.insert("parameters", settings.placed(&Value::from(given)));
    }
    let read = read.into_iter().map(|name| settings.find(name)).collect();
    (Value::from(properties), read)
}

fn read(text: Option<&str>, name: &str, session: &Session) -> Option<Value> {
    match json::read(text?) {
        Ok(reading) => Some(reading.value),
        Err(reason) => {
            session.note(format!("`{name}` beside the workflow was not read: {reason}"));
            None
        }
    }
}

/// Adds the managed connections as `$connections`, where the workflow does not bring it.
fn connect(connections: &Value, given: &mut Object) {
    let managed = connections.get("managedApiConnections").and_then(Value::as_object);
    let Some(managed) = managed.filter(|_| given.get("$connections").is_none()) else {
        return;
    };
    let entries = managed.iter().map(|(alias, connection)| {
        let text = |path: &[&str]| connection.at(path).cloned().unwrap_or_default();
        let mut entry: Object = [
            ("connectionId", text(&["connection", "id"])),
            ("id", text(&["api", "id"])),
        ]
        .into_iter()
        .collect();
        let authentication = text(&["authentication"]);
        entry.insert(
            "connectionProperties",
            Value::object([("authentication", authentication)]),
        );
        (alias.clone(), Value::from(entry))
    });
    given.insert("$connections", Value::object([("value", Value::object(entries))]));
}

/// Gives and declares the parameters that the definition uses.
fn give(parameters: &Object, definition: &mut Object, given: &mut Object) {
    let text = Value::from(definition.clone()).to_json().to_lowercase();
    let declared = definition.get("parameters").and_then(Value::as_object);
    let mut declared = declared.cloned().unwrap_or_default();
    for (name, parameter) in parameters.iter().take(MAX_PARAMETERS) {
        let is_used = text.contains(&format!("parameters('{}')", name.to_lowercase()));
        if declared.get(name).is_none() {
            if !is_used {
                continue;
            }
            let kind = parameter.get("type").cloned().unwrap_or_else(|| Value::from("String"));
            declared.insert(name.clone(), Value::object([("type", kind)]));
        }
        if let Some(value) = parameter.get("value").filter(|_| given.get(name).is_none()) {
            given.insert(name.clone(), Value::object([("value", value.clone())]));
        }
    }
    if !declared.is_empty() {
        definition.insert("parameters", declared);
    }
}

/// What is known of the settings of the app.
struct Settings<'a> {
    values: Object,
    session: &'a Session,
}

impl<'a> Settings<'a> {
    fn read(beside: &Beside, session: &'a Session) -> Self {
        let file = read(beside.settings.as_deref(), "local.settings.json", session).unwrap_or_default();
        let values = file.get("Values").and_then(Value::as_object).cloned();
        Self {
            values: values.unwrap_or_default(),
            session,
        }
    }

    fn find(&self, name: String) -> Setting {
        let value = self.values.get(&name).map(Value::to_text);
        let is_secret = names_connection_secret(&name) || value.as_deref().is_some_and(holds_secret);
        Setting {
            value: value.filter(|_| !is_secret),
            name,
            is_secret,
        }
    }

    /// The value with each setting as its value, or as an open value.
    fn placed(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.placed_in(text)),
            Value::Array(items) => Value::array(items.iter().map(|item| self.placed(item))),
            Value::Object(members) => {
                Value::object(members.iter().map(|(name, member)| (name.clone(), self.placed(member))))
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => value.clone(),
        }
    }

    fn placed_in(&self, text: &str) -> String {
        let mut output = String::new();
        let mut at = 0;
        for (span, name) in calls_in(text) {
            let setting = self.find(name.to_owned());
            let before = &text[at..span.start];
            at = span.end;
            match (setting.value, before.strip_suffix("@{"), before.strip_suffix('@')) {
                (Some(value), Some(before), _) if text[at..].starts_with('}') => {
                    output.push_str(before);
                    output.push_str(&value);
                    at += 1;
                }
                (Some(value), _, Some(before)) => {
                    output.push_str(before);
                    output.push_str(&value);
                }
                (_, _, _) => {
                    let kind = if setting.is_secret { "securestring" } else { "string" };
                    let mark = self.session.opens.mark(Open::empty(name, kind, setting_of(name)));
                    output.push_str(before);
                    output.push_str(mark.as_str().unwrap_or_default());
                }
            }
        }
        output + &text[at..]
    }
}

/// Why a setting has no value yet, for people.
pub(super) fn setting_of(name: &str) -> String {
    format!("it is setting `{name}` of the Logic App")
}

/// The calls in a text that read a setting: where each stands, and the name of its setting.
fn calls_in(text: &str) -> Vec<(Range<usize>, &str)> {
    let lower = text.to_ascii_lowercase();
    let mut calls = Vec::new();
    let mut at = 0;
    while let Some(start) = lower[at..].find(SETTING).map(|found| at + found) {
        let begin = start + SETTING.len();
        let Some((name, _)) = text[begin..].split_once("')") else {
            break;
        };
        at = begin + name.len() + "')".len();
        calls.push((start..at, name));
    }
    calls
}

/// The names of the settings that the strings of a value read, each once.
fn names_in(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            for (_, name) in calls_in(text) {
                if names.len() < MAX_SETTINGS && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    names.push(name.to_owned());
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names_in(item, names)),
        Value::Object(members) => members.iter().for_each(|(_, member)| names_in(member, names)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_a_workflow_is_put_into_it() {
        let file = r#"{"kind": "Stateless", "definition": {"triggers": {}, "actions": {"A": {"inputs": "@parameters('Site')"}}}}"#;
        let beside = Beside {
            connections: Some(r#"{"managedApiConnections": {"azuresentinel": {"api": {"id": "/a/managedApis/azuresentinel"},
                "connection": {"id": "/c/connections/sentinel-1"}, "authentication": {"type": "ManagedServiceIdentity"}}}}"#.to_owned()),
            parameters: Some(r#"{"Site": {"type": "String", "value": "@appsetting('SITE')"}, "Other": {"value": 1}}"#.to_owned()),
            settings: None,
        };
        let session = Session::new("soc", "flow");
        let (properties, _) = properties(&Value::from_json(file).expect("JSON"), &beside, &session);
        let at = |path: &[&str]| properties.at(path).map(Value::to_json);
        let entry = ["parameters", "$connections", "value", "azuresentinel"];
        let id = at(&[&entry[..], &["connectionId"]].concat());
        assert_eq!(id.as_deref(), Some("\"/c/connections/sentinel-1\""));
        assert_eq!(
            at(&["definition", "parameters"]).as_deref(),
            Some(r#"{"Site":{"type":"String"}}"#)
        );
        let site = properties.at(&["parameters", "Site", "value"]).expect("value");
        assert_eq!(session.opens.marks_in(site), [0]);
        assert_eq!(properties.at(&["parameters", "Other"]), None);
        assert_eq!(session.notes().len(), 1);
        let broken = Beside {
            connections: Some("{".to_owned()),
            ..Beside::default()
        };
        super::properties(&Value::from_json(file).expect("JSON"), &broken, &session);
        assert!(session.notes()[1].contains("connections.json"));
    }
}
