//! The parameters of an operation, by the names that an `OpenApiConnection` action gives them.

use serde_json::Value as Json;

use super::Operation;
use crate::api::nearest;

/// One parameter of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where its value goes.
    pub place: In,
    /// Whether the operation cannot do without.
    pub required: bool,
    /// Whether the document gives a value for calls that give none.
    pub has_default: bool,
    /// Whether each element of an array is sent as a pair of its own, not all of them joined by commas.
    pub repeats: bool,
}

/// Where the value of a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum In {
    /// The path.
    Path,
    /// The query.
    Query,
    /// A header.
    Header,
    /// A field of a form.
    Form,
    /// The body.
    Body,
}

/// Names of parameters that the original's gateway fills, not the call.
const OF_THE_GATEWAY: &[&str] = &["connectionId"];

/// A declared parameter; `None` where it is none that a call gives.
pub(super) fn read(declared: &Json) -> Option<Parameter> {
    let text = |name: &str| declared.get(name).and_then(Json::as_str);
    let flag = |name: &str| declared.get(name).and_then(Json::as_bool);
    let name = text("name").filter(|name| !OF_THE_GATEWAY.contains(name))?;
    let (place, repeats) = match text("in")? {
        "path" => (In::Path, false),
        "query" => {
            let is_openapi_3 = declared.get("schema").is_some();
            let multiple = text("collectionFormat") == Some("multi");
            (In::Query, multiple || is_openapi_3 && flag("explode").unwrap_or(true))
        }
        "header" => (In::Header, false),
        "formData" => (In::Form, false),
        "body" => (In::Body, false),
        _ => return None,
    };
    let default = declared.get("default").or_else(|| declared.pointer("/schema/default"));
    Some(Parameter {
        name: name.to_owned(),
        place,
        required: flag("required").unwrap_or(place == In::Path),
        has_default: default.is_some() && matches!(place, In::Query | In::Header),
        repeats,
    })
}

impl Parameter {
    /// The body of an operation whose document gives it no name.
    pub(super) fn body(required: Option<bool>) -> Self {
        Self {
            name: "body".to_owned(),
            place: In::Body,
            required: required.unwrap_or_default(),
            has_default: false,
            repeats: false,
        }
    }
}

impl Operation {
    /// Where the value of a parameter goes and, for a member of the body (`body/member`), the rest of its name.
    /// `None` if the operation has no such parameter.
    pub fn parameter<'n>(&self, name: &'n str) -> Option<(In, Option<&'n str>)> {
        let declared = |name: &str| {
            let mut parameters = self.parameters.iter();
            parameters.find(|parameter| parameter.name.eq_ignore_ascii_case(name))
        };
        if let Some(parameter) = declared(name) {
            return Some((parameter.place, None));
        }
        if self.path.parameters().any(|place| place.eq_ignore_ascii_case(name)) {
            return Some((In::Path, None));
        }
        let (head, rest) = name
            .split_once('/')
            .map_or((name, None), |(head, rest)| (head, Some(rest)));
        let place = declared(head).map(|parameter| parameter.place);
        match place {
            Some(In::Body) => Some((In::Body, rest)),
            Some(In::Path | In::Query | In::Header | In::Form) => None,
            None => (head.eq_ignore_ascii_case("body") && self.takes_a_body()).then_some((In::Body, rest)),
        }
    }

    /// Whether it takes a body though its document declares none, or one of another name.
    fn takes_a_body(&self) -> bool {
        let is_form = self.parameters.iter().any(|parameter| parameter.place == In::Form);
        !is_form && !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// That it has no such parameter, with the nearest one, for a message.
    pub fn no_parameter(&self, name: &str) -> String {
        let declared = self.parameters.iter().map(|parameter| parameter.name.as_str());
        let known = declared.chain(self.path.parameters());
        let hint = nearest(name, known).map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
        format!("operation '{}' has no parameter '{name}'{hint}", self.id)
    }
}
