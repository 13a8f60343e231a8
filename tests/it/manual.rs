//! Tests of the manual of action and trigger types: it is whole, and what it shows is right.

use std::sync::Arc;

use jiff::Timestamp;
use riposte::connectors::catalog::built_in;
use riposte::definition::manual::{ACTIONS, TRIGGERS, Type, page, schema};
use riposte::definition::{self, action_types, trigger_types};
use riposte::engine::content::Playbook;
use riposte::engine::view;
use riposte::expression::Value;
use riposte::rehearsal::{Mocks, Occasion, Stage, Unmocked, rehearse};
use serde_json::{Value as Json, json};

fn example(kind: &Type) -> Json {
    serde_json::from_str(kind.example).unwrap_or_else(|error| panic!("the example of {}: {error}", kind.name))
}

/// A workflow with the example of an action type, and what such examples may name.
fn with_action(kind: &Type) -> Json {
    let variables = json!({"variables": [
        {"name": "list", "type": "Array"}, {"name": "text", "type": "String"}, {"name": "count", "type": "Integer"}]});
    let mut action = example(kind);
    if kind.name != "InitializeVariable" {
        action["runAfter"] = json!({"Variables": ["Succeeded"]});
    }
    json!({
        "parameters": {"$connections": {"type": "Object", "defaultValue": {}}},
        "triggers": {"manual": {"type": "Request"}},
        "actions": {"Variables": {"type": "InitializeVariable", "inputs": variables}, "Example": action},
    })
}

fn with_trigger(kind: &Type) -> Json {
    json!({
        "parameters": {"$connections": {"type": "Object", "defaultValue": {}}},
        "triggers": {"Example": example(kind)},
        "actions": {},
    })
}

/// Every example as a workflow, with the name of its type.
fn examples() -> Vec<(&'static str, Json)> {
    let actions = ACTIONS.iter().map(|kind| (kind.name, with_action(kind)));
    let triggers = TRIGGERS.iter().map(|kind| (kind.name, with_trigger(kind)));
    actions.chain(triggers).collect()
}

#[test]
fn every_type_that_is_served_is_described() {
    let described: Vec<&str> = ACTIONS.iter().map(|kind| kind.name).collect();
    assert_eq!(described, action_types().collect::<Vec<_>>());
    let described: Vec<&str> = TRIGGERS.iter().map(|kind| kind.name).collect();
    assert_eq!(described, trigger_types().collect::<Vec<_>>());
}

#[test]
fn every_example_is_a_sound_definition() {
    for (name, workflow) in examples() {
        let read = definition::parse(&Value::from(&workflow));
        let (_, warnings) = read.unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        assert_eq!(warnings.first(), None, "{name}");
    }
}

#[test]
fn members_that_are_required_are_missed() {
    for (kind, member) in ACTIONS
        .iter()
        .flat_map(|kind| kind.inputs.iter().map(move |member| (kind, member)))
    {
        let mut workflow = with_action(kind);
        let inputs = workflow["actions"]["Example"]["inputs"].as_object_mut();
        if inputs.and_then(|inputs| inputs.remove(member.name)).is_none() {
            continue;
        }
        let sound = definition::parse(&Value::from(&workflow)).is_ok();
        // An Expression needs what its kind needs, a Wait one of two.
        let depends = matches!(kind.name, "Expression" | "Wait");
        assert!(sound != member.required || depends, "{}.{}", kind.name, member.name);
    }
}

#[test]
fn the_schema_for_editors_takes_examples_and_refuses_mistakes() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (name, workflow) in examples() {
        let errors: Vec<_> = validator
            .iter_errors(&workflow)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
    let mistakes = [
        ("/actions/Example/type", json!("Compse")),
        ("/actions/Example/runAfter/Variables/0", json!("Done")),
        ("/triggers/manual/type", json!("Reqest")),
        ("/actions/Example/inputs", json!({"method": "GET"})),
    ];
    let http = ACTIONS.iter().find(|kind| kind.name == "Http").unwrap();
    for (pointer, value) in mistakes {
        let mut workflow = with_action(http);
        *workflow.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&workflow), "{pointer}");
    }
}

#[test]
fn the_schemas_of_manifests_take_what_the_manifest_door_takes() {
    let schema = |arguments: &[&str]| -> Json {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_riposte"))
            .arg("schema")
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let any = jsonschema::validator_for(&schema(&[])).unwrap();
    let playbook = jsonschema::validator_for(&schema(&["playbooks"])).unwrap();
    let test = jsonschema::validator_for(&schema(&["PlaybookTest"])).unwrap();
    let (mut seen, mut tests) = (0, 0);
    for folder in ["kinds", "quickstart", "quickstart/tests"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(folder);
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            for document in riposte::api::yaml::parse(&std::fs::read_to_string(&path).unwrap()).unwrap() {
                if document.json["apiVersion"] != "riposte.dev/v1alpha1" {
                    continue;
                }
                seen += 1;
                let errors: Vec<_> = any.iter_errors(&document.json).map(|error| error.to_string()).collect();
                assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
                assert_eq!(playbook.is_valid(&document.json), document.json["kind"] == "Playbook");
                assert_eq!(test.is_valid(&document.json), document.json["kind"] == "PlaybookTest");
                tests += usize::from(test.is_valid(&document.json));
                let mut wrong = document.json.clone();
                wrong["spec"] = json!(1);
                assert!(!any.is_valid(&wrong));
            }
        }
    }
    assert!(seen >= 9 && tests > 0, "{seen} manifests, {tests} of them tests");
}

/// The actions of a rehearsal of a workflow.
fn rehearsed(workflow: &Json) -> Value {
    let definition = Value::from(workflow);
    let (workflow, _) = definition::parse(&definition).unwrap();
    let playbook = Playbook {
        namespace: "default".into(),
        name: "example".into(),
        definition: definition.to_json().into(),
        hash: "hash".into(),
        workflow: Arc::new(workflow),
        parameters: Vec::new(),
        settings: Vec::new(),
        connections: Vec::new(),
        suspended: false,
    };
    let stage = Stage::new(playbook, built_in);
    let now = Timestamp::UNIX_EPOCH;
    let occasion = Occasion::made_up(&stage, now).unwrap();
    let (mocks, playbook) = (Mocks::default(), stage.playbook());
    let finished = rehearse(&stage, playbook, &occasion, &mocks, Unmocked::Example, now).unwrap();
    view::run(&playbook.workflow, &finished[0].state)
}

#[test]
fn every_action_of_the_manual_runs() {
    for kind in ACTIONS {
        let run = rehearsed(&with_action(kind));
        let action = run.at(&["actions", "Example"]).cloned().unwrap_or_default();
        assert_eq!(
            action.get("status"),
            Some(&"Succeeded".into()),
            "{}: {action:?}",
            kind.name
        );
        let gives = action.get("outputs").is_some();
        assert_eq!(gives, !kind.outputs.starts_with("none"), "{}: {action:?}", kind.name);
    }
}

#[test]
fn the_page_is_made_from_the_manual() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/definition/actions.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(page() == known, "the manual changed; refresh its page with UPDATE=1");
    let riposte = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_riposte"));
        command.args(arguments).output().unwrap()
    };
    assert_eq!(String::from_utf8(riposte(&["actions"]).stdout).unwrap(), known);
    let one = String::from_utf8(riposte(&["actions", "http"]).stdout).unwrap();
    assert!(
        one.starts_with("Action:\n### Http\n") && one.contains("Trigger:\n### Http\n"),
        "{one}"
    );
    let unknown = riposte(&["actions", "Htp"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("did you mean `Http`?"));
}
