//! What a JSON schema says of the fields of a value, whether it stands in a definition or in an OpenAPI document.
//! Invariant: a field is lacking only where a schema names every field; a schema that leaves anything open says nothing.

use serde_json::Value as Json;

use super::workflow::Step;
use crate::api::nearest;
use crate::expression::Value;

/// How many references and parts of schemas are followed.
const DEPTH: usize = 16;

/// Keywords by which a schema allows what its properties do not name.
const OPEN: [&str; 9] = [
    "$ref",
    "additionalProperties",
    "anyOf",
    "discriminator",
    "oneOf",
    "patternProperties",
    "unevaluatedProperties",
    "x-ms-dynamic-properties",
    "x-ms-dynamic-schema",
];

/// JSON in which schemas are written.
pub trait Node: Sized {
    /// The member of this name.
    fn member(&self, name: &str) -> Option<&Self>;
    /// The members in order.
    fn members(&self) -> Vec<(&str, &Self)>;
    /// The elements in order.
    fn elements(&self) -> &[Self];
    /// The text.
    fn text(&self) -> Option<&str>;
    /// Whether it is `false`.
    fn is_false(&self) -> bool;
}

impl Node for Json {
    fn member(&self, name: &str) -> Option<&Self> {
        self.get(name)
    }

    fn members(&self) -> Vec<(&str, &Self)> {
        let members = self.as_object().into_iter().flatten();
        members.map(|(name, value)| (name.as_str(), value)).collect()
    }

    fn elements(&self) -> &[Self] {
        self.as_array().map_or(&[], Vec::as_slice)
    }

    fn text(&self) -> Option<&str> {
        self.as_str()
    }

    fn is_false(&self) -> bool {
        *self == Json::Bool(false)
    }
}

impl Node for Value {
    fn member(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get_exact(name)
    }

    fn members(&self) -> Vec<(&str, &Self)> {
        let members = self.as_object().into_iter().flat_map(|object| object.iter());
        members.map(|(name, value)| (&**name, value)).collect()
    }

    fn elements(&self) -> &[Self] {
        self.as_array().unwrap_or_default()
    }

    fn text(&self) -> Option<&str> {
        self.as_str()
    }

    fn is_false(&self) -> bool {
        *self == Value::Bool(false)
    }
}

/// What a schema lacks of the last field of a path, with the nearest field that it has: `no field 'nmae'; did you mean
/// 'name'?`. References in it point into `document`.
pub fn lacking<N: Node>(document: &N, schema: &N, path: &[Step]) -> Option<String> {
    let (last, way) = path.split_last()?;
    let Step::Field(field) = last else { return None };
    let mut here = schema;
    for step in way {
        here = match step {
            Step::Item => resolved(document, here)?.member("items")?,
            Step::Field(name) => {
                let properties = closed(document, here, DEPTH)?;
                properties.into_iter().find(|(known, _)| is_named(known, name))?.1
            }
        };
    }
    let properties = closed(document, here, DEPTH)?;
    if properties.is_empty() || properties.iter().any(|(name, _)| is_named(name, field)) {
        return None;
    }
    let hint = nearest(field, properties.iter().map(|(name, _)| *name));
    let hint = hint.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
    Some(format!("no field '{field}'{hint}"))
}

/// Whether a property is the field of a name. A schema in a definition writes `@@` for a first `@`, as every text there.
fn is_named(property: &str, field: &str) -> bool {
    let property = if property.starts_with("@@") {
        &property[1..]
    } else {
        property
    };
    property.eq_ignore_ascii_case(field)
}

/// The properties of a schema that names all of them.
fn closed<'n, N: Node>(document: &'n N, schema: &'n N, depth: usize) -> Option<Vec<(&'n str, &'n N)>> {
    let depth = depth.checked_sub(1)?;
    let schema = resolved(document, schema)?;
    let is_open =
        |(name, value): &(&str, &N)| OPEN.contains(name) && !(*name == "additionalProperties" && value.is_false());
    if schema.members().iter().any(is_open) {
        return None;
    }
    let parts = schema.member("allOf").map_or(&[][..], N::elements);
    let own = schema.member("properties");
    if own.is_none() && parts.is_empty() {
        return None;
    }
    let mut properties = own.map(N::members).unwrap_or_default();
    for part in parts {
        properties.extend(closed(document, part, depth)?);
    }
    Some(properties)
}

/// The schema that a schema refers to; `None` where the reference leads nowhere.
fn resolved<'n, N: Node>(document: &'n N, schema: &'n N) -> Option<&'n N> {
    let mut schema = schema;
    for _ in 0..DEPTH {
        let Some(reference) = schema.member("$ref") else {
            return Some(schema);
        };
        let mut names = reference.text()?.strip_prefix('#')?.split('/').skip(1);
        schema = names.try_fold(document, |node, name| {
            node.member(&name.replace("~1", "/").replace("~0", "~"))
        })?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(text: &str) -> Vec<Step> {
        let step = |name: &str| match name {
            "*" => Step::Item,
            _ => Step::Field(name.into()),
        };
        text.split('.').map(step).collect()
    }

    #[test]
    fn a_first_at_sign_is_written_twice_in_a_definition() {
        let schema = json!({"properties": {"@@odata.type": {}}});
        let read = |name: &str| lacking(&schema, &schema, &[Step::Field(name.into())]);
        assert_eq!(read("@odata.type"), None);
        assert!(read("odata.type").is_some());
    }

    #[test]
    fn only_what_a_schema_names_whole_is_judged() {
        let document = json!({"definitions": {
            "host": {"allOf": [{"$ref": "#/definitions/named"}, {"properties": {"os": {}}}]},
            "named": {"properties": {"name": {"type": "string"}}}, "loop": {"$ref": "#/definitions/loop"},
            "nest": {"allOf": [{"$ref": "#/definitions/nest"}]}}});
        let schema = json!({"properties": {
            "hosts": {"type": "array", "items": {"$ref": "#/definitions/host"}},
            "open": {"properties": {"a": {}}, "additionalProperties": true},
            "shut": {"properties": {"a": {}}, "additionalProperties": false},
            "either": {"oneOf": [{"properties": {"a": {}}}]}, "any": {"type": "object"},
            "empty": {"properties": {}}, "loop": {"$ref": "#/definitions/loop"}, "nest": {"$ref": "#/definitions/nest"},
            "gone": {"$ref": "#/definitions/none"}}});
        let cases = [
            ("hosts", None),
            ("host", Some("no field 'host'; did you mean 'hosts'?")),
            ("hosts.*.NAME", None),
            ("hosts.*.os", None),
            ("hosts.*.nmae", Some("no field 'nmae'; did you mean 'name'?")),
            ("hosts.name", None),
            ("open.b", None),
            ("shut.b", Some("no field 'b'; did you mean 'a'?")),
            ("either.b", None),
            ("any.b", None),
            ("empty.b", None),
            ("loop.b", None),
            ("nest.b", None),
            ("gone.b", None),
            ("unknown.b", None),
        ];
        for (read, expected) in cases {
            let found = lacking(&document, &schema, &path(read));
            assert_eq!(found.as_deref(), expected, "{read}");
            let (document, schema) = (Value::from(&document), Value::from(&schema));
            assert_eq!(lacking(&document, &schema, &path(read)).as_deref(), expected, "{read}");
        }
    }
}
