//! What a template leaves to its deployment, where a manifest must have it before any run: the value is asked for, and
//! nothing is called wrong.

use riposte::arm::{self, Options, Verdict};
use riposte::catalog::{Catalog, Source};
use serde_json::{Value, json};

use super::{definition, of_kind};

/// A template whose only workflow has this trigger and these actions.
fn template(trigger: Value, actions: Value) -> Value {
    json!({
        "parameters": {"Often": {"type": "string"}, "Every": {"type": "int"}, "App": {"type": "string"}},
        "resources": [{"type": "Microsoft.Logic/workflows", "name": "open", "properties": {
            "definition": {
                "parameters": {"Often": {"type": "string"}, "$connections": {"type": "Object", "defaultValue": {}}},
                "triggers": {"T": trigger},
                "actions": actions,
            },
            "parameters": {"Often": {"value": "[parameters('Often')]"}}}}]})
}

fn import(template: &Value) -> arm::Import {
    arm::import("open.json", &template.to_string(), &Options::default())
}

/// The codes of the problems of the one Playbook as a manifest, with these values for its parameters.
fn problems(import: &arm::Import, values: &[(&str, Value)]) -> Vec<String> {
    let mut playbook = of_kind(import, "Playbook")[0].clone();
    for parameter in playbook["spec"]["parameters"].as_array_mut().unwrap() {
        if let Some((_, value)) = values.iter().find(|(name, _)| parameter["name"] == *name) {
            parameter["value"] = value.clone();
        }
    }
    let catalog = Catalog::build([&Source::read_json("open", &playbook.to_string())]);
    catalog.diagnostics.iter().map(|found| found.code.to_string()).collect()
}

#[test]
fn a_schedule_waits_for_its_values() {
    let recurrence = json!({"frequency": "@{parameters('Often')}", "interval": "[parameters('Every')]"});
    let trigger = json!({"type": "Recurrence", "recurrence": recurrence});
    let import = import(&template(trigger, json!({})));
    let entry = &import.entries[0];
    assert_eq!(entry.verdict, Verdict::Runs, "{entry:?}");
    assert!(entry.codes.contains(&"MissingValue"), "{entry:?}");
    let asked = |name: &str| format!("give parameter `{name}` of Playbook `open` its value");
    for name in ["Often", "Every"] {
        let is_asked = entry.reasons.iter().any(|reason| reason.contains(&asked(name)));
        assert!(is_asked, "{name}: {entry:?}");
    }
    assert_eq!(problems(&import, &[]), ["MissingValue"]);
    assert_eq!(problems(&import, &[("Often", json!("Day"))]), ["InvalidValue"]);
    assert_eq!(
        problems(&import, &[("Often", json!("Day")), ("Every", json!(2))]),
        [""; 0]
    );
}

#[test]
fn the_name_of_a_function_app_needs_no_value() {
    let id = "[resourceId('Microsoft.Web/sites/functions', parameters('App'), 'look-up')]";
    let call = json!({"Call": {"type": "Function", "inputs": {"function": {"id": id}, "body": "[parameters('App')]"}}});
    let import = import(&template(json!({"type": "Request", "inputs": {}}), call));
    let playbook = of_kind(&import, "Playbook")[0];
    let inputs = &definition(playbook)["actions"]["Call"]["inputs"];
    let id = inputs["function"]["id"].as_str().unwrap();
    assert!(
        id.ends_with("/providers/Microsoft.Web/sites/App/functions/look-up"),
        "{id}"
    );
    assert_eq!(inputs["body"], "@parameters('App')");
    let bound = json!([{"name": "App", "connectionRef": {"name": "app"}}]);
    assert_eq!(playbook["spec"]["connections"], bound);
    assert_eq!(
        of_kind(&import, "ApiConnection")[0]["spec"]["connector"],
        "azurefunctions"
    );
}

#[test]
fn a_constant_that_is_open_is_for_the_reader_to_write() {
    let actions = json!({"Each": {"type": "Foreach", "foreach": "@triggerBody()", "actions": {},
        "runtimeConfiguration": {"concurrency": {"repetitions": "[parameters('Every')]"}}}});
    let import = import(&template(json!({"type": "Request", "inputs": {}}), actions));
    let entry = &import.entries[0];
    assert_eq!(entry.verdict, Verdict::Unsupported, "{entry:?}");
    assert!(entry.codes.contains(&"OpenConstant"), "{entry:?}");
    assert!(
        entry
            .reasons
            .iter()
            .any(|reason| reason.contains("write its value into the definition")),
        "{entry:?}"
    );
}

#[test]
fn a_linked_template_is_named_with_its_place() {
    let linked = json!({"parameters": {"Base": {"type": "string", "defaultValue": "https://x.example"}}, "resources": [
        {"type": "Microsoft.Resources/deployments", "name": "more", "properties": {
            "templateLink": {"uri": "[uri(parameters('Base'), 'flow.json')]"}}}]});
    let entry = &import(&linked).entries[0];
    assert_eq!(entry.verdict, Verdict::Unsupported, "{entry:?}");
    assert_eq!(entry.codes, ["LinkedTemplate", "Advice"]);
    let told = "deployment `more` takes its template from https://x.example/flow.json: get it and import it as a file of \
        its own";
    assert_eq!(entry.reasons[1], told);
}

#[test]
fn a_template_that_fails_says_why() {
    let mut failing = template(json!({"type": "Request", "inputs": {}}), json!({}));
    failing["resources"][0]["name"] = json!("[if(equals(1, 1), fail('choose a name'), 'x')]");
    let entry = &import(&failing).entries[0];
    assert_eq!(entry.verdict, Verdict::Invalid, "{entry:?}");
    assert!(
        entry.reasons.iter().any(|reason| reason.contains("choose a name")),
        "{entry:?}"
    );
}
