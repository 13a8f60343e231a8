//! Tests of what templates are made of: loops, functions, nested deployments, conditions, packages, and the files of
//! the standard plan.

use std::fs;
use std::process::Command;

use riposte::arm::{self, Beside, Options, Verdict};
use serde_json::{Value, json};

use super::{definition, of_kind};

/// A workflow whose only action holds `inputs`.
fn workflow(name: &str, inputs: &Value) -> Value {
    json!({"type": "Microsoft.Logic/workflows", "name": name, "properties": {"definition": {
        "triggers": {"Manual": {"type": "Request", "inputs": {}}},
        "actions": {"Show": {"type": "Compose", "inputs": inputs}}}}})
}

fn import(template: &Value) -> arm::Import {
    arm::import("file.json", &template.to_string(), &Options::default())
}

/// The names of the Playbooks with the inputs of their action.
fn shown(template: &Value) -> Vec<(String, Value)> {
    let import = import(template);
    let playbooks = of_kind(&import, "Playbook").into_iter();
    playbooks
        .map(|playbook| {
            let name = playbook["metadata"]["name"].as_str().expect("name").to_owned();
            (name, definition(playbook)["actions"]["Show"]["inputs"].clone())
        })
        .collect()
}

#[test]
fn loops_are_unrolled() {
    let mut looped = workflow(
        "[concat('play-', copyIndex())]",
        &json!({
            "one": "[variables('names')[copyIndex()]]",
            "copy": [{"name": "all", "count": 2, "input": "[concat(copyIndex('all', 1), '-', copyIndex())]"}],
            "nested": "[variables('deep').items]"
        }),
    );
    looped["copy"] = json!({"name": "workflows", "count": "[length(variables('names'))]"});
    let template = json!({"variables": {
        "copy": [{"name": "names", "count": 2, "input": "[concat('n', copyIndex('names'))]"}],
        "deep": {"copy": [{"name": "items", "count": 2, "input": {"index": "[copyIndex('items')]"}}]}},
        "resources": [looped]});
    let inputs = |one: &str, all: [&str; 2]| json!({"one": one, "all": all, "nested": [{"index": 0}, {"index": 1}]});
    assert_eq!(
        shown(&template),
        [
            ("play-0".to_owned(), inputs("n0", ["1-0", "2-0"])),
            ("play-1".to_owned(), inputs("n1", ["1-1", "2-1"])),
        ]
    );
    let mut many = template;
    many["resources"][0]["copy"]["count"] = json!(801);
    let import = import(&many);
    assert!(
        import.entries[0]
            .reasons
            .iter()
            .any(|reason| reason.contains("from 0 to 800"))
    );
}

#[test]
fn nested_deployments_see_what_is_theirs() {
    let inner = |scope: &str| {
        json!({"type": "Microsoft.Resources/deployments", "name": format!("{scope}-module"), "properties": {
            "expressionEvaluationOptions": {"scope": scope},
            "parameters": {"who": {"value": "[concat(parameters('who'), '-given')]"},
                "key": {"reference": {"keyVault": {"id": "/v"}, "secretName": "s"}}},
            "template": {"parameters": {"who": {"type": "string"}, "key": {"type": "securestring"}},
                "variables": {"v": "inner"}, "outputs": {"said": {"type": "string", "value": "[parameters('who')]"}},
                "resources": [workflow(scope, &json!(["[parameters('who')]", "[variables('v')]"]))]}}})
    };
    let mut asking = workflow("asking", &json!("[reference('inner-module').outputs.said.value]"));
    asking["dependsOn"] = json!(["inner-module"]);
    let template = json!({"parameters": {"who": {"type": "string", "defaultValue": "me"}}, "variables": {"v": "outer"},
        "resources": [asking, inner("inner"), inner("outer")]});
    assert_eq!(
        shown(&template),
        [
            ("asking".to_owned(), json!("me-given")),
            ("inner".to_owned(), json!(["me-given", "inner"])),
            ("outer".to_owned(), json!(["me", "outer"])),
        ]
    );
}

#[test]
fn bicep_writes_symbolic_names_modules_and_loaded_files() {
    let loaded = workflow("x", &json!("[[not evaluated]"))["properties"].clone();
    let template = json!({"languageVersion": "2.0",
        "definitions": {"secretText": {"type": "securestring"}},
        "parameters": {"token": {"$ref": "#/definitions/secretText"}, "none": {"type": "string", "nullable": true}},
        "functions": [{"namespace": "__bicep", "members": {"greet": {"parameters": [{"name": "who", "type": "string"}],
            "output": {"type": "string", "value": "[format('Hello {0}', parameters('who'))]"}}}}],
        "variables": {"$fxv#0": loaded},
        "resources": {
            "there": {"existing": true, "type": "Microsoft.Web/connections", "name": "old"},
            "flow": {"type": "Microsoft.Logic/workflows", "name": "flow", "properties": {
                "definition": "[variables('$fxv#0').definition]"}},
            "other": workflow("other", &json!({"hi": "[__bicep.greet('you')]", "none": "[coalesce(parameters('none'), 'n')]",
                "key": "[parameters('token')]", "all": "[map(range(0, 2), lambda('i', mul(lambdaVariables('i'), 2)))]"}))}});
    let found = shown(&template);
    assert_eq!(found[0], ("flow".to_owned(), json!("[not evaluated]")));
    assert_eq!(
        found[1].1,
        json!({"hi": "Hello you", "none": "n", "key": "@parameters('token')", "all": [0, 2]})
    );
    assert_eq!(of_kind(&import(&template), "ApiConnection").len(), 0);
}

#[test]
fn conditions_choose_what_is_read() {
    let when = |name: &str, condition: Value| {
        let mut resource = workflow(name, &json!(1));
        resource["condition"] = condition;
        resource
    };
    let template = |resources: Value| json!({"parameters": {"new": {"type": "bool", "defaultValue": true}}, "resources": resources});
    let names = |template: &Value| shown(template).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let both = template(json!([
        when("yes", json!("[parameters('new')]")),
        when("no", json!("[not(parameters('new'))]"))
    ]));
    assert_eq!(names(&both), ["yes"]);
    let none = template(json!([when("only", json!(false))]));
    assert_eq!(names(&none), ["only"], "a file is read rather than nothing");
    let reasons = &import(&none).entries[0].reasons;
    assert!(reasons.iter().any(|reason| reason.contains("condition")), "{reasons:?}");
}

#[test]
fn packaged_templates_are_unpacked() {
    let carried = json!({"parameters": {"PlaybookName": {"type": "string", "defaultValue": "packed"}},
        "variables": {"_name": "[[concat(parameters('PlaybookName'), '-x')]"},
        "resources": [workflow("[[variables('_name')]", &json!("[variables('outer')]"))]});
    let template = json!({"variables": {"outer": "from outside"}, "resources": [
        {"type": "Microsoft.OperationalInsights/workspaces/providers/contentTemplates", "name": "t",
            "properties": {"mainTemplate": carried}}]});
    assert_eq!(shown(&template), [("packed-x".to_owned(), json!("from outside"))]);
}

#[test]
fn faults_that_another_place_makes_up_for_are_advice() {
    let broken = "[concat('/subscriptions/x/providers/Microsoft.Web/locations/', [x], '/managedApis/virustotal')]";
    let mut resource = super::workflow(super::ADDRESS, json!({}), json!({}));
    resource["properties"]["parameters"]["$connections"]["value"]["vt"]["id"] = json!(broken);
    let import = super::import(json!({"PlaybookName": {"type": "string"}}), json!([resource]));
    let entry = &import.entries[0];
    assert_eq!(entry.verdict, Verdict::Runs, "{entry:?}");
    assert!(
        entry.reasons.iter().any(|reason| reason.contains("cannot be read")),
        "{entry:?}"
    );
}

#[test]
fn a_connection_that_contradicts_its_workflow_gives_way() {
    let mut other = super::connection(json!({}));
    other["properties"]["api"]["id"] = json!(super::managed("teams"));
    let import = super::import(
        json!({"PlaybookName": {"type": "string"}}),
        json!([other, super::workflow(super::ADDRESS, json!({}), json!({}))]),
    );
    assert_eq!(import.entries[0].connectors, ["azuresentinel", "virustotal"]);
    assert!(
        import.entries[0]
            .reasons
            .iter()
            .any(|reason| reason.contains("of connector `teams`"))
    );
}

#[test]
fn connections_remember_how_azure_signs_in() {
    let mut resource = super::connection(json!({}));
    resource["properties"]["parameterValueType"] = json!("Alternative");
    resource["properties"]["api"]["id"] = json!("[resourceId('Microsoft.Web/customApis', 'My_Api')]");
    let mut flow = super::workflow(super::ADDRESS, json!({}), json!({}));
    flow["properties"]["parameters"]["$connections"]["value"]["vt"]["id"] = resource["properties"]["api"]["id"].clone();
    let import = super::import(json!({"PlaybookName": {"type": "string"}}), json!([resource, flow]));
    let annotations = &of_kind(&import, "ApiConnection")[0]["metadata"]["annotations"];
    let expected = json!({"riposte.dev/custom-api": "My_Api", "riposte.dev/authentication": "ManagedServiceIdentity"});
    assert_eq!(*annotations, expected);
}

const FLOW: &str = r#"{"kind": "Stateful", "definition": {
    "triggers": {"Incident": {"type": "ApiConnectionWebhook", "inputs": {"path": "/incident-creation",
        "host": {"connection": {"referenceName": "azuresentinel"}}, "body": {"callback_url": "@listCallbackUrl()"}}}},
    "actions": {"Show": {"type": "Compose", "inputs":
        "@concat(parameters('Site'), appsetting('API_KEY'), appsetting('ZONE'), appsetting('STORE'))"}}}}"#;
const SETTINGS: &str =
    r#"{"IsEncrypted": false, "Values": {"ZONE": "eu", "API_KEY": "0815", "STORE": "AccountKey=eA=="}}"#;
const CONNECTIONS: &str = r#"{"managedApiConnections": {"azuresentinel": {
    "api": {"id": "/subscriptions/@appsetting('SUB')/providers/Microsoft.Web/locations/x/managedApis/azuresentinel"},
    "connection": {"id": "/subscriptions/@appsetting('SUB')/resourceGroups/g/providers/Microsoft.Web/connections/sentinel-7"},
    "authentication": {"type": "ManagedServiceIdentity"}}}}"#;
const PARAMETERS: &str = r#"{"Site": {"type": "String", "value": "https://site.example/@{appsetting('ZONE')}"}}"#;

#[test]
fn workflows_of_the_standard_plan_are_completed_by_their_files() {
    let beside = Beside {
        connections: Some(CONNECTIONS.to_owned()),
        parameters: Some(PARAMETERS.to_owned()),
        settings: Some(SETTINGS.to_owned()),
    };
    let draft = arm::read_beside("app/Block/workflow.json", FLOW, &beside, &Options::default());
    let manifests = draft.manifests();
    let playbook = &manifests[1];
    assert_eq!(playbook["metadata"]["name"], "block");
    assert_eq!(
        definition(playbook)["actions"]["Show"]["inputs"],
        "@concat(parameters('Site'), appsetting('API_KEY'), appsetting('ZONE'), appsetting('STORE'))"
    );
    let secret = json!({"secretKeyRef": {"name": "block", "key": "API_KEY"}});
    let values = json!([{"name": "Site", "value": "https://site.example/eu"}]);
    assert_eq!(playbook["spec"]["parameters"], values);
    let store = json!({"secretKeyRef": {"name": "block", "key": "STORE"}});
    let settings = json!([{"name": "API_KEY", "valueFrom": secret}, {"name": "ZONE", "value": "eu"},
        {"name": "STORE", "valueFrom": store}]);
    assert_eq!(playbook["spec"]["appSettings"], settings);
    assert_eq!(
        playbook["spec"]["connections"],
        json!([{"name": "azuresentinel", "connectionRef": {"name": "sentinel-7"}}])
    );
    let entries = draft.judge(&arm::BuiltInConnectors);
    assert_eq!(entries[0].verdict, Verdict::Runs, "{entries:?}");
}

#[test]
fn the_command_reads_an_app_and_every_encoding() {
    let folder = tempfile::tempdir().expect("folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("folder")).expect("folder");
        fs::write(path, bytes).expect("file");
    };
    write("app/Block/workflow.json", FLOW.as_bytes());
    write("app/connections.json", CONNECTIONS.as_bytes());
    write("app/parameters.json", PARAMETERS.as_bytes());
    write("app/host.json", b"{}");
    write("app/local.settings.json", SETTINGS.as_bytes());
    let template = json!({"resources": [workflow("wide", &json!("\u{e4}"))]}).to_string();
    let wide: Vec<u8> = format!("\u{feff}{template}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    write("wide/azuredeploy.json", &wide);
    write(
        "wide/azuredeploy.parameters.json",
        br#"{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"}"#,
    );
    let command = |path: &str| {
        Command::new(env!("CARGO_BIN_EXE_riposte"))
            .arg("import")
            .arg(folder.path().join(path))
            .args(["--out".as_ref(), folder.path().join("out").as_os_str()])
            .output()
            .expect("the program runs")
    };
    let output = command("");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("2 in all: 2 runs"), "{stdout}");
    let block = fs::read_to_string(folder.path().join("out/app/Block/workflow.yaml")).expect("manifests");
    assert!(
        block.contains("name: sentinel-7") && block.contains("https://site.example"),
        "{block}"
    );
    let wide = fs::read_to_string(folder.path().join("out/wide/azuredeploy.yaml")).expect("manifests");
    assert!(wide.contains('\u{e4}'), "{wide}");
    write("latin.json", b"{\"a\": \"\xe4\"}");
    let output = command("latin.json");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("UTF-8"), "{output:?}");
}
