//! Values as a template writes them: what looks like an expression is escaped, and ids of the placeholder subscription
//! become those of the deployment.

use crate::arm::{LOCATION, NIL_ID, copy};
use crate::expression::{Object, Value};

/// Longest expression that Azure takes is 24,576 characters; a little less leaves room for what stands around.
const MAX_EXPRESSION: usize = 24_000;
/// How ids of a subscription begin here.
const SUBSCRIPTION: &str = "/subscriptions/";

/// Where things are: what the importer put for the surroundings of a deployment.
pub(super) struct Places {
    group: String,
}

/// Text as a literal of an expression.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Places {
    pub(super) fn new(namespace: &str) -> Self {
        Self {
            group: format!("/resourceGroups/{namespace}"),
        }
    }

    /// The value as a part of a template.
    pub(super) fn write(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.text(text)),
            Value::Array(items) => Value::array(items.iter().map(|item| self.write(item))),
            Value::Object(members) => self.members(members),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => value.clone(),
        }
    }

    fn members(&self, members: &Object) -> Value {
        if !copy::loops(members.get_exact("copy")).is_empty() {
            // As a member it would be a loop of the template.
            return Value::from(format!("[json({})]", quoted(&Value::from(members.clone()).to_json())));
        }
        let members = members.iter();
        Value::object(members.map(|(name, member)| (escaped(name), self.write(member))))
    }

    /// A string as a part of a template.
    pub(super) fn text(&self, text: &str) -> String {
        self.deployed(text).unwrap_or_else(|| escaped(text))
    }

    /// The expression for a string with ids of the placeholder subscription.
    fn deployed(&self, text: &str) -> Option<String> {
        let mark = format!("{SUBSCRIPTION}{NIL_ID}");
        if text == NIL_ID || !text.contains(&mark) || text.chars().any(char::is_control) {
            return None;
        }
        let mut parts: Vec<String> = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(&mark) {
            let (before, after) = rest.split_at(start + SUBSCRIPTION.len());
            parts.push(quoted(before));
            parts.push("subscription().subscriptionId".to_owned());
            rest = &after[NIL_ID.len()..];
            for (place, expression) in self.places() {
                let (path, name) = place.split_at(place.rfind('/').map_or(0, |slash| slash + 1));
                let end = rest
                    .strip_prefix(&place)
                    .filter(|end| end.is_empty() || end.starts_with('/'));
                if let Some(end) = end.filter(|_| !name.is_empty()) {
                    parts.push(quoted(path));
                    parts.push(expression.to_owned());
                    rest = end;
                }
            }
        }
        if !rest.is_empty() {
            parts.push(quoted(rest));
        }
        let expression = format!("[concat({})]", parts.join(", "));
        (expression.len() <= MAX_EXPRESSION).then_some(expression)
    }

    /// What may follow the id of a subscription, and the expression for its last part.
    fn places(&self) -> [(String, &'static str); 2] {
        [
            (self.group.clone(), "resourceGroup().name"),
            (
                format!("/providers/Microsoft.Web/locations/{LOCATION}"),
                "parameters('location')",
            ),
        ]
    }
}

/// A string that a template takes as it is: two brackets where it would take one as the start of an expression.
fn escaped(text: &str) -> String {
    let looks_special = text.starts_with('[') && (text.len() > 1 && text.ends_with(']') || text.starts_with("[["));
    if looks_special {
        format!("[{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::arm::scope::{Given, Scope};
    use crate::arm::session::Session;

    /// What a deployment makes of the written value.
    fn deployed(value: &Value) -> Value {
        let template =
            r#"{"parameters": {"location": {"type": "string", "defaultValue": "[resourceGroup().location]"}}}"#;
        let template = Value::from_json(template).expect("template");
        let scope = Scope::new(Rc::new(Session::new("soc", "file")), &template, Given::Nothing);
        scope.strict(value).expect("value")
    }

    #[test]
    fn what_is_written_is_read_back() {
        let places = Places::new("soc");
        let texts = [
            "plain",
            "[",
            "[]",
            "[[",
            "[[]",
            "[[[",
            "[a] b",
            "[[a] b",
            "[concat('a')]",
            "[[concat('a')]",
            NIL_ID,
            &format!("/subscriptions/{NIL_ID}/resourceGroups/soc/providers/x"),
            &format!("'@{{x}}' /subscriptions/{NIL_ID}/resourceGroups/social /subscriptions/{NIL_ID}"),
            &format!("/subscriptions/{NIL_ID}/providers/Microsoft.Web/locations/local/managedApis/it's"),
        ];
        for text in texts {
            let value = Value::object([(text, Value::array([Value::from(text)]))]);
            assert_eq!(deployed(&places.write(&value)), value, "{text}");
        }
        let looped = Value::from_json(r#"{"a": {"copy": [{"name": "x", "count": 2, "input": "it's"}], "b": 1}}"#);
        let looped = looped.expect("JSON");
        assert_eq!(deployed(&places.write(&looped)), looped);
    }

    #[test]
    fn the_placeholder_subscription_becomes_that_of_the_deployment() {
        let text = format!("/subscriptions/{NIL_ID}/resourceGroups/soc/x");
        let expected = "[concat('/subscriptions/', subscription().subscriptionId, '/resourceGroups/', resourceGroup().name, '/x')]";
        assert_eq!(Places::new("soc").text(&text), expected);
    }
}
