//! Two operators as processes that share a database, and whoever begins runs through both.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::control_plane::clients::Namespace;
use crate::control_plane::{ControlPlane, eventually};
use crate::ledger::Ledger;
use crate::patience::Turns;
use crate::postgres::Database;
use crate::program::{self, DEADLINE, Running};

/// How many callers begin runs at a time.
const CALLERS: usize = 4;
/// The playbook of the runs.
pub(super) const PLAYBOOK: &str = "effects";

/// A namespace and a database that operators share.
pub(super) struct Pair {
    pub(super) plane: &'static ControlPlane,
    pub(super) namespace: Namespace,
    pub(super) ledger: Ledger,
    pub(super) client: Client,
    database: Database,
    folder: TempDir,
}

/// One of the operators.
pub(super) struct Member {
    pub(super) process: Running,
    /// Its name among those that share the database.
    pub(super) replica: String,
}

impl Pair {
    /// A namespace with this playbook beside a database.
    pub(super) async fn prepare(
        plane: &'static ControlPlane,
        database: Database,
        playbook: impl FnOnce(&str) -> Value,
    ) -> Self {
        let namespace = plane.namespace().await;
        plane.apply(&namespace, &playbook(PLAYBOOK).to_string());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sealing.key"), "0123456789abcdef0123456789abcdef").unwrap();
        Self {
            plane,
            namespace,
            ledger: Ledger::of_server(database.clone()),
            client: Client::builder().no_proxy().build().unwrap(),
            database,
            folder,
        }
    }

    /// Starts both, and waits until each has its part of the runs and knows the playbook.
    pub(super) async fn start(&self) -> [Member; 2] {
        let one = self.start_one("one", &[]).await;
        let other = self.start_one("other", std::slice::from_ref(&one.replica)).await;
        self.ledger.shared_by(2).await;
        [one, other]
    }

    async fn start_one(&self, identity: &str, others: &[String]) -> Member {
        let place = [
            format!("--namespace={}", self.namespace),
            format!("--watch-namespace={}", self.namespace),
            format!("--identity={identity}"),
        ];
        let mut arguments = vec!["operator"];
        arguments.extend(place.iter().map(String::as_str));
        arguments.extend([
            "--listen=127.0.0.1:0",
            "--sealing-key=sealing.key",
            "--allow-network=127.0.0.0/8",
        ]);
        let mut command = program::command(self.folder.path(), &arguments);
        command
            .env("KUBECONFIG", self.plane.kubeconfig("admin"))
            .env("RIPOSTE_STORE", self.database.url());
        let process = Running::start(command).await;
        let replica = eventually("it takes part in the division of runs", async || {
            let replicas = self.ledger.replicas().await;
            replicas.into_iter().find(|name| !others.contains(name))
        })
        .await;
        Member { process, replica }
    }

    /// The signed link to the trigger of the playbook at an operator, which then knows the playbook.
    pub(super) async fn link(&self, member: &Member) -> String {
        let (url, namespace) = (&member.process.url, &self.namespace);
        let wish = format!("{url}/v1/namespaces/{namespace}/playbooks/{PLAYBOOK}/triggers/manual/listCallbackUrl");
        let link: Value = eventually("the operator knows the playbook", async || {
            let request = self.client.post(&wish).bearer_auth(self.plane.token("admin"));
            let answer = request.send().await.unwrap();
            let text = answer.error_for_status().ok()?.text().await.ok()?;
            serde_json::from_str(&text).ok()
        })
        .await;
        format!("{url}{}", link["value"].as_str().unwrap())
    }

    /// Delivers an alert to an operator with this token.
    pub(super) async fn deliver(&self, member: &Member, event: &Value, token: &str) -> Response {
        let url = format!("{}/v1/workspaces/{}/falco", member.process.url, self.namespace);
        let request = post(&self.client, &url, event).bearer_auth(token);
        request.send().await.unwrap()
    }
}

fn post(client: &Client, url: &str, body: &Value) -> RequestBuilder {
    let request = client.post(url).header("content-type", "application/json");
    request.body(body.to_string())
}

/// Those who begin runs, each by its own number.
#[derive(Clone)]
pub(super) struct Callers {
    client: Client,
    links: Vec<String>,
    /// The numbers that were acknowledged, with their runs.
    begun: Arc<Mutex<BTreeMap<usize, String>>>,
    next: Arc<AtomicUsize>,
}

impl Callers {
    /// They know a link to each operator.
    pub(super) fn of(pair: &Pair, links: Vec<String>) -> Self {
        Self {
            client: pair.client.clone(),
            links,
            begun: Arc::default(),
            next: Arc::default(),
        }
    }

    /// The runs that were acknowledged, by number.
    pub(super) fn begun(&self) -> BTreeMap<usize, String> {
        self.begun.lock().unwrap().clone()
    }

    /// Begins runs until so many are acknowledged, or a few more; a caller leaves an operator that it does not reach.
    pub(super) async fn begin(&self, runs: usize) {
        let callers = (0..CALLERS).map(|caller| {
            let mut links: VecDeque<String> = self.links.iter().cloned().collect();
            links.rotate_left(caller % self.links.len());
            tokio::spawn(self.clone().call(links, runs))
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
    }

    /// Begins runs through one operator until it refuses one, and gives its answer.
    pub(super) async fn begin_until_refused(&self, link: &str) -> Response {
        let mut turns = Turns::until(DEADLINE);
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let answer = post(&self.client, link, &json!({"number": number}))
                .send()
                .await
                .unwrap();
            if answer.status() != 202 {
                return answer;
            }
            self.note(number, &answer);
            assert!(turns.next().await, "no run is refused");
        }
    }

    fn note(&self, number: usize, answer: &Response) {
        let run = answer.headers()["x-ms-workflow-run-id"].to_str().unwrap().to_owned();
        self.begun.lock().unwrap().insert(number, run);
    }

    async fn call(self, mut links: VecDeque<String>, runs: usize) {
        let mut turns = Turns::until(DEADLINE);
        while self.begun.lock().unwrap().len() < runs {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let link = links.front().expect("an operator is there").clone();
            match post(&self.client, &link, &json!({"number": number})).send().await {
                Ok(answer) if answer.status() == 202 => {
                    self.note(number, &answer);
                    links.rotate_left(1);
                }
                // Whether the run was begun nobody knows; its number is not used again.
                Err(_) => drop(links.pop_front()),
                Ok(answer) => {
                    let text = format!("{}: {}", answer.status(), answer.text().await.unwrap());
                    assert!(turns.next().await, "no run is begun: {text}");
                }
            }
        }
    }
}
