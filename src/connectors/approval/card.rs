//! Adaptive cards: what one says, what can be filled in, and what its buttons are. Invariant: a card of any depth or
//! length is read within bounds.

use serde_json::{Map, Value as Json};

use super::{Unfit, names, text};
use crate::engine::approval::{Approval, Choice, Field, FieldKind};
use crate::expression::Value;

/// How deep a card is looked into.
const DEPTH_MAX: usize = 32;
/// How many elements are read.
const ELEMENTS_MAX: usize = 2_000;
/// Members that hold further elements.
const INSIDE: &[&str] = &[
    "body", "items", "columns", "rows", "cells", "actions", "card", "inlines",
];

/// What a Teams action asks with a card: `{body: {messageBody, recipient}}`.
pub(super) fn read(body: &Value) -> Result<Approval, Unfit> {
    let message = body.at(&["body", "messageBody"]);
    let message = message.ok_or_else(|| Unfit("the body has no 'body.messageBody' with a card".to_owned()))?;
    let card: Json = match message {
        Value::String(text) => serde_json::from_str(text).map_err(|error| {
            Unfit(format!(
                "'body.messageBody' is no adaptive card: it is not JSON, {error}"
            ))
        })?,
        other => Json::from(other),
    };
    let mut reader = Reader::default();
    reader.element(&card, DEPTH_MAX);
    let mut lines = reader.lines.into_iter();
    let title = lines.next().unwrap_or_default();
    let mut options = reader.options;
    if options.is_empty() {
        options.push(Choice {
            name: "Submit".to_owned(),
            ..Choice::default()
        });
    }
    Ok(Approval {
        title,
        details: lines.collect::<Vec<_>>().join("\n"),
        options,
        fields: reader.fields,
        recipients: recipients(body),
        ..Approval::default()
    })
}

/// Whom the card is for: people, else its channel.
fn recipients(body: &Value) -> Vec<String> {
    let recipient = body.at(&["body", "recipient"]);
    let to = recipient.and_then(|recipient| recipient.get("to"));
    let named = names(to.or_else(|| recipient.filter(|recipient| recipient.as_str().is_some())));
    if !named.is_empty() {
        return named;
    }
    let channel = text(body, &["body", "recipient", "channelId"]);
    if channel.is_empty() { Vec::new() } else { vec![channel] }
}

#[derive(Default)]
struct Reader {
    seen: usize,
    lines: Vec<String>,
    fields: Vec<Field>,
    options: Vec<Choice>,
}

impl Reader {
    fn element(&mut self, element: &Json, depth: usize) {
        self.seen += 1;
        if depth == 0 || self.seen > ELEMENTS_MAX {
            return;
        }
        match element {
            Json::Array(items) => items.iter().for_each(|item| self.element(item, depth - 1)),
            Json::Object(members) => {
                self.own(members);
                for inside in INSIDE.iter().filter_map(|name| members.get(*name)) {
                    self.element(inside, depth - 1);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }

    fn own(&mut self, element: &Map<String, Json>) {
        match of(element, "type").as_str() {
            "TextBlock" | "TextRun" => self.line(of(element, "text")),
            "FactSet" => {
                for fact in element.get("facts").and_then(Json::as_array).into_iter().flatten() {
                    self.line(format!("{}: {}", shown(fact.get("title")), shown(fact.get("value"))));
                }
            }
            "Action.Submit" | "Action.Execute" => self.option(element),
            kind => {
                if let Some(kind) = field_kind(kind, element) {
                    self.field(kind, element);
                }
            }
        }
    }

    fn line(&mut self, line: String) {
        if !line.trim().is_empty() {
            self.lines.push(line.trim().to_owned());
        }
    }

    fn option(&mut self, element: &Map<String, Json>) {
        let name = of(element, "title");
        if name.is_empty() || self.options.iter().any(|known| known.name == name) {
            return;
        }
        let data = element.get("data").and_then(Json::as_object).cloned();
        self.options.push(Choice {
            name,
            data: data.unwrap_or_default(),
        });
    }

    fn field(&mut self, kind: FieldKind, element: &Map<String, Json>) {
        let id = of(element, "id");
        if id.is_empty() || self.fields.iter().any(|known| known.id == id) {
            return;
        }
        let labels = ["label", "title", "placeholder", "id"].map(|name| of(element, name));
        self.fields.push(Field {
            label: labels.into_iter().find(|label| !label.is_empty()).unwrap_or_default(),
            required: element.get("isRequired").and_then(Json::as_bool).unwrap_or_default(),
            value: of(element, "value"),
            id,
            kind,
        });
    }
}

fn field_kind(kind: &str, element: &Map<String, Json>) -> Option<FieldKind> {
    let is_on = |name: &str| {
        element
            .get(name)
            .is_some_and(|value| *value == true || *value == "true")
    };
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    Some(match kind {
        "Input.Text" if is_on("isMultiline") => FieldKind::Lines,
        "Input.Text" => FieldKind::Text,
        "Input.Number" => FieldKind::Number,
        "Input.Date" => FieldKind::Date,
        "Input.Time" => FieldKind::Time,
        "Input.Toggle" => FieldKind::Toggle {
            on: or(of(element, "valueOn"), "true"),
            off: or(of(element, "valueOff"), "false"),
        },
        "Input.ChoiceSet" => {
            let choices = element.get("choices").and_then(Json::as_array).into_iter().flatten();
            FieldKind::Choices {
                choices: choices
                    .map(|one| (shown(one.get("title")), shown(one.get("value"))))
                    .collect(),
                many: is_on("isMultiSelect"),
            }
        }
        _ => return None,
    })
}

fn of(element: &Map<String, Json>, name: &str) -> String {
    shown(element.get(name))
}

fn shown(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_card_becomes_a_question() {
        let card = json!({ "type": "AdaptiveCard", "body": [
            { "type": "TextBlock", "text": "Block it?" },
            { "type": "ColumnSet", "columns": [{ "type": "Column", "items": [
                { "type": "FactSet", "facts": [{ "title": "Host", "value": "web-1" }] },
                { "type": "Input.ChoiceSet", "id": "severity", "placeholder": "Severity",
                  "choices": [{ "title": "High", "value": "high" }] },
            ] }] },
        ], "actions": [
            { "type": "Action.Submit", "title": "Block", "data": { "x": 1 } },
            { "type": "Action.ShowCard", "title": "More", "card": { "body": [{ "type": "Input.Text", "id": "note" }],
              "actions": [{ "type": "Action.Submit", "title": "Ignore" }] } },
        ] });
        let asked = |message: Json, recipient: Json| {
            read(&Value::from(
                &json!({ "body": { "messageBody": message, "recipient": recipient } }),
            ))
        };
        let channel = json!({ "channelId": "19:a@thread", "groupId": "g" });
        let approval = asked(json!(card.to_string()), channel).unwrap();
        assert_eq!(
            (approval.title.as_str(), approval.details.as_str()),
            ("Block it?", "Host: web-1")
        );
        let options: Vec<&str> = approval.options.iter().map(|option| option.name.as_str()).collect();
        assert_eq!(options, ["Block", "Ignore"]);
        assert_eq!(approval.options[0].data["x"], 1);
        let fields: Vec<&str> = approval.fields.iter().map(|field| field.label.as_str()).collect();
        assert_eq!(fields, ["Severity", "note"]);
        assert_eq!(approval.recipients, ["19:a@thread"]);
        let person = asked(card, json!({ "to": "a@b.example;" })).unwrap();
        assert_eq!(person.recipients, ["a@b.example"]);
        assert!(
            asked(json!("{ no card"), Json::Null)
                .unwrap_err()
                .0
                .contains("no adaptive card")
        );
    }

    #[test]
    fn a_card_without_end_is_read_within_bounds() {
        let mut card = json!({ "type": "TextBlock", "text": "deepest" });
        for _ in 0..60 {
            card = json!({ "items": [card] });
        }
        let many: Vec<Json> = (0..5_000).map(|n| json!({ "type": "TextBlock", "text": n })).collect();
        let read = |body: Json| read(&Value::from(&json!({ "body": { "messageBody": body } }))).unwrap();
        assert_eq!(read(card).title, "");
        assert!(read(json!(many)).details.lines().count() < ELEMENTS_MAX);
    }
}
