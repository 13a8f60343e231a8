//! What a call of a workflow means to a connector before the workflow runs: its path still has expressions in it.
//! Invariant: what is known here may still miss at run time, but what is unknown here is never found then.

use super::{Connector, Operation, decode_component};
use crate::expression::template::TextPart;
use crate::expression::{Expression, ExpressionKind, Template, Value};

/// Stands for what only the run knows; no character of a path.
const OPEN: char = '\u{fffc}';

/// What a method and a path with expressions mean to a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// An operation has this form.
    Known,
    /// The path is one expression: the run decides.
    AtRunTime,
    /// No operation has this form; the path as people read it, `{…}` for what is computed.
    Unknown(String),
}

impl Connector {
    /// Whether there is an operation for a method and a path as a workflow writes it.
    pub fn called(&self, method: &str, path: &Template) -> Called {
        let Some(text) = text(path) else {
            return Called::AtRunTime;
        };
        let text = text.split('?').next().unwrap_or_default();
        if self.candidates(method, &segments(text)).next().is_some() {
            Called::Known
        } else {
            Called::Unknown(text.replace(OPEN, "{…}"))
        }
    }

    /// The operation that a method and a path as a workflow writes it most likely name: what is computed stands where
    /// the operation has a place. `None` where the run decides.
    pub fn meant(&self, method: &str, path: &Template) -> Option<&Operation> {
        let text = text(path)?;
        let segments = segments(text.split('?').next().unwrap_or_default());
        let candidates = self.candidates(method, &segments);
        let meant = candidates.filter(|operation| operation.path.has_places(&segments));
        meant.min_by_key(|operation| operation.path.exactness())
    }

    fn candidates(&self, method: &str, segments: &[Option<String>]) -> impl Iterator<Item = &Operation> {
        let operations = self.operations.iter();
        operations.filter(move |operation| {
            operation.method.eq_ignore_ascii_case(method) && operation.path.could_match(segments)
        })
    }
}

/// The segments of a path, decoded; `None` for those with an open part.
fn segments(path: &str) -> Vec<Option<String>> {
    let segment = |segment: &str| (!segment.contains(OPEN)).then(|| decode_component(segment));
    path.trim_start_matches('/').split('/').map(segment).collect()
}

/// The text of a path, open parts marked; `None` where all of it is open.
fn text(path: &Template) -> Option<String> {
    match path {
        Template::Literal(value) => Some(value.as_str().unwrap_or_default().to_owned()),
        Template::Expression(expression) => constant(expression),
        Template::Text(parts) => {
            let text = |part: &TextPart| match part {
                TextPart::Literal(text) => text.to_string(),
                TextPart::Expression(expression) => constant(expression).unwrap_or_else(|| OPEN.to_string()),
            };
            Some(parts.iter().map(text).collect())
        }
        Template::Array(_) | Template::Object(_) => Some(String::new()),
    }
}

/// The text of an expression that is a literal, perhaps encoded, as designers write fixed choices.
fn constant(expression: &Expression) -> Option<String> {
    match &expression.kind {
        ExpressionKind::Literal(Value::String(text)) => Some(super::encode_component(text)),
        ExpressionKind::Call { name, arguments, .. } if name.eq_ignore_ascii_case("encodeURIComponent") => {
            match arguments.as_slice() {
                [only] => constant(only),
                _ => None,
            }
        }
        ExpressionKind::Literal(_) | ExpressionKind::Call { .. } | ExpressionKind::Access { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_computed_stands_for_a_place() {
        let spec = serde_json::json!({"openapi": {"inline": {"swagger": "2.0", "paths": {
            "/ip/{address}": {"get": {"operationId": "one"}}, "/ip/summary": {"get": {"operationId": "summary"}},
            "/ip/{address}/{part}": {"get": {"operationId": "part"}},
            "/ip/{address}/votes": {"get": {"operationId": "votes"}}}}}});
        let connector = Connector::read("geo", &serde_json::from_value(spec).unwrap()).unwrap();
        let cases = [
            ("/ip/@{variables('x')}", Some("one")),
            ("/ip/summary", Some("summary")),
            ("/ip/@{variables('x')}/votes", Some("votes")),
            ("/ip/@{variables('x')}/@{variables('y')}", Some("part")),
            ("@concat('/ip/', variables('x'))", None),
            ("/host", None),
        ];
        for (path, expected) in cases {
            let template = Template::parse_text(path).unwrap();
            let meant = connector.meant("get", &template);
            assert_eq!(meant.map(|operation| operation.id.as_str()), expected, "{path}");
        }
    }

    #[test]
    fn calls_are_matched_by_method_and_form() {
        let spec = serde_json::json!({"openapi": {"inline": {"swagger": "2.0", "paths": {
            "/ip/{address}/info": {"get": {}}, "/kinds/host": {"get": {}}, "/users('{id}')": {"get": {}}}}}});
        let connector = Connector::read("geo", &serde_json::from_value(spec).unwrap()).unwrap();
        let unknown = |path: &str| Called::Unknown(path.to_owned());
        let cases = [
            ("get", "/ip/@{encodeURIComponent(item()?['a/b'])}/info", Called::Known),
            ("GET", "/IP/1.2.3.4/info?x=/y", Called::Known),
            ("get", "/users('@{variables('x')}')", Called::Known),
            ("get", "/kinds/@{encodeURIComponent('host')}", Called::Known),
            ("get", "/kinds/@{variables('kind')}", Called::Known),
            ("get", "/kinds/@{encodeURIComponent('disk')}", unknown("/kinds/disk")),
            ("get", "@concat('/ip/', variables('x'))", Called::AtRunTime),
            ("post", "/ip/@{variables('x')}/info", unknown("/ip/{…}/info")),
            ("get", "/ip/@{variables('x')}", unknown("/ip/{…}")),
            ("get", "", unknown("")),
        ];
        for (method, path, expected) in cases {
            let template = Template::parse_text(path).unwrap();
            assert_eq!(connector.called(method, &template), expected, "{method} {path}");
        }
    }
}
