//! The whole operator in the real control plane: what people apply, and what they read afterwards.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use riposte::cluster::run::{Error, Operator, Options};
use riposte::connectors::Egress;
use riposte::definition::Limits;
use riposte::engine::Engine;
use riposte::engine::start::{Request, StartKind};
use riposte::incidents::WorkspaceIds;
use riposte::store::{RunFilter, RunRow, Store};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::admission::definitions;
use crate::control_plane::{ControlPlane, condition as find, eventually, succeeded};

/// How long an operator may take to end.
const FAREWELL: Duration = Duration::from_secs(30);

/// A running operator.
struct House {
    plane: &'static ControlPlane,
    namespace: String,
    address: SocketAddr,
    store: Store,
    engine: Engine,
    stop: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
    _folder: TempDir,
}

impl House {
    async fn open(plane: &'static ControlPlane, namespace: &str) -> Self {
        definitions();
        Self::named(plane, namespace, "one", plane.client("admin").await).await
    }

    async fn named(plane: &'static ControlPlane, namespace: &str, identity: &str, client: Client) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options {
            limits: Limits::default(),
            namespace: namespace.to_owned(),
            identity: identity.to_owned(),
            watched: vec![namespace.to_owned()],
            store: folder.path().join("data").into(),
            retention: riposte::store::Retention::default(),
            sealing_key: folder.path().join("sealing.key"),
            workspaces: WorkspaceIds::default(),
            egress: Egress::default(),
            active_runs: 100,
            paused: Vec::new(),
            traces: None,
            journal: None,
        };
        let operator = Operator::open(client, options).await.expect("an operator");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (store, engine) = (operator.store().clone(), operator.engine().clone());
        let stop = CancellationToken::new();
        let running = tokio::spawn(operator.run(listener, None, stop.clone()));
        Self {
            plane,
            namespace: namespace.to_owned(),
            address,
            store,
            engine,
            stop,
            running,
            _folder: folder,
        }
    }

    fn apply(&self, manifest: &str) {
        self.plane.apply(&self.namespace, manifest);
    }

    fn get(&self, object: &str) -> Value {
        self.plane.get(&self.namespace, object)
    }

    /// Awaits a condition with this status and reason, and gives the object.
    async fn shows(&self, object: &str, condition: &str, status: &str, reason: &str) -> Value {
        self.plane
            .shows(&self.namespace, object, condition, status, reason)
            .await
    }

    async fn http(&self, method: reqwest::Method, path: &str, token: &str, body: &Value) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.request(method, format!("http://{}{path}", self.address));
        let request = request.bearer_auth(token).header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a text"))
    }

    /// Awaits that kubectl says this of the right of the workspace's automation to run the playbook.
    async fn may_run(&self, expected: &str) {
        let namespace = &self.namespace;
        let account = format!("system:serviceaccount:{namespace}:riposte-automation");
        eventually(expected, async || {
            let arguments = [
                "auth",
                "can-i",
                "run",
                "playbooks/comment",
                "-n",
                namespace,
                "--as",
                &account,
            ];
            let output = self.plane.kubectl("admin", &arguments, "");
            (String::from_utf8_lossy(&output.stdout).trim() == expected).then_some(())
        })
        .await;
    }

    /// Delivers an event as an account that first may not, and then may.
    async fn deliver(&self) {
        let (plane, namespace) = (self.plane, &self.namespace);
        let path = format!("/v1/workspaces/{namespace}/falco");
        succeeded(&plane.kubectl("admin", &["create", "serviceaccount", "falco", "-n", namespace], ""));
        let token = plane.service_account_token(namespace, "falco").await;
        let (status, text) = self.http(reqwest::Method::POST, &path, &token, &event()).await;
        assert_eq!(status, 403, "{text}");
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": { "name": "sender" },
            "rules": [{ "apiGroups": ["riposte.dev"], "resources": ["alerts"], "verbs": ["create"] }],
        });
        self.apply(&role.to_string());
        let account = format!("--serviceaccount={namespace}:falco");
        let arguments = [
            "create",
            "rolebinding",
            "sender",
            "--role=sender",
            &account,
            "-n",
            namespace,
        ];
        succeeded(&plane.kubectl("admin", &arguments, ""));
        eventually("the sender may deliver", async || {
            let (status, _) = self.http(reqwest::Method::POST, &path, &token, &event()).await;
            (status == 202).then_some(())
        })
        .await;
    }

    /// Awaits the end of a playbook's run.
    async fn ran(&self) -> RunRow {
        let filter = RunFilter {
            kind: Some("playbook".to_owned()),
            limit: 10,
            ..RunFilter::default()
        };
        eventually("the playbook ran", async || {
            let runs = self.engine.runs(&filter).await.expect("runs");
            runs.into_iter().find(|run| run.ended_at.is_some())
        })
        .await
    }

    async fn close(self) {
        let Self {
            store,
            engine,
            stop,
            running,
            ..
        } = self;
        drop((store, engine));
        stop.cancel();
        let ended = tokio::time::timeout(FAREWELL, running).await;
        ended
            .expect("the operator ends in time")
            .expect("no panic")
            .expect("no error");
    }
}

/// Comments on the incident that starts it.
const PLAYBOOK: &str = r#"
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: { name: comment }
spec:
  connections: [{ name: azuresentinel, connectionRef: { name: incidents } }]
  definition:
    contentVersion: 1.0.0.0
    parameters: { $connections: { type: Object, defaultValue: {} } }
    triggers:
      incident:
        type: ApiConnectionWebhook
        inputs:
          body: { callback_url: "@{listCallbackUrl()}" }
          host: { connection: { name: "@parameters('$connections')['azuresentinel']['connectionId']" } }
          path: /incident-creation
    actions:
      Comment:
        type: ApiConnection
        inputs:
          host: { connection: { name: "@parameters('$connections')['azuresentinel']['connectionId']" } }
          method: post
          path: /Incidents/Comment
          body: { incidentArmId: "@triggerBody()?['object']?['id']", message: "<p>seen</p>" }
"#;

const CONNECTION: &str = r#"
apiVersion: riposte.dev/v1alpha1
kind: ApiConnection
metadata: { name: incidents }
spec: { connector: azuresentinel }
"#;

const RULE: &str = r#"
apiVersion: riposte.dev/v1alpha1
kind: AutomationRule
metadata: { name: comment-all }
spec:
  displayName: Comment all
  order: 1
  triggersOn: Incidents
  actions: [{ runPlaybook: { name: comment } }, { modifyProperties: { labels: [triaged] } }]
"#;

fn grant(workspace: &str) -> String {
    format!(
        "apiVersion: riposte.dev/v1alpha1\nkind: PlaybookGrant\nmetadata: {{ name: own }}\n\
         spec: {{ from: [{{ namespace: {workspace} }}], to: [{{ name: comment }}] }}\n"
    )
}

fn event() -> Value {
    json!({
        "uuid": "5a7d7a5e-5d8f-4d8c-9c1e-0d6a1c9e8b11", "rule": "Terminal shell in container", "priority": "Warning",
        "source": "syscall", "time": "2026-11-25T00:00:00.000000000Z", "output": "a shell was spawned",
        "hostname": "node-1", "tags": ["container"],
        "output_fields": { "k8s.pod.name": "web-1", "k8s.ns.name": "shop", "proc.name": "bash" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_shown_heals_and_then_an_event_is_answered() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace).await;
    house.apply(PLAYBOOK);
    let playbook = house
        .shows("playbook/comment", "Ready", "False", "ConnectionNotReady")
        .await;
    assert_eq!(find(&playbook, "Reconciling").expect("a condition")["status"], "True");
    assert_eq!(playbook["status"]["triggerKind"], "Incident");
    assert_eq!(playbook["status"]["trigger"], "ApiConnectionWebhook");
    house.apply(CONNECTION);
    let playbook = house.shows("playbook/comment", "Ready", "True", "Succeeded").await;
    assert_eq!(find(&playbook, "Reconciling"), None);
    assert_eq!(
        playbook["status"]["observedGeneration"],
        playbook["metadata"]["generation"]
    );
    house.shows("apiconn/incidents", "Connected", "True", "Riposte").await;

    house.apply(RULE);
    let rule = house
        .shows("autorule/comment-all", "Granted", "False", "GrantMissing")
        .await;
    assert_eq!(find(&rule, "Ready").expect("a condition")["status"], "True");
    let missing = &rule["status"]["missingGrants"][0];
    let account = format!("system:serviceaccount:{namespace}:riposte-automation");
    assert_eq!(missing["account"], account.as_str());
    let command = missing["command"].as_str().expect("a command");
    assert!(command.contains("kind: PlaybookGrant"), "{command}");

    house.apply(&grant(&namespace));
    house.shows("pbgrant/own", "Ready", "True", "Succeeded").await;
    house.may_run("yes").await;
    let rule = house.shows("autorule/comment-all", "Granted", "True", "Granted").await;
    assert_eq!(rule["status"]["missingGrants"], Value::Null);

    house.deliver().await;
    let run = house.ran().await;
    assert_eq!(run.status.as_deref(), Some("Succeeded"));
    let comments = house
        .store
        .comments(run.incident.as_deref().expect("an incident"))
        .await;
    assert_eq!(comments.expect("comments").len(), 1);

    let rule = eventually("the rule shows what it did", async || {
        let rule = house.get("autorule/comment-all");
        (rule["status"]["counts"]["matched"] == 1).then_some(rule)
    })
    .await;
    let counts = json!({ "evaluated": 1, "matched": 1, "succeeded": 1, "partiallySucceeded": 0, "failed": 0 });
    assert_eq!(rule["status"]["counts"], counts);
    let last = &rule["status"]["lastEvaluations"][0];
    assert_eq!(
        (&last["outcome"], &last["incidentNumber"]),
        (&json!("Success"), &json!(1))
    );
    assert_eq!(last["runs"], json!([run.id]));
    assert_eq!(
        find(&rule, "Granted").expect("a condition")["status"],
        "True",
        "the rest stays"
    );

    let (status, metrics) = house.http(reqwest::Method::GET, "/metrics", "", &Value::Null).await;
    let counted = r#"riposte_runs_ended_total{kind="playbook",status="Succeeded"} 1"#;
    assert!(status == 200 && metrics.contains(counted), "{metrics}");
    let (status, text) = house.http(reqwest::Method::GET, "/readyz", "", &Value::Null).await;
    assert_eq!(status, 200, "{text}");

    succeeded(&plane.kubectl("admin", &["delete", "pbgrant", "own", "-n", &namespace], ""));
    house.may_run("no").await;
    house
        .shows("autorule/comment-all", "Granted", "False", "GrantMissing")
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_comes_later_heals_and_a_service_that_answers_is_connected() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace).await;
    let service = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = service.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(service, Router::new()).await });
    let connection = format!(
        "apiVersion: riposte.dev/v1alpha1\nkind: ApiConnection\nmetadata: {{ name: vt }}\nspec:\n  \
         connector: virustotal\n  baseUrl: http://{address}\n  allowedNetworks: [127.0.0.0/8]\n  parameters:\n  \
         - name: api_key\n    valueFrom: {{ secretKeyRef: {{ name: vt, key: api_key }} }}\n"
    );
    house.apply(&connection);
    let object = house.shows("apiconn/vt", "Ready", "False", "SecretNotFound").await;
    let message = find(&object, "Ready").expect("a condition")["message"].to_string();
    assert!(message.contains("does not exist"), "{message}");
    let secret = "--from-literal=api_key=0123456789";
    let arguments = ["create", "secret", "generic", "vt", secret, "-n", &namespace];
    succeeded(&plane.kubectl("admin", &arguments, ""));
    house.shows("apiconn/vt", "Ready", "True", "Succeeded").await;
    let object = house.shows("apiconn/vt", "Connected", "True", "Answered").await;
    assert!(!object.to_string().contains("0123456789"), "{object}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_stalled_with_its_place_and_what_is_not_served_says_so() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace).await;
    house.apply(&PLAYBOOK.replace("type: ApiConnection\n", "type: ApiConection\n"));
    let object = house
        .shows("playbook/comment", "Stalled", "True", "InvalidDefinition")
        .await;
    let message = find(&object, "Ready").expect("a condition")["message"].to_string();
    assert!(message.contains("definition/actions/Comment/type"), "{message}");
    assert!(message.contains("no good version"), "{message}");
    house.apply(PLAYBOOK);
    house.apply(CONNECTION);
    let object = house.shows("playbook/comment", "Ready", "True", "Succeeded").await;
    assert_eq!(find(&object, "Stalled"), None);
    let (generation, digest) = (&object["metadata"]["generation"], &object["status"]["definitionDigest"]);

    house.apply(&PLAYBOOK.replace("type: ApiConnection\n", "type: ApiConection\n"));
    let broken = house
        .shows("playbook/comment", "Stalled", "True", "InvalidDefinition")
        .await;
    let message = find(&broken, "Ready").expect("a condition")["message"].to_string();
    assert!(message.contains(&format!("(generation {generation})")), "{message}");
    assert_eq!(&broken["status"]["definitionDigest"], digest, "what runs");
    let request = Request {
        namespace: namespace.to_string(),
        playbook: "comment".to_owned(),
        kind: StartKind::Incident,
        requester: "test".to_owned(),
        ..Request::default()
    };
    house.engine.start(&request).await.expect("the last good version runs");
    succeeded(&plane.kubectl("admin", &["delete", "playbook", "comment", "-n", &namespace], ""));
    eventually("a playbook that is gone does not start", async || {
        house.engine.start(&request).await.err()
    })
    .await;
    let manifest = include_str!("../../../examples/kinds/content-repository.yaml");
    let repository: Value = riposte::api::yaml::parse(manifest).expect("YAML")[0].json.clone();
    let name = repository["metadata"]["name"].as_str().expect("a name").to_owned();
    let mut repository = repository;
    repository["metadata"]["namespace"] = json!(*namespace);
    house.apply(&repository.to_string());
    house
        .shows(&format!("content/{name}"), "Stalled", "True", "NotServedYet")
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reconciling_again_writes_nothing() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let house = House::open(plane, &namespace).await;
    house.apply(CONNECTION);
    house.shows("apiconn/incidents", "Ready", "True", "Succeeded").await;
    house.apply(&grant(&namespace));
    house.shows("pbgrant/own", "Ready", "True", "Succeeded").await;
    let written = || {
        let of_test = |event: &crate::control_plane::AuditEvent| {
            event.is_write() && event.object.namespace == *namespace && event.object.subresource == "status"
        };
        let roles = |event: &crate::control_plane::AuditEvent| {
            event.is_write() && event.object.namespace == *namespace && event.object.resource.starts_with("role")
        };
        plane.audit(|event| of_test(event) || roles(event)).len()
    };
    let before = written();
    // Each asks for a look at every object.
    for token in ["one", "two"] {
        let annotation = format!("riposte.dev/reconcile-requested-at={token}");
        let arguments = [
            "annotate",
            "--overwrite",
            "apiconn/incidents",
            &annotation,
            "-n",
            &namespace,
        ];
        succeeded(&plane.kubectl("admin", &arguments, ""));
        eventually("the request was handled", async || {
            let object = house.get("apiconn/incidents");
            (object["status"]["lastHandledReconcileAt"] == token).then_some(())
        })
        .await;
    }
    // One write a request, for the object that was asked for.
    assert_eq!(written() - before, 2);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_writes_and_the_other_takes_over() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let holder = async |expected: &str| {
        let what = format!("{expected} holds the Lease");
        eventually(&what, async || {
            let arguments = [
                "get",
                "lease",
                "riposte",
                "-n",
                &namespace,
                "-o",
                "jsonpath={.spec.holderIdentity}",
            ];
            let output = plane.kubectl("admin", &arguments, "");
            (String::from_utf8_lossy(&output.stdout) == expected).then_some(())
        })
        .await;
    };
    let first = House::open(plane, &namespace).await;
    holder("one").await;
    let second = House::named(plane, &namespace, "two", plane.client("admin").await).await;
    first.close().await;
    holder("two").await;
    second.apply(CONNECTION);
    second.shows("apiconn/incidents", "Ready", "True", "Succeeded").await;
    second.close().await;
    let arguments = [
        "get",
        "lease",
        "riposte",
        "-n",
        &namespace,
        "-o",
        "jsonpath={.spec.holderIdentity}",
    ];
    assert_eq!(succeeded(&plane.kubectl("admin", &arguments, "")), "");
}

/// A way to the API server that can be cut.
struct Way {
    address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Way {
    async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut is_open = is_open.clone();
                tokio::spawn(async move {
                    if !*is_open.borrow() {
                        return;
                    }
                    let mut far = TcpStream::connect(target).await.expect("the API server");
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = is_open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { address, open }
    }

    /// A client that goes this way.
    async fn client(&self, plane: &ControlPlane) -> Client {
        let kubeconfig = Kubeconfig::read_from(plane.kubeconfig("admin")).expect("a kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let mut config = config.expect("a configuration");
        config.proxy_url = None;
        config.cluster_url = format!("https://{}", self.address).parse().expect("an address");
        Client::try_from(config).expect("a client")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_api_server_is_away_the_catalog_stays_and_what_changed_is_seen_afterwards() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    definitions();
    let target = plane.url.trim_start_matches("https://").trim_end_matches('/');
    let way = Way::to(target.parse().expect("an address")).await;
    let house = House::named(plane, &namespace, "one", way.client(plane).await).await;
    house.apply(CONNECTION);
    let plain = PLAYBOOK.replace("ApiConnectionWebhook", "Request");
    house.apply(&plain);
    house.shows("playbook/comment", "Ready", "True", "Succeeded").await;

    way.open.send_replace(false);
    succeeded(&plane.kubectl("admin", &["delete", "apiconn", "incidents", "-n", &namespace], ""));
    let request = Request {
        namespace: namespace.to_string(),
        playbook: "comment".to_owned(),
        kind: StartKind::Body,
        requester: "test".to_owned(),
        ..Request::default()
    };
    house.engine.start(&request).await.expect("a run");
    // It has no incident to comment on, so it fails; that it ran is what counts.
    assert_eq!(house.ran().await.status.as_deref(), Some("Failed"));
    let (status, text) = house.http(reqwest::Method::GET, "/readyz", "", &Value::Null).await;
    assert_eq!(status, 200, "{text}");

    way.open.send_replace(true);
    house
        .shows("playbook/comment", "Ready", "False", "ConnectionNotReady")
        .await;
    house.close().await;
}
