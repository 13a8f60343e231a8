//! Triggers that ask a service (Logic Apps: `Http` and `ApiConnection` triggers): the question, and what its answer
//! means. Pure.
//!
//! 200 fires, other answers do not, unless a condition of the trigger looks at the code: then conditions alone decide. A
//! `Location` is asked next time, a `Retry-After` puts that off. An answer that asks for a retry is asked for again by
//! the retry policy before it counts.

use std::time::Duration;

use url::Url;

use crate::connectors::code_of;
use crate::definition::workflow::{CallAction, CallTarget, Trigger};
use crate::engine::actions::Failure;
use crate::engine::actions::call::{ATTEMPT_TIMEOUT, evaluate, outputs, pairs};
use crate::engine::actions::target::address;
use crate::engine::call::{Answer, Call, CallError, Target};
use crate::engine::clock::Moment;
use crate::engine::content::Playbook;
use crate::engine::event::Payload;
use crate::engine::retry;
use crate::engine::trigger_scope::TriggerScope;
use crate::expression::template::TextPart;
use crate::expression::{Expression, ExpressionKind, Object, Template, Value};

/// Functions that give the trigger or its outputs.
const TRIGGER_FUNCTIONS: &[&str] = &["trigger", "triggers", "triggerOutputs"];
/// Members of those that hold the code of the answer.
const CODE_MEMBERS: &[&str] = &["code", "statusCode"];

/// What an answer means.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The trigger fires, if its conditions hold.
    Fires {
        /// Outputs of the trigger.
        outputs: Object,
        /// Code of the trigger.
        code: String,
    },
    /// There is nothing new.
    Quiet,
    /// It is asked again after this time, without waiting for the next occurrence.
    Retries(Duration),
    /// The service failed.
    Failed {
        /// Stable code.
        code: String,
        /// What failed.
        message: String,
    },
}

/// What follows from an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What it means.
    pub verdict: Verdict,
    /// Where to ask next time; `None` is the address of the trigger.
    pub cursor: Option<String>,
    /// How long not to ask at all.
    pub pause: Option<Duration>,
}

/// The question of a trigger.
pub struct Question<'a> {
    /// The playbook.
    pub playbook: &'a Playbook,
    /// The trigger.
    pub trigger: &'a Trigger,
    /// Its call.
    pub call: &'a CallAction,
    /// Where to ask, if the last answer said so.
    pub cursor: Option<&'a str>,
}

impl Question<'_> {
    /// The call, whose answer starts the run `run`.
    ///
    /// # Errors
    /// An expression that fails, or inputs that are no call.
    pub fn call(&self, parameters: &[(String, Payload)], run: &str, moment: &Moment) -> Result<Call, Failure> {
        let name = &self.trigger.name;
        let invalid = |reason: String| {
            let message = format!("The inputs of trigger '{name}' are not valid: {reason}.");
            Failure::new("BadRequest", "InvalidTemplate", message)
        };
        let scope = TriggerScope {
            playbook: self.playbook,
            parameters,
            trigger: None,
            moment,
        };
        let (inputs, mut credentials) = evaluate(name, self.call, &scope)?;
        let target = self.target(&inputs).map_err(invalid)?;
        let (method, mut path) = address(&self.call.target, &inputs).map_err(invalid)?;
        let mut queries = pairs(inputs.get("queries"));
        if let Some(cursor) = self.cursor {
            if target == Target::Http && !same_origin(cursor, &path) {
                credentials = None;
            }
            path = cursor.to_owned();
            queries.clear();
        }
        let secret = |name: &str| credentials.as_ref().and_then(|credentials| credentials.get(name));
        let mut headers = pairs(inputs.get("headers"));
        let secrets = pairs(secret("headers"));
        headers.retain(|(name, _)| !secrets.iter().any(|(secret, _)| secret.eq_ignore_ascii_case(name)));
        headers.extend(secrets);
        Ok(Call {
            idempotency_key: format!("{run}/{name}"),
            run: run.to_owned(),
            depth: 0,
            namespace: self.playbook.namespace.clone(),
            playbook: self.playbook.name.clone(),
            action: name.clone(),
            target,
            method,
            path,
            queries,
            headers,
            body: inputs.get("body").cloned(),
            authentication: secret("authentication").cloned(),
            minimum_items: self.call.minimum_items,
            timeout: ATTEMPT_TIMEOUT,
            traceparent: String::new(),
        })
    }

    fn target(&self, inputs: &Value) -> Result<Target, String> {
        if !matches!(self.call.target, CallTarget::Connection(_)) {
            return Ok(Target::Http);
        }
        let id = inputs.at(&["host", "connection", "name"]).and_then(Value::as_str);
        let id = id.ok_or("'host.connection.name' must be a text")?;
        let name = id.rsplit('/').next().unwrap_or(id);
        let mut bound = self.playbook.connections.iter();
        let found = bound.find(|bound| bound.name.eq_ignore_ascii_case(name) || bound.alias.eq_ignore_ascii_case(name));
        found
            .map(|bound| Target::Connection(bound.name.clone()))
            .ok_or_else(|| format!("the playbook binds no connection '{name}'; add it to `spec.connections`"))
    }

    /// What an answer means after `attempts` before it.
    pub fn judge(&self, answer: &Result<Answer, CallError>, attempts: u32, moment: &Moment) -> Judged {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.unanswered(error, attempts, moment),
        };
        let header = |name: &str| answer.headers.get(name).and_then(Value::as_str);
        let pause = header("retry-after").and_then(|text| retry::retry_after(text, moment.now));
        let is_ok = (200..300).contains(&answer.status);
        let cursor = match is_ok {
            true => header("location").map(str::to_owned),
            false => self.cursor.map(str::to_owned),
        };
        let code = code_of(answer.status);
        let retried = retry::is_retried(answer.status)
            .then(|| retry::delay(&self.call.retry, attempts + 1, moment.fraction()))
            .flatten();
        let verdict = match retried {
            Some(wait) => Verdict::Retries(wait),
            None if answer.status == 200 || looks_at_code(&self.trigger.conditions) => Verdict::Fires {
                outputs: outputs(answer).as_object().cloned().unwrap_or_default(),
                code: code.to_string(),
            },
            None if is_ok => Verdict::Quiet,
            None => Verdict::Failed {
                message: format!("the service answered {} {code}", answer.status),
                code: code.to_string(),
            },
        };
        Judged { verdict, cursor, pause }
    }

    fn unanswered(&self, error: &CallError, attempts: u32, moment: &Moment) -> Judged {
        let retried = error
            .retryable
            .then(|| retry::delay(&self.call.retry, attempts + 1, moment.fraction()));
        let failed = || Verdict::Failed {
            code: error.code.clone(),
            message: error.message.clone(),
        };
        Judged {
            verdict: retried.flatten().map_or_else(failed, Verdict::Retries),
            cursor: self.cursor.map(str::to_owned),
            pause: None,
        }
    }
}

/// Credentials that are meant for one service do not follow to another.
fn same_origin(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

/// Whether a condition reads the code of the answer.
fn looks_at_code(conditions: &[Template]) -> bool {
    conditions.iter().any(|condition| {
        let mut found = false;
        let mut visit = |expression: &Expression| found |= reads_code(expression);
        match condition {
            Template::Expression(expression) => expression.walk(&mut visit),
            Template::Text(parts) => parts.iter().for_each(|part| match part {
                TextPart::Expression(expression) => expression.walk(&mut visit),
                TextPart::Literal(_) => {}
            }),
            Template::Literal(_) | Template::Array(_) | Template::Object(_) => {}
        }
        found
    })
}

fn reads_code(expression: &Expression) -> bool {
    let ExpressionKind::Access { target, key, .. } = &expression.kind else {
        return false;
    };
    let ExpressionKind::Literal(Value::String(key)) = &key.kind else {
        return false;
    };
    let mut root = target;
    while let ExpressionKind::Access { target, .. } = &root.kind {
        root = target;
    }
    let is_one = |names: &[&str], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    match &root.kind {
        ExpressionKind::Call { name, .. } => is_one(TRIGGER_FUNCTIONS, name) && is_one(CODE_MEMBERS, key),
        ExpressionKind::Literal(_) | ExpressionKind::Access { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(text: &str) -> Template {
        Template::parse_text(text).unwrap()
    }

    #[test]
    fn a_condition_that_reads_the_code_is_known() {
        let reads = [
            "@equals(trigger().code, 'InternalServerError')",
            "@not(equals(triggerOutputs()?['statusCode'], 200))",
            "@equals(trigger()['outputs']['statusCode'], 404)",
        ];
        for text in reads {
            assert!(looks_at_code(&[condition(text)]), "{text}");
        }
        let others = [
            "@equals(triggerBody()?['code'], 1)",
            "@empty(triggerOutputs()['body'])",
            "@equals('code', 'x')",
        ];
        for text in others {
            assert!(!looks_at_code(&[condition(text)]), "{text}");
        }
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        assert!(same_origin("https://a.test/next", "https://a.test:443/items"));
        assert!(!same_origin("https://b.test/next", "https://a.test/items"));
        assert!(!same_origin("/next", "https://a.test/items"));
    }
}
