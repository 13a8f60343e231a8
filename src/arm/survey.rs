//! What a definition says about the world outside it: which operations it calls through which connection, and which
//! Azure subscriptions are written into it. Works on raw JSON, so also where the definition breaks its rules.

use super::NIL_ID;
use super::template::pointer_step;
use crate::api::identity::{MANAGED_IDENTITY, identity_name};
use crate::definition::function_app;
use crate::expression::Value;

/// A call through a connection.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// Name of the connection in `$connections`; `None` where the call names it in another way.
    pub alias: Option<String>,
    /// Method and path, for actions of type `ApiConnection`; triggers and webhooks only need their connector.
    pub operation: Option<(String, String)>,
    /// JSON pointer to the action or trigger.
    pub pointer: String,
}

/// The calls of a definition, in its order.
pub(super) fn calls(definition: &Value) -> Vec<Call> {
    let mut found = Vec::new();
    visit(definition, "", &mut |value, pointer| {
        let host = |name: &str| {
            value
                .at(&["inputs", "host", "connection", name])
                .and_then(Value::as_str)
        };
        let alias = match (host("referenceName"), host("name")) {
            (Some(name), _) => Some(name.to_owned()),
            (None, Some(connection)) => alias(connection),
            (None, None) => return,
        };
        let text = |path: &[&str]| value.at(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_action = text(&["type"]).eq_ignore_ascii_case("ApiConnection") && !pointer.starts_with("/triggers/");
        found.push(Call {
            alias,
            operation: is_action.then(|| (text(&["inputs", "method"]), text(&["inputs", "path"]))),
            pointer: pointer.to_owned(),
        });
    });
    found
}

/// The function apps whose functions a definition calls, each once.
pub(super) fn function_apps(definition: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    visit(definition, "", &mut |value, _| {
        let id = value.at(&["inputs", "function", "id"]).and_then(Value::as_str);
        let app = id.and_then(function_app).filter(|app| !app.contains('@'));
        if let Some(app) = app.filter(|app| !found.iter().any(|known| known.eq_ignore_ascii_case(app))) {
            found.push(app.to_owned());
        }
    });
    found
}

/// The managed identities that the calls of a definition act as, by the names under which they are bound, each once.
pub(super) fn identities(definition: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    visit(definition, "", &mut |value, _| {
        let text = |name: &str| value.at(&["authentication", name]).and_then(Value::as_str);
        if text("type").is_some_and(|kind| kind.eq_ignore_ascii_case(MANAGED_IDENTITY)) {
            let name = identity_name(text("identity").filter(|id| !id.contains('@')));
            if !found.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                found.push(name);
            }
        }
    });
    found
}

/// Places and ids of subscriptions that are written into a definition, other than the placeholder.
pub(super) fn foreign_subscriptions(definition: &Value) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    visit(definition, "", &mut |value, pointer| {
        let Value::String(text) = value else { return };
        let named = pointer
            .rsplit('/')
            .next()
            .is_some_and(|name| name.to_lowercase().contains("subscription"));
        let id = match text.to_lowercase().find("/subscriptions/") {
            Some(at) => text.get(at + "/subscriptions/".len()..).and_then(written_id),
            None if named => written_id(text),
            None => None,
        };
        if let Some(id) = id.filter(|id| !id.eq_ignore_ascii_case(NIL_ID)) {
            found.push((pointer.to_owned(), id));
        }
    });
    found
}

/// The id at the start of a text, also as the literal of a call: `@{encodeURIComponent('…')}`.
fn written_id(text: &str) -> Option<String> {
    let start = match text.strip_prefix("@{") {
        Some(expression) => &expression[expression.find('\'')? + 1..],
        None => text,
    };
    let id = start.get(..36)?;
    uuid::Uuid::try_parse(id).is_ok().then(|| id.to_owned())
}

fn visit(value: &Value, pointer: &str, see: &mut dyn FnMut(&Value, &str)) {
    see(value, pointer);
    match value {
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| visit(item, &format!("{pointer}/{index}"), see));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            visit(member, &format!("{pointer}/{}", pointer_step(name)), see);
        }),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::String(_) => {}
    }
}

/// `x` of `@parameters('$connections')['x']['connectionId']`, however it is accessed.
fn alias(connection: &str) -> Option<String> {
    let (_, rest) = connection.split_once("$connections')")?;
    let rest = rest.trim_start_matches('?');
    if let Some(quoted) = rest.strip_prefix("['") {
        return quoted.split_once("']").map(|(name, _)| name.replace("''", "'"));
    }
    let name: String = rest
        .strip_prefix('.')?
        .chars()
        .take_while(|c| c.is_alphanumeric() || "_-".contains(*c))
        .collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_calls_in_blocks_and_triggers() {
        let definition = Value::from_json(
            r#"{"triggers": {"T": {"type": "ApiConnectionWebhook",
                    "inputs": {"host": {"connection": {"name": "@parameters('$connections').azuresentinel.connectionId"}}}}},
                "actions": {"If": {"type": "If", "else": {"actions": {"A": {"type": "apiconnection", "inputs": {"method": "get",
                    "path": "/x", "host": {"connection": {"name": "@parameters('$connections')?['vt-1']?['connectionId']"}}}}}}}}}"#,
        );
        let found = calls(&definition.expect("definition"));
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].alias.as_deref(), &found[0].operation),
            (Some("azuresentinel"), &None)
        );
        assert_eq!(found[1].alias.as_deref(), Some("vt-1"));
        assert_eq!(found[1].operation, Some(("get".to_owned(), "/x".to_owned())));
        assert_eq!(found[1].pointer, "/actions/If/else/actions/A");
    }

    #[test]
    fn finds_subscriptions_that_are_written_down() {
        let id = "11111111-2222-3333-4444-555555555555";
        let hard = [
            format!(r#"{{"path": "/subscriptions/{id}/resourceGroups/g"}}"#),
            format!(r#"{{"path": "@{{concat('/subscriptions/{id}/x')}}"}}"#),
            format!(r#"{{"path": "/subscriptions/@{{encodeURIComponent('{id}')}}/resourceGroups/g"}}"#),
            format!(r#"{{"queries": {{"subscriptions": "{id}"}}}}"#),
        ];
        for text in hard {
            assert_eq!(
                foreign_subscriptions(&Value::from_json(&text).expect("json")).len(),
                1,
                "{text}"
            );
        }
        let soft = [
            format!(r#"{{"path": "/subscriptions/{NIL_ID}/x"}}"#),
            r#"{"path": "/subscriptions/@{encodeURIComponent(triggerBody()?['SubscriptionId'])}/x"}"#.to_owned(),
            format!(r#"{{"id": "{id}"}}"#),
        ];
        for text in soft {
            assert_eq!(
                foreign_subscriptions(&Value::from_json(&text).expect("json")),
                [],
                "{text}"
            );
        }
    }
}
