//! The `approval` connector: webhook actions by which playbooks ask people, answered by Riposte itself. It takes the bodies
//! of Outlook's approval mails and of Teams' adaptive cards beside its own, so that a connection of it stands in for them.
//! Pure: from a body to what is asked. Invariant: what a connection demands (a sign-in, that somebody else decides) no
//! playbook takes back.

mod card;
mod notice;

use super::connection::ResolvedConnection;
use crate::engine::approval::{Approval, Choice};
use crate::engine::call::{Answer, Call};
use crate::expression::Value;

pub(super) use notice::notice;

/// The connection parameter that says where links are sent.
pub(super) const WEBHOOK_URL: &str = "webhookUrl";
/// Options of an approval that names none.
const OPTIONS: &str = "Approve, Reject";
/// The longest title, in characters.
const TITLE_MAX: usize = 500;
/// The longest details, in characters.
const DETAILS_MAX: usize = 50_000;
/// The most options.
const OPTIONS_MAX: usize = 20;
/// The most people that are asked.
const RECIPIENTS_MAX: usize = 100;

/// The form of the body in which people are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Riposte's own.
    Plain,
    /// An approval mail or a mail with options of Outlook.
    Mail,
    /// An adaptive card of Teams that waits for a response.
    Card,
}

/// The names that `x-riposte-approval` knows.
const FORMS: &[(&str, Form)] = &[("plain", Form::Plain), ("mail", Form::Mail), ("card", Form::Card)];

/// Why nobody is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unfit(String);

impl Form {
    /// The form of a name.
    pub fn named(name: &str) -> Option<Self> {
        FORMS.iter().find(|(known, _)| *known == name).map(|(_, form)| *form)
    }

    /// What a call asks, with what the connection demands.
    pub(super) fn read(self, call: &Call, connection: &ResolvedConnection) -> Result<Approval, Unfit> {
        let none = Value::Null;
        let body = call.body.as_ref().unwrap_or(&none);
        let mut approval = match self {
            Self::Plain => plain(body),
            Self::Mail => mail(body),
            Self::Card => card::read(body)?,
        };
        approval.action.clone_from(&call.action);
        demand(&mut approval, body, connection)?;
        approval.title = bounded(approval.title.trim(), TITLE_MAX);
        if approval.title.is_empty() {
            approval.title.clone_from(&call.action);
        }
        approval.details = bounded(approval.details.trim(), DETAILS_MAX);
        fits(approval)
    }
}

/// The answer that refuses a call.
pub(super) fn refused(why: &Unfit) -> Answer {
    let error = Value::object([("code", "BadRequest"), ("message", &why.0)]);
    Answer {
        status: 400,
        body: Some(Value::object([("error", error)])),
        ..Answer::default()
    }
}

fn plain(body: &Value) -> Approval {
    Approval {
        title: text(body, &["title"]),
        details: text(body, &["details"]),
        options: options(body.get("options")),
        recipients: names(body.get("to")),
        ..Approval::default()
    }
}

fn mail(body: &Value) -> Approval {
    let message = |name: &str| text(body, &["Message", name]);
    let parts = ["HeaderText", "Body", "SelectionText"].map(message);
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.trim().is_empty())
        .collect();
    Approval {
        title: message("Subject"),
        details: parts.join("<br>"),
        is_html: true,
        options: options(body.at(&["Message", "Options"])),
        recipients: names(body.at(&["Message", "To"])),
        ..Approval::default()
    }
}

/// Adds what the connection says, and what the body says of how to decide.
fn demand(approval: &mut Approval, body: &Value, connection: &ResolvedConnection) -> Result<(), Unfit> {
    let is_on = |name: &str| -> Result<bool, Unfit> {
        let demanded = match connection.parameter(name).map(str::trim) {
            None | Some("" | "false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(Unfit(format!(
                    "the connection's parameter '{name}' must be true or false"
                )));
            }
        };
        Ok(demanded || body.get(name).and_then(Value::as_bool).unwrap_or_default())
    };
    approval.sign_in = is_on("signIn")?;
    approval.requester_may_not_approve = is_on("requesterMayNotApprove")?;
    let named = connection.parameter("recipients").map(Value::from);
    let named = names(named.as_ref());
    if !named.is_empty() {
        approval.recipients = named;
    }
    let given = connection.parameter("needed").map(Value::from);
    approval.needed = count(given.as_ref())?.max(count(body.get("needed"))?);
    Ok(())
}

/// How many people must choose the same; 1 where nothing is said.
fn count(value: Option<&Value>) -> Result<u32, Unfit> {
    let count = match value {
        None | Some(Value::Null) => Some(1),
        Some(value) => value.to_text().trim().parse().ok(),
    };
    count
        .filter(|count| *count > 0)
        .ok_or_else(|| Unfit("'needed' must be a whole number, 1 or more".to_owned()))
}

/// Lets pass what can be decided.
fn fits(approval: Approval) -> Result<Approval, Unfit> {
    let (asked, needed) = (approval.recipients.len(), approval.needed);
    if approval.options.len() > OPTIONS_MAX {
        return Err(Unfit(format!("there may be {OPTIONS_MAX} options at most")));
    }
    if asked > RECIPIENTS_MAX {
        return Err(Unfit(format!("{RECIPIENTS_MAX} people can be asked at most")));
    }
    if asked > 0 && usize::try_from(needed).unwrap_or(usize::MAX) > asked {
        let message = format!("{needed} people must agree, but only {asked} are asked: name more, or lower 'needed'");
        return Err(Unfit(message));
    }
    Ok(approval)
}

fn text(value: &Value, path: &[&str]) -> String {
    match value.at(path) {
        None | Some(Value::Null) => String::new(),
        Some(found) => found.to_text(),
    }
}

/// The texts of a list, or of one text with commas or semicolons; each once.
fn names(value: Option<&Value>) -> Vec<String> {
    let texts: Vec<String> = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().map(Value::to_text).collect(),
        Some(other) => other.to_text().split([';', ',']).map(str::to_owned).collect(),
    };
    let mut names: Vec<String> = Vec::new();
    for name in texts.iter().map(|text| text.trim()).filter(|name| !name.is_empty()) {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    }
    names
}

fn options(value: Option<&Value>) -> Vec<Choice> {
    let mut options = names(value);
    if options.is_empty() {
        options = names(Some(&OPTIONS.into()));
    }
    let choice = |name| Choice {
        name,
        ..Choice::default()
    };
    options.into_iter().map(choice).collect()
}

/// A text that is not longer than this, in characters.
fn bounded(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_stand_once_whatever_separates_them() {
        let texts = |value: serde_json::Value| names(Some(&Value::from(&value)));
        assert_eq!(texts(json!(" YES ,NO; yes ,")), ["YES", "NO"]);
        assert_eq!(texts(json!(["a, b", "", "c"])), ["a, b", "c"]);
        assert!(texts(json!(null)).is_empty());
        let defaults: Vec<String> = options(None).into_iter().map(|option| option.name).collect();
        assert_eq!(defaults, ["Approve", "Reject"]);
    }
}
