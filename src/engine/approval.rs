//! What a playbook asks of people, and what they decided: options, who is asked, how many must agree. Pure.
//! Invariants: each person counts once; the first option goes ahead only if as many people chose it as are needed; nothing
//! changes once it is decided.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::clock::round_trip;
use super::view::HIDDEN;
use crate::store::Millis;

/// The longest comment, in characters.
pub const COMMENT_MAX: usize = 4_000;
/// The longest value of an input, in characters.
const INPUT_MAX: usize = 4_000;

/// Something that people are asked to decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The action that waits.
    pub action: String,
    /// What it is about, in a line.
    pub title: String,
    /// More about it.
    pub details: String,
    /// Whether the details are HTML, of which only the text is shown.
    pub is_html: bool,
    /// What can be chosen; the first is the one that goes ahead.
    pub options: Vec<Choice>,
    /// What can be filled in.
    pub fields: Vec<Field>,
    /// Who is asked. Where nobody is named, whoever may approve runs can decide.
    pub recipients: Vec<String>,
    /// How many people must choose the same.
    pub needed: u32,
    /// Whether what is asked and filled in is shown to nobody but those who are asked.
    #[serde(default)]
    pub is_secure: bool,
    /// Whether whoever started the run may not decide.
    pub requester_may_not_approve: bool,
    /// Whether a link alone decides nothing: who decides must be signed in, and may approve runs.
    pub sign_in: bool,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
    /// The option that all of it came to.
    pub outcome: Option<String>,
}

/// One thing that can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What people see, and playbooks compare with.
    pub name: String,
    /// What the answer's data has with it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Json>,
}

/// One thing that can be filled in, as adaptive cards have them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// Its name in the answer's data.
    pub id: String,
    /// What people see.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must be filled in.
    pub required: bool,
    /// What it holds before.
    pub value: String,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FieldKind {
    /// A line.
    Text,
    /// Several lines.
    Lines,
    /// A number.
    Number,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// One of two values.
    Toggle {
        /// The value if it is on.
        on: String,
        /// The value if it is off.
        off: String,
    },
    /// One or several of these.
    Choices {
        /// Titles and values.
        choices: Vec<(String, String)>,
        /// Whether several can be chosen; the value is then a list with commas.
        many: bool,
    },
}

/// Who decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decider {
    /// The account, or whom the link was for.
    pub name: String,
    /// Whether it is known who it was; else somebody held the link.
    pub signed_in: bool,
}

/// What somebody wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vote {
    /// The option; `None` means the first.
    pub option: Option<String>,
    /// A remark.
    pub comment: String,
    /// What was filled in, by the id of the field; a field may stand several times.
    pub inputs: Vec<(String, String)>,
}

/// What somebody decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Who.
    pub by: Decider,
    /// The option.
    pub option: String,
    /// The remark.
    pub comment: String,
    /// What was filled in.
    pub inputs: Vec<(String, String)>,
    /// When.
    pub at: Millis,
}

/// Why a decision does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is over.
    #[error("it is decided already: {0}")]
    Decided(String),
    /// The action or its run has ended otherwise.
    #[error("the run does not wait for this any more")]
    Closed,
    /// The same person.
    #[error("you have decided already: {0}")]
    Twice(String),
    /// The person who started the run.
    #[error("who started the run may not decide this; somebody else must")]
    Requester,
    /// A link is not enough.
    #[error("this needs a sign-in: decide with `riposte approve`")]
    SignIn,
    /// There is no such option.
    #[error("there is no option '{given}'; choose one of: {options}")]
    Option {
        /// What was chosen.
        given: String,
        /// What can be.
        options: String,
    },
    /// Something is filled in wrongly.
    #[error("'{field}' {problem}")]
    Input {
        /// The field.
        field: String,
        /// What is wrong.
        problem: String,
    },
    /// Too much text.
    #[error("a comment has at most {COMMENT_MAX} characters")]
    Comment,
}

impl Approval {
    /// Counts a decision. `requesters` are those who started the run.
    ///
    /// # Errors
    /// It does not count, and nothing has changed.
    pub fn decide(&mut self, by: Decider, vote: &Vote, requesters: &[String], at: Millis) -> Result<(), Rejected> {
        if let Some(outcome) = &self.outcome {
            return Err(Rejected::Decided(outcome.clone()));
        }
        if self.sign_in && !by.signed_in {
            return Err(Rejected::SignIn);
        }
        if let Some(earlier) = self.decision_of(&by.name) {
            return Err(Rejected::Twice(earlier.option.clone()));
        }
        let is_requester = requesters.iter().any(|requester| is_same(requester, &by.name));
        if self.requester_may_not_approve && is_requester {
            return Err(Rejected::Requester);
        }
        if vote.comment.chars().count() > COMMENT_MAX {
            return Err(Rejected::Comment);
        }
        let option = self.option(vote.option.as_deref())?.name.clone();
        let inputs = self.inputs(&vote.inputs)?;
        self.decisions.push(Decision {
            by,
            option,
            comment: vote.comment.trim().to_owned(),
            inputs,
            at,
        });
        self.outcome = self.counted();
        Ok(())
    }

    /// The approval as it is shown to those who are not asked.
    #[must_use]
    pub fn shown(&self) -> Self {
        let mut shown = self.clone();
        if self.is_secure {
            let texts = [&mut shown.title, &mut shown.details].into_iter();
            let values = shown.fields.iter_mut().map(|field| &mut field.value);
            let comments = shown.decisions.iter_mut().flat_map(|decision| {
                let inputs = decision.inputs.iter_mut().map(|(_, value)| value);
                inputs.chain([&mut decision.comment])
            });
            for text in texts.chain(values).chain(comments).filter(|text| !text.is_empty()) {
                HIDDEN.clone_into(text);
            }
        }
        shown
    }

    /// What a person decided.
    pub fn decision_of(&self, name: &str) -> Option<&Decision> {
        self.decisions.iter().find(|decision| is_same(&decision.by.name, name))
    }

    /// How many people have chosen an option.
    pub fn votes(&self, option: &str) -> usize {
        self.decisions
            .iter()
            .filter(|decision| decision.option == option)
            .count()
    }

    fn option(&self, given: Option<&str>) -> Result<&Choice, Rejected> {
        let found = match given {
            Some(given) => self
                .options
                .iter()
                .find(|option| option.name.eq_ignore_ascii_case(given)),
            None => self.options.first(),
        };
        let names = || {
            self.options
                .iter()
                .map(|option| option.name.as_str())
                .collect::<Vec<_>>()
        };
        found.ok_or_else(|| Rejected::Option {
            given: given.unwrap_or_default().to_owned(),
            options: names().join(", "),
        })
    }

    /// The values of the fields; what is not filled in has no value.
    fn inputs(&self, given: &[(String, String)]) -> Result<Vec<(String, String)>, Rejected> {
        let wrong = |field: &str, problem: &str| Rejected::Input {
            field: field.to_owned(),
            problem: problem.to_owned(),
        };
        let is_known = |id: &str| self.fields.iter().any(|field| field.id == id);
        if let Some((unknown, _)) = given.iter().find(|(id, _)| !is_known(id)) {
            return Err(wrong(unknown, "cannot be filled in here"));
        }
        let mut inputs = Vec::new();
        for field in &self.fields {
            let values = given.iter().filter(|(id, _)| *id == field.id);
            let values: Vec<&str> = values
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
                .collect();
            let value = field.value(&values).map_err(|problem| wrong(&field.id, problem))?;
            inputs.extend(value.map(|value| (field.id.clone(), value)));
        }
        Ok(inputs)
    }

    /// The option that the decisions come to: one that as many people chose as are needed; or, once no option can get
    /// there any more, the last that was chosen of those that do not go ahead.
    fn counted(&self) -> Option<String> {
        let needed = usize::try_from(self.needed).unwrap_or(usize::MAX);
        let mut options = self.options.iter().map(|option| &option.name);
        if let Some(chosen) = options.clone().find(|option| self.votes(option) >= needed) {
            return Some(chosen.clone());
        }
        if self.recipients.is_empty() {
            return None;
        }
        let silent = self
            .recipients
            .iter()
            .filter(|name| self.decision_of(name).is_none())
            .count();
        let is_possible = |option: &String| self.votes(option) + silent >= needed;
        let first = options.next()?;
        if is_possible(first) || options.any(is_possible) {
            return None;
        }
        let against = self.decisions.iter().rev().find(|decision| decision.option != *first);
        against.map(|decision| decision.option.clone())
    }

    /// What the action that waited is called back with: the members that playbooks read after approval mails
    /// (`SelectedOption`) and adaptive cards (`submitActionId`, `data`, `responder`), with every decision beside them.
    pub fn answer(&self) -> Json {
        let outcome = self.outcome.clone().unwrap_or_default();
        let decisive = self.decisions.iter().rev().find(|decision| decision.option == outcome);
        let name = decisive.map_or("", |decision| decision.by.name.as_str());
        let chosen = self.options.iter().find(|option| option.name == outcome);
        let mut data = chosen.map(|option| option.data.clone()).unwrap_or_default();
        for (id, value) in decisive.iter().flat_map(|decision| &decision.inputs) {
            data.insert(id.clone(), json!(value));
        }
        data.insert("submitActionId".into(), json!(outcome));
        json!({
            "headers": { "Content-Type": "application/json; charset=utf-8" },
            "body": {
                "SelectedOption": outcome,
                "UserEmailAddress": address(name),
                "UserId": "",
                "UserTenantId": "",
                "submitActionId": outcome,
                "data": data,
                "responder": responder(name),
                "responseTime": decisive.map(|decision| round_trip(decision.at)),
                "comment": decisive.map(|decision| &decision.comment),
                "responses": self.decisions.iter().map(Decision::shown).collect::<Vec<_>>(),
            },
        })
    }
}

impl Decision {
    fn shown(&self) -> Json {
        json!({
            "responder": responder(&self.by.name),
            "signedIn": self.by.signed_in,
            "SelectedOption": self.option,
            "comment": self.comment,
            "responseTime": round_trip(self.at),
        })
    }
}

impl Field {
    fn value(&self, given: &[&str]) -> Result<Option<String>, &'static str> {
        if given.iter().any(|value| value.chars().count() > INPUT_MAX) {
            return Err("is too long");
        }
        let value = match &self.kind {
            FieldKind::Toggle { on, off } => {
                let is_on = given.iter().any(|value| value == on || *value == "on");
                Some(if is_on { on } else { off }.clone())
            }
            FieldKind::Choices { choices, many } => {
                let is_known = |value: &&str| choices.iter().any(|(_, known)| known == value);
                if !given.iter().all(is_known) || (given.len() > 1 && !many) {
                    return Err("has another value than can be chosen");
                }
                (!given.is_empty()).then(|| given.join(","))
            }
            FieldKind::Number if given.first().is_some_and(|value| value.trim().parse::<f64>().is_err()) => {
                return Err("must be a number");
            }
            FieldKind::Text | FieldKind::Lines | FieldKind::Number | FieldKind::Date | FieldKind::Time => {
                given.first().map(|value| (*value).to_owned())
            }
        };
        match value {
            None if self.required => Err("must be filled in"),
            value => Ok(value),
        }
    }
}

/// Whether two names are those of one person: runs name people as `user/NAME`.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.trim().strip_prefix("user/").unwrap_or(name.trim()).to_lowercase();
    bare(one) == bare(other)
}

fn address(name: &str) -> &str {
    if name.contains('@') { name } else { "" }
}

/// A person as answers of Microsoft Teams name one.
fn responder(name: &str) -> Json {
    json!({ "objectId": "", "tenantId": "", "email": address(name), "userPrincipalName": name, "displayName": name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(recipients: &[&str], needed: u32) -> Approval {
        let choice = |name: &str| Choice {
            name: name.into(),
            data: Map::new(),
        };
        Approval {
            options: ["Approve", "Reject", "Later"].map(choice).into(),
            recipients: recipients.iter().map(|name| (*name).to_owned()).collect(),
            needed,
            ..Approval::default()
        }
    }

    fn link(name: &str) -> Decider {
        Decider {
            name: name.into(),
            signed_in: false,
        }
    }

    fn vote(option: &str) -> Vote {
        Vote {
            option: Some(option.into()),
            ..Vote::default()
        }
    }

    /// What votes come to, one after the other.
    fn outcome(asked: &Approval, votes: &[(&str, &str)]) -> Option<String> {
        let mut asked = asked.clone();
        for (name, option) in votes {
            asked.decide(link(name), &vote(option), &[], 7).unwrap();
        }
        asked.outcome
    }

    #[test]
    fn as_many_as_are_needed_decide_and_a_refusal_that_cannot_be_made_good_ends_it() {
        let one = asked(&["a", "b"], 1);
        assert_eq!(outcome(&one, &[("b", "reject")]).as_deref(), Some("Reject"));
        let two = asked(&["a", "b", "c"], 2);
        assert_eq!(outcome(&two, &[("a", "Approve")]), None);
        assert_eq!(outcome(&two, &[("a", "Approve"), ("b", "Reject")]), None);
        let most = [("a", "Approve"), ("b", "Reject"), ("c", "Approve")];
        assert_eq!(outcome(&two, &most).as_deref(), Some("Approve"));
        let split = [("a", "Later"), ("b", "Reject"), ("c", "Approve")];
        assert_eq!(
            outcome(&two, &split).as_deref(),
            Some("Reject"),
            "never what goes ahead"
        );
        let all = asked(&["a", "b", "c"], 3);
        assert_eq!(
            outcome(&all, &[("a", "Reject"), ("b", "Approve")]).as_deref(),
            Some("Reject")
        );
        let anybody = asked(&[], 2);
        assert_eq!(outcome(&anybody, &[("x", "Reject"), ("y", "Approve")]), None);
    }

    #[test]
    fn each_person_counts_once_and_the_requester_not_at_all() {
        let mut two = asked(&["Mira@example.com"], 2);
        two.requester_may_not_approve = true;
        let requesters = ["user/ada".to_owned()];
        two.decide(link("Mira@example.com"), &vote("Approve"), &requesters, 7)
            .unwrap();
        let signed_in = Decider {
            name: "user/mira@EXAMPLE.com".into(),
            signed_in: true,
        };
        let again = two.decide(signed_in, &vote("Approve"), &requesters, 8);
        assert_eq!(again, Err(Rejected::Twice("Approve".into())));
        assert_eq!(
            two.decide(link("Ada"), &vote("Approve"), &requesters, 9),
            Err(Rejected::Requester)
        );
        two.decide(link("eve"), &vote("Approve"), &requesters, 9).unwrap();
        let late = two.decide(link("bob"), &vote("Reject"), &requesters, 10);
        assert_eq!(late, Err(Rejected::Decided("Approve".into())));
        assert_eq!(two.decisions.len(), 2);
    }

    #[test]
    fn a_link_is_not_enough_where_a_sign_in_is_asked_for() {
        let mut one = asked(&["a"], 1);
        one.sign_in = true;
        assert_eq!(one.decide(link("a"), &Vote::default(), &[], 7), Err(Rejected::SignIn));
        assert!(one.decisions.is_empty());
    }

    #[test]
    fn what_is_secure_is_shown_to_nobody_else() {
        let mut one = asked(&["a"], 1);
        one.title = "canary".into();
        one.is_secure = true;
        let said = Vote {
            comment: "canary".into(),
            ..Vote::default()
        };
        one.decide(link("a"), &said, &[], 7).unwrap();
        let shown = serde_json::to_string(&one.shown()).unwrap();
        assert!(!shown.contains("canary") && shown.contains("Approve"), "{shown}");
        one.is_secure = false;
        assert_eq!(one.shown(), one);
    }

    #[test]
    fn the_answer_has_what_playbooks_read() {
        let mut one = asked(&["mira@example.com"], 1);
        one.options[0].data.insert("x".into(), json!(1));
        let field = |id: &str, kind| Field {
            id: id.into(),
            label: String::new(),
            kind,
            required: false,
            value: String::new(),
        };
        let choices = ["High", "Low"]
            .map(|name| (name.to_owned(), name.to_lowercase()))
            .into();
        let toggle = FieldKind::Toggle {
            on: "yes".into(),
            off: "no".into(),
        };
        one.fields = vec![
            field("severity", FieldKind::Choices { choices, many: true }),
            field("sure", toggle),
            field("note", FieldKind::Text),
        ];
        let input = |id: &str, value: &str| (id.to_owned(), value.to_owned());
        let wrong = Vote {
            inputs: vec![input("severity", "odd")],
            ..Vote::default()
        };
        let rejected = one.decide(link("mira@example.com"), &wrong, &[], 7);
        assert!(matches!(rejected, Err(Rejected::Input { .. })));
        let right = Vote {
            inputs: vec![input("severity", "high"), input("severity", "low"), input("note", "")],
            comment: " fine ".into(),
            ..Vote::default()
        };
        one.decide(link("mira@example.com"), &right, &[], 0).unwrap();
        let body = &one.answer()["body"];
        assert_eq!(body["SelectedOption"], "Approve");
        assert_eq!(
            body["data"],
            json!({ "x": 1, "severity": "high,low", "sure": "no", "submitActionId": "Approve" })
        );
        assert_eq!(body["responder"]["email"], "mira@example.com");
        assert_eq!(body["responseTime"], "1970-01-01T00:00:00.0000000Z");
        assert_eq!(body["responses"][0]["comment"], "fine");
    }
}
