//! Tests of the way back: manifests to a template, and that template to the same manifests.

use std::fs;
use std::process::{Command, Output};

use riposte::api::Manifest;
use riposte::api::manifest::{Decoded, decode};
use riposte::api::yaml;
use riposte::arm::{self, ExportError, Options};
use serde_json::{Value, json};

use super::{ADDRESS, connection, corpus, import, workflow};

/// The manifests as they are read from files.
fn manifests(all: &[Value]) -> Vec<Manifest> {
    let read = |manifest: &Value| {
        let documents = yaml::parse(&yaml::write(manifest)).expect("YAML");
        match decode(&documents[0], "file.yaml").expect("a manifest") {
            Decoded::Manifest(manifest) => *manifest,
            Decoded::Foreign { kind, .. } => panic!("{kind} is foreign"),
            Decoded::Test => panic!("a test is no manifest"),
        }
    };
    all.iter().map(read).collect()
}

/// The template that the manifests make.
fn exported(all: &[Value]) -> Value {
    let export = arm::export(&manifests(all)).expect("a template");
    serde_json::to_value(&export.template).expect("JSON")
}

fn of_type<'a>(template: &'a Value, kind: &str) -> Vec<&'a Value> {
    let resources = template["resources"].as_array().expect("resources");
    resources.iter().filter(|resource| resource["type"] == kind).collect()
}

/// The first difference of two values, with its place.
fn difference(left: &Value, right: &Value, place: &str) -> Option<String> {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => a
            .iter()
            .find_map(|(name, member)| difference(member, &b[name], &format!("{place}/{name}"))),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut items = a.iter().zip(b).enumerate();
            items.find_map(|(index, (a, b))| difference(a, b, &format!("{place}/{index}")))
        }
        (Value::String(a), Value::String(b)) if a != b && a.len() > 300 => {
            let parse = |text: &str| serde_json::from_str(text).unwrap_or_default();
            Some(difference(&parse(a), &parse(b), place).unwrap_or_else(|| format!("{place}: long text")))
        }
        _ if left == right => None,
        _ => Some(format!("{place}: {left} is not {right}")),
    }
}

#[test]
fn every_template_of_the_corpus_comes_back() {
    let (mut all, mut same) = (0, 0);
    let mut broken = Vec::new();
    let folders = ["playbooks", "modern-playbooks", "custom-connectors"];
    for (path, text) in folders.into_iter().flat_map(corpus) {
        let options = Options::default();
        let first = arm::import(&path.to_string_lossy(), &text, &options).manifests;
        if !first.iter().any(|manifest| manifest["kind"] != "ApiConnection") {
            continue;
        }
        all += 1;
        let template = exported(&first);
        let members: Vec<&String> = template.as_object().expect("object").keys().collect();
        assert_eq!(members, ["$schema", "contentVersion", "parameters", "resources"]);
        let second = arm::import("exported.json", &template.to_string(), &options).manifests;
        match difference(&Value::from(first), &Value::from(second), "") {
            None => same += 1,
            Some(what) => broken.push(format!("{}: {what}", path.display())),
        }
    }
    println!("{same} of {all} templates come back the same");
    assert!(all > 400, "only {all} templates");
    assert!(broken.is_empty(), "{} differ:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn a_template_deploys_what_the_manifests_say() {
    let mut resource = workflow(
        ADDRESS,
        json!({"text": "[[not an expression]"}),
        json!({"state": "Disabled"}),
    );
    let zulu = &mut resource["properties"]["definition"]["actions"]["Zulu"];
    zulu["inputs"]["key"] = json!("[parameters('Key')]");
    zulu["inputs"]["group"] = json!("[resourceGroup().id]");
    let connections = &mut resource["properties"]["parameters"]["$connections"]["value"];
    connections["azuresentinel"]["connectionProperties"] =
        json!({"authentication": {"type": "ManagedServiceIdentity"}});
    let parameters = json!({"PlaybookName": {"type": "string"}, "Key": {"type": "securestring"}});
    let imported = import(
        parameters,
        json!([connection(json!({"api_key": "[parameters('Key')]"})), resource]),
    );
    let template = exported(&imported.manifests);
    let schema = template["$schema"].as_str().expect("schema");
    assert!(schema.ends_with("/deploymentTemplate.json#"), "{schema}");
    let parameters = &template["parameters"];
    assert_eq!(parameters["PlaybookName"]["defaultValue"], "Block_IP");
    assert_eq!(parameters["location"]["defaultValue"], "[resourceGroup().location]");
    for secret in ["Key", "vt-block-ip-api_key"] {
        assert_eq!(parameters[secret]["type"], "securestring", "{secret}");
        assert_eq!(parameters[secret].get("defaultValue"), None, "{secret}");
    }
    let [sentinel, vt] = [1, 0].map(|index| of_type(&template, "Microsoft.Web/connections")[index]);
    assert_eq!(sentinel["properties"]["parameterValueType"], "Alternative");
    assert_eq!(
        vt["properties"]["parameterValues"],
        json!({"api_key": "[parameters('vt-block-ip-api_key')]"})
    );
    let api = "[subscriptionResourceId('Microsoft.Web/locations/managedApis', parameters('location'), 'virustotal')]";
    assert_eq!(vt["properties"]["api"], json!({"id": api}));
    let workflow = of_type(&template, "Microsoft.Logic/workflows")[0];
    assert_eq!(workflow["name"], "[parameters('PlaybookName')]");
    assert_eq!(workflow["location"], "[parameters('location')]");
    assert_eq!(workflow["identity"], json!({"type": "SystemAssigned"}));
    assert_eq!(workflow["tags"]["hidden-SentinelTemplateName"], "Block");
    assert_eq!(workflow["properties"]["state"], "Disabled");
    let id = "[resourceId('Microsoft.Web/connections', 'vt-block-ip')]";
    let values = &workflow["properties"]["parameters"];
    assert_eq!(
        values["$connections"]["value"]["vt"],
        json!({"connectionId": id, "connectionName": "vt-block-ip", "id": api})
    );
    assert!(workflow["dependsOn"].as_array().expect("list").contains(&json!(id)));
    assert_eq!(values["Key"], json!({"value": "[parameters('Key')]"}));
    let inputs = &workflow["properties"]["definition"]["actions"]["Zulu"]["inputs"];
    assert_eq!(inputs["body"]["text"], "[[not an expression]");
    assert_eq!(inputs["key"], "@parameters('Key')");
    assert_eq!(
        inputs["group"],
        "[concat('/subscriptions/', subscription().subscriptionId, '/resourceGroups/', resourceGroup().name)]"
    );
}

#[test]
fn what_azure_does_not_have_is_said() {
    let playbook = json!({"apiVersion": "riposte.dev/v1alpha1", "kind": "Playbook", "metadata": {"name": "p"}, "spec": {
        "serviceAccountName": "robot", "connections": [{"name": "teams-1", "connectionRef": {"name": "chat"}}],
        "definitionText": "triggers:\n  Manual: {type: Request, inputs: {}}\nactions: {}\n"}});
    let export = arm::export(&manifests(&[playbook])).expect("a template");
    let notes = export.notes.join("\n");
    assert!(
        notes.contains("serviceAccountName") && notes.contains("ApiConnection `chat`"),
        "{notes}"
    );
    let template = serde_json::to_value(&export.template).expect("JSON");
    let workflow = of_type(&template, "Microsoft.Logic/workflows")[0];
    let definition = &workflow["properties"]["definition"];
    assert_eq!(definition["triggers"]["Manual"]["type"], "Request");
    assert_eq!(definition["parameters"]["$connections"]["type"], "Object");
    let api = workflow["properties"]["parameters"]["$connections"]["value"]["teams-1"]["id"].as_str();
    assert!(api.is_some_and(|api| api.contains("'teams'")), "{api:?}");
    assert_eq!(arm::export(&[]).expect_err("nothing"), ExportError::Nothing);
}

fn riposte(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_riposte"));
    command
        .arg("export")
        .args(arguments)
        .output()
        .expect("the program runs")
}

#[test]
fn the_command_writes_a_template() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let imported = import(
        json!({"PlaybookName": {"type": "string"}}),
        json!([workflow(ADDRESS, json!({}), json!({}))]),
    );
    let texts: Vec<String> = imported.manifests.iter().map(yaml::write).collect();
    fs::write(at("block.yaml"), texts.join("---\n")).expect("file");
    let output = riposte(&[&at("block.yaml"), "--out", &at("azuredeploy.json")]);
    assert!(output.status.success(), "{output:?}");
    let written = fs::read_to_string(at("azuredeploy.json")).expect("template");
    let printed = riposte(&[&at("block.yaml")]);
    assert_eq!(String::from_utf8_lossy(&printed.stdout), written);
    let again = arm::import(
        "x.json",
        &written,
        &Options {
            namespace: "soc".to_owned(),
        },
    );
    assert_eq!(Value::from(again.manifests), Value::from(imported.manifests));
    fs::write(
        at("broken.yaml"),
        "apiVersion: riposte.dev/v1alpha1\nkind: Playbook\nspec: {}\n",
    )
    .expect("file");
    let broken = riposte(&[&at("broken.yaml")]);
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    assert!(
        String::from_utf8_lossy(&broken.stderr).contains("broken.yaml:"),
        "{broken:?}"
    );
}
