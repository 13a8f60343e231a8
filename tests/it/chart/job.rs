//! The main job of an installed operator, by which it uses every permission of the chart and needs no other.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use reqwest::StatusCode;
use riposte::cluster::rbac::JOURNAL_API_SERVICE;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::content;
use super::installed::Installed;
use super::may;
use crate::control_plane::{ControlPlane, eventually, succeeded};
use crate::patience::settled;
use crate::program::{self, Running};

/// How long the end of a watch may take until it is in the audit log.
const LOGGED: Duration = Duration::from_secs(20);

/// A service that answers every call, for the test of a connection.
async fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new()).await });
    address
}

/// Everything that people apply is looked at, and what came of it is said.
async fn content_is_ready(installed: &Installed) {
    let apply = ["apply", "--server-side", "-f", "-"];
    installed.kubectl(&apply, &content::surroundings(&service().await));
    installed.kubectl(&apply, &content::incidents());
    installed.kubectl(&apply, &content::main_job(&installed.watched));
    for object in [
        "playbook/comment",
        "automationrule/comment",
        "playbookgrant/comment",
        "apiconnection/incidents",
        "apiconnection/virustotal",
        "connector/own",
    ] {
        installed.shows(object, "Ready", "True").await;
    }
    installed.shows("apiconnection/virustotal", "Connected", "True").await;
    installed.shows("automationrule/comment", "Granted", "True").await;
    installed
        .shows("analyticsrule/many-failed-sign-ins", "Stalled", "True")
        .await;
    installed
        .shows("contentrepository/soc-content", "Stalled", "True")
        .await;
    let roles = installed.list("role");
    let granted = roles
        .iter()
        .flat_map(|role| role["rules"].as_array().into_iter().flatten());
    assert!(
        granted.into_iter().any(|rule| rule["verbs"] == json!(["run"])),
        "{roles:?}"
    );
}

/// Delivers an event of Falco as an account with the chart's role for senders.
pub(super) async fn deliver(installed: &Installed, process: &Running, rule: &str) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let token = installed.plane.service_account_token(&installed.watched, "falco").await;
    let url = format!("{}/v1/workspaces/{}/falco", process.url, &*installed.watched);
    let event = content::falco(rule).to_string();
    installed
        .awaits("the event is taken", async || {
            let request = client.post(&url).bearer_auth(&token).body(event.clone());
            let request = request.header("content-type", "application/json");
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let may_come = [
                StatusCode::ACCEPTED,
                StatusCode::FORBIDDEN,
                StatusCode::SERVICE_UNAVAILABLE,
            ];
            assert!(may_come.contains(&status), "{}", answer.text().await.unwrap());
            (status == StatusCode::ACCEPTED).then_some(())
        })
        .await;
}

/// Awaits that a run of the rule shows its success, and the incident the comment; gives the names of such runs.
async fn event_is_answered(installed: &Installed, incident: &str) -> Vec<String> {
    installed
        .awaits(&format!("{incident} has the comment"), async || {
            let incidents = installed.list("incident");
            let mut found = incidents.iter().filter(|found| found["metadata"]["name"] == incident);
            let status = &found.next()?["status"];
            let is_done = status["comments"][0]["message"] == "seen" && status["runs"][0]["phase"] == "Succeeded";
            is_done.then_some(())
        })
        .await;
    installed
        .awaits("the run succeeded", async || {
            let runs = installed.list("playbookrun");
            let ended = runs.iter().filter(|run| run["status"]["phase"] == "Succeeded");
            let names: Vec<_> = ended
                .map(|run| {
                    run["metadata"]["labels"]["riposte.dev/run"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                })
                .collect();
            (!names.is_empty()).then_some(names)
        })
        .await
}

/// The journal is read through the API server, by somebody with the chart's role for responders.
async fn journal_is_read(installed: &Installed, run: &str) {
    let plane = installed.plane;
    let path = "jsonpath={.status.conditions[?(@.type==\"Available\")].status}";
    let available = ["get", "apiservice", JOURNAL_API_SERVICE, "-o", path];
    installed
        .awaits("the API server reaches the aggregated API", async || {
            (plane.kubectl("admin", &available, "").stdout == b"True").then_some(())
        })
        .await;
    let reader = plane.fresh_user();
    installed.bind("responder", &format!("--user={reader}"));
    let config = plane.kubeconfig(&reader);
    let place = ["-n", &*installed.watched, "--kubeconfig", config.to_str().unwrap()];
    let riposte = |arguments: &[&str]| program::run(Path::new("."), &[arguments, &place].concat());
    installed
        .awaits("the responder sees the run", async || {
            let listed = riposte(&["runs"]);
            (listed.code == 0 && listed.stdout.contains("comment") && listed.stdout.contains("Succeeded")).then_some(())
        })
        .await;
    let described = riposte(&["describe", "run", run]);
    assert!(described.stdout.contains("Playbook:         comment"), "{described:?}");
    let log = riposte(&["logs", run]);
    assert!(log.stdout.trim_end().ends_with("run Succeeded"), "{log:?}");
    let objects = installed.kubectl(&["get", "incidents", "-o", "name"], "");
    assert!(
        objects.starts_with("incident.riposte.dev/"),
        "the short name means the objects: {objects}"
    );
}

/// What is old goes: a run of the rule beyond the limit, an incident that was closed long ago.
async fn old_objects_go(installed: &Installed, first: &str) {
    let label = format!("riposte.dev/run={first}");
    installed
        .awaits("the older run of the rule goes", async || {
            let listed = installed.kubectl(&["get", "playbookruns", "-l", &label, "-o", "name"], "");
            listed.is_empty().then_some(())
        })
        .await;
    let closed = json!({"spec": {"status": "Closed", "classification": "Undetermined"}}).to_string();
    installed.kubectl(&["patch", "incident", "inc-1", "--type=merge", "-p", &closed], "");
    installed
        .awaits("the incident is closed", async || {
            let shown = installed.kubectl(&["get", "incident", "inc-1", "-o", "jsonpath={.status.status}"], "");
            (shown == "Closed").then_some(())
        })
        .await;
    let aged = json!({"status": {"lastModifiedTime": "2020-01-01T00:00:00Z"}}).to_string();
    let patch = [
        "patch",
        "incident",
        "inc-1",
        "--subresource=status",
        "--type=merge",
        "-p",
        &aged,
    ];
    installed.kubectl(&patch, "");
    installed
        .awaits("the old incident goes", async || {
            let listed = installed.kubectl(&["get", "incidents", "inc-1", "--ignore-not-found", "-o", "name"], "");
            listed.is_empty().then_some(())
        })
        .await;
}

/// What happens to an object once more is told by the same event.
async fn an_event_is_told_again(installed: &Installed) {
    installed.kubectl(&["delete", "apiconnection", "incidents"], "");
    installed.shows("playbook/comment", "Ready", "False").await;
    installed.kubectl(&["apply", "--server-side", "-f", "-"], &content::incidents());
    installed.shows("playbook/comment", "Ready", "True").await;
    installed
        .awaits("the event counts", async || {
            let events = installed.list("events.events.k8s.io");
            events.iter().any(|event| event["series"]["count"] == 2).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_needs_every_permission_of_the_chart_and_no_other() {
    let plane = ControlPlane::shared();
    let _registered = plane.journal_lock().await;
    let installed = Installed::new(&[]).await;
    let process = installed.start().await;
    installed.lead_here(process.journal().await);

    content_is_ready(&installed).await;
    installed.kubectl(&["create", "serviceaccount", "falco"], "");
    let falco = format!("--serviceaccount={}:falco", &*installed.watched);
    installed.bind("alert-sender", &falco);
    deliver(&installed, &process, "Terminal shell in container").await;
    let runs = event_is_answered(&installed, "inc-1").await;
    journal_is_read(&installed, &runs[0]).await;
    installed.kubectl(&["create", "-f", "-"], &content::manual_run("by-hand"));
    installed.shows("playbookrun/by-hand", "Succeeded", "True").await;
    deliver(&installed, &process, "Read sensitive file").await;
    event_is_answered(&installed, "inc-2").await;
    old_objects_go(&installed, &runs[0]).await;
    an_event_is_told_again(&installed).await;

    // Only now are the watches in the log.
    drop(process);
    let holder = installed.holder();
    let refused = holder.refused(plane);
    assert!(
        refused.is_empty(),
        "the chart does not grant what the operator needs: {refused:#?}"
    );
    let all_used = async || match holder.unused(plane) {
        unused if unused.is_empty() => Ok(()),
        unused => Err(unused),
    };
    if let Err(unused) = settled(LOGGED, all_used).await {
        panic!("the chart grants what the operator does not use: {unused:#?}");
    }
}

/// Takes the rules with this word out of a ClusterRole or Role of the release.
fn take(installed: &Installed, role: [&str; 3], word: &str) {
    let [kind, name, namespace] = role;
    let name = format!("{}-{name}", &*installed.own);
    let get = ["get", kind, &name, "-n", namespace, "-o", "json"];
    let mut found: Value = serde_json::from_str(&succeeded(&installed.plane.kubectl("admin", &get, ""))).unwrap();
    let rules = found["rules"].as_array_mut().unwrap();
    let before = rules.len();
    rules.retain(|rule| !rule.to_string().contains(word));
    assert_eq!(rules.len(), before - 1, "one rule of {name} has {word}");
    succeeded(
        &installed
            .plane
            .kubectl("admin", &["replace", "-f", "-"], &found.to_string()),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_taken_away_is_seen_by_what_is_refused() {
    let installed = Installed::new(&["--set=journal.enabled=false"]).await;
    let watched = &*installed.watched;
    take(&installed, ["clusterrole", "operator-objects", ""], "\"run\"");
    take(&installed, ["role", "operator-credentials", watched], "\"secrets\"");
    let account = installed.holder().account;
    for (group, resource, verb) in [("riposte.dev", "playbooks", "run"), ("", "secrets", "get")] {
        eventually("the API server has seen it", async || {
            (!may(&account, watched, group, resource, "", verb)).then_some(())
        })
        .await;
    }
    let _process = installed.start().await;
    let apply = ["apply", "--server-side", "-f", "-"];
    installed.kubectl(&apply, &content::surroundings("http://127.0.0.1:9"));
    installed.kubectl(&apply, &content::main_job(watched));
    let expected = [
        format!("get secrets. in '{watched}'"),
        format!("patch roles.rbac.authorization.k8s.io in '{watched}'"),
    ];
    eventually("both are refused", async || {
        let refused = installed.holder().refused(installed.plane);
        expected.iter().all(|line| refused.contains(line)).then_some(())
    })
    .await;
    let unused = installed.holder().unused(installed.plane);
    let without_journal = "patch apiservices.apiregistration.k8s.io in ''".to_owned();
    for line in expected.iter().chain([&without_journal]) {
        assert!(unused.contains(line), "{line}: {unused:#?}");
    }
}
