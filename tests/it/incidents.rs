//! Tests of incidents: taking in, grouping, floods and races, and planned changes, over a real store.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use riposte::api::automation_rule::{Classification, IncidentStatus, Severity};
use riposte::incidents::{Accepted, Desk, Error, Planned, WorkspaceIds};
use riposte::intake::{Format, Intake, decode};
use riposte::rules::body::{EventType, alert_trigger, incident_trigger};
use riposte::rules::evaluation::{Event, Occasion};
use riposte::rules::{Author, IncidentView, Patch};
use riposte::store::{self, Operation, Refusal, RunFilter, RunRow, Store, Transaction};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Office {
    desk: Desk,
    store: Store,
    _folder: TempDir,
}

impl Office {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).await.expect("a store");
        Self {
            desk: Desk::new(store.clone(), WorkspaceIds::default()),
            store,
            _folder: folder,
        }
    }

    async fn accept(&self, intake: Vec<Intake>, now: Timestamp) -> Vec<Accepted> {
        self.desk.accept(intake, now).await.expect("accepted")
    }

    async fn view(&self, incident: &str) -> IncidentView {
        self.desk.view(incident).await.expect("readable").expect("there")
    }

    async fn commit<T>(&self, planned: Planned<T>) -> T {
        let transaction = Transaction {
            operations: planned.operations,
        };
        self.store.commit(transaction).await.expect("committed");
        planned.value
    }

    /// The evaluations that were ordered, oldest first, with the runs that hold them.
    async fn occasions(&self) -> Vec<(RunRow, Occasion)> {
        let filter = RunFilter {
            kind: Some("evaluation".into()),
            limit: 10_000,
            ..RunFilter::default()
        };
        let mut found = Vec::new();
        for run in self.store.runs(&filter).await.expect("runs") {
            let journal = self.store.journal(&run.id, 0).await.expect("a journal");
            let opened = serde_json::from_str(&journal[0].body).expect("an event");
            if let Event::Opened { occasion, .. } = opened {
                found.push((run, occasion));
            }
        }
        found
    }

    async fn occasions_of(&self, name: &str) -> Vec<Occasion> {
        let all = self.occasions().await;
        all.into_iter()
            .map(|(_, occasion)| occasion)
            .filter(|occasion| occasion.name() == name)
            .collect()
    }
}

fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

fn later(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

fn intake(format: Format, body: &Value) -> Vec<Intake> {
    decode(format, body.to_string().as_bytes(), "soc", noon()).expect("a body of the format")
}

/// The nth of many like alerts: another process each time, on the same pod.
fn shell(n: usize) -> Value {
    json!({
        "uuid": format!("event-{n}"), "rule": "Terminal shell in container", "priority": "Notice", "output": "a shell",
        "time": later(n as i64).to_string(), "hostname": "node-3", "tags": ["mitre_execution"],
        "output_fields": {"k8s.pod.name": "cart-6f", "k8s.ns.name": "shop", "proc.cmdline": format!("sh -c {n}"), "proc.pid": n}
    })
}

fn shells(numbers: std::ops::Range<usize>) -> Vec<Intake> {
    numbers.flat_map(|n| intake(Format::Falco, &shell(n))).collect()
}

fn incident_id(accepted: &Accepted) -> &str {
    &accepted.incident.as_ref().expect("an incident").0
}

fn close() -> Patch {
    Patch {
        status: Some(IncidentStatus::Closed),
        classification: Some(Classification::Undetermined),
        ..Patch::default()
    }
}

fn mira() -> Author {
    Author::User("mira".into())
}

#[tokio::test]
async fn an_alert_opens_an_incident_and_orders_evaluations() {
    let office = Office::open().await;
    let accepted = office.accept(shells(0..1), noon()).await.remove(0);
    assert!(!accepted.duplicate && !accepted.joined);
    assert_eq!(accepted.incident.as_ref().map(|(_, number)| *number), Some(1));
    let view = office.view(incident_id(&accepted)).await;
    assert_eq!(view.incident.title, "Terminal shell in container");
    assert_eq!(
        (view.incident.severity, view.incident.status),
        (Severity::Low, IncidentStatus::New)
    );
    assert_eq!(
        (view.incident.alerts_count, view.incident.number, view.incident.version),
        (1, 1, 1)
    );
    assert_eq!(view.incident.tactics, ["Execution"]);
    assert_eq!(view.alerts[0].id, accepted.alert.clone().expect("an alert"));
    assert_eq!(view.entities().len(), 3);
    let occasions = office.occasions().await;
    assert_eq!(occasions.len(), 2);
    for (run, occasion) in &occasions {
        assert_eq!((run.namespace.as_str(), run.name.as_str()), ("soc", occasion.name()));
        assert_eq!(run.incident.as_deref(), Some(incident_id(&accepted)));
        assert_eq!(run.wake_at, Some(noon().as_millisecond()));
    }
    assert_eq!(office.occasions_of("IncidentCreated").await.len(), 1);
    assert_eq!(office.occasions_of("AlertCreated").await.len(), 1);
}

#[tokio::test]
async fn bodies_that_playbooks_get_can_be_delivered_again() {
    let office = Office::open().await;
    let accepted = office.accept(shells(0..2), noon()).await.remove(0);
    let view = office.view(incident_id(&accepted)).await;
    let ids = office.desk.workspaces().ids("soc");
    let body = incident_trigger(&view, None, &ids, EventType::Create, "e-1").to_json();
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(Format::detect(&body), Some(Format::SentinelIncident));
    let again = office
        .accept(intake(Format::SentinelIncident, &body), noon())
        .await
        .remove(0);
    let again = office.view(incident_id(&again)).await;
    assert_eq!(
        (&again.incident.title, again.incident.severity),
        (&view.incident.title, view.incident.severity)
    );
    assert_eq!(again.incident.first_activity_time, view.incident.first_activity_time);
    let identities =
        |view: &IncidentView| -> HashSet<String> { view.entities().iter().map(|e| e.identity()).collect() };
    assert_eq!(identities(&again), identities(&view));
    assert_eq!(again.alerts.len(), 2);
    let body = serde_json::from_str(&alert_trigger(&view.alerts[0], &ids).to_json()).expect("JSON");
    assert_eq!(Format::detect(&body), Some(Format::SentinelAlert));
    let alert = office
        .accept(intake(Format::SentinelAlert, &body), noon())
        .await
        .remove(0);
    assert!(alert.duplicate, "the incident brought this alert already");
}

#[tokio::test]
async fn a_second_delivery_makes_nothing() {
    let office = Office::open().await;
    let first = office.accept(shells(0..1), noon()).await.remove(0);
    let second = office.accept(shells(0..1), later(60)).await.remove(0);
    assert!(second.duplicate);
    assert_eq!((&second.alert, &second.incident), (&first.alert, &first.incident));
    assert_eq!(office.occasions().await.len(), 2);
}

#[tokio::test]
async fn like_alerts_join_for_five_hours_and_others_do_not() {
    let office = Office::open().await;
    let first = office.accept(shells(0..1), noon()).await.remove(0);
    let second = office.accept(shells(1..2), later(5 * 3600 - 1)).await.remove(0);
    assert!(second.joined);
    assert_eq!(second.incident, first.incident);
    let third = office.accept(shells(2..3), later(5 * 3600)).await.remove(0);
    assert!(!third.joined);
    let mut other = shell(3);
    other["output_fields"]["k8s.pod.name"] = json!("cart-7a");
    let other = office.accept(intake(Format::Falco, &other), noon()).await.remove(0);
    assert!(!other.joined);
    let updates = office.occasions_of("IncidentUpdated").await;
    let updates = updates[0].updates().expect("updates");
    assert_eq!(updates.alerts, [second.alert.expect("an alert")]);
    assert_eq!(updates.updated_by, Author::AlertGrouping);
    assert!(updates.tactics.is_empty(), "the tactic was known");
}

#[tokio::test]
async fn workspaces_do_not_share_incidents() {
    let office = Office::open().await;
    let body = shell(0).to_string();
    let of = |workspace| decode(Format::Falco, body.as_bytes(), workspace, noon()).expect("an event");
    let soc = office.accept(of("soc"), noon()).await.remove(0);
    let shop = office.accept(of("shop"), noon()).await.remove(0);
    assert!(!shop.duplicate && !shop.joined);
    assert_ne!(
        soc.incident.map(|incident| incident.0),
        shop.incident.clone().map(|incident| incident.0)
    );
    assert_eq!(
        shop.incident.map(|incident| incident.1),
        Some(1),
        "each counts its own incidents"
    );
}

#[tokio::test]
async fn a_flood_fills_few_incidents() {
    let office = Office::open().await;
    let accepted = office.accept(shells(0..1_000), noon()).await;
    let incidents: HashSet<&str> = accepted.iter().map(incident_id).collect();
    assert_eq!(incidents.len(), 7, "1,000 alerts in incidents of 150");
    let mut counts = Vec::new();
    for incident in incidents {
        let view = office.view(incident).await;
        assert_eq!(view.incident.alerts_count, view.alerts.len() as i64);
        counts.push(view.alerts.len());
    }
    counts.sort_unstable();
    assert_eq!(counts, [100, 150, 150, 150, 150, 150, 150]);
    assert_eq!(accepted.iter().filter(|accepted| accepted.joined).count(), 993);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_at_the_same_time_share_one_incident() {
    let office = Office::open().await;
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..32 {
        let desk = office.desk.clone();
        // Each event is delivered by two senders.
        let events = shells(sender / 2 * 4..sender / 2 * 4 + 4);
        senders.spawn(async move { desk.accept(events, noon()).await.expect("accepted") });
    }
    let accepted: Vec<Accepted> = senders.join_all().await.into_iter().flatten().collect();
    let incidents: HashSet<&str> = accepted.iter().map(incident_id).collect();
    assert_eq!(incidents.len(), 1);
    assert_eq!(accepted.iter().filter(|accepted| accepted.duplicate).count(), 64);
    let view = office.view(incident_id(&accepted[0])).await;
    assert_eq!((view.incident.alerts_count, view.alerts.len()), (64, 64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_join_while_others_change_the_incident() {
    let office = Office::open().await;
    let first = office.accept(shells(0..1), noon()).await.remove(0);
    let id = incident_id(&first).to_owned();
    let desk = office.desk.clone();
    let flood = tokio::spawn(async move { desk.accept(shells(1..60), noon()).await });
    let mut changed = 0;
    while changed < 50 {
        let patch = Patch {
            labels_to_add: vec![format!("l{changed}")],
            ..Patch::default()
        };
        let planned = office.desk.plan_patch(&id, &patch, &mira(), noon()).await;
        let operations = planned.expect("planned").operations;
        match office.store.commit(Transaction { operations }).await {
            Err(store::Error::Refused(Refusal::StaleIncident(_))) => {}
            committed => changed += committed.map(|_| 1).expect("committed"),
        }
    }
    flood
        .await
        .expect("no panic")
        .expect("accepted in spite of the changes");
    let view = office.view(&id).await;
    assert_eq!((view.incident.alerts_count, view.alerts.len()), (60, 60));
    assert_eq!(view.incident.labels.len(), 50);
}

#[tokio::test]
async fn closing_frees_the_key_so_the_next_like_alert_opens_another() {
    let office = Office::open().await;
    let first = office.accept(shells(0..1), noon()).await.remove(0);
    let planned = office
        .desk
        .plan_patch(incident_id(&first), &close(), &mira(), later(1))
        .await
        .expect("planned");
    assert_eq!(planned.value.version, 2);
    assert!(
        planned
            .operations
            .iter()
            .any(|operation| matches!(operation, Operation::ReleaseGroup { .. }))
    );
    office.commit(planned).await;
    assert_eq!(
        office.view(incident_id(&first)).await.incident.status,
        IncidentStatus::Closed
    );
    let second = office.accept(shells(1..2), later(2)).await.remove(0);
    assert!(!second.joined);
    assert_eq!(second.incident.map(|incident| incident.1), Some(2));
}

#[tokio::test]
async fn a_patch_on_an_old_version_is_refused_and_nothing_of_it_is_stored() {
    let office = Office::open().await;
    let first = office.accept(shells(0..1), noon()).await.remove(0);
    let id = incident_id(&first);
    let raise = Patch {
        severity: Some(Severity::High),
        ..Patch::default()
    };
    let old = office
        .desk
        .plan_patch(id, &raise, &mira(), later(1))
        .await
        .expect("planned");
    let new = office
        .desk
        .plan_patch(id, &close(), &mira(), later(1))
        .await
        .expect("planned");
    office.commit(new).await;
    let refused = office
        .store
        .commit(Transaction {
            operations: old.operations,
        })
        .await;
    assert!(
        matches!(refused, Err(store::Error::Refused(Refusal::StaleIncident(_)))),
        "{refused:?}"
    );
    assert_eq!(office.view(id).await.incident.severity, Severity::Low);
    assert_eq!(office.occasions_of("IncidentUpdated").await.len(), 1);
    let activities = office.desk.activities(id, 10).await.expect("read");
    assert_eq!(activities.len(), 1, "what was refused is not told: {activities:?}");
    let changes: Vec<_> = activities[0]
        .changes
        .iter()
        .map(|change| (change.field.title(), change.from.as_str(), change.to.as_str()))
        .collect();
    assert!(changes.contains(&("status", "New", "Closed")), "{changes:?}");
    assert_eq!(
        (&*activities[0].author, &*activities[0].time),
        ("mira", &*later(1).to_string())
    );
}

#[tokio::test]
async fn a_patch_tells_rules_what_changed_but_nothing_of_a_title() {
    let office = Office::open().await;
    let first = office.accept(shells(0..1), noon()).await.remove(0);
    let id = incident_id(&first);
    let same = Patch {
        severity: Some(Severity::Low),
        ..Patch::default()
    };
    assert!(
        office
            .desk
            .plan_patch(id, &same, &mira(), noon())
            .await
            .expect("planned")
            .operations
            .is_empty()
    );
    let title = Patch {
        title: Some("Shell in cart".into()),
        ..Patch::default()
    };
    let planned = office
        .desk
        .plan_patch(id, &title, &mira(), noon())
        .await
        .expect("planned");
    office.commit(planned).await;
    assert!(office.occasions_of("IncidentUpdated").await.is_empty());
    let raise = Patch {
        severity: Some(Severity::High),
        ..Patch::default()
    };
    let planned = office
        .desk
        .plan_patch(id, &raise, &mira(), noon())
        .await
        .expect("planned");
    office.commit(planned).await;
    let updates = office.occasions_of("IncidentUpdated").await;
    let change = updates[0]
        .updates()
        .and_then(|updates| updates.severity.clone())
        .expect("a change");
    assert_eq!((change.from, change.to), (Severity::Low, Severity::High));
    let unknown = office.desk.plan_patch("nothing", &raise, &mira(), noon()).await;
    assert!(matches!(unknown, Err(Error::UnknownIncident(_))));
    let unclassified = Patch {
        status: Some(IncidentStatus::Closed),
        ..Patch::default()
    };
    let refused = office.desk.plan_patch(id, &unclassified, &mira(), noon()).await;
    assert!(matches!(refused, Err(Error::Refused(_))));
}

#[tokio::test]
async fn comments_and_tasks_are_made_once_and_bounded() {
    let office = Office::open().await;
    let first = office.accept(shells(0..1), noon()).await.remove(0);
    let id = incident_id(&first);
    let author = Author::Playbook {
        namespace: "books".into(),
        name: "enrich".into(),
    };
    for _ in 0..2 {
        let planned = office
            .desk
            .plan_comment(id, "<b>known bad</b>", &author, noon(), "c1")
            .await
            .expect("planned");
        assert_eq!(office.commit(planned).await.author, "playbook/enrich");
        let planned = office
            .desk
            .plan_task(id, "Call", "the owner", &author, noon(), "t1")
            .await
            .expect("planned");
        office.commit(planned).await;
        let planned = office.desk.plan_task_completion("t1", later(9)).await.expect("planned");
        assert!(office.commit(planned).await.completed);
    }
    let view = office.view(id).await;
    assert_eq!((view.comments.len(), view.tasks.len()), (1, 1));
    assert_eq!(
        (view.tasks[0].completed, view.tasks[0].last_modified_time.as_str()),
        (true, "2026-03-01T12:00:09Z")
    );
    let updates = office.occasions_of("IncidentUpdated").await;
    assert_eq!(updates.len(), 1, "one for the comment, none for tasks");
    for n in 1..100 {
        let planned = office
            .desk
            .plan_comment(id, "more", &author, noon(), &format!("m{n}"))
            .await
            .expect("planned");
        office.commit(planned).await;
    }
    let full = office.desk.plan_comment(id, "one more", &author, noon(), "m100").await;
    assert!(matches!(full, Err(Error::Full { limit: 100, .. })), "{full:?}");
    let long = office
        .desk
        .plan_comment(id, &"x".repeat(30_001), &author, noon(), "x")
        .await;
    assert!(matches!(long, Err(Error::Length { length: 30_001, .. })));
    let untitled = office.desk.plan_task(id, " ", "", &author, noon(), "t2").await;
    assert!(matches!(untitled, Err(Error::Length { .. })));
    assert!(matches!(
        office.desk.plan_task_completion("t9", noon()).await,
        Err(Error::UnknownTask(_))
    ));
}

#[tokio::test]
async fn an_incident_of_a_playbook_is_made_once() {
    let office = Office::open().await;
    let author = Author::Playbook {
        namespace: "books".into(),
        name: "escalate".into(),
    };
    let patch = Patch {
        title: Some("Escalated".into()),
        severity: Some(Severity::High),
        ..Patch::default()
    };
    for _ in 0..2 {
        let planned = office
            .desk
            .plan_create("soc", &patch, &author, noon(), "made-1")
            .await
            .expect("planned");
        office.commit(planned).await;
    }
    let view = office.view("made-1").await;
    assert_eq!((view.incident.number, view.incident.severity), (1, Severity::High));
    assert_eq!(office.occasions_of("IncidentCreated").await.len(), 1);
    let untitled = office
        .desk
        .plan_create("soc", &Patch::default(), &author, noon(), "made-2")
        .await;
    assert!(matches!(untitled, Err(Error::Refused(_))));
}

#[tokio::test]
async fn an_alert_can_be_added_to_another_incident() {
    let office = Office::open().await;
    let first = office.accept(shells(0..1), noon()).await.remove(0);
    let author = mira();
    let patch = Patch {
        title: Some("Case".into()),
        ..Patch::default()
    };
    let planned = office
        .desk
        .plan_create("soc", &patch, &author, noon(), "case-1")
        .await
        .expect("planned");
    office.commit(planned).await;
    let alert = first.alert.clone().expect("an alert");
    for _ in 0..2 {
        let planned = office
            .desk
            .plan_alert("case-1", &alert, &author, later(5))
            .await
            .expect("planned");
        office.commit(planned).await;
    }
    let view = office.view("case-1").await;
    assert_eq!((view.incident.alerts_count, view.alerts.len()), (1, 1));
    assert_eq!(view.incident.tactics, ["Execution"]);
    assert_eq!(
        office.desk.incident_of_alert(&alert).await.expect("read").as_deref(),
        Some(incident_id(&first))
    );
    let planned = office
        .desk
        .plan_alert_removal("case-1", &alert, &author, later(6))
        .await;
    office.commit(planned.expect("planned")).await;
    let activities = office.desk.activities("case-1", 10).await.expect("read");
    let alerts: Vec<_> = activities
        .iter()
        .flat_map(|activity| &activity.changes)
        .map(|change| (change.field.title(), change.from.is_empty()))
        .collect();
    assert_eq!(alerts, [("alerts", false), ("alerts", true)]);
    let grouped = office.desk.activities(incident_id(&first), 10).await.expect("read");
    assert!(grouped.is_empty(), "{grouped:?}");
    let unknown = office.desk.plan_alert("case-1", "nothing", &author, noon()).await;
    assert!(matches!(unknown, Err(Error::UnknownAlert(_))));
}

#[tokio::test]
async fn a_whole_incident_is_taken_once_and_refers_to_known_alerts() {
    let office = Office::open().await;
    let alert = json!({"title": "Key exported", "severity": "High", "id": "vault-77", "tactics": ["Exfiltration"]});
    let known = office.accept(intake(Format::Alert, &alert), noon()).await.remove(0);
    let body = json!({
        "title": "Card data at risk", "severity": "Medium", "id": "case-9", "labels": ["pci"],
        "alerts": [alert, {"title": "Odd upload", "severity": "Low", "id": "vault-78", "product": "Vault"}, alert],
        "comments": [{"message": "phoned the owner"}]
    });
    let first = office.accept(intake(Format::Incident, &body), noon()).await.remove(0);
    let second = office
        .accept(intake(Format::Incident, &body), later(60))
        .await
        .remove(0);
    assert!(!first.duplicate && second.duplicate);
    assert_eq!(
        (
            first.incident.clone(),
            first.incident.as_ref().map(|(_, number)| *number)
        ),
        (second.incident, Some(2))
    );
    let view = office.view(incident_id(&first)).await;
    assert_eq!(view.incident.alerts_count, 2);
    let alerts: HashSet<&str> = view.alerts.iter().map(|alert| alert.id.as_str()).collect();
    assert!(alerts.len() == 2 && alerts.contains(known.alert.as_deref().expect("an alert")));
    assert_eq!(
        (view.incident.tactics.as_slice(), view.comments.len()),
        (&["Exfiltration".to_owned()][..], 1)
    );
    assert_eq!(view.incident.severity, Severity::Medium);
    assert_eq!(
        office.occasions_of("AlertCreated").await.len(),
        2,
        "one for each alert, known or new"
    );
    assert_eq!(office.occasions_of("IncidentCreated").await.len(), 2);
}

#[tokio::test]
async fn the_end_of_an_alert_is_noted_once_in_its_incident() {
    let office = Office::open().await;
    let body = |status: &str| {
        json!({"version": "4", "groupKey": "g", "receiver": "r", "alerts": [{
            "status": status, "fingerprint": "a1b2", "startsAt": "2026-03-01T11:50:00Z", "endsAt": "2026-03-01T11:58:00Z",
            "labels": {"alertname": "Pod<b>Crash", "severity": "critical", "pod": "cart-6f"}, "annotations": {}
        }]})
    };
    let firing = office
        .accept(intake(Format::Alertmanager, &body("firing")), noon())
        .await
        .remove(0);
    for _ in 0..2 {
        let resolved = office
            .accept(intake(Format::Alertmanager, &body("resolved")), later(9))
            .await
            .remove(0);
        assert!(resolved.duplicate);
        assert_eq!(resolved.incident, firing.incident);
    }
    let view = office.view(incident_id(&firing)).await;
    let messages: Vec<&str> = view.comments.iter().map(|comment| comment.message.as_str()).collect();
    assert_eq!(
        messages,
        ["The alert Pod&lt;b&gt;Crash has ended at its source at 2026-03-01T11:58:00Z."]
    );
    assert_eq!(view.incident.status, IncidentStatus::New, "a person or a rule decides");
}
