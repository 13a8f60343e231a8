//! The aggregated API behind a real API server: what kubectl and `riposte` show, and what RBAC refuses.

use std::path::Path;
use std::sync::Arc;

use riposte::cluster::rbac::JOURNAL_API_SERVICE;
use riposte::server::journal::{self, AccessReviews, Certificate};
use riposte::store::ApprovalFilter;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{House, alert};
use crate::control_plane::clients::JournalLock;
use crate::control_plane::{ControlPlane, eventually, failed, succeeded};
use crate::patience::settled;
use crate::program::{self, DEADLINE, Finished};

/// The service that leads to this machine, and the registration of the group, without the authority.
fn registration(namespace: &str, port: u16) -> Value {
    json!({ "apiVersion": "v1", "kind": "List", "items": [
        { "apiVersion": "v1", "kind": "Service", "metadata": { "name": "riposte", "namespace": namespace },
            "spec": { "type": "ExternalName", "externalName": "localhost" } },
        { "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": JOURNAL_API_SERVICE },
            "spec": { "group": "journal.riposte.dev", "version": "v1alpha1", "groupPriorityMinimum": 100,
                "versionPriority": 100, "service": { "name": "riposte", "namespace": namespace, "port": port } } },
    ] })
}

/// Serves the aggregated API of a house and registers it.
async fn register(plane: &ControlPlane, lock: &JournalLock, house: &House, namespace: &str) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = plane.client("admin").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    plane.apply(namespace, &registration(namespace, port).to_string());
    let certificate = Certificate::make(&[format!("riposte.{namespace}.svc")]).unwrap();
    journal::publish(&client, certificate.authority().unwrap())
        .await
        .unwrap();
    let trust = journal::read_trust(&client).await.unwrap();
    let (_, trust) = watch::channel(Arc::new(trust));
    let reviewer = Arc::new(AccessReviews::new(client));
    let (state, stop) = (house.state.clone(), house.stop.clone());
    tokio::spawn(journal::serve(listener, state, certificate, trust, reviewer, stop));
    lock.is_available().await;
}

/// Starts the playbook `triage` on the first incident.
fn start(plane: &ControlPlane, namespace: &str, user: &str) -> Finished {
    let config = plane.kubeconfig(user);
    let config = config.to_str().unwrap();
    let subject = ["start", "triage", "--incident", "1", "-o", "name"];
    let place = ["-n", namespace, "--kubeconfig", config];
    program::run(Path::new("."), &[&subject[..], &place].concat())
}

/// What the reader may see of a run, with kubectl and with `riposte`.
fn assert_shown(plane: &ControlPlane, namespace: &str, reader: &str, run: &str, starter: &str) {
    let name = format!("runs.journal.riposte.dev/{run}");
    let shown = succeeded(&plane.kubectl(reader, &["get", &name, "-n", namespace, "-o", "yaml"], ""));
    assert!(
        shown.contains(&format!("requester: user/{starter}")) && shown.contains("status: Succeeded"),
        "{shown}"
    );
    let path = format!("/apis/journal.riposte.dev/v1alpha1/namespaces/{namespace}/runs/{run}/log");
    let log = succeeded(&plane.kubectl(reader, &["get", "--raw", &path], ""));
    assert!(log.trim_end().ends_with("run Succeeded"), "{log}");
    let actions = failed(&plane.kubectl(reader, &["get", "--raw", &path.replace("/log", "/actions")], ""));
    assert!(actions.contains("Forbidden"), "{actions}");
    let config = plane.kubeconfig(reader);
    let arguments = ["describe", "run", run, "-n", namespace, "--kubeconfig"];
    let described = program::run(Path::new("."), &[&arguments[..], &[config.to_str().unwrap()]].concat());
    assert!(described.stdout.contains("Playbook:         triage"), "{described:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_playbook_is_suspended_and_resumed_through_the_api_server() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let kinds = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds").display().to_string();
    let arguments = ["apply", "--server-side", "--force-conflicts", "-f", &kinds];
    succeeded(&plane.kubectl("admin", &arguments, ""));
    let arguments = ["wait", "--for=condition=Established", "--timeout=60s", "-f", &kinds];
    succeeded(&plane.kubectl("admin", &arguments, ""));
    let definition = json!({ "triggers": {}, "actions": { "A": { "type": "Compose", "inputs": 1 } } });
    let playbook = json!({ "apiVersion": "riposte.dev/v1alpha1", "kind": "Playbook", "metadata": { "name": "close" },
        "spec": { "definition": definition } });
    plane.apply(&namespace, &playbook.to_string());
    let config = plane.kubeconfig("admin");
    let place = ["-n", &*namespace, "--kubeconfig", config.to_str().unwrap()];
    for (command, done, value) in [("suspend", "suspended", "true"), ("resume", "resumed", "false")] {
        let finished = program::run(Path::new("."), &[&[command, "close"][..], &place].concat());
        let expected = format!("playbook.riposte.dev/close {done}\n");
        assert_eq!((finished.code, &*finished.stdout), (0, &*expected), "{finished:?}");
        let path = [
            "get",
            "playbook",
            "close",
            "-n",
            &*namespace,
            "-o",
            "jsonpath={.spec.suspend}",
        ];
        assert_eq!(succeeded(&plane.kubectl("admin", &path, "")), value);
    }
    let missing = program::run(Path::new("."), &[&["suspend", "none"][..], &place].concat());
    assert!(missing.code == 1 && missing.stderr.contains("not found"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn kubectl_and_riposte_show_what_rbac_allows() {
    let plane = ControlPlane::shared();
    let lock = plane.journal_lock().await;
    let (namespace, reader, starter) = (plane.namespace().await, plane.fresh_user(), plane.fresh_user());
    let house = House::open().await;
    let alerts = format!("/v1/workspaces/{}/alerts", &*namespace);
    house.post(&alerts, &alert("a")).await;
    register(plane, &lock, &house, &namespace).await;
    let read = json!({ "apiGroups": ["journal.riposte.dev"], "resources": ["runs", "runs/log", "incidents"],
        "verbs": ["get", "list"] });
    plane.allow(&namespace, "reader", &reader, &json!([read]));
    let create = json!({ "apiGroups": ["journal.riposte.dev"], "resources": ["playbooks/start"], "verbs": ["create"] });
    plane.allow(&namespace, "starter", &starter, &json!([create]));

    let list = ["get", "incidents.journal.riposte.dev"];
    let listed = eventually("the reader may", async || {
        let output = plane.kubectl(&reader, &[&list[..], &["-n", &*namespace]].concat(), "");
        output.status.success().then(|| succeeded(&output))
    })
    .await;
    let line: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(line[..6], ["1", "High", "New", "1", "Shell", "in"], "{listed}");
    let all = failed(&plane.kubectl(&reader, &[&list[..], &["-A"]].concat(), ""));
    assert!(all.contains("at the cluster scope"), "{all}");

    for (user, missing) in [
        (&reader, "cannot create resource \"playbooks/start\""),
        (
            &starter,
            "cannot run resource \"playbooks\" in API group \"riposte.dev\"",
        ),
    ] {
        let refused = start(plane, &namespace, user);
        assert!(refused.code == 1 && refused.stderr.contains(missing), "{refused:?}");
    }
    let run = json!({ "apiGroups": ["riposte.dev"], "resources": ["playbooks"], "verbs": ["run"],
        "resourceNames": ["triage"] });
    plane.allow(&namespace, "runner", &starter, &json!([run]));
    let run = eventually("the starter may run", async || {
        let finished = start(plane, &namespace, &starter);
        (finished.code == 0).then(|| finished.stdout.trim().to_owned())
    })
    .await;
    let run = run.strip_prefix("run.journal.riposte.dev/").unwrap();
    house.engine.ended(run).await.unwrap();
    assert_shown(plane, &namespace, &reader, run, &starter);
}

/// The first approval of a run, as soon as it is asked for.
async fn approval_of(house: &House, run: &str) -> String {
    let filter = ApprovalFilter {
        run: Some(run.to_owned()),
        limit: 1,
        ..ApprovalFilter::default()
    };
    let asked = settled(DEADLINE, async || {
        let found = house.store.approvals(&filter).await.unwrap();
        found
            .first()
            .map(|row| format!("{run}.{}", row.node))
            .ok_or("nothing is asked")
    });
    asked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_may_approve_decides_and_nobody_else_sees_links() {
    let plane = ControlPlane::shared();
    let lock = plane.journal_lock().await;
    let (namespace, reader, approver) = (plane.namespace().await, plane.fresh_user(), plane.fresh_user());
    let house = House::open().await;
    register(plane, &lock, &house, &namespace).await;
    let path = format!("/v1/workspaces/{}/playbooks/asking/runs", &*namespace);
    let started = house.post(&path, &json!({ "body": {} })).await.json();
    let run = started["runs"][0].as_str().unwrap();
    let name = approval_of(&house, run).await;
    let read = json!({ "apiGroups": ["journal.riposte.dev"], "resources": ["approvals"], "verbs": ["get", "list"] });
    plane.allow(&namespace, "reader", &reader, &json!([read]));
    let create = json!({ "apiGroups": ["journal.riposte.dev"], "resources": ["runs/approve"], "verbs": ["create"] });
    plane.allow(&namespace, "approver", &approver, &json!([create]));

    let listed = eventually("the reader may", async || {
        let output = plane.kubectl(
            &reader,
            &["get", "approvals.journal.riposte.dev", "-n", &*namespace],
            "",
        );
        output.status.success().then(|| succeeded(&output))
    })
    .await;
    assert!(listed.contains(&name) && listed.contains("Isolate?"), "{listed}");
    let links = format!(
        "/apis/journal.riposte.dev/v1alpha1/namespaces/{}/approvals/{name}/links",
        &*namespace
    );
    let refused = failed(&plane.kubectl(&reader, &["get", "--raw", &links], ""));
    assert!(refused.contains("Forbidden"), "{refused}");

    let approve = |user: &str| {
        let config = plane.kubeconfig(user);
        let place = ["-n", &*namespace, "--kubeconfig", config.to_str().unwrap()];
        program::run(
            Path::new("."),
            &[&["approve", run, "--comment", "fine"][..], &place].concat(),
        )
    };
    for (user, missing) in [
        (&reader, "cannot create resource \"runs/approve\""),
        (
            &approver,
            "cannot approve resource \"playbookruns\" in API group \"riposte.dev\"",
        ),
    ] {
        let refused = approve(user);
        assert!(refused.code == 1 && refused.stderr.contains(missing), "{refused:?}");
    }
    let verb = json!({ "apiGroups": ["riposte.dev"], "resources": ["playbookruns"], "verbs": ["approve"] });
    plane.allow(&namespace, "verb", &approver, &json!([verb]));
    let decided = eventually("the approver may", async || {
        let finished = approve(&approver);
        (finished.code == 0).then_some(finished.stdout)
    })
    .await;
    assert!(decided.contains("decided: Yes"), "{decided}");
    house.engine.ended(run).await.unwrap();
    let asked = house
        .engine
        .approvals(&ApprovalFilter {
            limit: 1,
            ..ApprovalFilter::default()
        })
        .await
        .unwrap();
    let decision = &asked[0].approval.decisions[0];
    assert_eq!(
        (decision.by.name.as_str(), decision.by.signed_in),
        (&*format!("user/{approver}"), true)
    );
}
