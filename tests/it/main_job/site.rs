//! A namespace of a real control plane with everything that the main job needs but the grant, and an operator for it.

use riposte::projection::run_object::incident_name;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::admission::definitions;
use crate::chart::may;
use crate::control_plane::{ControlPlane, condition, eventually};
use crate::enrichment::{Imported, RULE, Services, grant, rule};
use crate::program::{self, Running};

/// The ServiceAccount that delivers events.
const SENDER: &str = "falco";

pub(super) struct Site {
    pub(super) plane: &'static ControlPlane,
    pub(super) namespace: String,
    pub(super) services: Services,
    /// The token of the sender.
    pub(super) token: String,
    /// Where an operator finds what the one before it left.
    folder: TempDir,
}

impl Site {
    /// Applies everything but the grant.
    pub(super) async fn new(namespace: &str) -> Self {
        definitions();
        let plane = ControlPlane::shared();
        let (imported, services) = (Imported::new(namespace), Services::start().await);
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": SENDER } });
        let connections = services.connections(&imported);
        for manifests in [&imported.playbook, &connections, &rule(), &account.to_string()] {
            plane.apply(namespace, manifests);
        }
        let token = plane.service_account_token(namespace, SENDER).await;
        Self {
            plane,
            namespace: namespace.to_owned(),
            services,
            token,
            folder: TempDir::new().unwrap(),
        }
    }

    /// The same with the grant, and with a sender who may deliver.
    pub(super) async fn granted(namespace: &str) -> Self {
        let site = Self::new(namespace).await;
        site.plane.apply(&site.namespace, &grant(&site.namespace));
        site.let_deliver().await;
        site
    }

    /// Starts the operator as an administrator.
    pub(super) async fn operator(&self) -> Running {
        let watched = format!("--watch-namespace={}", self.namespace);
        let own = format!("--namespace={}", self.namespace);
        let arguments = ["operator", &own, &watched, "--data=data", "--listen=127.0.0.1:0"];
        let mut command = program::command(self.folder.path(), &arguments);
        command.env("KUBECONFIG", self.plane.kubeconfig("admin"));
        Running::start(command).await
    }

    /// Lets the sender deliver.
    pub(super) async fn let_deliver(&self) {
        let account = format!("system:serviceaccount:{}:{SENDER}", self.namespace);
        let rules = json!([{ "apiGroups": ["riposte.dev"], "resources": ["alerts"], "verbs": ["create"] }]);
        self.plane.allow(&self.namespace, "sender", &account, &rules);
        self.may(&account, "create", "alerts", "").await;
    }

    /// Awaits that somebody may do something here: the API server learns of roles a moment later.
    pub(super) async fn may(&self, user: &str, verb: &str, resource: &str, name: &str) {
        eventually(&format!("{user} may {verb} {resource} {name}"), async || {
            may(user, &self.namespace, "riposte.dev", resource, name, verb).then_some(())
        })
        .await;
    }

    /// Posts an event of Falco with a token; gives the status and the answer.
    pub(super) async fn post(&self, operator: &Running, token: &str, event: &Value) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/v1/workspaces/{}/falco", operator.url, self.namespace);
        let request = client.post(url).bearer_auth(token);
        let request = request
            .header("content-type", "application/json")
            .body(event.to_string());
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Delivers an event of Falco as the sender; gives the number of its incident. An operator that has just refused the
    /// sender learns a moment later that it may.
    pub(super) async fn deliver(&self, operator: &Running, event: &Value) -> i64 {
        let answer = eventually("the event is accepted", async || {
            let (status, answer) = self.post(operator, &self.token, event).await;
            assert!([202, 403].contains(&status), "{status}: {answer}");
            (status == 202).then_some(answer)
        })
        .await;
        answer["accepted"][0]["incident"]["number"].as_i64().unwrap()
    }

    /// Awaits that the rule's playbook may, or may not, be run, and gives the rule.
    pub(super) async fn rule(&self, granted: bool) -> Value {
        let (status, reason) = if granted {
            ("True", "Granted")
        } else {
            ("False", "GrantMissing")
        };
        let rule = format!("automationrules.riposte.dev/{RULE}");
        self.plane
            .shows(&self.namespace, &rule, "Granted", status, reason)
            .await
    }

    /// The object of an incident, as soon as it shows so many comments.
    pub(super) async fn incident(&self, number: i64, comments: usize) -> Value {
        let name = incident_name(number);
        eventually(&format!("{name} shows {comments} comments"), async || {
            let incident = self
                .plane
                .get(&self.namespace, &format!("incidents.riposte.dev/{name}"));
            (incident["status"]["commentsCount"] == comments).then_some(incident)
        })
        .await
    }

    /// All objects of runs.
    pub(super) fn runs(&self) -> Vec<Value> {
        let list = self.plane.get(&self.namespace, "playbookruns.riposte.dev");
        list["items"].as_array().unwrap().clone()
    }

    /// The object of the one run whose label has this value, as soon as its condition is as it should be.
    pub(super) async fn run(&self, label: &str, value: &str, succeeded: &str) -> Value {
        let what = format!("the run with {label}={value} shows Succeeded={succeeded}");
        let label = format!("riposte.dev/{label}");
        eventually(&what, async || {
            let mut runs = self.runs();
            runs.retain(|run| run["metadata"]["labels"][&label] == value);
            assert!(runs.len() < 2, "{runs:#?}");
            let run = runs.pop()?;
            (condition(&run, "Succeeded")?["status"] == succeeded).then_some(run)
        })
        .await
    }

    /// The same for the run of a rule on an incident.
    pub(super) async fn run_on(&self, number: i64, succeeded: &str) -> Value {
        self.run("incident", &incident_name(number), succeeded).await
    }
}

/// The messages of the comments that an Incident shows.
pub(super) fn comments(incident: &Value) -> Vec<&str> {
    let comments = incident["status"]["comments"].as_array().unwrap();
    comments
        .iter()
        .map(|comment| comment["message"].as_str().unwrap())
        .collect()
}
