//! Makes an example from a schema: what a fake service or a mock answers. Deterministic: the same schema gives the
//! same value. A budget of nodes and depth bounds every schema, a recursive one too.

use serde_json::{Map, Value as Json, json};

use super::spec::resolve;

const DEPTH: usize = 12;
/// What an example may cost, in bytes of JSON; one given in the schema is used whole.
const BYTES: usize = 100_000;

/// An example of a schema; `document` is what its references point into.
pub fn example(schema: &Json, document: &Json) -> Json {
    Maker { document, bytes: BYTES }.make(schema, DEPTH)
}

struct Maker<'d> {
    document: &'d Json,
    bytes: usize,
}

impl Maker<'_> {
    fn make(&mut self, schema: &Json, depth: usize) -> Json {
        let document = self.document;
        let schema = resolve(document, schema);
        if depth == 0 || self.bytes == 0 {
            return bare(schema);
        }
        self.spend(8);
        for given in ["example", "x-ms-example", "default", "const"] {
            if let Some(value) = schema.get(given) {
                return self.given(value);
            }
        }
        for list in ["enum", "examples"] {
            if let Some(value) = schema.get(list).and_then(|values| values.get(0)) {
                return self.given(value);
            }
        }
        if let Some(all) = schema.get("allOf").and_then(Json::as_array) {
            return self.merged(schema, all, depth);
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(first) = schema.get(choice).and_then(|choices| choices.get(0)) {
                return self.make(first, depth - 1);
            }
        }
        self.typed(schema, depth)
    }

    fn given(&mut self, value: &Json) -> Json {
        self.spend(value.to_string().len());
        value.clone()
    }

    fn spend(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn merged(&mut self, schema: &Json, all: &[Json], depth: usize) -> Json {
        let mut merged = Map::new();
        for part in all {
            if let Json::Object(members) = self.make(part, depth - 1) {
                merged.extend(members);
            }
        }
        if let Json::Object(members) = self.object(schema, depth) {
            merged.extend(members);
        }
        Json::Object(merged)
    }

    fn typed(&mut self, schema: &Json, depth: usize) -> Json {
        match type_name(schema) {
            "object" => self.object(schema, depth),
            "array" => match schema.get("items") {
                Some(items) => Json::Array(vec![self.make(items, depth - 1)]),
                None => json!([]),
            },
            "integer" => schema
                .get("minimum")
                .filter(|least| least.is_i64())
                .cloned()
                .unwrap_or_else(|| json!(0)),
            "number" => schema
                .get("minimum")
                .filter(|least| least.is_number())
                .cloned()
                .unwrap_or_else(|| json!(0)),
            "boolean" => json!(false),
            "string" => json!(text_of(schema)),
            _ => Json::Null,
        }
    }

    fn object(&mut self, schema: &Json, depth: usize) -> Json {
        let properties = schema.get("properties").and_then(Json::as_object);
        let mut members = Map::new();
        for (name, property) in properties.into_iter().flatten() {
            if self.bytes == 0 {
                break;
            }
            self.spend(name.len());
            members.insert(name.clone(), self.make(property, depth - 1));
        }
        Json::Object(members)
    }
}

/// The smallest value of a schema's type.
fn bare(schema: &Json) -> Json {
    match type_name(schema) {
        "object" => json!({}),
        "array" => json!([]),
        "integer" | "number" => json!(0),
        "boolean" => json!(false),
        "string" => json!("example"),
        _ => Json::Null,
    }
}

/// The type that a schema has or implies; of a list of types the first that is not `null`.
fn type_name(schema: &Json) -> &str {
    let named = match schema.get("type") {
        Some(Json::String(name)) => Some(name.as_str()),
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).find(|name| *name != "null"),
        _ => None,
    };
    let implied = || match (schema.get("properties"), schema.get("items")) {
        (Some(_), _) => "object",
        (None, Some(_)) => "array",
        (None, None) => "null",
    };
    named.unwrap_or_else(implied)
}

fn text_of(schema: &Json) -> &'static str {
    match schema.get("format").and_then(Json::as_str) {
        Some("date-time") => "2024-01-01T00:00:00Z",
        Some("date") => "2024-01-01",
        Some("uuid") => "00000000-0000-0000-0000-000000000000",
        Some("uri" | "url") => "https://example.com/",
        Some("email") => "someone@example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("byte") => "ZXhhbXBsZQ==",
        _ => "example",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_examples_win_and_types_fill_the_rest() {
        let schema = json!({"type": "object", "properties": {
            "id": {"type": "string", "example": "x1"}, "n": {"type": "integer", "minimum": 3}, "ok": {"type": "boolean"},
            "when": {"type": "string", "format": "date-time"}, "kind": {"enum": ["a", "b"]},
            "list": {"items": {"$ref": "#/definitions/item"}}, "maybe": {"type": ["null", "number"]},
            "both": {"allOf": [{"$ref": "#/definitions/item"}, {"properties": {"b": {"default": 2}}}]}}});
        let document = json!({"definitions": {"item": {"properties": {"a": {"const": 1}}}}});
        let expected = json!({"id": "x1", "n": 3, "ok": false, "when": "2024-01-01T00:00:00Z", "kind": "a",
            "list": [{"a": 1}], "maybe": 0, "both": {"a": 1, "b": 2}});
        assert_eq!(example(&schema, &document), expected);
    }

    #[test]
    fn recursion_and_breadth_are_bounded() {
        let wide: Map<String, Json> = (0..200).map(|n| (n.to_string(), json!({"$ref": "#/a"}))).collect();
        let large = json!({"example": "x".repeat(10_000)});
        let document = json!({"a": {"properties": wide, "allOf": [large]}, "loop": {"$ref": "#/loop"}});
        assert!(example(&json!({"$ref": "#/a"}), &document).to_string().len() < 2 * BYTES);
        assert_eq!(example(&json!({"$ref": "#/loop"}), &document), Json::Null);
    }
}
