//! Secrets as canaries: none of them, in no usual form, is in the files of the store, in what the process says or in what
//! it answers; also not after kills between the reading of a secret and its use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::process::{Dev, Home};
use crate::program::DEADLINE;

/// Of a Secret, for a parameter of the playbook.
const PARAMETER: &str = "canary-parameter-81c5";
/// Of a Secret, for an ApiConnection.
const CONNECTION: &str = "canary-connection-77e2";
/// What a service answers to an action whose outputs are secure.
const ANSWERED: &str = "canary-answered-90aa";
/// What comes to the trigger, whose outputs are secure.
const TRIGGERED: &str = "canary-triggered-4b1d";
const CANARIES: [&str; 4] = [PARAMETER, CONNECTION, ANSWERED, TRIGGERED];

/// A service that holds its answers at one path back.
#[derive(Clone)]
struct Service {
    held: watch::Sender<&'static str>,
    calls: watch::Sender<Vec<String>>,
    /// The canaries that came, by path.
    got: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Service {
    async fn start() -> (Self, String) {
        let service = Self {
            held: watch::channel("").0,
            calls: watch::channel(Vec::new()).0,
            got: Arc::default(),
        };
        let router = Router::new()
            .route("/{name}", axum::routing::any(answer))
            .with_state(service.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        (service, url)
    }

    async fn await_calls(&self, path: &str, count: usize) {
        let mut calls = self.calls.subscribe();
        let enough = calls.wait_for(|calls| calls.iter().filter(|call| *call == path).count() >= count);
        let came = tokio::time::timeout(DEADLINE, enough).await;
        assert!(came.is_ok(), "'{path}' is not called {count} times");
    }
}

async fn answer(
    State(service): State<Service>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, axum::Json<Value>) {
    let seen = format!("{headers:?} {body}");
    service.got.lock().unwrap().insert(name.clone(), seen);
    service.calls.send_modify(|calls| calls.push(name.clone()));
    // The sender lives as long as the service.
    let _ = service.held.subscribe().wait_for(|held| *held != name).await;
    let (status, body) = match name.as_str() {
        "login" => (StatusCode::OK, json!({ "secret": ANSWERED })),
        "refuse" => (StatusCode::FORBIDDEN, json!({ "error": { "message": ANSWERED } })),
        _ => (StatusCode::OK, json!({})),
    };
    (status, axum::Json(body))
}

fn secure(properties: &[&str]) -> Value {
    json!({"secureData": {"properties": properties}})
}

fn actions(url: &str) -> Value {
    let connection = "@parameters('$connections')['vault']['connectionId']";
    let http = |path: &str, inputs: Value| {
        let mut all = json!({"method": "PUT", "uri": format!("{url}/{path}")});
        all.as_object_mut().unwrap().extend(inputs.as_object().unwrap().clone());
        all
    };
    json!({
        "Login": {
            "type": "Http",
            "inputs": http("login", json!({
                "headers": {"X-Token": "@parameters('token')"},
                "body": {"nested": ["@{parameters('token')} and @{triggerBody()?['password']}"]},
            })),
            "runtimeConfiguration": secure(&["outputs"]),
        },
        "Keep": {
            "type": "InitializeVariable", "runAfter": {"Login": ["Succeeded"]},
            "inputs": {"variables": [{"name": "kept", "type": "string", "value": "@body('Login')?['secret']"}]},
        },
        "Compose": {
            "type": "Compose", "runAfter": {"Keep": ["Succeeded"]},
            "inputs": {"upper": "@concat('<', variables('kept'), '>')", "base64": "@base64(body('Login')?['secret'])"},
        },
        "Use": {
            "type": "ApiConnection", "runAfter": {"Compose": ["Succeeded"]},
            "inputs": {
                "host": {"connection": {"name": connection}}, "method": "put", "path": "/use",
                "body": "@outputs('Compose')",
            },
        },
        "Refuse": {
            "type": "Http", "runAfter": {"Use": ["Succeeded"]},
            "inputs": http("refuse", json!({"body": "@variables('kept')"})),
            "runtimeConfiguration": secure(&["inputs", "outputs"]),
        },
    })
}

fn manifests(url: &str) -> Vec<Value> {
    let spec = json!({
        "parameters": [{"name": "token", "valueFrom": {"secretKeyRef": {"name": "vault", "key": "token"}}}],
        "connections": [{"name": "vault", "connectionRef": {"name": "vault"}}],
        "definition": {
            "parameters": {"token": {"type": "SecureString"}, "$connections": {"type": "Object", "defaultValue": {}}},
            "triggers": {"manual": {"type": "Request", "kind": "Http", "runtimeConfiguration": secure(&["outputs"])}},
            "actions": actions(url),
        },
    });
    let kind = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "riposte.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let paths = json!({"/use": {"put": {"operationId": "Use", "responses": {"200": {"description": "used"}}}}});
    let document = json!({
        "swagger": "2.0", "info": {"title": "Vault", "version": "1"}, "host": url.trim_start_matches("http://"),
        "schemes": ["http"], "paths": paths,
    });
    vec![
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vault"},
            "stringData": {"token": PARAMETER, "key": CONNECTION},
        }),
        kind(
            "Connector",
            "vault",
            json!({
                "openapi": {"inline": document}, "parameters": [{"name": "key", "secure": true}],
                "authentication": {"header": {"name": "X-Vault-Key", "value": "{key}"}},
            }),
        ),
        kind(
            "ApiConnection",
            "vault",
            json!({
                "connector": "vault", "baseUrl": url, "allowedNetworks": ["127.0.0.0/8"],
                "parameters": [{"name": "key", "valueFrom": {"secretKeyRef": {"name": "vault", "key": "key"}}}],
            }),
        ),
        kind("Playbook", "secretive", spec),
    ]
}

/// The canaries in the forms in which texts usually carry them.
fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = Vec::new();
    for canary in CANARIES {
        forms.push((canary, canary.as_bytes().to_vec()));
        forms.push((canary, canary.to_uppercase().into_bytes()));
        forms.push((
            canary,
            canary
                .bytes()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into_bytes(),
        ));
        // Its middle, whatever stands before it.
        for skipped in 0..3 {
            let encoded = STANDARD.encode(&canary.as_bytes()[skipped..skipped + 15]);
            forms.push((canary, encoded.into_bytes()));
        }
    }
    forms
}

fn clean(what: &str, bytes: &[u8]) {
    for (canary, form) in forms() {
        let found = bytes.windows(form.len()).any(|window| window == form);
        assert!(!found, "{what} holds {canary}: {}", String::from_utf8_lossy(bytes));
    }
}

/// Looks at every file of the data folder, and at what the process said.
fn scan(home: &Home, dev: &Dev) {
    let files = home.files(".riposte");
    assert!(
        files.iter().any(|(path, _)| path.to_string_lossy().ends_with("-wal")),
        "{files:?}"
    );
    for (path, bytes) in files {
        clean(&path.display().to_string(), &bytes);
    }
    clean("the output", dev.stderr().all().as_bytes());
}

/// Looks at everything that shows the run.
async fn views(home: &Home, dev: &Dev, id: &str) {
    let journal = "/apis/journal.riposte.dev/v1alpha1/namespaces/default";
    for path in [
        format!("/v1/runs/{id}"),
        format!("/v1/runs/{id}/events"),
        format!("{journal}/runs"),
        format!("{journal}/runs/{id}"),
        format!("{journal}/runs/{id}/log"),
        "/metrics".into(),
    ] {
        let answer = dev
            .client
            .get(format!("{}{path}", dev.url))
            .bearer_auth(&dev.token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        clean(&path, &answer.bytes().await.unwrap());
    }
    for arguments in [
        ["describe", "run"],
        ["logs", ""],
        ["runs", "-o=json"],
        ["get", "playbooks"],
    ] {
        let needs_id = matches!(arguments[0], "describe" | "logs");
        let given = arguments
            .into_iter()
            .chain(needs_id.then_some(id))
            .filter(|part| !part.is_empty());
        let given: Vec<&str> = given.collect();
        let mut command = home.command(&given);
        command.env("KUBECONFIG", home.path("none"));
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{given:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        clean(&given.join(" "), &[output.stdout, output.stderr].concat());
    }
}

#[tokio::test]
async fn no_secret_is_anywhere_in_plain_text() {
    let (service, url) = Service::start().await;
    let home = Home::new();
    for (number, manifest) in manifests(&url).iter().enumerate() {
        home.write(&format!("{number}.yaml"), &manifest.to_string());
    }
    let options = ["--allow-network", "127.0.0.0/8"];
    let mut dev = home.start_with_data(".riposte", &options).await;
    let (_, link) = dev
        .post(
            "/v1/namespaces/default/playbooks/secretive/triggers/manual/listCallbackUrl",
            &json!({}),
        )
        .await;
    let body = json!({ "password": TRIGGERED });
    service.held.send_replace("login");
    let link = dev.client.post(link["value"].as_str().unwrap());
    let answer = link
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);

    // Each of these calls carries what was read before: the process dies between the reading and the use.
    for (path, next) in [("login", "use"), ("use", "refuse"), ("refuse", "")] {
        service.await_calls(path, 1).await;
        scan(&home, &dev);
        dev.kill();
        dev = home.start_with_data(".riposte", &options).await;
        service.await_calls(path, 2).await;
        scan(&home, &dev);
        service.held.send_replace(next);
    }
    let runs = dev
        .view("/v1/runs", |view| view["runs"][0]["endTime"].is_string())
        .await;
    let id = runs["runs"][0]["id"].as_str().unwrap().to_owned();
    let (_, run) = dev.get(&format!("/v1/runs/{id}")).await;
    assert_eq!(
        (&run["status"], &run["actions"]["Use"]["status"]),
        (&json!("Failed"), &json!("Succeeded")),
        "{run:#}"
    );
    let got = service.got.lock().unwrap().clone();
    assert!(
        got["login"].contains(PARAMETER) && got["login"].contains(TRIGGERED),
        "{got:?}"
    );
    assert!(
        got["use"].contains(CONNECTION) && got["use"].contains(ANSWERED),
        "{got:?}"
    );
    assert!(got["refuse"].contains(ANSWERED), "{got:?}");

    scan(&home, &dev);
    views(&home, &dev, &id).await;
}
