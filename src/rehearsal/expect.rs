//! What a test expects of a rehearsal, compared with what came of it. Every difference has the JSON pointer of the
//! expectation that it breaks.

use serde_json::Value as Json;

use super::drive::{Finished, Halt};
use super::mock::{Asked, Key};
use super::occasion::workspace_ids;
use super::stage::Stage;
use super::world::Made;
use crate::api::playbook_test::{Expectation, ExpectedAction, ExpectedCall, ExpectedStatus};
use crate::engine::view;
use crate::expression::{Object, Value, compare};
use crate::rules::body;

/// The longest value that is shown in a difference, in characters.
const SHOWN: usize = 300;

/// Something that came otherwise than expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// JSON pointer below the expectation, such as `/actions/Ask/status`.
    pub pointer: String,
    /// What was expected, and what came.
    pub message: String,
}

/// Every difference between what is expected and what came of a rehearsal.
pub fn check(expected: &Expectation, stage: &Stage, outcome: &Result<Vec<Finished>, Halt>) -> Vec<Difference> {
    let mut check = Check { found: Vec::new() };
    match (outcome, &expected.refused) {
        (Err(Halt::Refused(refused)), Some(code)) if refused.code() == code => {}
        (Err(halt), Some(code)) => check.differ("/refused", format!("expected code {code}, but {halt}")),
        (Err(halt), None) => check.differ("", format!("{halt}")),
        (Ok(_), Some(code)) => check.differ(
            "/refused",
            format!("expected that it does not start ({code}), but it ran"),
        ),
        (Ok(finished), None) => check.runs(expected, stage, finished),
    }
    check.found
}

struct Check {
    found: Vec<Difference>,
}

impl Check {
    fn differ(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.found.push(Difference {
            pointer: pointer.into(),
            message: message.into(),
        });
    }

    fn runs(&mut self, expected: &Expectation, stage: &Stage, finished: &[Finished]) {
        let of_one = |expected: &Expectation, finished: &Finished| {
            let mut one = Check { found: Vec::new() };
            one.run(expected, stage, finished);
            one.found.into_iter()
        };
        if expected.runs.is_empty() {
            for (index, run) in finished.iter().enumerate() {
                let which = match finished.len() {
                    1 => String::new(),
                    all => format!("run {} of {all}: ", index + 1),
                };
                self.found.extend(of_one(expected, run).map(|difference| Difference {
                    message: format!("{which}{}", difference.message),
                    ..difference
                }));
            }
            return;
        }
        let (wanted, got) = (expected.runs.len(), finished.len());
        if wanted != got {
            self.differ("/runs", format!("expected {wanted} runs, got {got}"));
        }
        for (index, (expected, run)) in expected.runs.iter().zip(finished).enumerate() {
            self.found.extend(of_one(expected, run).map(|difference| Difference {
                pointer: format!("/runs/{index}{}", difference.pointer),
                ..difference
            }));
        }
    }

    fn run(&mut self, expected: &Expectation, stage: &Stage, finished: &Finished) {
        let run = view::run(&stage.playbook().workflow, &finished.state);
        self.ending(expected, &run);
        for (name, action) in &expected.actions {
            self.action(name, action, &run);
        }
        for (index, call) in expected.calls.iter().enumerate() {
            self.call(&format!("/calls/{index}"), call, &finished.calls);
        }
        self.order(&expected.call_order, &finished.calls);
        for (index, name) in expected.not_called.iter().enumerate() {
            let count = calls_of(name, &finished.calls).count();
            if count > 0 {
                self.differ(
                    format!("/notCalled/{index}"),
                    format!("'{name}' was called {count} times"),
                );
            }
        }
        if let Some(comments) = &expected.comments {
            self.texts("/comments", "comment", comments, &finished.comments);
        }
        if let Some(tasks) = &expected.tasks {
            self.texts("/tasks", "task", tasks, &finished.tasks);
        }
        if let (Some(incident), Some(view)) = (&expected.incident, finished.incidents.first()) {
            let namespace = &stage.playbook().namespace;
            let resource = body::incident_resource(view, &workspace_ids(namespace).ids(namespace));
            self.matches("/incident", incident, resource.get("properties"));
        }
        for (name, value) in &expected.variables {
            let variables = run.get("variables").and_then(Value::as_object);
            self.matches(
                &member("/variables", name),
                value,
                variables.and_then(|all| all.get(name)),
            );
        }
        if let Some(outputs) = &expected.outputs {
            self.matches("/outputs", outputs, run.get("outputs"));
        }
    }

    fn ending(&mut self, expected: &Expectation, run: &Value) {
        let text = |path: &[&str]| run.at(path).and_then(Value::as_str).unwrap_or_default();
        let (code, message) = (text(&["error", "code"]), text(&["error", "message"]));
        // A test that expects an error expects a run that failed.
        let expects_error = expected.error_code.is_some() || expected.error.is_some();
        let status = expected
            .status
            .or((!expects_error).then_some(ExpectedStatus::Succeeded));
        let because = if code.is_empty() {
            String::new()
        } else {
            format!(": {code}: {message}")
        };
        match status {
            Some(status) if status.as_str() != text(&["status"]) => {
                let message = format!(
                    "expected status {}, got {}{because}",
                    status.as_str(),
                    text(&["status"])
                );
                self.differ("/status", message);
            }
            _ => {}
        }
        if let Some(wanted) = expected.error_code.as_ref().filter(|wanted| *wanted != code) {
            self.differ("/errorCode", format!("expected {wanted}, got '{code}'"));
        }
        if let Some(part) = expected.error.as_ref().filter(|part| !message.contains(*part)) {
            self.differ("/error", format!("expected a message with '{part}', got '{message}'"));
        }
    }

    fn action(&mut self, name: &str, expected: &ExpectedAction, run: &Value) {
        let place = member("/actions", name);
        let actions = run.get("actions").and_then(Value::as_object);
        let Some(action) = actions.and_then(|actions| actions.get(name)) else {
            return self.differ(place, format!("the playbook has no action '{name}'"));
        };
        let text = |path: &[&str]| action.at(path).and_then(Value::as_str).unwrap_or_default();
        let message = text(&["error", "message"]);
        let because = if message.is_empty() {
            String::new()
        } else {
            format!(": {message}")
        };
        if let Some(status) = expected.status.filter(|status| status.as_str() != text(&["status"])) {
            let message = format!("expected {}, got {}{because}", status.as_str(), text(&["status"]));
            self.differ(format!("{place}/status"), message);
        }
        if let Some(code) = expected.code.as_ref().filter(|code| *code != text(&["code"])) {
            self.differ(
                format!("{place}/code"),
                format!("expected {code}, got '{}'{because}", text(&["code"])),
            );
        }
        if let Some(part) = expected.error.as_ref().filter(|part| !message.contains(*part)) {
            self.differ(
                format!("{place}/error"),
                format!("expected a message with '{part}', got '{message}'"),
            );
        }
        if let Some(count) = expected.repetitions {
            let counted = action
                .get("repetitionCount")
                .and_then(Value::as_int)
                .unwrap_or_default();
            if counted != i64::from(count) {
                self.differ(
                    format!("{place}/repetitions"),
                    format!("expected {count}, got {counted}"),
                );
            }
        }
        for (part, value) in [("inputs", &expected.inputs), ("outputs", &expected.outputs)] {
            if let Some(value) = value {
                self.matches(&format!("{place}/{part}"), value, action.get(part));
            }
        }
    }

    fn call(&mut self, place: &str, expected: &ExpectedCall, calls: &[Made]) {
        let name = &expected.call;
        let made: Vec<&Made> = calls_of(name, calls).collect();
        match expected.count {
            Some(count) if made.len() != count as usize => {
                let message = format!("expected {count} calls of '{name}', got {}", made.len());
                self.differ(format!("{place}/count"), message);
            }
            None if made.is_empty() => {
                let all: Vec<&str> = calls.iter().map(|made| made.call.action.as_str()).collect();
                self.differ(
                    format!("{place}/call"),
                    format!("'{name}' was not called; called were {}", list(&all)),
                );
            }
            _ => {}
        }
        let Some(inputs) = expected.inputs.as_ref().filter(|_| !made.is_empty()) else {
            return;
        };
        let tried = made.iter().map(|made| {
            let mut one = Check { found: Vec::new() };
            one.matches(&format!("{place}/inputs"), inputs, Some(&inputs_of(made)));
            one.found
        });
        // The nearest of the calls tells most.
        if let Some(nearest) = tried.min_by_key(Vec::len) {
            self.found.extend(nearest);
        }
    }

    fn order(&mut self, expected: &[String], calls: &[Made]) {
        let mut rest = calls.iter();
        for (index, name) in expected.iter().enumerate() {
            let key = Key::read(name);
            if !rest.any(|made| key.fits(&asked(made))) {
                let all: Vec<&str> = calls.iter().map(|made| made.call.action.as_str()).collect();
                let message = format!("'{name}' was not called at this point; called were {}", list(&all));
                return self.differ(format!("/callOrder/{index}"), message);
            }
        }
    }

    fn texts(&mut self, place: &str, what: &str, expected: &[String], actual: &[String]) {
        for (index, part) in expected.iter().enumerate() {
            match actual.get(index) {
                Some(text) if text.contains(part) => {}
                Some(text) => self.differ(
                    format!("{place}/{index}"),
                    format!("expected a {what} with '{part}', got '{}'", cut(text)),
                ),
                None => self.differ(
                    format!("{place}/{index}"),
                    format!("expected a {what} with '{part}', got none"),
                ),
            }
        }
        if let Some(more) = actual.get(expected.len()) {
            let message = format!(
                "expected {} of them, got {}, the next '{}'",
                expected.len(),
                actual.len(),
                cut(more)
            );
            self.differ(place, message);
        }
    }

    /// Whether a value has everything that is expected of it.
    fn matches(&mut self, place: &str, expected: &Json, actual: Option<&Value>) {
        if let Some(members) = expected.as_object()
            && let Some((name, wanted)) = members.iter().next().filter(|(name, _)| name.starts_with('$'))
        {
            return self.matcher(place, name, wanted, actual);
        }
        let Some(actual) = actual else {
            if !expected.is_null() {
                self.differ(place, format!("expected {}, got nothing", shown(expected)));
            }
            return;
        };
        match (expected, actual) {
            (Json::Object(members), Value::Object(object)) => {
                for (name, wanted) in members {
                    self.matches(&member(place, name), wanted, object.get(name));
                }
            }
            (Json::Array(items), Value::Array(values)) if items.len() == values.len() => {
                for (index, (wanted, value)) in items.iter().zip(values.iter()).enumerate() {
                    self.matches(&format!("{place}/{index}"), wanted, Some(value));
                }
            }
            (Json::Array(items), Value::Array(values)) => {
                let message = format!(
                    "expected {} elements, got {}: {}",
                    items.len(),
                    values.len(),
                    shown_value(actual)
                );
                self.differ(place, message);
            }
            _ => {
                if !compare::equal(&Value::from(expected), actual) {
                    self.differ(
                        place,
                        format!("expected {}, got {}", shown(expected), shown_value(actual)),
                    );
                }
            }
        }
    }

    fn matcher(&mut self, place: &str, name: &str, wanted: &Json, actual: Option<&Value>) {
        let text = actual.map(Value::to_text).unwrap_or_default();
        match (name, wanted) {
            ("$contains", Json::String(part)) => {
                if !text.contains(part) {
                    self.differ(place, format!("expected text with '{part}', got '{}'", cut(&text)));
                }
            }
            ("$exists", Json::Bool(exists)) => {
                let is_there = actual.is_some_and(|actual| !actual.is_null());
                if is_there != *exists {
                    let message = if is_there {
                        "expected nothing, got "
                    } else {
                        "expected a value, got nothing"
                    };
                    self.differ(
                        place,
                        format!("{message}{}", actual.map(shown_value).unwrap_or_default()),
                    );
                }
            }
            _ => self.differ(place, "a matcher is `{$contains: TEXT}` or `{$exists: true}`"),
        }
    }
}

fn calls_of<'m>(name: &str, calls: &'m [Made]) -> impl Iterator<Item = &'m Made> {
    let key = Key::read(name);
    calls.iter().filter(move |made| key.fits(&asked(made)))
}

fn asked(made: &Made) -> Asked<'_> {
    Asked {
        action: &made.call.action,
        connector: made.connector.as_deref(),
        method: &made.call.method,
        path: &made.call.path,
    }
}

/// What a call sends, as tests name it.
fn inputs_of(made: &Made) -> Value {
    let pairs =
        |pairs: &[(String, String)]| Value::object(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut inputs = Object::new();
    inputs.insert("method", made.call.method.as_str());
    inputs.insert("path", made.call.path.as_str());
    inputs.insert("queries", pairs(&made.call.queries));
    inputs.insert("headers", pairs(&made.call.headers));
    inputs.insert("body", made.call.body.clone().unwrap_or_default());
    inputs.into()
}

fn member(place: &str, name: &str) -> String {
    format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        cut(&names.join(", "))
    }
}

fn shown(value: &Json) -> String {
    cut(&value.to_string())
}

fn shown_value(value: &Value) -> String {
    cut(&value.to_json())
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
