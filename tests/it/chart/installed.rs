//! The program as the chart starts it: with the arguments of the rendered Deployment, and with the token of its
//! ServiceAccount, so with the chart's permissions and no other.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};

use super::{CHART, rendered};
use crate::control_plane::{ControlPlane, eventually, succeeded};

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The arguments of the rendered container, with this machine's folder and a free port.
fn arguments(values: &[&str], namespace: &str, data: &str) -> Vec<String> {
    let container = rendered("Deployment", values)[0]["spec"]["template"]["spec"]["containers"][0].clone();
    let arguments = container["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| argument.as_str().unwrap());
    let local = |argument: &str| match argument.split_once('=').map_or(argument, |(name, _)| name) {
        "--data" => format!("--data={data}"),
        "--listen" => "--listen=127.0.0.1:0".to_owned(),
        _ => argument.replace("$(POD_NAMESPACE)", namespace),
    };
    arguments.map(local).collect()
}

/// A kubeconfig of a token.
fn kubeconfig(plane: &ControlPlane, token: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "pod",
        "clusters": [{"name": "pod", "cluster": {"server": plane.url, "certificate-authority": plane.ca_file}}],
        "users": [{"name": "pod", "user": {"token": token}}],
        "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod"}}],
    })
    .to_string()
}

/// Starts the program, and gives its address.
fn start(arguments: &[String], kubeconfig: &std::path::Path) -> (Process, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_riposte"))
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    let process = Process(child);
    let mut said = Vec::new();
    while let Ok(line) = receiver.recv() {
        if let Some((_, address)) = line.split_once("server on ") {
            // The rest is read on, or the program would wait for its reader.
            return (process, address.trim().to_owned());
        }
        said.push(line);
    }
    panic!("the operator did not start:\n{}", said.join("\n"));
}

/// What people apply: a playbook with a connection and its Secret, a rule that runs it, and the grant.
fn content(namespace: &str) -> Value {
    let object = |kind: &str, name: &str, spec: Value| {
        json!({"apiVersion": "riposte.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": namespace},
            "spec": spec})
    };
    let key = json!([{"name": "api_key", "valueFrom": {"secretKeyRef": {"name": "virustotal", "key": "key"}}}]);
    let trigger = json!({"type": "ApiConnectionWebhook", "inputs": {
        "host": {"connection": {"name": "@parameters('$connections')['azuresentinel']['connectionId']"}},
        "body": {"callback_url": "@{listCallbackUrl()}"}, "path": "/incident-creation"}});
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "virustotal", "namespace": namespace},
            "stringData": {"key": "k"}},
        object("ApiConnection", "virustotal", json!({"connector": "virustotal", "parameters": key})),
        object("ApiConnection", "azuresentinel", json!({"connector": "azuresentinel"})),
        object("Playbook", "close", json!({
            "connections": [{"name": "azuresentinel", "connectionRef": {"name": "azuresentinel"}}],
            "definition": {"triggers": {"incident": trigger}, "actions": {}, "parameters": {"$connections": {"type": "Object"}}}})),
        object("AutomationRule", "close", json!({"displayName": "Close", "order": 1, "triggersOn": "Incidents",
            "actions": [{"runPlaybook": {"name": "close"}}]})),
        object("PlaybookGrant", "close", json!({"from": [{"namespace": namespace}], "to": [{"name": "close"}]})),
    ]})
}

fn get(plane: &ControlPlane, namespace: &str, what: &str) -> Value {
    let output = plane.kubectl("admin", &["get", what, "-n", namespace, "-o", "json"], "");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[tokio::test]
async fn the_operator_needs_nothing_but_the_permissions_of_the_chart() {
    let plane = ControlPlane::shared();
    crate::admission::definitions();
    let namespace = plane.namespace().await;
    let set = format!(
        "--set=fullnameOverride={0},watchNamespaces={{{0}}},journal.enabled=false",
        &*namespace
    );
    let values = [
        "-n",
        &*namespace,
        set.as_str(),
        "--set=crds.enabled=false,storage.persistent=false",
    ];
    succeeded(&plane.helm("admin", &[&["install", "riposte", CHART], &values[..]].concat()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(
        &file,
        kubeconfig(plane, &plane.service_account_token(&namespace, &namespace).await),
    )
    .unwrap();
    let data = folder.path().join("data").display().to_string();
    let (_process, address) = start(&arguments(&values, &namespace, &data), &file);

    succeeded(&plane.kubectl(
        "admin",
        &["apply", "--server-side", "-f", "-"],
        &content(&namespace).to_string(),
    ));
    for what in [
        "playbook/close",
        "automationrule/close",
        "playbookgrant/close",
        "apiconnection/virustotal",
    ] {
        eventually(&format!("{what} is ready"), async || {
            let conditions = get(plane, &namespace, what)["status"]["conditions"].as_array()?.clone();
            let is_ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
            conditions.iter().any(is_ready).then_some(())
        })
        .await;
    }
    eventually("the rule is granted", async || {
        let rule = get(plane, &namespace, "automationrule/close");
        let conditions = rule["status"]["conditions"].as_array()?.clone();
        let is_granted = |condition: &Value| condition["type"] == "Granted" && condition["status"] == "True";
        conditions.iter().any(is_granted).then_some(())
    })
    .await;
    assert_eq!(get(plane, &namespace, "lease/riposte")["kind"], "Lease");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = client.get(format!("{address}/readyz")).send().await.unwrap();
    assert!(ready.status().is_success());

    let account = format!("system:serviceaccount:{0}:{0}", &*namespace);
    let refused = plane.audit(|event| event.user.username == account && event.status.code == 403);
    assert!(refused.is_empty(), "{refused:#?}");
}
