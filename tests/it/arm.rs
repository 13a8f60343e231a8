//! Tests of arm.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use riposte::api::{ApiConnectionSpec, ConnectorSpec, PlaybookSpec, yaml};
use riposte::arm::{self, Entry, Import, Options, Verdict};
use serde_json::{Value, json};

mod export;
mod hostile;
mod language;
mod open;

/// The path of an operation of the built-in connector `virustotal`.
const ADDRESS: &str = "/api/v3/ip_addresses/@{encodeURIComponent('1.2.3.4')}";

/// A template with these parameters, variables and resources.
fn template(parameters: Value, resources: Value) -> String {
    json!({"parameters": parameters, "variables": {"conn": "[concat('vt-', parameters('PlaybookName'))]"}, "resources": resources})
        .to_string()
}

fn managed(connector: &str) -> String {
    format!(
        "[concat('/subscriptions/', subscription().subscriptionId, '/providers/Microsoft.Web/locations/', resourceGroup().location, '/managedApis/{connector}')]"
    )
}

fn connection(values: Value) -> Value {
    json!({"type": "Microsoft.Web/connections", "name": "[variables('conn')]",
        "properties": {"displayName": "VT", "parameterValues": values, "api": {"id": managed("virustotal")}}})
}

/// A workflow with an incident trigger that calls `path` of the connection `vt` with these headers.
fn workflow(path: &str, body: Value, extra: Value) -> Value {
    let mut properties = json!({"state": "Enabled",
    "definition": {
        "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"$connections": {"type": "Object", "defaultValue": {}}},
        "triggers": {"Incident": {"type": "ApiConnectionWebhook", "inputs": {
            "host": {"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}},
            "body": {"callback_url": "@{listCallbackUrl()}"}, "path": "/incident-creation"}}},
        "actions": {"Zulu": {"type": "ApiConnection", "runAfter": {}, "inputs": {
            "host": {"connection": {"name": "@parameters('$connections')['vt']['connectionId']"}},
            "method": "get", "path": path, "body": body}},
            "Alpha": {"type": "Compose", "runAfter": {"Zulu": ["Succeeded"]}, "inputs": "[resourceGroup().name]"}}},
    "parameters": {"$connections": {"value": {
        "azuresentinel": {"connectionId": "[resourceId('Microsoft.Web/connections', 'sentinel')]", "connectionName": "sentinel",
            "id": managed("azuresentinel")},
        "vt": {"connectionId": "[resourceId('Microsoft.Web/connections', variables('conn'))]",
            "connectionName": "[variables('conn')]", "id": managed("virustotal")}}}}});
    for (name, value) in extra.as_object().expect("object") {
        properties[name] = value.clone();
    }
    json!({"type": "Microsoft.Logic/workflows", "name": "[parameters('PlaybookName')]", "properties": properties,
        "tags": {"hidden-SentinelTemplateName": "Block", "hidden-SentinelTemplateVersion": "1.0"}})
}

fn import(parameters: Value, resources: Value) -> Import {
    let options = Options {
        namespace: "soc".to_owned(),
    };
    arm::import("Block_IP.json", &template(parameters, resources), &options)
}

fn of_kind<'a>(import: &'a Import, kind: &str) -> Vec<&'a Value> {
    import
        .manifests
        .iter()
        .filter(|manifest| manifest["kind"] == kind)
        .collect()
}

fn definition(playbook: &Value) -> Value {
    serde_json::from_str(playbook["spec"]["definitionText"].as_str().expect("text")).expect("JSON")
}

#[test]
fn a_template_becomes_connections_and_a_playbook() {
    let import = import(
        json!({"PlaybookName": {"type": "string"}, "VtKey": {"type": "securestring", "defaultValue": "hunter2-hunter2"}}),
        json!([
            connection(json!({"api_key": "[parameters('VtKey')]", "region": "eu"})),
            workflow("/api/v3/ip_addresses/1.2.3.4", json!({}), json!({"state": "Disabled"}))
        ]),
    );
    let connections = of_kind(&import, "ApiConnection");
    assert_eq!(connections.len(), 2);
    assert_eq!(
        connections[0]["metadata"],
        json!({"name": "vt-block-ip", "namespace": "soc"})
    );
    let parameters = json!([
        {"name": "api_key", "valueFrom": {"secretKeyRef": {"name": "vt-block-ip", "key": "api_key"}}},
        {"name": "region", "value": "eu"}
    ]);
    assert_eq!(
        connections[0]["spec"],
        json!({"connector": "virustotal", "displayName": "VT", "parameters": parameters})
    );
    let playbook = of_kind(&import, "Playbook")[0];
    assert_eq!(playbook["metadata"]["name"], "block-ip");
    assert_eq!(
        playbook["metadata"]["annotations"]["riposte.dev/display-name"],
        "Block_IP"
    );
    assert_eq!(
        playbook["metadata"]["annotations"]["riposte.dev/template-version"],
        "1.0"
    );
    assert_eq!(playbook["spec"]["suspend"], true);
    let bound = json!([
        {"name": "azuresentinel", "connectionRef": {"name": "sentinel"}},
        {"name": "vt", "connectionRef": {"name": "vt-block-ip"}}
    ]);
    assert_eq!(playbook["spec"]["connections"], bound);
    assert_eq!(definition(playbook)["actions"]["Alpha"]["inputs"], "soc");
    let text = playbook["spec"]["definitionText"].as_str().expect("text");
    assert!(text.find("Zulu") < text.find("Alpha"), "the order of members is kept");
    assert!(!Value::from(import.manifests.clone()).to_string().contains("hunter2"));
    let entry = &import.entries[0];
    assert_eq!(
        (entry.kind, entry.name.as_str(), entry.verdict),
        ("workflow", "block-ip", Verdict::Runs),
        "{entry:?}"
    );
    assert_eq!(entry.connectors, ["azuresentinel", "virustotal"]);
    assert!(
        entry
            .reasons
            .iter()
            .any(|reason| reason.contains("key `api_key` of Secret `vt-block-ip`")),
        "{entry:?}"
    );
}

#[test]
fn open_parameters_become_parameters_of_the_playbook() {
    let import = import(
        json!({"PlaybookName": {"defaultValue": "P", "type": "string"}, "Key": {"type": "securestring"}, "Site": {"type": "string"}}),
        json!([workflow(
            "[concat('/sites/', toLower(parameters('Site')))]",
            json!({"auth": "[concat('Bearer ', parameters('Key'))]", "site": "[parameters('Site')]"}),
            json!({})
        )]),
    );
    let playbook = of_kind(&import, "Playbook")[0];
    let definition = definition(playbook);
    let inputs = &definition["actions"]["Zulu"]["inputs"];
    assert_eq!(inputs["path"], "/sites/@{parameters('Site-2')}");
    assert_eq!(
        inputs["body"],
        json!({"auth": "Bearer @{parameters('Key')}", "site": "@parameters('Site')"})
    );
    assert_eq!(definition["parameters"]["Key"], json!({"type": "securestring"}));
    let values = playbook["spec"]["parameters"].as_array().expect("values");
    assert!(values.contains(&json!({"name": "Key", "valueFrom": {"secretKeyRef": {"name": "p", "key": "Key"}}})));
    assert!(values.contains(&json!({"name": "Site", "value": ""})));
    let reasons = import.entries[0].reasons.join("\n");
    assert!(
        reasons.contains("give parameter `Site`") && reasons.contains("tolower(`Site`)"),
        "{reasons}"
    );
}

#[test]
fn secrets_in_the_workflow_itself_are_taken_out() {
    let mut resource = workflow(ADDRESS, json!({}), json!({}));
    let declared = &mut resource["properties"]["definition"]["parameters"];
    declared["Pass"] = json!({"type": "SecureString", "defaultValue": "hunter2-hunter2"});
    declared["Group"] = json!({"type": "string", "defaultValue": "[resourceGroup().name]"});
    declared["Count"] = json!({"type": "int"});
    resource["properties"]["parameters"]["Count"] = json!({"value": 3});
    let import = import(
        json!({"PlaybookName": {"defaultValue": "P", "type": "string"}}),
        json!([resource]),
    );
    let playbook = of_kind(&import, "Playbook")[0];
    assert!(!playbook.to_string().contains("hunter2"));
    assert_eq!(definition(playbook)["parameters"]["Group"]["defaultValue"], "soc");
    let expected = json!([
        {"name": "Pass", "valueFrom": {"secretKeyRef": {"name": "p", "key": "Pass"}}},
        {"name": "Count", "value": 3}
    ]);
    assert_eq!(playbook["spec"]["parameters"], expected);
}

fn verdict_of(resource: Value) -> Entry {
    let import = import(
        json!({"PlaybookName": {"defaultValue": "P", "type": "string"}}),
        json!([resource]),
    );
    import.entries[0].clone()
}

/// The workflow with one more action.
fn with_action(action: Value) -> Value {
    let mut resource = workflow(ADDRESS, json!({}), json!({}));
    resource["properties"]["definition"]["actions"]["More"] = action;
    resource
}

#[test]
fn verdicts_name_their_reason() {
    let teams = {
        let mut resource = workflow(ADDRESS, json!({}), json!({}));
        resource["properties"]["parameters"]["$connections"]["value"]["vt"]["id"] = json!(managed("teams"));
        resource
    };
    let mapped = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/soc";
    let cases = [
        (
            workflow(ADDRESS, json!({}), json!({})),
            Verdict::Runs,
            "not part of the template",
        ),
        (teams, Verdict::NeedsConnector, "`teams`"),
        (
            workflow(ADDRESS, json!(mapped), json!({})),
            Verdict::NeedsMapping,
            "11111111-2222-3333-4444-555555555555",
        ),
        (
            with_action(json!({"type": "Compose", "inputs": "@encodeURIComponent('a', 'b')"})),
            Verdict::Runs,
            "texts are joined",
        ),
        (
            with_action(json!({"type": "If", "expression": {"and": [{"equal": [1, 1]}]}, "actions": {}})),
            Verdict::Unsupported,
            "no function 'equal'",
        ),
        (
            with_action(json!({"type": "Liquid", "inputs": {"code": "1"}})),
            Verdict::Unsupported,
            "Liquid",
        ),
        (
            workflow("[getSecret('a')]", json!({}), json!({})),
            Verdict::Unsupported,
            "`getsecret`",
        ),
        (
            workflow("[variables('none')]", json!({}), json!({})),
            Verdict::Invalid,
            "`none`",
        ),
        (
            with_action(json!({"type": "Compose", "inputs": "@body('Nobody')"})),
            Verdict::Invalid,
            "Nobody",
        ),
    ];
    for (resource, verdict, part) in cases {
        judged(resource, verdict, part);
    }
}

fn judged(resource: Value, verdict: Verdict, part: &str) {
    let entry = verdict_of(resource);
    assert_eq!(entry.verdict, verdict, "{entry:?}");
    assert!(
        entry.reasons.iter().any(|reason| reason.contains(part)),
        "{part}: {entry:?}"
    );
}

#[test]
fn a_managed_identity_becomes_a_connection() {
    let flow = |identity: Value| {
        let mut authentication = json!({"type": "ManagedServiceIdentity", "audience": "https://graph.microsoft.com"});
        authentication["identity"] = identity;
        with_action(json!({"type": "Http", "inputs": {
            "method": "GET", "uri": "https://graph.microsoft.com/v1.0/users", "authentication": authentication}}))
    };
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader";
    for (identity, alias) in [(Value::Null, "managedIdentity"), (json!(id), "reader")] {
        let import = import(json!({"PlaybookName": {"type": "string"}}), json!([flow(identity)]));
        let connections = of_kind(&import, "ApiConnection");
        let is_identity = |one: &&&Value| one["spec"]["connector"] == "managedidentity";
        let name = &connections.iter().find(is_identity).expect("a connection")["metadata"]["name"];
        let bound = of_kind(&import, "Playbook")[0]["spec"]["connections"]
            .as_array()
            .unwrap()
            .clone();
        assert!(
            bound.contains(&json!({"name": alias, "connectionRef": {"name": name}})),
            "{bound:?}"
        );
        let manifests = of_kind(&import, "ApiConnection").len();
        assert_eq!(manifests, bound.len(), "each is bound");
    }
}

#[test]
fn a_function_app_becomes_a_connection() {
    let id = "[concat(resourceGroup().id, '/providers/Microsoft.Web/sites/', 'scores', '/functions/score')]";
    let function = with_action(json!({"type": "Function", "inputs": {"function": {"id": id}, "body": {}}}));
    let import = import(
        json!({"PlaybookName": {"defaultValue": "P", "type": "string"}}),
        json!([function]),
    );
    assert_eq!(import.entries[0].verdict, Verdict::Runs, "{:?}", import.entries);
    assert!(import.entries[0].connectors.contains(&"azurefunctions".to_owned()));
    let manifest = |kind: &str, name: &str| {
        let is_it =
            |manifest: &&Value| manifest["kind"] == kind && (name.is_empty() || manifest["metadata"]["name"] == name);
        import.manifests.iter().find(is_it).cloned().unwrap_or_default()
    };
    assert_eq!(
        manifest("ApiConnection", "scores")["spec"]["connector"],
        "azurefunctions"
    );
    let bound = manifest("Playbook", "")["spec"]["connections"].clone();
    assert!(
        bound
            .as_array()
            .unwrap()
            .contains(&json!({"name": "scores", "connectionRef": {"name": "scores"}})),
        "{bound}"
    );
}

#[test]
fn calls_are_judged_by_the_operations_of_their_connector() {
    let unknown = workflow("/api/v3/nothing/@{triggerBody()}", json!({}), json!({}));
    judged(
        unknown,
        Verdict::NeedsConnector,
        "no operation `get /api/v3/nothing/{…}`",
    );
    let computed = workflow("@concat('/api/v3/', 'x')", json!({}), json!({}));
    judged(computed, Verdict::Runs, "decided at run time");
}

#[test]
fn custom_connectors_are_described_and_then_known() {
    let api = json!({"type": "Microsoft.Web/customApis", "name": "Geo", "properties": {
        "displayName": "Geo", "backendService": {"serviceUrl": "https://geo.example/v1"},
        "connectionParameters": {"api_key": {"type": "securestring", "uiDefinition": {"constraints": {"required": "true"}}}},
        "swagger": {"swagger": "2.0", "paths": {"/ip/{ip}": {"get": {"operationId": "ip"}}},
            "securityDefinitions": {"API Key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}}});
    let uses = |path: &str| {
        let mut resource = workflow(path, json!({}), json!({}));
        resource["properties"]["parameters"]["$connections"]["value"]["vt"]["id"] =
            json!("[resourceId('Microsoft.Web/customApis', 'Geo')]");
        import(
            json!({"PlaybookName": {"defaultValue": "P", "type": "string"}}),
            json!([api, resource]),
        )
    };
    let known = uses("/ip/@{triggerBody()?['x']}");
    let connector = of_kind(&known, "Connector")[0];
    assert_eq!(
        connector["spec"]["authentication"],
        json!({"header": {"name": "X-Key", "value": "{api_key}"}})
    );
    assert_eq!(
        connector["spec"]["parameters"],
        json!([{"name": "api_key", "secure": true, "optional": false}])
    );
    assert_eq!(connector["spec"]["baseUrl"], "https://geo.example/v1");
    assert_eq!(known.entries[0].verdict, Verdict::Runs, "{:?}", known.entries);
    let unknown = uses("/nothing");
    assert_eq!(
        unknown.entries[0].verdict,
        Verdict::NeedsConnector,
        "{:?}",
        unknown.entries
    );
}

#[test]
fn bare_workflows_are_imported_in_both_forms() {
    let resource = workflow(ADDRESS, json!({}), json!({}));
    let definition = &resource["properties"]["definition"];
    let exported = json!({"definition": definition, "parameters": {"$connections": {"value": {"vt": {
        "connectionId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/connections/vt-prod",
        "id": "/subscriptions/s/providers/Microsoft.Web/locations/l/managedApis/virustotal"}}}}});
    for (file, connection) in [(definition, "vt"), (&exported, "vt-prod")] {
        let import = arm::import("Block IP.json", &file.to_string(), &Options::default());
        let playbook = of_kind(&import, "Playbook")[0];
        assert_eq!(playbook["metadata"]["name"], "block-ip");
        // Nothing in a bare workflow is an expression of a template.
        assert_eq!(self::definition(playbook), *definition);
        let bound: Vec<&Value> = of_kind(&import, "ApiConnection")
            .iter()
            .map(|connection| &connection["metadata"]["name"])
            .collect();
        assert!(bound.contains(&&json!(connection)), "{bound:?}");
    }
    let import = arm::import("Block IP.json", &exported.to_string(), &Options::default());
    assert_eq!(import.entries[0].verdict, Verdict::Runs, "{:?}", import.entries);
    assert_eq!(import.entries[0].kind, "workflow");
}

#[test]
fn files_without_a_workflow_say_so() {
    let options = Options::default();
    let cases = [
        ("{", Verdict::Invalid, "not JSON"),
        ("{}", Verdict::Invalid, "no `resources`"),
        (r#"{"resources": []}"#, Verdict::Invalid, "no workflow"),
        (r#"{"definition": {"actions": {}}}"#, Verdict::Invalid, "no `resources`"),
    ];
    for (text, verdict, part) in cases {
        let import = arm::import("x.json", text, &options);
        assert_eq!(import.manifests, Vec::<Value>::new());
        let [entry] = import.entries.as_slice() else {
            panic!("{text}: {:?}", import.entries)
        };
        assert_eq!((entry.kind, entry.verdict), ("template", verdict), "{text}");
        assert!(entry.reasons[0].contains(part), "{text}: {entry:?}");
    }
}

/// Every template of a folder of the corpus, which lies beside the repository or where `RIPOSTE_CORPUS` says.
fn corpus(folder: &str) -> Vec<(PathBuf, String)> {
    let given = std::env::var_os("RIPOSTE_CORPUS").map(PathBuf::from);
    let root = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"));
    let folder = root.join(folder);
    let entries = fs::read_dir(&folder).expect("the corpus lies beside the repository, or where RIPOSTE_CORPUS says");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).expect("text")))
        .collect()
}

/// Default values of secure parameters anywhere in a template.
fn secrets(template: &Value, found: &mut BTreeSet<String>) {
    let secure = template["type"]
        .as_str()
        .is_some_and(|kind| kind.to_lowercase().starts_with("secure"));
    if secure
        && let Some(text) = template["defaultValue"].as_str()
        && text.len() > 3
        && !text.starts_with('[')
    {
        found.insert(text.to_owned());
    }
    match template {
        Value::Array(items) => items.iter().for_each(|item| secrets(item, found)),
        Value::Object(members) => members.values().for_each(|member| secrets(member, found)),
        _ => {}
    }
}

/// A manifest is the same after a way through YAML, and fits its kind.
fn reads_back(manifest: &Value) {
    let documents = yaml::parse(&yaml::write(manifest)).expect("YAML");
    assert_eq!(documents.len(), 1);
    assert_eq!(documents[0].json, *manifest);
    let spec = manifest["spec"].clone();
    let fits = match manifest["kind"].as_str() {
        Some("ApiConnection") => serde_json::from_value::<ApiConnectionSpec>(spec).map(drop),
        Some("Connector") => serde_json::from_value::<ConnectorSpec>(spec).map(drop),
        _ => serde_json::from_value::<PlaybookSpec>(spec).map(drop),
    };
    assert!(fits.is_ok(), "{fits:?}: {manifest}");
}

#[test]
fn the_whole_corpus_is_imported_and_judged() {
    let mut workflows = 0;
    for (path, text) in ["playbooks", "modern-playbooks", "custom-connectors"]
        .into_iter()
        .flat_map(corpus)
    {
        let path = path.display();
        let import = arm::import(&path.to_string(), &text, &Options::default());
        workflows += import.entries.iter().filter(|entry| entry.kind == "workflow").count();
        for entry in &import.entries {
            assert!(
                entry.verdict == Verdict::Runs || !entry.reasons.is_empty(),
                "{path}: {entry:?}"
            );
            assert!(
                !entry.reasons.iter().any(|reason| reason.contains('\u{e000}')),
                "{path}: {entry:?}"
            );
        }
        for manifest in &import.manifests {
            reads_back(manifest);
        }
        let manifests = Value::from(import.manifests).to_string();
        assert!(!manifests.contains('\u{e000}'), "{path} holds a mark");
        let mut found = BTreeSet::new();
        secrets(
            &serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default(),
            &mut found,
        );
        for secret in found {
            assert!(!manifests.contains(&secret), "{path} holds `{secret}`");
        }
    }
    assert!(workflows > 400, "only {workflows} workflows");
}

fn riposte(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_riposte"))
        .arg("import")
        .args(arguments)
        .output()
        .expect("the program runs")
}

#[test]
fn the_command_writes_manifests_and_a_report() {
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let parameters = json!({"PlaybookName": {"type": "string"}});
    let text = template(parameters, json!([workflow(ADDRESS, json!({}), json!({}))]));
    fs::create_dir_all(folder.path().join("in/Block")).expect("folder");
    fs::write(at("in/Block/azuredeploy.json"), &text).expect("file");
    fs::write(at("in/broken.json"), "{").expect("file");
    let output = riposte(&[
        &at("in"),
        "--out",
        &at("out"),
        "--report",
        &at("report.json"),
        "--namespace",
        "soc",
    ]);
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("2 in all: 1 invalid, 1 runs"),
        "{output:?}"
    );
    let yaml = fs::read_to_string(at("out/Block/azuredeploy.yaml")).expect("manifests");
    assert!(
        yaml.contains("kind: Playbook\n") && yaml.contains("name: block\n"),
        "{yaml}"
    );
    let report: Value = serde_json::from_str(&fs::read_to_string(at("report.json")).expect("report")).expect("JSON");
    assert_eq!(report["total"], 2);
    assert_eq!(report["summary"], json!({"invalid": 1, "runs": 1}));
    assert_eq!(report["codes"], json!({"Syntax": 1}));
    assert_eq!(report["files"][0]["path"], at("in/Block/azuredeploy.json"));
    let members: Vec<&String> = report["files"][0].as_object().expect("entry").keys().collect();
    assert_eq!(
        members,
        ["path", "kind", "name", "verdict", "reasons", "codes", "connectors"]
    );
}

#[test]
fn the_command_prints_one_template_and_fails_on_a_missing_file() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("one.json");
    let text = template(
        json!({"PlaybookName": {"type": "string"}}),
        json!([workflow(ADDRESS, json!({}), json!({}))]),
    );
    fs::write(&file, text).expect("file");
    let output = riposte(&[&file.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.starts_with("apiVersion: riposte.dev/v1alpha1\n") && stdout.contains("\n---\n"),
        "{stdout}"
    );
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("1 in all: 1 runs"),
        "{output:?}"
    );
    let missing = riposte(&[&folder.path().join("none.json").to_string_lossy()]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    assert_eq!(riposte(&["x", "--namespace", "No"]).status.code(), Some(2));
}
