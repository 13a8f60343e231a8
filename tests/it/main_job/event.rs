//! An event of a sender who may deliver becomes an incident; a playbook of the corpus comments on it, once it may.

use serde_json::Value;

use super::site::{Site, comments};
use crate::control_plane::{AuditEvent, ControlPlane, condition, succeeded};
use crate::enrichment::service::{API_KEY, MALICIOUS, REPUTATIONS, WORKSPACE_KEY};
use crate::enrichment::{PLAYBOOK, event};

/// An address that nobody knows.
const OTHER: &str = "45.155.205.233";

/// What is missing is told whole: which account, which verb, which playbook; and the command that gives it.
fn missing<'r>(rule: &'r Value, namespace: &str) -> &'r str {
    let account = format!("system:serviceaccount:{namespace}:riposte-automation");
    let missing = &rule["status"]["missingGrants"][0];
    let told = ["namespace", "playbook", "account", "verb"].map(|name| &missing[name]);
    assert_eq!(told, [namespace, PLAYBOOK, &*account, "run"]);
    let command = missing["command"].as_str().unwrap();
    let granted = condition(rule, "Granted").unwrap();
    let message = granted["message"].as_str().unwrap();
    let sentence = format!("{account} may not run the playbook {namespace}/{PLAYBOOK}");
    assert!(message.contains(&sentence) && message.contains(command), "{message}");
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_becomes_a_comment_as_soon_as_the_playbook_is_granted() {
    let plane = ControlPlane::shared();
    let namespace = plane.namespace().await;
    let site = Site::new(&namespace).await;
    let operator = site.operator().await;
    let (status, text) = site.post(&operator, "made-up", &event(OTHER, None)).await;
    assert_eq!(status, 401, "{text}");
    let (status, text) = site.post(&operator, &site.token, &event(OTHER, None)).await;
    assert_eq!(status, 403, "{text}");
    site.let_deliver().await;

    let rule = site.rule(false).await;
    assert_eq!(condition(&rule, "Ready").unwrap()["status"], "True", "{rule:#}");
    let first = site.deliver(&operator, &event(OTHER, None)).await;
    let incident = site.incident(first, 0).await;
    assert_eq!(incident["status"]["severity"], "High", "{incident:#}");

    succeeded(&plane.shell("admin", missing(&rule, &namespace)));
    site.rule(true).await;
    let second = site.deliver(&operator, &event(MALICIOUS, None)).await;
    let incident = site.incident(second, 1).await;
    let reputation = format!("Reputation is: {} which indicates likely malicous", REPUTATIONS.0);
    let comment = comments(&incident)[0];
    assert!(
        comment.contains(&reputation) && comment.contains(MALICIOUS),
        "{comment}"
    );
    let run = site.run_on(second, "True").await;
    assert_eq!(run["spec"]["playbookRef"]["name"], PLAYBOOK, "{run:#}");
    assert_eq!(run["status"]["phase"], "Succeeded", "{run:#}");

    assert_eq!(site.runs().len(), 1, "nothing ran without a grant");
    let services = &site.services;
    assert_eq!((services.virus_total.count(), services.data_collector.count()), (1, 1));
    let written = |event: &AuditEvent| {
        event.is_write() && event.object.namespace == *namespace && event.object.resource == "playbookruns"
    };
    assert!(plane.audit(written).len() <= 2, "{:#?}", plane.audit(written));
    for what in ["playbookruns.riposte.dev", "incidents.riposte.dev", "events"] {
        let shown = plane.get(&namespace, what).to_string();
        assert!(!shown.contains(API_KEY) && !shown.contains(WORKSPACE_KEY), "{shown}");
    }
}
