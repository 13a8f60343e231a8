//! Runs that people start, with kubectl and with `riposte`: by somebody who may run the playbook, and by somebody who
//! may do all the same but that.

use std::path::Path;

use serde_json::{Value, json};

use super::site::{Site, comments};
use crate::chart::installed::Installed;
use crate::control_plane::{ControlPlane, eventually, failed, succeeded};
use crate::enrichment::service::MALICIOUS;
use crate::enrichment::{PLAYBOOK, event};
use crate::program::{self, Finished};

/// What an incident is started on.
const INCIDENT: &str = "1";

/// A user who may do everything but run the playbook.
fn person(plane: &ControlPlane, namespace: &str) -> String {
    let user = plane.fresh_user();
    let rules = json!([
        { "apiGroups": ["riposte.dev"], "resources": ["playbookruns"], "verbs": ["create", "get", "list"] },
        { "apiGroups": ["riposte.dev"], "resources": ["playbooks"], "verbs": ["get", "list"] },
        { "apiGroups": ["journal.riposte.dev"], "resources": ["playbooks/start"], "verbs": ["create"] },
        { "apiGroups": ["journal.riposte.dev"], "resources": ["runs"], "verbs": ["get"] },
    ]);
    plane.allow(namespace, &user, &user, &rules);
    user
}

/// Runs `kubectl create` of a PlaybookRun.
fn create(site: &Site, user: &str, options: &[&str]) -> std::process::Output {
    let object = json!({
        "apiVersion": "riposte.dev/v1alpha1", "kind": "PlaybookRun", "metadata": { "generateName": "manual-" },
        "spec": { "playbookRef": { "name": PLAYBOOK }, "trigger": { "incident": { "id": INCIDENT } } },
    });
    let create = ["create", "-n", &site.namespace, "-f", "-"];
    let create = [&create[..], options].concat();
    site.plane.kubectl(user, &create, &object.to_string())
}

/// Runs `riposte start`.
fn start(site: &Site, user: &str) -> Finished {
    let config = site.plane.kubeconfig(user);
    let wish = ["start", PLAYBOOK, "--incident", INCIDENT, "-o", "name"];
    let place = ["-n", &site.namespace, "--kubeconfig", config.to_str().unwrap()];
    program::run(Path::new("."), &[&wish[..], &place].concat())
}

/// Both ways refuse who may not run the playbook, and name verb and playbook.
async fn is_refused(site: &Site, user: &str) {
    let playbook = format!("playbooks.riposte.dev/{PLAYBOOK}");
    assert!(!site.plane.can_i(user, &site.namespace, "run", &playbook));
    site.may(user, "create", "playbookruns", "").await;
    let expected = format!(
        "user '{user}' must be allowed to run the playbook '{}/{PLAYBOOK}'; grant the verb 'run' on it",
        site.namespace
    );
    eventually("the policy holds", async || {
        let output = create(site, user, &["--dry-run=server"]);
        (!output.status.success()).then_some(())
    })
    .await;
    let refused = failed(&create(site, user, &[]));
    assert!(refused.contains(&expected), "{refused}");
    let named = format!("playbooks.riposte.dev \"{PLAYBOOK}\" is forbidden: User \"{user}\" cannot run resource");
    eventually(&named, async || {
        let refused = start(site, user);
        assert_eq!(refused.code, 1, "{refused:?}");
        refused.stderr.contains(&named).then_some(())
    })
    .await;
    assert!(site.runs().is_empty(), "{:#?}", site.runs());
}

/// The object that kubectl made, once its run has succeeded.
async fn created(site: &Site, user: &str) -> Value {
    eventually("the requester is stamped", async || {
        let output = create(site, user, &["--dry-run=server", "-o", "json"]);
        let object: Value = serde_json::from_slice(&output.stdout).ok()?;
        (object["spec"]["requestedBy"]["username"] == user).then_some(())
    })
    .await;
    let name = succeeded(&create(site, user, &["-o", "name"]));
    let name = name.trim();
    let shown = site
        .plane
        .shows(&site.namespace, name, "Succeeded", "True", "Succeeded");
    let run = shown.await;
    assert_eq!(run["spec"]["requestedBy"]["username"], user, "{run:#}");
    run
}

/// The object of the run that `riposte` started, once it has succeeded.
async fn started(site: &Site, user: &str) -> Value {
    let started = eventually("the operator knows of the new right", async || {
        let started = start(site, user);
        (started.code == 0).then_some(started)
    })
    .await;
    let id = started.stdout.trim().strip_prefix("run.journal.riposte.dev/").unwrap();
    let run = site.run("run", id, "True").await;
    assert_eq!(run["spec"]["requestedBy"]["username"], user, "{run:#}");
    run
}

/// What the journal says of the run of an object.
fn journaled(site: &Site, user: &str, run: &Value) {
    let id = run["status"]["runId"].as_str().unwrap();
    let name = format!("runs.journal.riposte.dev/{id}");
    let get = ["get", &name, "-n", &site.namespace, "-o", "json"];
    let run: Value = serde_json::from_str(&succeeded(&site.plane.kubectl(user, &get, ""))).unwrap();
    assert_eq!(run["spec"]["requester"], format!("user/{user}"), "{run:#}");
    assert_eq!(run["status"]["status"], "Succeeded", "{run:#}");
}

/// The incident tells why the rule did not run the playbook, and what lets it.
async fn tells_what_is_missing(site: &Site) {
    let name = format!("incidents.journal.riposte.dev/{INCIDENT}");
    let outcome = eventually("the rule was evaluated", async || {
        let incident = site.plane.get(&site.namespace, &name);
        let evaluations = incident["status"]["evaluations"].as_array()?;
        let is_it = |one: &&Value| one["occasion"] == "IncidentCreated" && one["ended"] == true;
        let evaluation = evaluations.iter().find(is_it)?;
        Some(evaluation["rules"][0]["actions"][0]["outcome"].clone())
    })
    .await;
    assert_eq!(outcome["result"], "failed", "{outcome:#}");
    let remedy = outcome["remedy"].as_str().unwrap();
    assert!(
        remedy.contains("kind: PlaybookGrant") && remedy.contains(PLAYBOOK),
        "{remedy}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_run_a_playbook_starts_it_and_nobody_else() {
    let plane = ControlPlane::shared();
    let journal = plane.journal_lock().await;
    let installed = Installed::new(&[]).await;
    let site = Site::new(&installed.watched).await;
    site.let_deliver().await;
    let operator = installed.start().await;
    installed.lead_here(operator.journal().await);
    journal.is_available().await;
    let number = site.deliver(&operator, &event(MALICIOUS, None)).await;
    assert_eq!(number.to_string(), INCIDENT);
    site.incident(number, 0).await;
    tells_what_is_missing(&site).await;

    let (runner, other) = (person(plane, &site.namespace), person(plane, &site.namespace));
    is_refused(&site, &runner).await;
    let run = json!([{ "apiGroups": ["riposte.dev"], "resources": ["playbooks"], "verbs": ["run"],
        "resourceNames": [PLAYBOOK] }]);
    plane.allow(&site.namespace, "runner", &runner, &run);
    site.may(&runner, "run", "playbooks", PLAYBOOK).await;
    let playbook = format!("playbooks.riposte.dev/{PLAYBOOK}");
    assert!(plane.can_i(&runner, &site.namespace, "run", &playbook));

    is_refused(&site, &other).await;
    journaled(&site, &runner, &created(&site, &runner).await);
    site.incident(number, 1).await;
    journaled(&site, &runner, &started(&site, &runner).await);
    let incident = site.incident(number, 2).await;
    let comments = comments(&incident);
    assert!(
        comments.iter().all(|comment| comment.contains(MALICIOUS)),
        "{comments:?}"
    );
    assert_eq!(site.runs().len(), 2);
}
