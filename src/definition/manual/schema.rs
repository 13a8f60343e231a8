//! The JSON schema of a workflow definition, for editors: it completes and explains. It is laxer than the check, which
//! knows the whole workflow.

use serde_json::{Map, Value, json};

use super::{ACTIONS, COMMON, Member, TRIGGERS, Type};

/// The schema, draft 2020-12, of a definition.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Workflow definition",
        "type": "object",
        "required": ["triggers", "actions"],
        "properties": {
            "$schema": {"type": "string"},
            "contentVersion": {"type": "string"},
            "parameters": {"type": "object", "additionalProperties": parameter()},
            "triggers": {"type": "object", "maxProperties": 1, "additionalProperties": any_of("trigger", TRIGGERS)},
            "actions": {"$ref": "#/$defs/actions"},
            "outputs": {"type": "object"},
            "staticResults": {"type": "object"},
        },
        "$defs": defs(),
    })
}

fn defs() -> Map<String, Value> {
    let mut defs = Map::new();
    defs.insert(
        "actions".to_owned(),
        json!({"type": "object", "additionalProperties": any_of("action", ACTIONS)}),
    );
    defs.insert("runAfter".to_owned(), run_after());
    for (group, kinds) in [("action", ACTIONS), ("trigger", TRIGGERS)] {
        for kind in kinds {
            defs.insert(format!("{group}-{}", kind.name), of_type(group, kind));
        }
    }
    defs
}

fn any_of(group: &str, kinds: &[Type]) -> Value {
    let branch = |kind: &Type| {
        json!({
            "if": {"properties": {"type": {"const": kind.name}}},
            "then": {"$ref": format!("#/$defs/{group}-{}", kind.name)},
        })
    };
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    json!({
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": names}},
        "allOf": kinds.iter().map(branch).collect::<Vec<_>>(),
    })
}

fn of_type(group: &str, kind: &Type) -> Value {
    let mut properties = Map::new();
    properties.insert("type".to_owned(), json!({"const": kind.name, "description": kind.doc}));
    let common = if group == "action" { COMMON } else { &[] };
    for member in common.iter().chain(kind.members) {
        properties.insert(member.name.to_owned(), of_member(member));
    }
    if !kind.any_inputs && !kind.inputs.is_empty() {
        let inputs: Map<String, Value> = kind
            .inputs
            .iter()
            .map(|member| (member.name.to_owned(), of_member(member)))
            .collect();
        let inputs = json!({"type": "object", "properties": inputs, "required": needed(kind.inputs)});
        properties.insert("inputs".to_owned(), inputs);
    }
    let mut required = needed(kind.members);
    if kind.any_inputs || kind.inputs.iter().any(|member| member.required) {
        required.push("inputs");
    }
    json!({"type": "object", "description": kind.doc, "properties": properties, "required": required})
}

fn needed(members: &[Member]) -> Vec<&'static str> {
    let needed = members.iter().filter(|member| member.required);
    needed.map(|member| member.name).collect()
}

fn of_member(member: &Member) -> Value {
    match member.name {
        "actions" => json!({"$ref": "#/$defs/actions", "description": member.doc}),
        "runAfter" => json!({"$ref": "#/$defs/runAfter", "description": member.doc}),
        "else" | "default" => json!({
            "type": "object", "description": member.doc, "properties": {"actions": {"$ref": "#/$defs/actions"}}}),
        _ => json!({"description": member.doc}),
    }
}

fn run_after() -> Value {
    json!({
        "type": "object",
        "additionalProperties": {
            "type": "array",
            "minItems": 1,
            "items": {"enum": ["Succeeded", "Failed", "Skipped", "TimedOut"]},
        },
    })
}

fn parameter() -> Value {
    json!({
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"description": "Int, Float, String, Bool, Array, Object, SecureString or SecureObject"},
            "defaultValue": {},
            "allowedValues": {"type": "array"},
        },
    })
}
