//! Runs and incidents as objects, in the real control plane: what kubectl shows, what it can ask for, and what that
//! costs. The planner's tables are tested beside it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod flood;

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use riposte::cluster::run::{Error, Operator, Options};
use riposte::connectors::Egress;
use riposte::engine::Engine;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::intake::{Format, decode};
use riposte::projection::run_of;
use riposte::rules::Author;
use riposte::store::{RunFilter, RunRow, Store, Transaction};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::control_plane::{AuditEvent, ControlPlane, eventually, succeeded};

/// How long an operator may take to end.
const FAREWELL: Duration = Duration::from_secs(30);

/// A running operator over a folder that outlives it.
struct House {
    plane: &'static ControlPlane,
    namespace: String,
    store: Store,
    engine: Engine,
    stop: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
    /// A service that is out of order.
    service: SocketAddr,
}

impl House {
    async fn open(plane: &'static ControlPlane, namespace: &str, folder: &TempDir) -> Self {
        Self::with_client(plane, namespace, folder, plane.client("admin").await).await
    }

    async fn with_client(plane: &'static ControlPlane, namespace: &str, folder: &TempDir, client: Client) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        crate::admission::definitions();
        let options = Options {
            limits: riposte::definition::Limits::default(),
            namespace: namespace.to_owned(),
            identity: "one".to_owned(),
            traces: None,
            journal: None,
            watched: vec![namespace.to_owned()],
            store: folder.path().join("data").into(),
            retention: riposte::store::Retention::default(),
            sealing_key: folder.path().join("sealing.key"),
            workspaces: WorkspaceIds::default(),
            egress: Egress {
                allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
                ..Egress::default()
            },
            active_runs: 100,
            paused: Vec::new(),
        };
        let operator = Operator::open(client, options).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = broken.local_addr().unwrap();
        let answer = axum::Router::new().fallback(async || axum::http::StatusCode::SERVICE_UNAVAILABLE);
        tokio::spawn(async move { axum::serve(broken, answer).await });
        let (store, engine) = (operator.store().clone(), operator.engine().clone());
        let stop = CancellationToken::new();
        let running = tokio::spawn(operator.run(listener, None, stop.clone()));
        Self {
            plane,
            namespace: namespace.to_owned(),
            store,
            engine,
            stop,
            running,
            service,
        }
    }

    async fn close(self) {
        drop((self.store, self.engine));
        self.stop.cancel();
        let ended = tokio::time::timeout(FAREWELL, self.running).await;
        ended.expect("the operator ends in time").unwrap().unwrap();
    }

    fn kubectl(&self, arguments: &[&str], stdin: &str) -> String {
        let all: Vec<&str> = arguments.iter().copied().chain(["-n", &self.namespace]).collect();
        succeeded(&self.plane.kubectl("admin", &all, stdin))
    }

    fn apply(&self, manifest: &str) {
        self.kubectl(&["apply", "--server-side", "-f", "-"], manifest);
    }

    fn list(&self, kind: &str) -> Vec<Value> {
        let list: Value = serde_json::from_str(&self.kubectl(&["get", kind, "-o", "json"], "")).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    /// Awaits the object of this name with this condition.
    async fn shows(&self, kind: &str, name: &str, condition: &str, status: &str, reason: &str) -> Value {
        let what = format!("{kind}/{name} shows {condition}={status} ({reason})");
        eventually(&what, async || {
            let object = self
                .list(kind)
                .into_iter()
                .find(|object| object["metadata"]["name"] == name)?;
            let found = find(&object, condition)?;
            (found["status"] == status && found["reason"] == reason).then_some(object)
        })
        .await
    }

    /// The playbooks of the test and what they need; ready when this returns.
    async fn furnish(&self) {
        self.apply(CONNECTION);
        self.apply(&playbook("comment", ""));
        self.apply(&playbook("waits", &patient(self.service)));
        self.apply(&grant(&self.namespace));
        self.shows("pbk", "comment", "Ready", "True", "Succeeded").await;
        self.shows("pbk", "waits", "Ready", "True", "Succeeded").await;
        self.shows("pbgrant", "own", "Ready", "True", "Succeeded").await;
        let account = format!("system:serviceaccount:{}:riposte-automation", self.namespace);
        eventually("the workspace may run playbooks", async || {
            let arguments = [
                "auth",
                "can-i",
                "run",
                "playbooks/comment",
                "-n",
                &self.namespace,
                "--as",
                &account,
            ];
            let output = self.plane.kubectl("admin", &arguments, "");
            output.status.success().then_some(())
        })
        .await;
    }

    /// The same with a rule that runs the playbook that comments.
    async fn furnish_with_rule(&self) {
        self.furnish().await;
        self.apply(&RULE.replace("NAME", "comment"));
        self.shows("autorule", "all", "Granted", "True", "Granted").await;
    }

    /// Lets an alert come in, which makes an incident; gives its id.
    async fn alert(&self, pod: &str) -> String {
        let event = json!({
            "uuid": pod, "rule": "Terminal shell in container", "priority": "Warning", "source": "syscall",
            "time": "2026-11-25T00:00:00Z", "output": "a shell was spawned", "hostname": "node-1", "tags": [],
            "output_fields": { "k8s.pod.name": pod, "k8s.ns.name": "shop", "proc.name": "bash" },
        });
        let now = Timestamp::now();
        let intake = decode(Format::Falco, event.to_string().as_bytes(), &self.namespace, now).unwrap();
        let desk = Desk::new(self.store.clone(), WorkspaceIds::default());
        let accepted = desk.accept(intake, now).await.unwrap();
        self.engine.poke();
        accepted[0].incident.clone().unwrap().0
    }

    async fn runs(&self) -> Vec<RunRow> {
        let filter = RunFilter {
            kind: Some("playbook".to_owned()),
            limit: 100,
            ..RunFilter::default()
        };
        self.engine.runs(&filter).await.unwrap()
    }

    /// Writes that the API server took on a kind, as `VERB SUBRESOURCE`.
    fn writes(&self, resource: &str) -> Vec<String> {
        let of_kind = |event: &AuditEvent| {
            event.is_write() && event.object.namespace == self.namespace && event.object.resource == resource
        };
        let events = self.plane.audit(of_kind);
        events
            .into_iter()
            .map(|event| format!("{} {}", event.verb, event.object.subresource))
            .collect()
    }
}

fn find<'o>(object: &'o Value, condition: &str) -> Option<&'o Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|found| found["type"] == condition)
}

const CONNECTION: &str = "apiVersion: riposte.dev/v1alpha1\nkind: ApiConnection\nmetadata: { name: incidents }\nspec: { connector: azuresentinel }\n";

/// An action that waits: its service is out of order, and it is to be asked again in an hour.
fn patient(service: SocketAddr) -> String {
    let retry = "{ type: fixed, count: 4, interval: PT1H }";
    format!("Ask: {{ type: Http, inputs: {{ method: GET, uri: 'http://{service}/', retryPolicy: {retry} }} }}")
}

const RULE: &str = "apiVersion: riposte.dev/v1alpha1\nkind: AutomationRule\nmetadata: { name: all }\nspec:\n  displayName: All\n  order: 1\n  triggersOn: Incidents\n  actions: [{ runPlaybook: { name: NAME } }]\n";

fn playbook(name: &str, more: &str) -> String {
    format!(
        r#"
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {{ name: {name} }}
spec:
  connections: [{{ name: azuresentinel, connectionRef: {{ name: incidents }} }}]
  definition:
    contentVersion: 1.0.0.0
    parameters: {{ $connections: {{ type: Object, defaultValue: {{}} }} }}
    triggers:
      incident:
        type: ApiConnectionWebhook
        inputs:
          body: {{ callback_url: "@{{listCallbackUrl()}}" }}
          host: {{ connection: {{ name: "@parameters('$connections')['azuresentinel']['connectionId']" }} }}
          path: /incident-creation
    actions:
      Comment:
        type: ApiConnection
        inputs:
          host: {{ connection: {{ name: "@parameters('$connections')['azuresentinel']['connectionId']" }} }}
          method: post
          path: /Incidents/Comment
          body: {{ incidentArmId: "@triggerBody()?['object']?['id']", message: "<p>seen</p>" }}
      {more}
"#
    )
}

fn grant(workspace: &str) -> String {
    format!(
        "apiVersion: riposte.dev/v1alpha1\nkind: PlaybookGrant\nmetadata: {{ name: own }}\n\
         spec: {{ from: [{{ namespace: {workspace} }}], to: [{{ name: comment }}, {{ name: waits }}] }}\n"
    )
}

/// A way to the API server that can be cut.
struct Wire {
    client: Client,
    whole: watch::Sender<bool>,
}

impl Wire {
    async fn to(plane: &ControlPlane) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let kubeconfig = kube::config::Kubeconfig::read_from(plane.kubeconfig("admin")).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .unwrap();
        config.proxy_url = None;
        let server = config.cluster_url.authority().unwrap().to_string();
        config.cluster_url = format!("https://{address}/").parse().unwrap();
        let (whole, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (server, mut state) = (server.clone(), state.clone());
                tokio::spawn(async move {
                    if !*state.borrow_and_update() {
                        return;
                    }
                    let mut far = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|whole| !whole) => {}
                    }
                });
            }
        });
        let client = Client::try_from(config).unwrap();
        Self { client, whole }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_server_missed_is_shown_once_when_it_is_back() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wire = Wire::to(plane).await;
    let house = House::with_client(plane, &namespace, &folder, wire.client.clone()).await;
    house.furnish().await;
    house.alert("web-0").await;
    house.shows("inc", "inc-1", "Ready", "True", "Succeeded").await;
    let incident = json!({ "incident": { "id": "1" } });
    house.kubectl(&["create", "-f", "-"], &run("long", "waits", &incident));
    let long = house.shows("pbrun", "long", "Succeeded", "Unknown", "Waiting").await;

    wire.whole.send_replace(false);
    for pod in ["web-1", "web-2", "web-3"] {
        house.alert(pod).await;
    }
    let waiting = long["status"]["runId"].as_str().unwrap();
    house
        .engine
        .cancel(waiting, "ana", riposte::engine::Haste::Gracefully)
        .await
        .unwrap();
    let cancelled = house.engine.ended(waiting).await.unwrap();
    assert_eq!(cancelled.as_str(), "Cancelled");
    let request = riposte::engine::start::Request {
        namespace: namespace.to_string(),
        playbook: "comment".into(),
        requester: "user/ana".into(),
        body: riposte::expression::Value::object([("object", riposte::expression::Value::Null)]),
        ..Default::default()
    };
    let started = house.engine.start(&request).await.unwrap();
    house.engine.ended(&started[0]).await.unwrap();
    assert_eq!((house.list("inc").len(), house.list("pbrun").len()), (1, 1));

    wire.whole.send_replace(true);
    house.shows("pbrun", "long", "Succeeded", "False", "Cancelled").await;
    eventually("everything is shown", async || {
        let ended = |run: &Value| run["status"]["completionTime"].is_string();
        let runs = house.list("pbrun").iter().filter(|run| ended(run)).count();
        (house.list("inc").len() == 4 && runs == 2).then_some(())
    })
    .await;
    let created: Vec<String> = house
        .writes("playbookruns")
        .into_iter()
        .filter(|write| write == "create ")
        .collect();
    assert_eq!(created.len(), 2, "the person's and the one that was missed");
    house.close().await;
}

fn run(name: &str, playbook: &str, trigger: &Value) -> String {
    json!({
        "apiVersion": "riposte.dev/v1alpha1", "kind": "PlaybookRun", "metadata": { "name": name },
        "spec": { "playbookRef": { "name": playbook }, "trigger": trigger },
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_rule_is_an_object_that_costs_two_writes() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    house.furnish_with_rule().await;
    house.alert("web-1").await;
    let object = eventually("the run is shown", async || {
        let runs = house.list("pbrun");
        runs.into_iter().find(|run| run["status"]["phase"] == "Succeeded")
    })
    .await;
    assert_eq!(find(&object, "Succeeded").unwrap()["status"], "True");
    assert_eq!(find(&object, "Reconciling"), None);
    assert_eq!(object["status"]["actions"][0]["name"], "Comment");
    assert_eq!(object["status"]["observedGeneration"], object["metadata"]["generation"]);
    assert_eq!(object["spec"]["requestedBy"]["username"], "rule/all");
    assert_eq!(object["spec"]["trigger"]["incident"]["id"], "1");
    assert_eq!(object["metadata"]["labels"]["riposte.dev/incident"], "inc-1");
    assert_eq!(object["metadata"]["ownerReferences"][0]["name"], "comment");
    let incident = eventually("the incident shows its run and comment", async || {
        let incident = house.list("inc").into_iter().next()?;
        let status = &incident["status"];
        let shown = status["comments"][0]["message"] == "seen" && status["runs"][0]["phase"] == "Succeeded";
        shown.then_some(incident)
    })
    .await;
    assert_eq!(incident["metadata"]["name"], "inc-1");
    assert_eq!(incident["status"]["title"], "Terminal shell in container");
    assert_eq!(find(&incident, "Ready").unwrap()["status"], "True");
    assert_eq!(house.writes("playbookruns"), ["create ", "patch status"]);
    let of_incident = house.writes("incidents");
    assert!(of_incident.len() <= 3, "{of_incident:?}");

    house.close().await;
    let again = House::open(plane, &namespace, &folder).await;
    again.shows("pbk", "comment", "Ready", "True", "Succeeded").await;
    again.alert("web-2").await;
    eventually("the next incident is shown", async || {
        (again.list("inc").len() == 2).then_some(())
    })
    .await;
    eventually("the next run is shown", async || {
        let ended = |run: &Value| run["status"]["phase"] == "Succeeded";
        (again.list("pbrun").into_iter().filter(ended).count() == 2).then_some(())
    })
    .await;
    assert_eq!(
        again.writes("playbookruns").len(),
        4,
        "nothing is written again after a restart"
    );
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resubmitted_run_says_so_and_a_deleted_one_takes_its_object_along() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    house.furnish().await;
    house.alert("web-1").await;
    let incident = json!({ "incident": { "id": "1" } });
    house.kubectl(&["create", "-f", "-"], &run("by-hand", "comment", &incident));
    let object = house.shows("pbrun", "by-hand", "Succeeded", "True", "Succeeded").await;
    let first = object["status"]["runId"].as_str().unwrap().to_owned();
    let wish = riposte::engine::resubmit::Resubmission {
        run: first.clone(),
        requester: "user/ana".into(),
        ..Default::default()
    };
    let again = house.engine.resubmit(&wish).await.unwrap();
    eventually("the resubmission is shown", async || {
        let is_it = |run: &Value| run["status"]["resubmitOf"] == *first && run["status"]["phase"] == "Succeeded";
        house.list("pbrun").iter().any(is_it).then_some(())
    })
    .await;
    let runs = vec![first.clone(), again];
    let operations = vec![riposte::store::Operation::Forget(riposte::store::Forget::Runs {
        runs,
        is_told: true,
    })];
    house
        .store
        .commit(riposte::store::Transaction { operations })
        .await
        .unwrap();
    eventually("only the person's object is left", async || {
        (house.list("pbrun").len() == 1).then_some(())
    })
    .await;
    house.kubectl(&["label", "pbrun", "by-hand", "seen=again"], "");
    house.shows("pbrun", "by-hand", "Succeeded", "True", "Succeeded").await;
    assert!(house.runs().await.is_empty(), "the object runs nothing again");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_runs_of_rules_go_many_in_one_request() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    house.furnish_with_rule().await;
    let incident = json!({ "incident": { "id": "1" } });
    for pod in ["web-1", "web-2", "web-3", "web-4", "web-5"] {
        house.alert(pod).await;
    }
    eventually("all runs ended", async || {
        let runs = house.runs().await;
        (runs.iter().filter(|run| run.ended_at.is_some()).count() == 5).then_some(())
    })
    .await;
    house.kubectl(&["create", "-f", "-"], &run("mine", "comment", &incident));
    house.shows("pbrun", "mine", "Succeeded", "True", "Succeeded").await;
    eventually("three runs of the rule stay", async || {
        let deleted = house
            .writes("playbookruns")
            .iter()
            .any(|write| write == "deletecollection ");
        (deleted && house.list("pbrun").len() == 4).then_some(())
    })
    .await;
    let deletions = house
        .writes("playbookruns")
        .into_iter()
        .filter(|write| write.starts_with("delete"));
    assert!(deletions.count() <= 2, "many are deleted by one request");
    assert!(house.list("pbrun").iter().any(|run| run["metadata"]["name"] == "mine"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_create_runs_a_playbook_once_and_cancels_it() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    let incident = json!({ "incident": { "id": "1" } });
    house.furnish().await;
    house.alert("web-1").await;
    house.kubectl(&["create", "-f", "-"], &run("mine", "comment", &incident));
    let object = house.shows("pbrun", "mine", "Succeeded", "True", "Succeeded").await;
    let id = run_of(object["metadata"]["uid"].as_str().unwrap()).to_string();
    assert_eq!(object["status"]["runId"], id.as_str());
    assert_eq!(house.writes("playbookruns"), ["create ", "patch status"]);

    house.kubectl(&["create", "-f", "-"], &run("long", "waits", &incident));
    let long = house.shows("pbrun", "long", "Succeeded", "Unknown", "Waiting").await;
    assert_eq!(find(&long, "Reconciling").unwrap()["status"], "True");
    assert!(
        long["status"]["waitingFor"]
            .as_str()
            .unwrap()
            .starts_with("Ask, until 2"),
        "{long}"
    );
    let cancel = r#"{"spec":{"desiredState":"Cancelled"}}"#;
    house.kubectl(&["patch", "pbrun", "long", "--type=merge", "-p", cancel], "");
    let long = house.shows("pbrun", "long", "Succeeded", "False", "Cancelled").await;
    assert_eq!(
        (find(&long, "Reconciling"), long["status"].get("waitingFor")),
        (None, None)
    );

    house.kubectl(&["create", "-f", "-"], &run("early", "later", &incident));
    house
        .shows("pbrun", "early", "Succeeded", "Unknown", "PlaybookNotFound")
        .await;
    house.kubectl(
        &["create", "-f", "-"],
        &run("lost", "comment", &json!({ "incident": { "id": "77" } })),
    );
    let lost = house
        .shows("pbrun", "lost", "Stalled", "True", "IncidentNotFound")
        .await;
    assert_eq!(find(&lost, "Succeeded").unwrap()["status"], "False");
    house.apply(&playbook("later", ""));
    house.shows("pbrun", "early", "Succeeded", "True", "Succeeded").await;

    house.close().await;
    let output = plane.kubectl(
        "admin",
        &["create", "-n", &namespace, "-f", "-"],
        &run("down", "comment", &incident),
    );
    succeeded(&output);
    let again = House::open(plane, &namespace, &folder).await;
    again.shows("pbrun", "down", "Succeeded", "True", "Succeeded").await;
    assert_eq!(again.runs().await.len(), 4, "mine, long, early, down; each once");
    again.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_of_a_person_are_applied_once_and_refusals_are_shown() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    let id = house.alert("web-1").await;
    let object = house.shows("inc", "inc-1", "Ready", "True", "Succeeded").await;
    assert_eq!(object["status"].get("appliedSpec"), None);
    let wish = |spec: &Value| {
        let patch = json!({ "spec": spec }).to_string();
        house.kubectl(
            &[
                "patch",
                "inc",
                "inc-1",
                "--type=merge",
                "--field-manager=ana",
                "-p",
                &patch,
            ],
            "",
        );
    };
    wish(&json!({ "severity": "Low", "labels": ["seen"], "task": { "title": "Call the owner" } }));
    let object = eventually("the wish is applied", async || {
        let object = house.list("inc").into_iter().next()?;
        (object["status"]["appliedSpec"]["spec"]["severity"] == "Low").then_some(object)
    })
    .await;
    let status = &object["status"];
    assert_eq!(
        (&status["severity"], &status["labels"]),
        (&json!("Low"), &json!(["seen"]))
    );
    assert_eq!(status["tasks"][0]["title"], "Call the owner");
    assert_eq!(status["tasks"][0]["createdBy"], "ana");
    assert_eq!(status["observedGeneration"], object["metadata"]["generation"]);
    wish(&json!({ "status": "Closed", "classification": "Undetermined" }));
    eventually("the incident is closed", async || {
        let object = house.list("inc").into_iter().next()?;
        (object["status"]["status"] == "Closed").then_some(())
    })
    .await;
    assert_eq!(
        house.store.tasks(&id).await.unwrap().len(),
        1,
        "no wish is applied twice"
    );

    let foreign = json!({
        "apiVersion": "riposte.dev/v1alpha1", "kind": "Incident", "metadata": { "name": "mine" }, "spec": {},
    });
    house.apply(&foreign.to_string());
    house.shows("inc", "mine", "Stalled", "True", "IncidentNotFound").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_cannot_be_is_refused_with_the_reason_and_the_next_one_heals() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    let id = house.alert("web-1").await;
    house.shows("inc", "inc-1", "Ready", "True", "Succeeded").await;
    let (desk, now) = (
        Desk::new(house.store.clone(), WorkspaceIds::default()),
        Timestamp::now(),
    );
    let author = Author::User("ben".to_owned());
    let mut operations = Vec::new();
    for number in 0..40 {
        let planned = desk
            .plan_task(&id, "check", "", &author, now, &format!("task-{number}"))
            .await;
        operations.extend(planned.unwrap().operations);
    }
    house.store.commit(Transaction { operations }).await.unwrap();
    let wish = |spec: &Value| {
        let patch = json!({ "spec": spec }).to_string();
        house.kubectl(&["patch", "inc", "inc-1", "--type=merge", "-p", &patch], "");
    };
    wish(&json!({ "severity": "Low", "task": { "title": "One too many" } }));
    let object = house.shows("inc", "inc-1", "Ready", "False", "ChangeRefused").await;
    let stalled = find(&object, "Stalled").unwrap();
    assert!(
        stalled["message"].as_str().unwrap().contains("has 40 tasks already"),
        "{stalled}"
    );
    assert_eq!(object["status"]["severity"], "Medium", "nothing of it is applied");
    wish(&json!({ "task": null }));
    let object = house.shows("inc", "inc-1", "Ready", "True", "Succeeded").await;
    assert_eq!(
        (find(&object, "Stalled"), &object["status"]["severity"]),
        (None, &json!("Low"))
    );
    house.close().await;
}

/// A playbook that divides six by each element of its body, each in a run of its own.
const SPLIT: &str = r#"
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: { name: divide }
spec:
  definition:
    triggers: { hand: { type: Request, inputs: {}, splitOn: "@triggerBody()" } }
    actions: { Divide: { type: Compose, inputs: "@div(6, triggerBody())" } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_object_with_several_runs_shows_how_all_did_and_ends_all() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    house.apply(SPLIT);
    let waits = format!("actions:\n      {}\n", patient(house.service));
    let actions = SPLIT.find("actions:").unwrap();
    house.apply(&(SPLIT[..actions].replace("divide", "wait") + &waits));
    house.shows("pbk", "divide", "Ready", "True", "Succeeded").await;
    house.shows("pbk", "wait", "Ready", "True", "Succeeded").await;
    let elements = json!({ "payload": { "body": "[1, 0, 2]" } });
    house.kubectl(&["create", "-f", "-"], &run("three", "divide", &elements));
    let object = house.shows("pbrun", "three", "Succeeded", "False", "Failed").await;
    let message = find(&object, "Succeeded").unwrap()["message"].to_string();
    let all = "3 runs, one for each element of `splitOn`: 2 succeeded, 1 failed, 0 cancelled, 0 not ended";
    assert!(message.contains(all), "{message}");
    assert_eq!(
        object["status"]["actions"][0]["status"], "Succeeded",
        "the first run is shown"
    );

    house.kubectl(&["create", "-f", "-"], &run("patient", "wait", &elements));
    house.shows("pbrun", "patient", "Succeeded", "Unknown", "Running").await;
    let cancel = r#"{"spec":{"desiredState":"Cancelled"}}"#;
    house.kubectl(&["patch", "pbrun", "patient", "--type=merge", "-p", cancel], "");
    let object = house.shows("pbrun", "patient", "Succeeded", "False", "Cancelled").await;
    let message = find(&object, "Succeeded").unwrap()["message"].to_string();
    assert!(message.contains("3 cancelled"), "{message}");
    house.close().await;
}

/// A playbook for hosts.
const HOST: &str = r#"
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: { name: isolate }
spec:
  connections: [{ name: azuresentinel, connectionRef: { name: incidents } }]
  definition:
    parameters: { $connections: { type: Object, defaultValue: {} } }
    triggers:
      entity:
        type: ApiConnectionWebhook
        inputs:
          body: { callback_url: "@{listCallbackUrl()}" }
          host: { connection: { name: "@parameters('$connections')['azuresentinel']['connectionId']" } }
          path: /entity/@{encodeURIComponent('Host')}
    actions: { Name: { type: Compose, inputs: "@triggerBody()?['Entity']" } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_of_an_incident_starts_a_run() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    house.apply(CONNECTION);
    house.apply(HOST);
    let playbook = house.shows("pbk", "isolate", "Ready", "True", "Succeeded").await;
    assert_eq!(
        (&playbook["status"]["triggerKind"], &playbook["status"]["entityType"]),
        (&json!("Entity"), &json!("Host"))
    );
    let id = house.alert("web-1").await;
    let incident = house.shows("inc", "inc-1", "Ready", "True", "Succeeded").await;
    let entities = incident["status"]["entities"].as_array().unwrap();
    let host = entities.iter().find(|entity| entity["kind"] == "Host").expect("a host");
    let entity = json!({ "entity": { "id": host["id"], "incident": "1" } });
    house.kubectl(&["create", "-f", "-"], &run("host", "isolate", &entity));
    house.shows("pbrun", "host", "Succeeded", "True", "Succeeded").await;
    let runs = house.runs().await;
    assert_eq!(
        runs[0].incident.as_deref(),
        Some(id.as_str()),
        "the run is about the incident"
    );
    let unknown = json!({ "entity": { "id": "00000000-0000-0000-0000-000000000000", "incident": "1" } });
    house.kubectl(&["create", "-f", "-"], &run("nobody", "isolate", &unknown));
    house
        .shows("pbrun", "nobody", "Stalled", "True", "EntityNotFound")
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_rule_goes_when_its_time_is_over_and_stays_in_the_store() {
    let (plane, folder) = (ControlPlane::shared(), tempfile::tempdir().unwrap());
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace, &folder).await;
    house.furnish().await;
    let patch = r#"{"spec":{"ttlSecondsAfterFinished":1}}"#;
    house.kubectl(&["patch", "pbk", "comment", "--type=merge", "-p", patch], "");
    house.apply(&RULE.replace("NAME", "comment"));
    house.shows("autorule", "all", "Granted", "True", "Granted").await;
    house.alert("web-1").await;
    eventually("the run is shown and goes", async || {
        let writes = house.writes("playbookruns");
        let is_gone = writes.iter().any(|write| write.starts_with("delete")) && house.list("pbrun").is_empty();
        is_gone.then_some(())
    })
    .await;
    assert_eq!(house.runs().await.len(), 1);
    house.close().await;
}
