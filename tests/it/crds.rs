//! The CustomResourceDefinitions: the files are what the types say, every field is documented and bounded as the API
//! server wants it, and each rule refuses an example in the same words as `validate`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use riposte::api::manifest::decode;
use riposte::api::{Kind, yaml};
use serde_json::{Map, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn schema(crd: &Value) -> &Value {
    &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

#[test]
fn files_are_what_the_types_say() {
    let folder = root().join("crds");
    let mut expected = BTreeSet::new();
    for kind in Kind::ALL {
        let path = folder.join(format!("{}.yaml", kind.plural()));
        let text = kind.crd_yaml();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == text, "{} is old; run `UPDATE=1 cargo test`", path.display());
        let document = &yaml::parse(&text).unwrap()[0];
        assert_eq!(document.json, kind.crd(), "{kind:?} reads as it was written");
        expected.insert(path);
    }
    let found: BTreeSet<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_definition_fits_into_the_annotation_of_a_client_side_apply() {
    for kind in Kind::ALL {
        let bytes = serde_json::to_string(&kind.crd()).unwrap().len();
        assert!(bytes < 262_144, "{kind:?} has {bytes} bytes");
    }
}

#[test]
fn every_field_is_documented_bounded_and_structural() {
    let mut faults = Vec::new();
    for kind in Kind::ALL {
        let crd = kind.crd();
        let schema = schema(&crd);
        if schema["description"]
            .as_str()
            .is_none_or(|text| text.starts_with("Auto-generated"))
        {
            faults.push(format!("{kind:?} has no description"));
        }
        for part in ["spec", "status"] {
            let path = format!("{}.{part}", kind.as_str());
            walk(&path, &schema["properties"][part], &mut faults);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

fn walk(path: &str, schema: &Value, faults: &mut Vec<String>) {
    let Some(members) = schema.as_object() else {
        return faults.push(format!("{path} is no schema"));
    };
    let mut fault = |what: &str| faults.push(format!("{path} {what}"));
    let has = |name: &str| members.contains_key(name);
    for forbidden in [
        "$ref",
        "nullable",
        "uniqueItems",
        "const",
        "$defs",
        "anyOf",
        "patternProperties",
    ] {
        if has(forbidden) {
            fault(&format!("has {forbidden}"));
        }
    }
    if schema["format"]
        .as_str()
        .is_some_and(|format| format.starts_with("uint"))
    {
        fault("has an unsigned format");
    }
    let is_free = schema["x-kubernetes-preserve-unknown-fields"] == true;
    match schema["type"].as_str() {
        Some("string") if !(has("maxLength") || has("enum") || schema["format"] == "date-time") => {
            fault("has no longest length");
        }
        Some("array") => {
            if !(has("maxItems") && has("x-kubernetes-list-type")) {
                fault("has no greatest number of items or no list type");
            }
            walk(&format!("{path}[]"), &schema["items"], faults);
        }
        Some("object") => {
            if !(has("properties") || has("additionalProperties") || is_free) {
                fault("has no fields");
            }
            if has("additionalProperties") && !has("maxProperties") {
                fault("has no greatest number of members");
            }
            schema
                .get("additionalProperties")
                .into_iter()
                .for_each(|values| walk(&format!("{path}{{}}"), values, faults));
        }
        Some("string" | "integer" | "boolean") => {}
        None if is_free => {}
        other => fault(&format!("has the type {other:?}")),
    }
    for (name, property) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let path = format!("{path}.{name}");
        if property["description"].as_str().is_none_or(str::is_empty) {
            faults.push(format!("{path} has no description"));
        }
        walk(&path, property, faults);
    }
}

#[test]
fn kinds_are_named_and_shown_alike() {
    let mut short_names = BTreeSet::new();
    for kind in Kind::ALL {
        let crd = kind.crd();
        let spec = &crd["spec"];
        assert_eq!(crd["metadata"]["name"], format!("{}.riposte.dev", kind.plural()));
        assert_eq!(
            (&spec["group"], &spec["scope"]),
            (&"riposte.dev".into(), &"Namespaced".into())
        );
        let categories = spec["names"]["categories"].as_array().unwrap();
        assert!(categories.contains(&"riposte".into()), "{kind:?}");
        for name in spec["names"]["shortNames"].as_array().unwrap_or(&Vec::new()) {
            assert!(
                short_names.insert(name.to_string()),
                "{name} is the short name of two kinds"
            );
        }
        let version = &spec["versions"][0];
        assert!(version["subresources"]["status"].is_object(), "{kind:?} has a status");
        assert_eq!(
            schema(&crd)["properties"]["status"]["default"]["observedGeneration"],
            -1,
            "{kind:?}"
        );
        let columns = version["additionalPrinterColumns"].as_array().unwrap();
        let names: Vec<_> = columns.iter().filter_map(|column| column["name"].as_str()).collect();
        assert!(
            names.ends_with(&["AGE"]) && names.contains(&"STATUS"),
            "{kind:?}: {names:?}"
        );
        let selectable = version["selectableFields"].as_array().map_or(0, Vec::len);
        assert!(selectable <= 8, "{kind:?} has {selectable} selectable fields");
    }
}

/// An example that is refused.
struct Refused {
    name: String,
    text: String,
    message: String,
    is_update: bool,
}

fn refused() -> Vec<Refused> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("examples/invalid")).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let first = text.lines().next().unwrap_or_default();
        let update = first.strip_prefix("# rejected on update: ");
        let message = update.or_else(|| first.strip_prefix("# rejected: "));
        found.push(Refused {
            name: path.file_name().expect("a name").to_string_lossy().into_owned(),
            message: message.expect("the first line says why").to_owned(),
            is_update: update.is_some(),
            text,
        });
    }
    assert!(found.len() > 20, "the examples are not where this test looks");
    found
}

#[test]
fn examples_are_refused_for_the_reason_that_they_state() {
    for example in refused() {
        let Refused {
            name,
            text,
            message,
            is_update,
        } = &example;
        let documents = yaml::parse(text).unwrap();
        assert_eq!(documents.len(), if *is_update { 2 } else { 1 }, "{name}");
        for document in &documents {
            match decode(document, name) {
                Ok(_) => assert!(is_update, "{name} is accepted"),
                Err(problems) => {
                    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                    assert!(
                        problems.len() == 1 && problems[0].contains(message),
                        "{name} is refused otherwise: {problems:#?}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_rule_of_the_definitions_has_an_example() {
    let mut rules = BTreeSet::new();
    for kind in Kind::ALL {
        messages(schema(&kind.crd()), &mut rules);
    }
    let examples = refused();
    let shown: BTreeSet<String> = examples.iter().map(|example| example.message.clone()).collect();
    let missing: Vec<_> = rules.difference(&shown).collect();
    assert!(missing.is_empty(), "rules without an example: {missing:#?}");
    for example in examples {
        let by_server = example
            .text
            .lines()
            .nth(1)
            .is_some_and(|line| line.starts_with("# server: "));
        assert!(
            rules.contains(&example.message) != by_server,
            "{}: a rule has one message; what a bound refuses has that of the server too",
            example.name
        );
    }
}

/// The messages of all rules below a schema.
fn messages(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            let rules = members.get("x-kubernetes-validations").and_then(Value::as_array);
            let texts = rules.into_iter().flatten().filter_map(|rule| rule["message"].as_str());
            found.extend(texts.map(ToOwned::to_owned));
            members.values().for_each(|inner| messages(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| messages(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What a rule file says where content says nothing: a field without a value is no field.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn rule_files_of_real_content_fit_below_a_spec() {
    let given = std::env::var_os("RIPOSTE_CORPUS").map(PathBuf::from);
    let corpus = given.unwrap_or_else(|| root().join("../shared/corpus"));
    let entries = std::fs::read_dir(corpus.join("rules"));
    let entries = entries.expect("the corpus lies beside the repository, or where RIPOSTE_CORPUS says");
    let (mut read, mut refused) = (0, Vec::new());
    for entry in entries {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let Some(mut spec) = yaml::parse(&text)
            .ok()
            .and_then(|documents| Some(documents.first()?.json.clone()))
        else {
            continue;
        };
        if spec["query"].is_null() || spec["kind"] != "Scheduled" && spec["kind"] != "NRT" {
            continue;
        }
        read += 1;
        without_nulls(&mut spec);
        let manifest = serde_json::json!({
            "apiVersion": "riposte.dev/v1alpha1", "kind": "AnalyticsRule", "metadata": { "name": "it" }, "spec": spec
        });
        let documents = yaml::parse(&yaml::write(&manifest)).unwrap();
        let problems = decode(&documents[0], &path.display().to_string()).err();
        refused.extend(problems.into_iter().flatten().map(|problem| problem.to_string()));
    }
    assert!(read > 100, "{read} rules were read");
    assert!(
        refused.len() * 50 < read,
        "{} problems in {read} rules: {refused:#?}",
        refused.len()
    );
}
