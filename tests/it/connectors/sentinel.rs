//! Calls of the Sentinel connector, answered from Riposte's own incidents.

use jiff::Timestamp;
use riposte::connectors::{Client, Connections, ConnectorServices, NoTriage, ResolvedConnection};
use riposte::engine::call::{Answer, Call, Services};
use riposte::expression::Value;
use riposte::incidents::{Desk, WorkspaceIds};
use riposte::intake::{self, Format};
use riposte::rules::IncidentView;
use riposte::store::{NewRun, Operation, Store, Transaction};
use std::sync::Arc;

use super::client::egress;
use super::services::Fixed;
use super::{built_in, call, json};

pub(super) const ZEROS: &str = "00000000-0000-0000-0000-000000000000";

/// A workspace `soc` with one alert in one incident.
pub(super) struct World {
    _folder: tempfile::TempDir,
    pub(super) store: Store,
    desk: Desk,
    pub(super) services: ConnectorServices,
    alert: String,
    incident: String,
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let desk = Desk::new(store.clone(), WorkspaceIds::default());
        let alert = r#"{"title":"Shell in a container","severity":"Medium","entities":[
            {"kind":"Ip","properties":{"address":"198.51.100.7"}}]}"#;
        let now: Timestamp = "2024-05-06T07:08:09Z".parse().unwrap();
        let taken = intake::decode(Format::Alert, alert.as_bytes(), "soc", now).unwrap();
        let accepted = desk.accept(taken, now).await.unwrap().remove(0);
        let connections = vec![("sentinel", built_in("microsoftsentinel", &[]))];
        let services = ConnectorServices::new(Arc::new(Fixed(connections)), Client::new(egress()), desk.clone());
        let (alert, incident) = (accepted.alert.unwrap(), accepted.incident.unwrap().0);
        Self {
            _folder: folder,
            store,
            desk,
            services,
            alert,
            incident,
        }
    }

    async fn view(&self) -> IncidentView {
        self.desk.view(&self.incident).await.unwrap().unwrap()
    }

    async fn arm_id(&self) -> String {
        self.desk.workspaces().incident_arm_id(&self.view().await.incident)
    }

    /// The answer of a call; what it planned is not committed.
    async fn plan(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then_some(body);
        self.services
            .call(&Call {
                body,
                ..call("sentinel", method, path)
            })
            .await
            .unwrap()
    }

    /// The answer of a call whose action ended: what it planned is committed.
    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.plan(method, path, body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        self.store
            .commit(Transaction {
                operations: answer.writes,
            })
            .await
            .unwrap();
        answer.body.unwrap_or_default()
    }

    async fn refused(&self, status: u16, method: &str, path: &str, body: &str) -> String {
        let answer = self.plan(method, path, json(body)).await;
        assert_eq!(answer.status, status, "{body}: {:?}", answer.body);
        assert!(answer.writes.is_empty());
        let body = answer.body.unwrap();
        assert!(body.at(&["error", "code"]).is_some());
        body.at(&["error", "message"])
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    }
}

/// The connections of every namespace; a right of `given/enrich` on `soc`, and nobody to say of `silent`.
struct Elsewhere;

#[async_trait::async_trait]
impl Connections for Elsewhere {
    fn connection(&self, _: &str, _: &str) -> Result<ResolvedConnection, String> {
        Ok(built_in("microsoftsentinel", &[]))
    }

    fn identity(&self, _: (&str, &str), identity: &str) -> Result<ResolvedConnection, String> {
        Err(format!("nothing is bound as '{identity}'"))
    }

    async fn may_triage(&self, playbook: (&str, &str), workspace: &str) -> Result<(), NoTriage> {
        match (playbook, workspace) {
            (("given", "enrich"), "soc") => Ok(()),
            (("silent", _), _) => Err(NoTriage::Undecided("nobody answers".to_owned())),
            _ => Err(NoTriage::Missing("ask the owner of soc".to_owned())),
        }
    }
}

/// A run of a playbook elsewhere, on this incident, or as a child of this evaluation.
fn run(id: &str, incident: Option<&str>, parent: Option<&str>) -> Operation {
    Operation::CreateRun(NewRun {
        id: id.to_owned(),
        kind: "playbook".to_owned(),
        namespace: "elsewhere".to_owned(),
        name: "enrich".to_owned(),
        incident: incident.map(str::to_owned),
        parent: parent.map(str::to_owned),
        resubmit_of: None,
        definition: None,
        created_at: 0,
        wake_at: 0,
        lane: 3,
        events: Vec::new(),
        payloads: Vec::new(),
    })
}

/// Runs of a playbook elsewhere: started by hand, on the incident, and by a rule of `soc`.
async fn runs(world: &World) {
    let evaluation = Operation::CreateRun(NewRun {
        kind: "evaluation".to_owned(),
        namespace: "soc".to_owned(),
        ..match run("of-soc", None, None) {
            Operation::CreateRun(run) => run,
            other => panic!("{other:?}"),
        }
    });
    let operations = vec![
        evaluation,
        run("by-hand", None, None),
        run("on-incident", Some(&world.incident), None),
        run("by-rule", None, Some("of-soc")),
    ];
    world.store.commit(Transaction { operations }).await.unwrap();
}

/// Every way to change something: method, path and body.
async fn changes(world: &World) -> Vec<(&'static str, String, Value)> {
    let arm_id = world.arm_id().await;
    let guid = world.desk.workspaces().of("soc").workspace_id.unwrap();
    let place = format!("/Incidents/subscriptions/{ZEROS}/resourceGroups/soc/workspaces/{guid}");
    let made = json(r#"{"title":"new","severity":"High","status":"New"}"#);
    let list = format!("/Watchlists/subscriptions/{ZEROS}/resourceGroups/soc/workspaces/{guid}/watchlists/known");
    let filled = json(r#"{"itemsSearchKey":"a","rawContent":"a\n1"}"#);
    world.done("PUT", &list, filled.clone()).await;
    let item = format!("{list}/watchlistItem");
    vec![
        (
            "PUT",
            "/Incidents".to_owned(),
            with_arm(&arm_id, r#","severity":"High""#),
        ),
        (
            "POST",
            "/Incidents/Comment".to_owned(),
            with_arm(&arm_id, r#","message":"x""#),
        ),
        (
            "POST",
            "/Incidents/CreateTask".to_owned(),
            with_arm(&arm_id, r#","taskTitle":"x""#),
        ),
        (
            "POST",
            "/Incidents/Relation/Delete".to_owned(),
            with_arm(&arm_id, &format!(r#","relatedResourceId":"{}""#, world.alert)),
        ),
        ("PUT", place, made),
        ("PUT", list.clone(), filled),
        ("PUT", item, json(r#"{"a":"2"}"#)),
        ("DELETE", list, Value::Null),
    ]
}

#[tokio::test]
async fn a_run_changes_incidents_only_where_it_is_at_home_was_started_or_was_given_the_right() {
    let world = World::new().await;
    runs(&world).await;
    let changes = changes(&world).await;
    let services = ConnectorServices::new(Arc::new(Elsewhere), Client::new(egress()), world.desk.clone());
    let ask = async |namespace: &str, run: &str, method: &str, path: &str, body: &Value| {
        let call = Call {
            run: run.to_owned(),
            namespace: namespace.to_owned(),
            body: Some(body.clone()),
            ..call("sentinel", method, path)
        };
        services.call(&call).await
    };
    for (method, path, body) in &changes {
        for (namespace, run, status) in [
            ("soc", "unknown", 200),
            ("elsewhere", "on-incident", 200),
            ("elsewhere", "by-rule", 200),
            ("given", "by-hand", 200),
            ("elsewhere", "by-hand", 403),
            ("elsewhere", "unknown", 403),
        ] {
            let answer = ask(namespace, run, method, path, body).await.unwrap();
            assert_eq!(
                answer.status, status,
                "{method} {path} of {run} in {namespace}: {:?}",
                answer.body
            );
            assert_eq!(answer.writes.is_empty(), status != 200, "{method} {path}");
            if status == 403 {
                let body = answer.body.unwrap();
                assert_eq!(body.at(&["error", "code"]), Some(&Value::from("Forbidden")));
                assert_eq!(
                    body.at(&["error", "message"]),
                    Some(&Value::from("ask the owner of soc"))
                );
            }
        }
    }
    let undecided = ask("silent", "by-hand", "PUT", "/Incidents", &changes[0].2)
        .await
        .unwrap_err();
    assert_eq!(
        (undecided.code.as_str(), undecided.retryable),
        ("PermissionUnknown", true)
    );
}

fn with_arm(arm_id: &str, members: &str) -> Value {
    json(&format!(r#"{{"incidentArmId":"{arm_id}"{members}}}"#))
}

#[tokio::test]
async fn an_incident_is_read_by_id_and_by_alert() {
    let world = World::new().await;
    let arm_id = world.arm_id().await;
    let by_id = world
        .done("POST", "/Incidents", with_arm(&arm_id.to_uppercase(), ""))
        .await;
    let guid = world.desk.workspaces().of("soc").workspace_id.unwrap();
    let path = format!(
        "/Incidents/subscriptions/{ZEROS}/resourceGroups/soc/workspaces/{guid}/alerts/{}",
        world.alert
    );
    let by_alert = world.done("GET", &path, Value::Null).await;
    assert_eq!(by_id, by_alert);
    assert_eq!(by_id.get("id"), Some(&Value::from(arm_id)));
    assert_eq!(by_id.at(&["properties", "incidentNumber"]), Some(&Value::from(1)));
    let case = world
        .done(
            "GET",
            &format!("/Cases/{}/{ZEROS}/{guid}/soc", world.alert),
            Value::Null,
        )
        .await;
    assert_eq!(case.at(&["properties", "CaseNumber"]), Some(&Value::from(1)));
    assert_eq!(case.at(&["properties", "Severity"]), Some(&Value::from("Medium")));
}

#[tokio::test]
async fn a_comment_is_made_once_however_often_it_is_tried() {
    let world = World::new().await;
    let body = with_arm(&world.arm_id().await, r#","message":"<p>seen</p>""#);
    let first = world.plan("POST", "/Incidents/Comment", body.clone()).await;
    assert!(
        world.view().await.comments.is_empty(),
        "nothing happens before the action ends"
    );
    let answered = world.done("POST", "/Incidents/Comment", body.clone()).await;
    let again = world.done("POST", "/Incidents/Comment", body).await;
    world
        .store
        .commit(Transaction {
            operations: first.writes,
        })
        .await
        .unwrap();
    let comments = world.view().await.comments;
    assert_eq!(comments.len(), 1);
    assert_eq!(
        (comments[0].message.as_str(), comments[0].author.as_str()),
        ("<p>seen</p>", "playbook/enrich")
    );
    assert_eq!(answered.get("name"), Some(&Value::from(comments[0].id.as_str())));
    assert_eq!(again.get("name"), answered.get("name"));
}

#[tokio::test]
async fn an_incident_is_updated_and_closed() {
    let world = World::new().await;
    let arm_id = world.arm_id().await;
    let changes = r#","severity":"High","status":"Active","ownerAction":"Assign","owner":"ana@example.com",
        "tagsToAdd":{"TagsToAdd":[{"Tag":"a"},{"Tag":"b"}]},"tagsToRemove":{"TagsToRemove":[{"Tag":"c"}]}"#;
    let answer = world.done("PUT", "/Incidents", with_arm(&arm_id, changes)).await;
    assert_eq!(answer.at(&["properties", "severity"]), Some(&Value::from("High")));
    let incident = world.view().await.incident;
    assert_eq!(incident.owner.user_principal_name.as_deref(), Some("ana@example.com"));
    assert_eq!(
        incident
            .labels
            .iter()
            .map(|label| label.label_name.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );

    let close = r#","status":"Closed","ownerAction":"Unassign","classification":{
        "ClassificationAndReason":"Benign Positive - Suspicious But Expected","ClassificationReasonText":"a drill"}"#;
    world.done("PUT", "/Incidents", with_arm(&arm_id, close)).await;
    let incident = world.view().await.incident;
    assert_eq!(incident.status.as_str(), "Closed");
    assert_eq!(incident.classification.unwrap().as_str(), "BenignPositive");
    assert_eq!(
        incident.classification_reason.unwrap().as_str(),
        "SuspiciousButExpected"
    );
    assert_eq!(incident.classification_comment.as_deref(), Some("a drill"));
    assert_eq!(incident.owner, Default::default());
}

#[tokio::test]
async fn tasks_are_added_and_completed() {
    let world = World::new().await;
    let body = with_arm(
        &world.arm_id().await,
        r#","taskTitle":"Call","taskDescription":"the user""#,
    );
    let task = world.done("POST", "/Incidents/CreateTask", body).await;
    let arm_id = task.get("id").and_then(Value::as_str).unwrap().to_owned();
    let body = json(&format!(r#"{{"taskArmId":"{arm_id}"}}"#));
    let done = world.done("POST", "/Incidents/CompleteTask", body).await;
    assert_eq!(done.at(&["properties", "status"]), Some(&Value::from("Completed")));
    assert!(world.view().await.tasks[0].completed);
    let other = format!(r#"{{"taskArmId":"{}/tasks/{ZEROS}"}}"#, world.arm_id().await);
    world.refused(404, "POST", "/Incidents/CompleteTask", &other).await;
}

#[tokio::test]
async fn an_alert_leaves_an_incident_and_joins_another() {
    let world = World::new().await;
    let arm_id = world.arm_id().await;
    let with = |alert: &str| with_arm(&arm_id, &format!(r#","relatedResourceId":"{alert}""#));
    let named = world.desk.workspaces().alert_arm_id("soc", &world.alert);
    for _ in 0..2 {
        world.done("POST", "/Incidents/Relation/Delete", with(&named)).await;
        let view = world.view().await;
        assert_eq!((view.alerts.len(), view.incident.alerts_count), (0, 0));
    }
    for alert in [&named, &world.alert.to_uppercase()] {
        let relation = world.done("POST", "/Incidents/Relation/Create", with(alert)).await;
        let related = relation.at(&["properties", "relatedResourceId"]);
        assert_eq!(related, Some(&Value::from(named.as_str())));
        let view = world.view().await;
        assert_eq!((view.alerts.len(), view.incident.alerts_count), (1, 1));
    }
    let bookmark = named.replace("Entities", "Bookmarks");
    let foreign = named.replace("/soc/", "/other/");
    for other in [ZEROS, bookmark.as_str(), foreign.as_str()] {
        let body = with(other).to_json();
        world.refused(404, "POST", "/Incidents/Relation/Create", &body).await;
    }
}

#[tokio::test]
async fn an_incident_is_created_once() {
    let world = World::new().await;
    let path = format!("/Incidents/subscriptions/{ZEROS}/resourceGroups/soc/workspaces/soc");
    let body = json(r#"{"title":"By hand","severity":"low","description":"x"}"#);
    let made = world.done("PUT", &path, body.clone()).await;
    let again = world.done("PUT", &path, body).await;
    assert_eq!(made.get("name"), again.get("name"));
    let id = made.get("name").and_then(Value::as_str).unwrap().to_owned();
    let incident = world.desk.view(&id).await.unwrap().unwrap().incident;
    assert_eq!(
        (incident.number, incident.title.as_str(), incident.severity.as_str()),
        (2, "By hand", "Low")
    );
    world.refused(400, "PUT", &path, r#"{"severity":"Low"}"#).await;
    let elsewhere = path.replace(ZEROS, "1").replace("/soc/", "/other/");
    world
        .refused(404, "PUT", &elsewhere, r#"{"title":"t","severity":"Low"}"#)
        .await;
}

#[tokio::test]
async fn entities_are_picked() {
    let world = World::new().await;
    let view = world
        .done("POST", "/Incidents", with_arm(&world.arm_id().await, ""))
        .await;
    let related = view.at(&["properties", "relatedEntities"]).cloned().unwrap();
    for input in [related.clone(), Value::from(related.to_json())] {
        let picked = world.done("POST", "/entities/ip", input).await;
        let address = picked
            .get("IPs")
            .and_then(|ips| ips.as_array()?.first()?.get("Address").cloned());
        assert_eq!(address, Some(Value::from("198.51.100.7")));
    }
    let paths = [
        ("account", "Accounts"),
        ("host", "Hosts"),
        ("url", "URLs"),
        ("filehash", "Filehashes"),
        ("dnsresolution", "Dnsresolutions"),
    ];
    for (path, member) in paths {
        let picked = world.done("POST", &format!("/entities/{path}"), related.clone()).await;
        assert_eq!(picked.get(member), Some(&Value::array([])), "{path}");
    }
    world.refused(400, "POST", "/entities/ip", r#""no list""#).await;
}

#[tokio::test]
async fn the_first_version_of_the_connector_still_works() {
    let world = World::new().await;
    let comment = |kind: &str, id: &str| format!("/Comment/{ZEROS}/soc/soc/{kind}/{id}");
    world
        .done("PUT", &comment("Alert", &world.alert), json(r#"{"Value":"by alert"}"#))
        .await;
    assert_eq!(world.view().await.comments[0].message, "by alert");
    let case = |what: &str| format!("/Case/{ZEROS}/soc/soc/Incident/1/{what}");
    world.done("PUT", &case("Severity/Critical"), Value::Null).await;
    world
        .done(
            "PUT",
            &case("AddLabels"),
            json(r#"{"Labels":[{"Label":"one"},{"Label":"two"}]}"#),
        )
        .await;
    world
        .done("PUT", &case("RemoveLabels"), json(r#"{"Labels":[{"Label":"one"}]}"#))
        .await;
    world
        .done("PUT", &case("Title"), json(r#"{"Value":"New title"}"#))
        .await;
    world.done("PUT", &case("Status/InProgress"), Value::Null).await;
    assert_eq!(world.view().await.incident.status.as_str(), "Active");
    let closing = json(r#"{"CloseReason":"FalsePositive","CloseReasonText":"noise"}"#);
    let closed = world.done("PUT", &case("Status/Closed"), closing).await;
    assert_eq!(closed.at(&["properties", "Status"]), Some(&Value::from("Closed")));
    let incident = world.view().await.incident;
    assert_eq!(
        (incident.title.as_str(), incident.severity.as_str()),
        ("New title", "High")
    );
    assert_eq!(
        incident
            .labels
            .iter()
            .map(|label| label.label_name.as_str())
            .collect::<Vec<_>>(),
        ["two"]
    );
    assert_eq!(incident.classification.unwrap().as_str(), "FalsePositive");
    assert_eq!(incident.classification_comment.as_deref(), Some("noise"));
    world
        .refused(404, "PUT", &comment("Incident", "99"), r#"{"Value":"x"}"#)
        .await;
    world
        .refused(400, "PUT", &comment("Case", "1"), r#"{"Value":"x"}"#)
        .await;
    world
        .refused(400, "PUT", &comment("Incident", "one"), r#"{"Value":"x"}"#)
        .await;
}

#[tokio::test]
async fn wrong_ids_and_bodies_are_answered_as_the_original_answers() {
    let world = World::new().await;
    let arm_id = world.arm_id().await;
    let foreign = arm_id.replace("/soc/", "/other/");
    for wrong in ["x", ZEROS, foreign.as_str(), &arm_id.replace(&world.incident, ZEROS)] {
        let body = format!(r#"{{"incidentArmId":"{wrong}","message":"m"}}"#);
        world.refused(404, "POST", "/Incidents/Comment", &body).await;
    }
    let cases = [
        ("{}", "incidentArmId"),
        (
            r#"{"incidentArmId":"ARM","severity":"Awful"}"#,
            "'Awful' is no severity",
        ),
        (r#"{"incidentArmId":"ARM","status":"Closed"}"#, "classification"),
        (r#"{"incidentArmId":"ARM","ownerAction":"Sell"}"#, "'sell'"),
        (r#"{"incidentArmId":"ARM","ownerAction":"Assign"}"#, "owner"),
        (r#"{"incidentArmId":"ARM","tagsToAdd":{"TagsToAdd":"x"}}"#, "no array"),
    ];
    for (body, word) in cases {
        let message = world
            .refused(400, "PUT", "/Incidents", &body.replace("ARM", &arm_id))
            .await;
        assert!(message.contains(word), "{message}");
    }
    let long = format!(r#"{{"incidentArmId":"{arm_id}","message":"{}"}}"#, "x".repeat(30_001));
    world.refused(400, "POST", "/Incidents/Comment", &long).await;
    assert_eq!(world.plan("POST", "/incident-creation", Value::Null).await.status, 200);
}
