//! What people of the test apply: the main job, and one object of each kind that the operator looks at.

use serde_json::{Value, json};

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "riposte.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn list(items: &Value) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

/// An example of the repository.
fn example(name: &str) -> Value {
    let path = format!("{}/examples/kinds/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    riposte::api::yaml::parse(&text).unwrap()[0].json.clone()
}

/// The connection of the playbook.
pub fn incidents() -> String {
    object("ApiConnection", "incidents", &json!({"connector": "azuresentinel"})).to_string()
}

/// Connections with a Secret, a connector with a ConfigMap, and what has no controller yet. `service` answers.
pub fn surroundings(service: &str) -> String {
    let key = json!([{"name": "api_key", "valueFrom": {"secretKeyRef": {"name": "virustotal", "key": "key"}}}]);
    let openapi = json!({"swagger": "2.0", "info": {"title": "Own", "version": "1"}, "host": "own.example.com",
        "schemes": ["https"], "paths": {"/things": {"get": {"operationId": "List",
            "responses": {"200": {"description": "Things"}}}}}});
    list(&json!([
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "virustotal"}, "stringData": {"key": "k"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own"},
            "data": {"openapi": openapi.to_string()}},
        object("ApiConnection", "virustotal", &json!({"connector": "virustotal", "parameters": key,
            "baseUrl": service, "allowedNetworks": ["127.0.0.0/8"]})),
        object("Connector", "own", &json!({"openapi": {"configMapKeyRef": {"name": "own", "key": "openapi"}}})),
        example("analytics-rule"),
        example("content-repository"),
    ]))
}

/// A rule that runs a playbook, which comments on the incident, and the grant. One run of the rule is kept as an object.
pub fn main_job(namespace: &str) -> String {
    let connection = json!({"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}});
    let definition = json!({
        "contentVersion": "1.0.0.0",
        "parameters": {"$connections": {"type": "Object", "defaultValue": {}}},
        "triggers": {"incident": {"type": "ApiConnectionWebhook", "inputs": {"host": connection,
            "body": {"callback_url": "@{listCallbackUrl()}"}, "path": "/incident-creation"}}},
        "actions": {"Comment": {"type": "ApiConnection", "inputs": {"host": connection, "method": "post",
            "path": "/Incidents/Comment",
            "body": {"incidentArmId": "@triggerBody()?['object']?['id']", "message": "<p>seen</p>"}}}},
    });
    list(&json!([
        object(
            "Playbook",
            "comment",
            &json!({"successfulRunsHistoryLimit": 1, "definition": definition,
            "connections": [{"name": "azuresentinel", "connectionRef": {"name": "incidents"}}]})
        ),
        object(
            "AutomationRule",
            "comment",
            &json!({"displayName": "Comment", "order": 1, "triggersOn": "Incidents",
            "actions": [{"runPlaybook": {"name": "comment"}}]})
        ),
        object(
            "PlaybookGrant",
            "comment",
            &json!({"from": [{"namespace": namespace}], "to": [{"name": "comment"}]})
        ),
    ]))
}

/// A rule that runs a playbook, which asks a service and then tells it something, and the grant.
pub fn slow_job(namespace: &str, service: &str) -> String {
    let connection = json!({"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}});
    let number = "@{triggerBody()?['object']?['properties']?['incidentNumber']}";
    let definition = json!({
        "contentVersion": "1.0.0.0",
        "parameters": {"$connections": {"type": "Object", "defaultValue": {}}},
        "triggers": {"incident": {"type": "ApiConnectionWebhook", "inputs": {"host": connection,
            "body": {"callback_url": "@{listCallbackUrl()}"}, "path": "/incident-creation"}}},
        "actions": {
            "Ask": {"type": "Http", "inputs": {"method": "GET", "uri": format!("{service}/ask/{number}")}},
            "Tell": {"type": "Http", "runAfter": {"Ask": ["Succeeded"]},
                     "inputs": {"method": "POST", "uri": format!("{service}/tell/{number}")}},
        },
    });
    let connections = json!([{"name": "azuresentinel", "connectionRef": {"name": "incidents"}}]);
    let rule = json!({"displayName": "Slow", "order": 1, "triggersOn": "Incidents",
        "actions": [{"runPlaybook": {"name": "slow"}}]});
    let grant = json!({"from": [{"namespace": namespace}], "to": [{"name": "slow"}]});
    list(&json!([
        object(
            "Playbook",
            "slow",
            &json!({"definition": definition, "connections": connections})
        ),
        object("AutomationRule", "slow", &rule),
        object("PlaybookGrant", "slow", &grant),
    ]))
}

/// A run that the administrator asks for.
pub fn manual_run(name: &str) -> String {
    let spec = json!({"playbookRef": {"name": "comment"}, "trigger": {"incident": {"id": "1"}},
        "requestedBy": {"username": "admin"}});
    object("PlaybookRun", name, &spec).to_string()
}

/// An event of Falco; each rule makes an incident of its own.
pub fn falco(rule: &str) -> Value {
    json!({
        "uuid": uuid::Uuid::new_v4().to_string(), "rule": rule, "priority": "Warning", "source": "syscall",
        "time": "2026-11-25T00:00:00.000000000Z", "output": "a shell was spawned", "hostname": "node-1",
        "tags": ["container"], "output_fields": {"k8s.pod.name": rule, "k8s.ns.name": "shop", "proc.name": "bash"},
    })
}
