//! Fields that playbooks read of the answers of services: told where the schema of the operation lacks them.

use riposte::catalog::{Catalog, Source};

const GEO: &str = "apiVersion: riposte.dev/v1alpha1
kind: Connector
metadata: {name: geo}
spec:
  openapi:
    inline:
      swagger: '2.0'
      host: geo.example.com
      paths:
        /ip/{address}: {get: {operationId: Look, responses: {'200': {schema: {$ref: '#/definitions/place'}}}}}
        /open: {get: {responses: {'200': {schema: {additionalProperties: true, properties: {a: {}}}}}}}
        /hooks:
          x-ms-notification-content: {schema: {properties: {text: {}}}}
          post: {responses: {'201': {schema: {properties: {id: {}}}}}}
      definitions:
        place: {properties: {country: {}, hosts: {items: {properties: {name: {}}}}}}
---
apiVersion: riposte.dev/v1alpha1
kind: ApiConnection
metadata: {name: geo}
spec: {connector: geo}
";

const INCIDENT: &str = r#"{"type": "ApiConnectionWebhook", "inputs": {"body": {"callback_url": "@{listCallbackUrl()}"},
  "host": {"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}},
  "path": "/incident-creation"}}"#;

fn call(method: &str, path: &str, after: &str) -> String {
    format!(
        r#"{{"type": "ApiConnection", "runAfter": {{{after}}}, "inputs": {{"method": "{method}", "path": "{path}",
            "host": {{"connection": {{"name": "@parameters('$connections')['geo']['connectionId']"}}}}}}}}"#
    )
}

/// What is said of fields in a playbook whose last action makes a value of an expression.
fn told(trigger: &str, reading: &str) -> Vec<String> {
    let (look, open) = (call("get", "/ip/@{triggerBody()?['a']}", ""), call("get", "/open", ""));
    let hook = call("post", "/hooks", "").replace("\"ApiConnection\"", "\"ApiConnectionWebhook\"");
    let handled = call("get", "/ip/1", "");
    let manifest = format!(
        r#"{{"apiVersion": "riposte.dev/v1alpha1", "kind": "Playbook", "metadata": {{"name": "p"}}, "spec": {{
        "connections": [{{"name": "geo", "connectionRef": {{"name": "geo"}}}}],
        "definition": {{"parameters": {{"$connections": {{"type": "Object", "defaultValue": {{}}}}}},
          "triggers": {{"T": {trigger}}},
          "actions": {{
            "Look": {look}, "Open": {open}, "Hook": {hook}, "Handled": {handled},
            "Handler": {{"type": "Compose", "inputs": "x", "runAfter": {{"Handled": ["Failed"]}}}},
            "Few": {{"type": "Query", "runAfter": {{"Look": ["Succeeded"]}},
              "inputs": {{"from": "@body('Look')?['hosts']", "where": "@equals(1, 1)"}}}},
            "Read": {{"type": "Select", "inputs": {{"from": "@body('Few')", "select": "{reading}"}}, "runAfter":
              {{"Few": ["Succeeded"], "Open": ["Succeeded"], "Hook": ["Succeeded"], "Handler": ["Succeeded"]}}}}}}}}}}}}"#
    );
    let sources = [Source::read("geo.yaml", GEO), Source::read("p.json", &manifest)];
    let catalog = Catalog::build(&sources);
    catalog.diagnostics.iter().map(ToString::to_string).collect()
}

#[test]
fn a_field_that_no_answer_has_is_told_with_the_nearest_one() {
    let cases = [
        ("@body('Look')?['country']", ""),
        ("@body('Look')?['contry']", "no field 'contry'; did you mean 'country'?"),
        (
            "@outputs('Look')?['body']?['hosts'][0]?['nmae']",
            "did you mean 'name'?",
        ),
        ("@first(body('Few'))?['nmae']", "did you mean 'name'?"),
        ("@item()?['nmae']", "did you mean 'name'?"),
        ("@item()?['NAME']", ""),
        ("@body('Open')?['b']", ""),
        ("@body('Handled')?['error']", ""),
        ("@body('Hook')?['text']", ""),
        ("@body('Hook')?['id']", "no field 'id'"),
        ("@outputs('Look')?['statusCode']", ""),
    ];
    for (reading, expected) in cases {
        let found = told(r#"{"type": "Request"}"#, reading);
        assert_eq!(found.len(), usize::from(!expected.is_empty()), "{reading}: {found:?}");
        for line in found {
            assert!(
                line.contains(expected) && line.contains("connector `geo`"),
                "{reading}: {line}"
            );
        }
    }
}

#[test]
fn a_field_that_no_trigger_brings_is_told_at_its_place() {
    let right = "@triggerBody()?['object']?['properties']?['Alerts'][0]?['properties']?['tactics']";
    let found = told(INCIDENT, right);
    // The path of a call in the playbook reads a field too.
    let is_of_path = |line: &String| line.contains("'triggerBody()' has no field 'a'");
    assert!(found.len() == 1 && found.iter().all(is_of_path), "{found:?}");
    let found = told(INCIDENT, "x @{triggerBody()?['object']?['propertis']?['title']}");
    let expected = "p.json:16:90: warning: by the schema of operation `IncidentTrigger` of connector `azuresentinel`, \
                    'triggerBody()?['object']' has no field 'propertis'; did you mean 'properties'?";
    assert!(found.iter().any(|line| line == expected), "{found:?}");
}
