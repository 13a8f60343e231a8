//! Requests from outside: what comes to a callback URL or calls a trigger, as outputs. Pure.

use percent_encoding::percent_decode_str;

use super::actions::data::mismatch;
use crate::connectors::response;
use crate::definition::workflow::RequestTrigger;
use crate::expression::{Object, Value};

/// Headers that are credentials of the sender.
const CREDENTIALS: &[&str] = &["authorization", "cookie", "proxy-authorization"];
/// Parts of a query that open a link, and are not for the playbook.
const OF_LINK: &[&str] = &["api-version", "se", "sig", "sp", "sv"];

/// Headers and body of a request.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Its headers, in their order.
    pub headers: &'a [(String, String)],
    /// Its body.
    pub body: &'a [u8],
}

/// A request to a trigger.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// Its method, in capitals.
    pub method: &'a str,
    /// What follows the trigger's own path, still encoded.
    pub path: &'a str,
    /// Its query, still encoded.
    pub query: &'a str,
    /// Headers and body.
    pub incoming: Incoming<'a>,
}

/// Why a trigger does not take a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It takes another method.
    #[error("the trigger takes the method {0} only")]
    Method(String),
    /// It takes another path.
    #[error("the trigger takes no such path: it takes '{0}'")]
    Path(String),
    /// The body does not fit the schema.
    #[error("the body does not fit the schema of the trigger: {0}")]
    Schema(String),
}

impl Incoming<'_> {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(given, _)| given.eq_ignore_ascii_case(name))?;
        Some(&found.1)
    }

    /// As outputs: `{headers, body?}`, the body typed by its content type, without credentials.
    pub fn outputs(&self, keeps_authorization: bool) -> Object {
        let is_shown = |name: &str| {
            let is_secret = CREDENTIALS.iter().any(|known| known.eq_ignore_ascii_case(name));
            !is_secret || (keeps_authorization && name.eq_ignore_ascii_case("authorization"))
        };
        let shown = self.headers.iter().filter(|(name, _)| is_shown(name));
        let answer = response::answer(200, &shown.cloned().collect::<Vec<_>>(), self.body);
        let mut outputs = Object::new();
        outputs.insert("headers", Value::from(answer.headers));
        if let Some(body) = answer.body {
            outputs.insert("body", body);
        }
        outputs
    }
}

impl Invocation<'_> {
    /// The outputs of the trigger: `{headers, queries?, relativePathParameters?, body?}`.
    ///
    /// # Errors
    /// Another method or path than the trigger's, or a body that does not fit its schema.
    pub fn outputs(&self, trigger: &RequestTrigger) -> Result<Object, Rejected> {
        if let Some(method) = trigger.method.as_ref().filter(|method| *method != self.method) {
            return Err(Rejected::Method(method.clone()));
        }
        let template = trigger.relative_path.as_deref().unwrap_or_default();
        let parameters = path_parameters(template, self.path).ok_or_else(|| Rejected::Path(template.to_owned()))?;
        let mut incoming = self.incoming.outputs(trigger.keeps_authorization);
        let body = incoming.remove("body");
        if let Some(schema) = trigger.schema.as_ref().filter(|_| trigger.validates)
            && let Some(problem) = mismatch(schema, body.as_ref().unwrap_or(&Value::Null))
        {
            return Err(Rejected::Schema(problem));
        }
        let mut outputs = incoming;
        let queries = queries(self.query);
        if !queries.is_empty() {
            outputs.insert("queries", queries);
        }
        if !parameters.is_empty() {
            outputs.insert("relativePathParameters", parameters);
        }
        if let Some(body) = body {
            outputs.insert("body", body);
        }
        Ok(outputs)
    }
}

/// What a query says to the playbook; what it says several times is joined by a comma.
fn queries(query: &str) -> Object {
    let mut queries = Object::new();
    let is_ours = |name: &str| OF_LINK.iter().any(|known| known.eq_ignore_ascii_case(name));
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !is_ours(name)) {
        let text = match queries.get_exact(&name).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier},{value}"),
            None => value.into_owned(),
        };
        queries.insert(name.as_ref(), text);
    }
    queries
}

/// The parameters that a path gives to a template such as `customer/{id}`; `None` if it does not fit.
fn path_parameters(template: &str, path: &str) -> Option<Object> {
    let (template, path) = (template.trim_matches('/'), path.trim_matches('/'));
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut parameters = Object::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) => {
                let given = percent_decode_str(given).decode_utf8().ok()?;
                match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                    Some(_) if given.is_empty() => return None,
                    Some(name) => parameters.insert(name, given.as_ref()),
                    None if wanted.eq_ignore_ascii_case(&given) => {}
                    None => return None,
                }
            }
            (Some(_), None) | (None, Some(_)) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outputs(trigger: &RequestTrigger, path: &str, query: &str, body: &str) -> Result<serde_json::Value, Rejected> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            header("content-type", "application/json"),
            header("authorization", "Bearer secret"),
            header("x-custom", "a"),
        ];
        let incoming = Incoming {
            headers: &headers,
            body: body.as_bytes(),
        };
        let invocation = Invocation {
            method: "PUT",
            path,
            query,
            incoming,
        };
        Ok(serde_json::Value::from(&Value::from(invocation.outputs(trigger)?)))
    }

    #[test]
    fn a_request_has_the_outputs_of_the_original() {
        let trigger = RequestTrigger {
            method: Some("PUT".into()),
            relative_path: Some("boom/{bang}/pow/{whack}".into()),
            ..RequestTrigger::default()
        };
        let query = "sv=1&sig=abc&extra%25param=extra%3dvalue&an%33other=%20%20%20";
        let expected = json!({
            "headers": {"Content-Type": "application/json", "x-custom": "a"},
            "queries": {"extra%param": "extra=value", "an3other": "   "},
            "relativePathParameters": {"bang": "wow%wee?", "whack": "hehe"},
            "body": null,
        });
        assert_eq!(
            outputs(&trigger, "boom/wow%25wee%3f/pow/hehe", query, "null"),
            Ok(expected)
        );
        let refused = outputs(&trigger, "boom/wow/pow", "", "");
        assert_eq!(refused, Err(Rejected::Path("boom/{bang}/pow/{whack}".into())));
    }

    #[test]
    fn a_plain_trigger_takes_every_method_and_no_path() {
        let trigger = RequestTrigger {
            keeps_authorization: true,
            ..RequestTrigger::default()
        };
        let headers = json!({"Content-Type": "application/json", "Authorization": "Bearer secret", "x-custom": "a"});
        assert_eq!(outputs(&trigger, "", "", ""), Ok(json!({ "headers": headers })));
        assert_eq!(outputs(&trigger, "more", "", ""), Err(Rejected::Path(String::new())));
        let get = RequestTrigger {
            method: Some("GET".into()),
            ..trigger
        };
        assert_eq!(outputs(&get, "", "", ""), Err(Rejected::Method("GET".into())));
    }

    #[test]
    fn a_schema_counts_only_where_it_is_enabled() {
        let schema = json!({"type": "object", "required": ["id"]});
        let mut trigger = RequestTrigger {
            schema: Some(Value::from(&schema)),
            ..RequestTrigger::default()
        };
        assert!(outputs(&trigger, "", "", "{}").is_ok());
        trigger.validates = true;
        assert!(matches!(outputs(&trigger, "", "", "{}"), Err(Rejected::Schema(_))));
        assert!(matches!(outputs(&trigger, "", "", ""), Err(Rejected::Schema(_))));
        assert!(outputs(&trigger, "", "", "{\"id\":1}").is_ok());
    }
}
