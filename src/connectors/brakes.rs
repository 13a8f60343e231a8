//! What holds a call that would change something outside: the brakes of its ApiConnection. Pure.
//! Invariant: what cannot be told to be a mere question is taken for a change.

use percent_encoding::percent_decode_str;

use crate::api::api_connection::Brakes;
use crate::engine::call::{Brake, Call};
use crate::expression::Value;

/// Methods that change nothing, whatever they ask.
const QUESTIONS: &[&str] = &["GET", "HEAD", "OPTIONS"];
/// How often a path may be encoded.
const ENCODED: usize = 3;

/// Whether a method can change something.
pub(super) fn changes(method: &str) -> bool {
    !QUESTIONS.iter().any(|question| question.eq_ignore_ascii_case(method))
}

/// The brakes of a connection that concern a call of an operation, which changes something.
pub(super) fn of(name: &str, brakes: &Brakes, operation: &str, call: &Call) -> Vec<Brake> {
    let mut found = Vec::new();
    if brakes.pause_actions {
        found.push(Brake::Paused {
            connection: name.to_owned(),
        });
    }
    let texts = texts(call);
    let protected = brakes.protected.iter();
    let is_named = |value: &&String| texts.iter().any(|text| text.contains(&value.to_lowercase()));
    found.extend(protected.filter(is_named).take(1).map(|value| Brake::Protected {
        connection: name.to_owned(),
        value: value.clone(),
    }));
    let limits = brakes.limits.iter();
    let own = limits.filter(|limit| limit.operation.eq_ignore_ascii_case(operation));
    found.extend(own.map(|limit| Brake::Limit {
        connection: name.to_owned(),
        operation: operation.to_owned(),
        most: limit.most,
        window_seconds: limit.window_seconds,
    }));
    found
}

/// What a call says in path, query and body, in lower case.
fn texts(call: &Call) -> Vec<String> {
    let mut texts = Vec::new();
    let mut path = call.path.clone();
    for _ in 0..ENCODED {
        texts.push(path.to_lowercase());
        path = percent_decode_str(&path).decode_utf8_lossy().into_owned();
    }
    for (name, value) in &call.queries {
        texts.push(name.to_lowercase());
        texts.push(value.to_lowercase());
    }
    let mut values: Vec<&Value> = call.body.iter().collect();
    while let Some(value) = values.pop() {
        if let Some(members) = value.as_object() {
            for (name, member) in members.iter() {
                texts.push(name.to_lowercase());
                values.push(member);
            }
        } else if let Some(items) = value.as_array() {
            values.extend(items);
        } else {
            texts.push(value.to_text().to_lowercase());
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::api::api_connection::BrakeLimit;
    use crate::engine::call::Target;

    fn call(path: &str, body: &str) -> Call {
        Call {
            idempotency_key: "key".into(),
            run: "run".into(),
            namespace: "soc".into(),
            playbook: "contain".into(),
            action: "Isolate".into(),
            depth: 0,
            target: Target::Connection("edr".into()),
            method: "POST".into(),
            path: path.into(),
            queries: vec![("reason".into(), "Host DC02".into())],
            headers: Vec::new(),
            body: Value::from_json(body).ok(),
            authentication: None,
            minimum_items: None,
            timeout: Duration::from_secs(1),
            traceparent: String::new(),
            chunked: false,
            callback: None,
        }
    }

    fn protecting(values: &[&str]) -> Brakes {
        Brakes {
            protected: values.iter().map(|value| (*value).to_owned()).collect(),
            ..Brakes::default()
        }
    }

    #[test]
    fn a_protected_value_is_found_wherever_the_call_names_it() {
        let body = r#"{"machines": [{"account": "CORP\\Administrator", "id": 4711}]}"#;
        let call = call("/machines/dc01%252Ecorp.example/isolate", body);
        for value in ["dc01.corp.example", "DC02", r"corp\administrator", "4711"] {
            let found = of("edr", &protecting(&["web-1", value]), "Isolate", &call);
            assert!(
                matches!(&found[..], [Brake::Protected { value: named, .. }] if named == value),
                "{value}"
            );
        }
        assert_eq!(of("edr", &protecting(&["dc03"]), "Isolate", &call), []);
    }

    #[test]
    fn limits_are_those_of_the_operation() {
        let brakes = Brakes {
            pause_actions: true,
            limits: vec![BrakeLimit {
                operation: "isolate".into(),
                most: 10,
                window_seconds: 3600,
            }],
            ..Brakes::default()
        };
        let found = of("edr", &brakes, "Isolate", &call("/", "{}"));
        assert!(
            matches!(&found[..], [Brake::Paused { .. }, Brake::Limit { most: 10, .. }]),
            "{found:?}"
        );
        assert_eq!(of("edr", &brakes, "Release", &call("/", "{}")).len(), 1);
        assert!(changes("post") && changes("PATCH") && !changes("get"));
    }
}
