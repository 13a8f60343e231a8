//! The answer that a run gives to its caller, as it goes over the wire (Logic Apps: the action `Response`). Pure.

use super::state::State;
use crate::connectors::body;
use crate::definition::{ActionKind, Workflow};
use crate::expression::{Object, Value};

/// Headers that an answer cannot set.
const DROPPED: &[&str] = &[
    "allow",
    "connection",
    "cookie",
    "expires",
    "keep-alive",
    "last-modified",
    "set-cookie",
    "transfer-encoding",
    "upgrade",
];
/// Headers about the content that an answer can set.
const CONTENT: &[&str] = &["content-disposition", "content-encoding", "content-type"];

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, the content type included.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// How a workflow answers who calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Not at all: it was accepted, no more.
    Accepts,
    /// With the answer, for which the caller waits.
    Answers,
    /// With the place where the answer will be.
    Promises,
}

/// How a workflow answers: by its Response actions. What is split is never answered, because it is many runs.
pub fn manner(workflow: &Workflow) -> Manner {
    let splits = workflow.triggers.iter().any(|trigger| trigger.split_on.is_some());
    let mut responses = workflow.actions.iter().filter_map(|action| match &action.kind {
        ActionKind::Response(response) => Some(response.asynchronous),
        _ => None,
    });
    match responses.next() {
        None => Manner::Accepts,
        Some(_) if splits => Manner::Accepts,
        Some(asynchronous) if asynchronous || responses.any(|other| other) => Manner::Promises,
        Some(_) => Manner::Answers,
    }
}

/// The answer that a run has given, once it has.
pub fn given(workflow: &Workflow, state: &State) -> Option<Reply> {
    let outputs = state.response(workflow)?.outputs.as_ref()?;
    Some(reply(&outputs.value))
}

/// The answer of the outputs of a Response.
pub fn reply(outputs: &Value) -> Reply {
    let mut headers = Vec::new();
    let mut given = None;
    for (name, value) in outputs
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Object::iter)
    {
        let (lower, value) = (name.to_lowercase(), value.to_text());
        let is_content = lower.starts_with("content-");
        match lower.as_str() {
            "content-type" => given = Some(value),
            lower if DROPPED.contains(&lower) || (is_content && !CONTENT.contains(&lower)) => {}
            _ => headers.push((name.to_string(), value)),
        }
    }
    let status = outputs.get("statusCode").and_then(Value::as_int);
    let status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    match body::encode(outputs.get("body"), given.as_deref(), None, "riposte") {
        Ok(payload) => {
            headers.extend(payload.content_type.map(|media| ("Content-Type".to_owned(), media)));
            let body = payload.bytes;
            Reply { status, headers, body }
        }
        Err(error) => Reply {
            status: 502,
            headers: vec![("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())],
            body: format!("The answer of the playbook cannot be sent: {error}").into_bytes(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(outputs: &serde_json::Value) -> (u16, Vec<(String, String)>, String) {
        let Reply { status, headers, body } = reply(&Value::from(outputs));
        (status, headers, String::from_utf8(body).unwrap())
    }

    fn media(text: &str) -> (String, String) {
        ("Content-Type".to_owned(), text.to_owned())
    }

    #[test]
    fn bodies_go_out_by_their_kind() {
        let plain = media("text/plain; charset=utf-8");
        assert_eq!(
            text(&json!({"statusCode": 201, "body": "ok"})),
            (201, vec![plain], "ok".into())
        );
        let json = media("application/json; charset=utf-8");
        assert_eq!(
            text(&json!({"statusCode": 200, "body": {"a": 1}})),
            (200, vec![json], "{\"a\":1}".into())
        );
        assert_eq!(text(&json!({"statusCode": 404})), (404, vec![], String::new()));
        let bytes = json!({"$content-type": "image/png", "$content": "UE5H"});
        assert_eq!(
            text(&json!({"body": bytes})),
            (200, vec![media("image/png")], "PNG".into())
        );
    }

    #[test]
    fn headers_that_an_answer_cannot_set_are_dropped() {
        let headers = json!({"x-a": 1, "Set-Cookie": "a=b", "Content-Length": "9", "Transfer-Encoding": "chunked",
            "Content-Disposition": "inline", "content-type": "text/html"});
        let (_, headers, _) = text(&json!({"headers": headers, "body": "<p>"}));
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-a", "Content-Disposition", "Content-Type"]);
        assert_eq!(headers[2].1, "text/html");
    }
}
