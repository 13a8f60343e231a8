//! Answers that stand for services: by action or by operation, one after the other.

use std::collections::HashMap;
use std::time::Duration;

use crate::definition::duration;
use crate::engine::call::{Answer, CallError};
use crate::expression::{Object, Value};

/// Methods that the key of a mock can name.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"];
/// The members of an answer.
const MEMBERS: &[&str] = &["statusCode", "headers", "body", "error", "delay"];

/// What answers a call for which there is no mock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmocked {
    /// An example of what the playbook expects.
    #[default]
    Example,
    /// Nothing: the call fails with code `NotMocked`.
    Fail,
}

/// How many times each mock has answered.
#[derive(Clone, Debug, Default)]
pub struct Served(HashMap<usize, usize>);

/// Answers by action and by operation; that of an action comes before that of an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mocks(Vec<Mock>);

/// The answers of an action or an operation.
#[derive(Clone, Debug, PartialEq)]
struct Mock {
    key: Key,
    answers: Vec<Mocked>,
}

/// What a mock stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    /// An action, by lower-case name.
    Action(String),
    /// Calls of a method and an address.
    Operation {
        /// Lower-case name of the connector; `None` means any, and plain HTTP.
        connector: Option<String>,
        method: String,
        /// The path of the operation or the whole URI; `{name}` stands for one segment, `*` for any text.
        address: String,
    },
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
struct Mocked {
    /// How long it takes.
    delay: Duration,
    /// The answer, or why there is none.
    outcome: Result<Reply, CallError>,
}

/// What a service says.
#[derive(Clone, Debug, PartialEq)]
struct Reply {
    status: u16,
    headers: Object,
    body: Option<Value>,
}

impl Mocked {
    /// The answer as the engine takes it.
    fn outcome(&self) -> Result<Answer, CallError> {
        let reply = self.outcome.clone()?;
        Ok(Answer {
            status: reply.status,
            headers: reply.headers,
            body: reply.body,
            ..Answer::default()
        })
    }
}

/// A call, as mocks tell calls apart.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Name of the action.
    pub action: &'a str,
    /// Name of the connector, if the call goes to one.
    pub connector: Option<&'a str>,
    /// The method, in capitals.
    pub method: &'a str,
    /// Path of the operation, or the whole URI.
    pub path: &'a str,
}

impl Mocks {
    /// Reads mocks: an object whose members are named by an action (`Get_report`) or by an operation
    /// (`GET /ip/{address}`, `virustotal GET /ip/{address}`, `GET https://example.com/*`). A member is one answer,
    /// `{"statusCode": 200, "headers": {}, "body": …, "delay": "PT5S"}` or `{"error": {"code", "message"}}`, or an array
    /// of answers that are given one after the other; the last is given for ever.
    ///
    /// # Errors
    /// Every problem, each with the JSON pointer to its place.
    pub fn read(mocks: &Value) -> Result<Self, Vec<(String, String)>> {
        let Some(members) = mocks.as_object() else {
            return Err(vec![(
                String::new(),
                "mocks must be an object of answers by action or operation".into(),
            )]);
        };
        let mut problems = Vec::new();
        let mut read = Vec::new();
        for (name, value) in members.iter() {
            let place = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            let answers: Vec<Mocked> = match value {
                Value::Array(answers) if answers.is_empty() => {
                    problems.push((place.clone(), "there must be at least one answer".into()));
                    Vec::new()
                }
                Value::Array(answers) => answers
                    .iter()
                    .enumerate()
                    .filter_map(|(index, one)| answer(one, &format!("{place}/{index}"), &mut problems))
                    .collect(),
                one => answer(one, &place, &mut problems).into_iter().collect(),
            };
            let key = Key::read(name);
            read.push(Mock { key, answers });
        }
        // Those of actions first: they are more exact.
        read.sort_by_key(|mock| matches!(mock.key, Key::Operation { .. }));
        if problems.is_empty() {
            Ok(Self(read))
        } else {
            Err(problems)
        }
    }

    /// These mocks, and behind them others.
    pub fn before(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self.0.sort_by_key(|mock| matches!(mock.key, Key::Operation { .. }));
        self
    }

    /// Whether the key of a mock names an action, not an operation.
    pub fn is_action(key: &str) -> bool {
        matches!(Key::read(key), Key::Action(_))
    }

    /// What a call is answered, and how long that takes; `None` where there is no mock for it.
    pub fn answer(&self, asked: &Asked<'_>, served: &mut Served) -> Option<(Duration, Result<Answer, CallError>)> {
        let found = self.find(asked)?;
        let times = served.0.entry(found).or_default();
        *times += 1;
        let mocked = self.nth(found, *times - 1)?;
        Some((mocked.delay, mocked.outcome()))
    }

    /// Whether there is a mock for a call.
    pub fn has(&self, asked: &Asked<'_>) -> bool {
        self.find(asked).is_some()
    }

    fn find(&self, asked: &Asked<'_>) -> Option<usize> {
        self.0.iter().position(|mock| mock.key.fits(asked))
    }

    /// The answer of a mock that has answered so many times.
    fn nth(&self, mock: usize, times: usize) -> Option<&Mocked> {
        let answers = &self.0.get(mock)?.answers;
        answers.get(times.min(answers.len().saturating_sub(1)))
    }
}

impl Key {
    pub(super) fn read(name: &str) -> Self {
        let words: Vec<&str> = name.split_whitespace().collect();
        let is_method = |word: &str| METHODS.iter().any(|method| method.eq_ignore_ascii_case(word));
        let is_address = |word: &str| word.starts_with(['/', '*', '{']) || word.contains("://");
        match words.as_slice() {
            [method, address] if is_method(method) && is_address(address) => Self::Operation {
                connector: None,
                method: method.to_uppercase(),
                address: (*address).to_owned(),
            },
            [connector, method, address] if is_method(method) && is_address(address) => Self::Operation {
                connector: Some(connector.to_lowercase()),
                method: method.to_uppercase(),
                address: (*address).to_owned(),
            },
            _ => Self::Action(name.to_lowercase()),
        }
    }

    pub(super) fn fits(&self, asked: &Asked<'_>) -> bool {
        match self {
            Self::Action(name) => asked.action.to_lowercase() == *name,
            Self::Operation {
                connector,
                method,
                address,
            } => {
                let is_there = connector.as_ref().is_none_or(|name| {
                    let asked = asked.connector;
                    asked.is_some_and(|asked| asked.eq_ignore_ascii_case(name))
                });
                let path = asked.path.split(['?', '#']).next().unwrap_or_default();
                let pattern = address.split(['?', '#']).next().unwrap_or_default();
                is_there && asked.method.eq_ignore_ascii_case(method) && fits(pattern.as_bytes(), path.as_bytes())
            }
        }
    }
}

/// Whether a text fits a pattern: `*` stands for any text, `{name}` for text without a slash. Case does not matter.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    // The last place that could take more: what follows it in the pattern, where it began, whether it takes slashes.
    let mut last: Option<(usize, usize, bool)> = None;
    let (mut at, mut here) = (0, 0);
    loop {
        match pattern.get(at) {
            None if here == text.len() => return true,
            Some(b'*') => {
                last = Some((at + 1, here, true));
                at += 1;
                continue;
            }
            Some(b'{') => {
                let length = pattern[at..].iter().position(|byte| *byte == b'}');
                let after = length.map_or(pattern.len(), |length| at + length + 1);
                last = Some((after, here, false));
                at = after;
                continue;
            }
            Some(byte) if text.get(here).is_some_and(|other| other.eq_ignore_ascii_case(byte)) => {
                at += 1;
                here += 1;
                continue;
            }
            Some(_) | None => {}
        }
        let Some((after, began, slashes)) = last else {
            return false;
        };
        if text.get(began).is_none_or(|byte| !slashes && *byte == b'/') {
            return false;
        }
        last = Some((after, began + 1, slashes));
        (at, here) = (after, began + 1);
    }
}

fn answer(value: &Value, place: &str, problems: &mut Vec<(String, String)>) -> Option<Mocked> {
    let Some(object) = value.as_object() else {
        let message = "an answer must be an object with `statusCode`, `headers` and `body`, or with `error`";
        problems.push((place.to_owned(), message.into()));
        return None;
    };
    let mut wrong = |member: &str, message: &str| problems.push((format!("{place}/{member}"), message.to_owned()));
    for (name, _) in object.iter().filter(|(name, _)| !MEMBERS.contains(&&***name)) {
        wrong(
            name,
            "is not known; use `statusCode`, `headers`, `body`, `error` and `delay`",
        );
    }
    let status = object.get_exact("statusCode").map_or(Some(200), Value::as_int);
    let status = status.and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|status| (100..600).contains(status));
    if status.is_none() {
        wrong("statusCode", "`statusCode` must be an HTTP status, such as 200");
    }
    let headers = match object.get_exact("headers") {
        None => Object::new(),
        Some(Value::Object(headers)) => (**headers).clone(),
        Some(_) => {
            wrong("headers", "must be an object of texts");
            Object::new()
        }
    };
    let delay = match object.get_exact("delay") {
        None => Some(Duration::ZERO),
        Some(delay) => delay.as_str().and_then(duration::parse),
    };
    if delay.is_none() {
        wrong("delay", "must be an ISO 8601 duration, such as `PT5S`");
    }
    let outcome = match object.get_exact("error") {
        None => Ok(Reply {
            status: status?,
            headers,
            body: object.get_exact("body").cloned(),
        }),
        Some(error) => match failure(error) {
            Some(_)
                if ["statusCode", "headers", "body"]
                    .iter()
                    .any(|name| object.get_exact(name).is_some()) =>
            {
                wrong("error", "there is an answer or an error, not both");
                return None;
            }
            Some(failure) => Err(failure),
            None => {
                wrong(
                    "error",
                    "must be a code such as `ServiceUnreachable`, or an object with `code`, `message` and `retryable`",
                );
                return None;
            }
        },
    };
    Some(Mocked { delay: delay?, outcome })
}

/// A failure without an answer.
fn failure(error: &Value) -> Option<CallError> {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let code = error.as_str().or_else(|| text("code"))?;
    let retryable = match error.get("retryable") {
        None => true,
        Some(retryable) => retryable.as_bool()?,
    };
    Some(CallError {
        code: code.to_owned(),
        message: text("message")
            .unwrap_or("the mock says that the service cannot be reached")
            .to_owned(),
        retryable,
        reached: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mocks(json: &str) -> Mocks {
        Mocks::read(&Value::from_json(json).expect("JSON")).expect("mocks")
    }

    #[test]
    fn an_operation_is_found_by_its_pattern() {
        let mocks = mocks(
            r#"{"GET /ip/{address}/x": {}, "virustotal get /ip/*": {}, "POST https://a.test/*": {}, "Ask": {"body": 1}}"#,
        );
        let find = |action, connector, method, path| {
            mocks.find(&Asked {
                action,
                connector,
                method,
                path,
            })
        };
        let first = find("Other", None, "GET", "/ip/192.0.2.1/x?y=1");
        assert!(
            first.is_some_and(|first| first > 0),
            "the mock of an action comes first"
        );
        assert_eq!(find("ASK", None, "GET", "/ip/192.0.2.1/x"), Some(0));
        assert_eq!(find("Other", None, "GET", "/ip/a/b/x"), None);
        assert!(find("Other", Some("VirusTotal"), "GET", "/ip/a/b").is_some());
        assert!(find("Other", None, "POST", "https://A.test/b/c").is_some());
        assert_eq!(find("Other", None, "POST", "https://b.test/b/c"), None);
    }

    #[test]
    fn patterns_take_whole_texts() {
        for (pattern, text, expected) in [
            ("/a/{x}", "/a/1", true),
            ("/a/{x}", "/a/1/2", false),
            ("/a/{x}/c/{y}", "/a/b/c/d", true),
            ("/a/*/z", "/a/b/z/c/z", true),
            ("*", "", true),
            ("/a", "/a/", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_last_answer_is_given_for_ever() {
        let mocks = mocks(r#"{"A": [{"statusCode": 500}, {"body": "x"}, {"error": "ServiceUnreachable"}]}"#);
        let status = |times| {
            mocks
                .nth(0, times)
                .map(|mocked| mocked.outcome().map(|answer| answer.status))
        };
        assert_eq!(status(0), Some(Ok(500)));
        assert_eq!(status(1), Some(Ok(200)));
        assert_eq!(status(2), status(9));
        assert!(status(9).is_some_and(|outcome| outcome.is_err()));
    }

    #[test]
    fn every_problem_has_its_place() {
        let value = r#"{"A": {"statusCode": 99, "boddy": 1}, "GET /x": [], "B": 3, "C": [{"delay": 5}]}"#;
        let problems = Mocks::read(&Value::from_json(value).expect("JSON")).expect_err("problems");
        let places: Vec<&str> = problems.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["/A/boddy", "/A/statusCode", "/GET ~1x", "/B", "/C/0/delay"]);
    }
}
