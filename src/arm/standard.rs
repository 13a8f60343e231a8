//! Workflows of the standard plan: what lies beside `workflow.json` (`connections.json`, `parameters.json`) put where the
//! consumption plan has it, and settings of the app as open values.

use super::json;
use super::open::Open;
use super::secret::names_secret;
use super::session::Session;
use crate::expression::{Object, Value};

/// The call that reads a setting of the app, up to its name.
const SETTING: &str = "appsetting('";

/// Most parameters that are taken from `parameters.json`; Azure takes fewer.
const MAX_PARAMETERS: usize = 500;

/// The texts of the files that lie beside the workflow of a Logic App of the standard plan.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// `connections.json`.
    pub connections: Option<String>,
    /// `parameters.json`.
    pub parameters: Option<String>,
}

/// The properties of a bare workflow: the definition and the values of its parameters.
pub(super) fn properties(file: &Value, beside: &Beside, session: &Session) -> Value {
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
    if !definition.is_empty() {
        properties.insert("definition", definition);
    }
    if !given.is_empty() {
        properties.insert("parameters", given);
    }
    with_settings(&Value::from(properties), session)
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

/// The value with every setting of the app as an open value.
fn with_settings(value: &Value, session: &Session) -> Value {
    match value {
        Value::String(text) => Value::from(text_with_settings(text, session)),
        Value::Array(items) => Value::array(items.iter().map(|item| with_settings(item, session))),
        Value::Object(members) => Value::object(
            members
                .iter()
                .map(|(name, member)| (name.clone(), with_settings(member, session))),
        ),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => value.clone(),
    }
}

fn text_with_settings(text: &str, session: &Session) -> String {
    let mut output = String::new();
    let mut rest = text;
    let lower = text.to_ascii_lowercase();
    while let Some(start) = lower[text.len() - rest.len()..].find(SETTING) {
        let Some((name, after)) = rest[start + SETTING.len()..].split_once("')") else {
            break;
        };
        let kind = if names_secret(name) { "securestring" } else { "string" };
        let why = format!("it is setting `{name}` of the Logic App");
        let mark = session.opens.mark(Open::empty(name, kind, why));
        output.push_str(&rest[..start]);
        output.push_str(mark.as_str().unwrap_or_default());
        rest = after;
    }
    output + rest
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
        };
        let session = Session::new("soc", "flow");
        let properties = properties(&Value::from_json(file).expect("JSON"), &beside, &session);
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
            parameters: None,
        };
        super::properties(&Value::from_json(file).expect("JSON"), &broken, &session);
        assert!(session.notes()[1].contains("connections.json"));
    }
}
