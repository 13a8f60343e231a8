//! `riposte schema`: JSON schemas of manifests and of workflow definitions, for editors.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::USAGE;
use crate::api::{GROUP, Kind, VERSION, nearest, playbook_test};
use crate::definition::manual;

/// The name of the schema of a workflow definition.
const WORKFLOW: &str = "workflow";

/// Prints a JSON schema, for editors: of a kind's manifests, of a workflow definition, or of all manifests.
#[derive(clap::Args)]
pub struct Arguments {
    /// A kind, such as Playbook, playbooks or PlaybookTest, or `workflow` for a definition by itself; case does not
    /// matter. None: any manifest.
    #[arg(value_name = "KIND")]
    kind: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Output that cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let schema = match arguments.kind.as_deref() {
        None => any(),
        Some(name) if name.eq_ignore_ascii_case(WORKFLOW) => manual::schema(),
        Some(name) if name.eq_ignore_ascii_case(playbook_test::KIND) => with_definitions(of_test()),
        Some(name) => match Kind::named(name) {
            Some(kind) => with_definitions(of_kind(kind)),
            None => {
                eprintln!("error: {}", unknown(name));
                return Ok(ExitCode::from(USAGE));
            }
        },
    };
    let text = serde_json::to_string_pretty(&schema)? + "\n";
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("the schema cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

fn unknown(name: &str) -> String {
    let known = || kinds().chain([WORKFLOW]);
    let hint = nearest(name, known()).map(|word| format!("; did you mean `{word}`?"));
    let known: Vec<&str> = known().collect();
    format!(
        "unknown kind `{}`; there are {}{}",
        super::output::clean(name),
        known.join(", "),
        hint.unwrap_or_default()
    )
}

/// The schema of any manifest: the kind tells which.
fn any() -> Value {
    let branch = |kind: &str, then: Value| json!({"if": {"properties": {"kind": {"const": kind}}}, "then": then});
    let branches = Kind::ALL.into_iter().map(|kind| branch(kind.as_str(), of_kind(kind)));
    let branches: Vec<Value> = branches.chain([branch(playbook_test::KIND, of_test())]).collect();
    with_definitions(json!({
        "title": "Riposte manifest",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": {"const": format!("{GROUP}/{VERSION}")},
            "kind": {"enum": kinds().collect::<Vec<_>>()},
        },
        "allOf": branches,
    }))
}

/// What the schemas of definitions and tests refer to stands at the root.
fn with_definitions(mut schema: Value) -> Value {
    let (workflow, test) = (manual::schema(), playbook_test::schema());
    let all = [&workflow, &test]
        .into_iter()
        .filter_map(|schema| schema["$defs"].as_object());
    let all = all.flatten().map(|(name, schema)| (name.clone(), schema.clone()));
    schema["$defs"] = Value::Object(all.collect());
    schema["$schema"] = workflow["$schema"].clone();
    schema
}

/// The kinds that manifests of this group have: those of clusters, and that of tests, which only files have.
fn kinds() -> impl Iterator<Item = &'static str> {
    Kind::ALL.map(Kind::as_str).into_iter().chain([playbook_test::KIND])
}

/// The schema of tests.
fn of_test() -> Value {
    let mut spec = playbook_test::schema();
    let members = spec.as_object_mut();
    let description = members.and_then(|members| {
        members.retain(|name, _| !name.starts_with('$') && name != "title");
        members.get("description").cloned()
    });
    json!({
        "description": description,
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": format!("{GROUP}/{VERSION}")},
            "kind": {"const": playbook_test::KIND},
            "metadata": {"type": "object", "required": ["name"]},
            "spec": spec,
        },
    })
}

/// The schema of a kind's manifests, from its CustomResourceDefinition; a playbook's definition is described too.
fn of_kind(kind: Kind) -> Value {
    let crd = kind.crd();
    let mut schema = crd
        .pointer("/spec/versions/0/schema/openAPIV3Schema")
        .cloned()
        .unwrap_or_default();
    plain(&mut schema);
    schema["properties"]["apiVersion"] = json!({"const": format!("{GROUP}/{VERSION}")});
    schema["properties"]["kind"] = json!({"const": kind.as_str()});
    schema["properties"]["metadata"] = json!({"type": "object", "required": ["name"]});
    if kind == Kind::Playbook {
        let mut workflow = manual::schema();
        if let Some(workflow) = workflow.as_object_mut() {
            workflow.retain(|name, _| !name.starts_with('$'));
        }
        schema["properties"]["spec"]["properties"]["definition"] = workflow;
    }
    schema
}

/// Leaves out what only the API server understands; `nullable` becomes a type.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with("x-kubernetes-"));
            let is_nullable = members.remove("nullable") == Some(Value::Bool(true));
            if let (true, Some(kind @ Value::String(_))) = (is_nullable, members.get_mut("type")) {
                *kind = json!([kind.clone(), "null"]);
            }
            members.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
