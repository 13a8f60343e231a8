//! Tests of intake: each format by events as its senders write them, repeated delivery, and hostile bodies.

use jiff::Timestamp;
use proptest::prelude::*;
use riposte::api::automation_rule::{Classification, IncidentStatus, Severity};
use riposte::intake::{Format, Intake, MAX_ENTITIES, NativeIncident, decode};
use riposte::rules::{Alert, Entity};
use serde_json::{Value, json};

const RECEIVED: &str = "2026-03-01T12:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().expect("a time")
}

fn decoded(format: Format, body: &Value) -> Vec<Intake> {
    decode(format, body.to_string().as_bytes(), "soc", at(RECEIVED)).expect("a body of the format")
}

fn alerts(format: Format, body: &Value) -> Vec<Alert> {
    let alert = |intake| match intake {
        Intake::Alert(alert) => Some(*alert),
        Intake::Incident(_) => None,
    };
    decoded(format, body)
        .into_iter()
        .map(|intake| alert(intake).expect("an alert"))
        .collect()
}

fn incident(format: Format, body: &Value) -> NativeIncident {
    let incident = match decoded(format, body).remove(0) {
        Intake::Incident(incident) => Some(*incident),
        Intake::Alert(_) => None,
    };
    incident.expect("an incident")
}

fn refusal(format: Format, body: &Value) -> String {
    decode(format, body.to_string().as_bytes(), "soc", at(RECEIVED))
        .expect_err("refused")
        .to_string()
}

fn identities(entities: &[Entity]) -> Vec<String> {
    entities.iter().map(Entity::identity).collect()
}

fn falco_event() -> Value {
    json!({
        "uuid": "7d0b7a52-90c1-4e57-a3b5-0f5f1d9a6c11",
        "output": "11:59:58.1: Notice A shell was spawned in a container with an attached terminal (user=root pod=cart-6f)",
        "priority": "Notice", "rule": "Terminal shell in container", "source": "syscall", "hostname": "node-3",
        "time": "2026-03-01T11:59:58.123456789Z",
        "tags": ["T1059", "container", "maturity_stable", "mitre_execution", "shell"],
        "output_fields": {
            "container.id": "3ad7b26ded6d", "container.name": "cart", "container.image.repository": "docker.io/library/cart",
            "evt.time": 1772366398123456789_i64, "k8s.ns.name": "shop", "k8s.pod.name": "cart-6f", "proc.cmdline": "bash -i",
            "proc.name": "bash", "proc.pid": 4211, "proc.pname": "runc", "user.name": "root", "user.uid": 0,
            "fd.name": "10.4.0.17:51422->203.0.113.66:4444", "fd.rip": "203.0.113.66", "proc.tty": 34816
        }
    })
}

fn alertmanager_body(status: &str, ends_at: &str) -> Value {
    json!({
        "version": "4", "groupKey": "{}:{alertname=\"PodCrashLooping\"}", "truncatedAlerts": 0, "status": status,
        "receiver": "riposte", "groupLabels": {"alertname": "PodCrashLooping"}, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "http://alertmanager.monitoring:9093",
        "alerts": [
            {
                "status": status, "fingerprint": "a1b2c3d4e5f60718", "startsAt": "2026-03-01T11:50:00.5Z", "endsAt": ends_at,
                "labels": {"alertname": "PodCrashLooping", "severity": "critical", "namespace": "shop", "pod": "cart-6f",
                           "node": "node-3", "instance": "10.4.0.17:8080"},
                "annotations": {"summary": "Pod cart-6f restarts again and again", "description": "5 restarts in 10 minutes",
                                "runbook_url": "https://runbooks.example/crash"},
                "generatorURL": "http://prometheus:9090/graph?g0.expr=x"
            },
            {
                "status": status, "fingerprint": "ffff000011112222", "startsAt": "2026-03-01T11:51:00Z", "endsAt": ends_at,
                "labels": {"alertname": "NodeDown", "severity": "warning", "instance": "node-4:9100"}, "annotations": {}
            }
        ]
    })
}

fn sentinel_alert_body() -> Value {
    let entities = json!([
        {"$id": "3", "HostName": "WS-17", "DnsDomain": "corp.example", "Type": "host"},
        {"$id": "4", "Name": "mira", "UPNSuffix": "corp.example", "Type": "account", "Host": {"$ref": "3"}},
        {"$id": "5", "Address": "198.51.100.23", "Type": "ip"},
        {"$id": "6", "Type": "oauth-application", "Name": "Odd app"}
    ]);
    json!({
        "WorkspaceSubscriptionId": "6f1f0c1e-8f6b-4a53-9c3e-0d1c7a2b1a11", "WorkspaceId": "f0e1", "WorkspaceResourceGroup": "rg",
        "SystemAlertId": "d9b1c8ac-1b8f-4f0e-9d57-7f0a3d1c2b10", "AlertDisplayName": "Sign-in from a new country",
        "AlertType": "f0e1_6a", "Description": "A sign-in", "Severity": "Medium", "ProductName": "Azure Sentinel",
        "ProductComponentName": "Scheduled Alerts", "VendorName": "Microsoft", "ProviderName": "ASI Scheduled Alerts",
        "StartTimeUtc": "2026-03-01T10:00:00Z", "EndTimeUtc": "2026-03-01T11:00:00.25", "TimeGenerated": "2026-03-01T11:05:00Z",
        "Tactics": "InitialAccess, CredentialAccess", "Entities": entities.to_string(),
        "ExtendedProperties": {"Query": "SigninLogs", "Analytic Rule Name": "New country",
                               "Custom Details": "{\"Country\":[\"NZ\",\"AU\"],\"Score\":7}"}
    })
}

fn sentinel_incident_body() -> Value {
    let alerts = json!([{
        "id": "/x/Entities/d9b1", "name": "d9b1c8ac-1b8f-4f0e-9d57-7f0a3d1c2b10", "kind": "SecurityAlert",
        "type": "Microsoft.SecurityInsights/Entities",
        "properties": {"systemAlertId": "d9b1c8ac-1b8f-4f0e-9d57-7f0a3d1c2b10", "alertDisplayName": "Sign-in from a new country",
                       "severity": "Medium", "tactics": ["InitialAccess"], "startTimeUtc": "2026-03-01T10:00:00Z",
                       "additionalData": {"Analytic Rule Name": "New country"}}
    }]);
    let mut body = json!({
        "eventUniqueId": "5d3e", "objectSchemaType": "Incident", "objectEventType": "Create",
        "workspaceInfo": {"SubscriptionId": "s", "ResourceGroupName": "rg", "WorkspaceName": "law"}, "workspaceId": "f0e1",
        "object": {
            "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/law/providers/Microsoft.SecurityInsights/Incidents/0C5E9D3A-56D5-4B3C-9A5B-0B6F4C0E3A0F",
            "name": "0c5e9d3a-56d5-4b3c-9a5b-0b6f4c0e3a0f", "etag": "\"1\"", "type": "Microsoft.SecurityInsights/Incidents",
            "properties": {
                "title": "Sign-in from a new country", "description": null, "severity": "High", "status": "Active",
                "owner": {"objectId": null, "email": "mira@corp.example", "assignedTo": "Mira", "userPrincipalName": null},
                "labels": [{"labelName": "vip", "labelType": "User"}, {"labelName": "auto", "labelType": "AutoAssigned"}],
                "classification": null, "incidentNumber": 17, "providerName": "Azure Sentinel", "providerIncidentId": "17",
                "relatedAnalyticRuleIds": ["/subscriptions/s/alertRules/6a"],
                "createdTimeUtc": "2026-03-01T11:06:00Z", "lastModifiedTimeUtc": "2026-03-01T11:07:00Z",
                "firstActivityTimeUtc": "2026-03-01T10:00:00Z", "lastActivityTimeUtc": "2026-03-01T11:00:00Z",
                "additionalData": {"alertsCount": 1, "alertProductNames": ["Azure Sentinel"], "tactics": ["InitialAccess"], "techniques": ["T1078"]},
                "Bookmarks": [],
                "relatedEntities": [
                    {"id": "/x/Entities/1", "name": "1", "type": "Microsoft.SecurityInsights/Entities", "kind": "Ip",
                     "properties": {"address": "198.51.100.23", "friendlyName": "198.51.100.23", "additionalData": {}}},
                    {"id": "/x/Entities/2", "name": "2", "type": "Microsoft.SecurityInsights/Entities", "kind": "Account",
                     "properties": {"accountName": "mira", "upnSuffix": "corp.example"}}
                ],
                "Comments": [{"name": "c1", "properties": {"message": "<p>seen</p>", "author": {"name": "Mira"}, "createdTimeUtc": "2026-03-01T11:08:00Z"}}],
                "tasks": [{"name": "t1", "properties": {"title": "Call Mira", "status": "Completed"}}]
            }
        }
    });
    body["object"]["properties"]["Alerts"] = alerts;
    body
}

fn native_alert() -> Value {
    json!({
        "title": "Key exported", "severity": "High", "description": "a key left the vault", "id": "vault-77",
        "ruleName": "key-export", "product": "Vault", "startTime": "2026-03-01T13:00:00+02:00", "tactics": ["Exfiltration"],
        "techniques": ["T1552.004"], "customDetails": {"key": "payments", "hosts": ["a", "b"]},
        "entities": [{"kind": "Account", "properties": {"accountName": "svc-pay"}}]
    })
}

fn native_incident() -> Value {
    json!({
        "title": "Card data at risk", "severity": "High", "id": "case-9", "labels": ["pci"],
        "alerts": [native_alert()], "comments": [{"message": "phoned the owner", "author": "Mira"}],
        "entities": [{"kind": "Host", "properties": {"hostName": "pay-1"}}]
    })
}

fn samples() -> [(Format, Value); 6] {
    [
        (Format::Alert, native_alert()),
        (Format::Incident, native_incident()),
        (Format::SentinelIncident, sentinel_incident_body()),
        (Format::SentinelAlert, sentinel_alert_body()),
        (
            Format::Alertmanager,
            alertmanager_body("firing", "0001-01-01T00:00:00Z"),
        ),
        (Format::Falco, falco_event()),
    ]
}

#[test]
fn a_falco_event_becomes_an_alert_with_what_it_is_about() {
    let alert = alerts(Format::Falco, &falco_event()).remove(0);
    assert_eq!(
        (alert.title.as_str(), alert.severity),
        ("Terminal shell in container", Severity::Low)
    );
    assert_eq!(alert.start_time, "2026-03-01T11:59:58.123456789Z");
    assert_eq!(
        (alert.tactics.as_slice(), alert.techniques.as_slice()),
        (&["Execution".to_owned()][..], &["T1059".to_owned()][..])
    );
    assert_eq!(
        identities(&alert.entities),
        [
            "host:hostName=cart-6f|k8sNamespace=shop",
            "host:hostName=node-3",
            "account:accountName=root",
            "process:processId=4211|commandLine=bash -i",
            "ip:address=203.0.113.66",
            "ip:address=10.4.0.17",
        ]
    );
    assert_eq!(
        alert.entities[0].text("containerImageRepository").as_deref(),
        Some("docker.io/library/cart")
    );
    assert_eq!(alert.extended_properties["proc.pname"], "runc");
    assert_eq!(alert.extended_properties["priority"], "Notice");
}

#[test]
fn a_falco_event_without_uuid_is_known_by_its_content() {
    let mut event = falco_event();
    event["uuid"] = Value::Null;
    let first = alerts(Format::Falco, &event).remove(0);
    assert_eq!(first.id, alerts(Format::Falco, &event)[0].id);
    event["time"] = json!("2026-03-01T11:59:59Z");
    event["output_fields"]["proc.pid"] = json!(4212);
    let second = alerts(Format::Falco, &event).remove(0);
    assert_ne!(first.id, second.id);
    assert_eq!(first.group_key, second.group_key);
    event["output_fields"]["k8s.pod.name"] = json!("cart-7a");
    assert_ne!(alerts(Format::Falco, &event)[0].group_key, first.group_key);
}

#[test]
fn falco_priorities_become_severities() {
    let cases = [
        ("Emergency", Severity::High),
        ("Alert", Severity::High),
        ("CRITICAL", Severity::High),
        ("Error", Severity::High),
        ("Warning", Severity::Medium),
        ("Notice", Severity::Low),
        ("Informational", Severity::Informational),
        ("Debug", Severity::Informational),
    ];
    for (priority, severity) in cases {
        let event = json!({"rule": "r", "output": "o", "priority": priority});
        assert_eq!(alerts(Format::Falco, &event)[0].severity, severity, "{priority}");
    }
    assert_eq!(
        refusal(Format::Falco, &json!({"rule": "r", "priority": "Loud"})),
        "'loud' is no priority of Falco at /priority"
    );
}

#[test]
fn alertmanager_gives_one_alert_for_each_and_knows_them_again_when_resolved() {
    let firing = alerts(
        Format::Alertmanager,
        &alertmanager_body("firing", "0001-01-01T00:00:00Z"),
    );
    let resolved = alerts(
        Format::Alertmanager,
        &alertmanager_body("resolved", "2026-03-01T11:58:00Z"),
    );
    assert_eq!(firing.len(), 2);
    assert_eq!(
        (firing[0].severity, firing[1].severity),
        (Severity::High, Severity::Medium)
    );
    assert_eq!(firing[0].title, "Pod cart-6f restarts again and again");
    assert_eq!(firing[1].title, "NodeDown");
    assert_eq!(
        identities(&firing[0].entities),
        [
            "host:hostName=cart-6f|k8sNamespace=shop",
            "ip:address=10.4.0.17",
            "host:hostName=node-3"
        ]
    );
    assert_eq!(identities(&firing[1].entities), ["host:hostName=node-4"]);
    assert_eq!(firing[0].end_time, firing[0].start_time);
    assert!(!firing[0].resolved && resolved[0].resolved);
    assert_eq!(resolved[0].end_time, "2026-03-01T11:58:00Z");
    assert_eq!(firing[0].id, resolved[0].id);
    assert_ne!(firing[0].id, firing[1].id);
    assert_eq!(firing[0].remediation_steps, ["https://runbooks.example/crash"]);
}

#[test]
fn sentinel_alerts_read_alike_with_entities_as_text_or_array() {
    let body = sentinel_alert_body();
    let alert = alerts(Format::SentinelAlert, &body).remove(0);
    let mut with_array = body.clone();
    let text = body["Entities"].as_str().expect("text");
    with_array["Entities"] = serde_json::from_str(text).expect("an array");
    assert_eq!(alerts(Format::SentinelAlert, &with_array).remove(0), alert);
    assert_eq!(
        identities(&alert.entities),
        [
            "host:hostName=ws-17|dnsDomain=corp.example",
            "account:accountName=mira|upnSuffix=corp.example",
            "ip:address=198.51.100.23"
        ]
    );
    assert_eq!(alert.extended_properties["Unread Entities"][0]["Name"], "Odd app");
    assert_eq!(alert.custom_details["Country"], ["NZ", "AU"]);
    assert_eq!(alert.custom_details["Score"], ["7"]);
    assert_eq!(alert.analytics_rule.as_deref(), Some("New country"));
    assert_eq!(alert.tactics, ["InitialAccess", "CredentialAccess"]);
    assert_eq!(alert.end_time, "2026-03-01T11:00:00.25Z");
}

#[test]
fn a_sentinel_incident_keeps_its_parts() {
    let body = sentinel_incident_body();
    let read = incident(Format::SentinelIncident, &body);
    assert_eq!(
        read,
        incident(Format::SentinelIncident, &body["object"]),
        "with and without its envelope"
    );
    let of = &read.incident;
    assert_eq!(
        (of.number, of.severity, of.status),
        (17, Severity::High, IncidentStatus::Active)
    );
    assert_eq!(of.owner.email.as_deref(), Some("mira@corp.example"));
    assert_eq!(
        (of.labels[1].label_name.as_str(), of.labels[1].label_type.as_str()),
        ("auto", "AutoAssigned")
    );
    assert_eq!(
        (of.tactics.as_slice(), of.techniques.as_slice()),
        (&["InitialAccess".to_owned()][..], &["T1078".to_owned()][..])
    );
    assert_eq!(
        identities(&of.entities),
        [
            "ip:address=198.51.100.23",
            "account:accountName=mira|upnSuffix=corp.example"
        ]
    );
    assert_eq!(of.created_time, "2026-03-01T11:06:00Z");
    assert_eq!(
        read.alerts[0].id,
        alerts(Format::SentinelAlert, &sentinel_alert_body())[0].id,
        "one alert by both ways"
    );
    assert_eq!(
        (read.comments[0].author.as_str(), read.comments[0].message.as_str()),
        ("Mira", "<p>seen</p>")
    );
    assert!(read.tasks[0].completed);
}

#[test]
fn sentinel_shapes_are_lenient_about_what_is_missing_and_exact_about_what_is_there() {
    let read = incident(
        Format::SentinelIncident,
        &json!({"properties": {"title": "x", "severity": "low"}}),
    );
    assert_eq!(read.incident.severity, Severity::Low);
    assert_eq!(read.incident.created_time, RECEIVED);
    let cases = [
        (
            json!({"severity": "Loud"}),
            "'Loud' is not one of Informational, Low, Medium, High at /object/properties/severity",
        ),
        (
            json!({"createdTimeUtc": "soon"}),
            "'soon' is no time; write one as 2026-03-01T10:00:00Z at /object/properties/createdTimeUtc",
        ),
        (
            json!({"Alerts": {}}),
            "expected an array, found an object at /object/properties/Alerts",
        ),
        (
            json!({"Alerts": [{"properties": {}}]}),
            "an alert must have `AlertDisplayName` at /object/properties/Alerts/0/properties",
        ),
    ];
    for (change, message) in cases {
        let mut body = sentinel_incident_body();
        for (name, value) in change.as_object().expect("an object") {
            body["object"]["properties"][name] = value.clone();
        }
        assert_eq!(refusal(Format::SentinelIncident, &body), message);
    }
}

#[test]
fn native_bodies_are_read_one_by_one_or_many() {
    let alert = alerts(Format::Alert, &native_alert()).remove(0);
    assert_eq!(alert.start_time, "2026-03-01T11:00:00Z");
    assert_eq!(
        (alert.product_name.as_str(), alert.alert_type.as_str()),
        ("Vault", "key-export")
    );
    assert_eq!(alert.custom_details["key"], ["payments"]);
    assert_eq!(alerts(Format::Alert, &json!([native_alert(), native_alert()])).len(), 2);
    let read = incident(Format::Incident, &native_incident());
    assert_eq!(read.alerts, [alert]);
    assert_eq!(read.incident.first_activity_time, "2026-03-01T11:00:00Z");
    assert_eq!(read.comments[0].incident, read.incident.id);
    let closed = json!({"title": "x", "severity": "Low", "status": "Closed", "classification": "Undetermined"});
    assert_eq!(
        incident(Format::Incident, &closed).incident.classification,
        Some(Classification::Undetermined)
    );
}

#[test]
fn native_bodies_are_strict() {
    let text = "{\n \"title\": \"x\",\n \"severity\": \"Low\",\n \"ruelName\": \"y\"\n}";
    let error = decode(Format::Alert, text.as_bytes(), "soc", at(RECEIVED)).expect_err("a misspelt field");
    assert!(
        error
            .message
            .starts_with("unknown field `ruelName`, expected one of `title`"),
        "{error}"
    );
    assert_eq!((error.line, error.column), (Some(4), Some(11)));
    let cases = [
        (
            json!({"title": " ", "severity": "Low"}),
            "the title must not be blank at /title",
        ),
        (
            json!([{"title": "x", "severity": "Low", "startTime": "5"}]),
            "'5' is no time; write one as 2026-03-01T10:00:00Z at /0/startTime",
        ),
        (
            json!({"title": "x", "severity": "Low", "entities": [{"kind": "Ip", "properties": {}}]}),
            "an entity must have a property that names it at /entities/0",
        ),
    ];
    for (body, message) in cases {
        assert_eq!(refusal(Format::Alert, &body), message);
    }
    let unknown_kind = json!({"title": "x", "severity": "Low", "entities": [{"kind": "Planet", "properties": {}}]});
    assert!(refusal(Format::Alert, &unknown_kind).starts_with("unknown variant `Planet`, expected one of `Account`"));
    let open_end = json!({"title": "x", "severity": "Low", "status": "Closed"});
    assert!(refusal(Format::Incident, &open_end).starts_with("closing needs a classification"));
}

#[test]
fn native_alerts_without_id_and_start_are_never_taken_for_each_other() {
    let body = json!({"title": "disk full", "severity": "Low"}).to_string();
    let id = |received| {
        let all = decode(Format::Alert, body.as_bytes(), "soc", at(received)).expect("an alert");
        all[0].id().to_owned()
    };
    assert_ne!(id("2026-03-01T12:00:00Z"), id("2026-03-01T12:00:01Z"));
}

#[test]
fn each_format_is_detected_and_a_second_delivery_has_the_same_ids() {
    for (format, body) in samples() {
        assert_eq!(Format::detect(&body), Some(format));
        let text = body.to_string();
        let ids = |received, workspace| -> Vec<String> {
            let all = decode(format, text.as_bytes(), workspace, at(received)).expect("decodes");
            all.iter().map(|intake| intake.id().to_owned()).collect()
        };
        assert_eq!(ids(RECEIVED, "soc"), ids("2026-03-02T00:00:00Z", "soc"), "{format:?}");
        assert_ne!(ids(RECEIVED, "soc"), ids(RECEIVED, "shop"), "{format:?}");
    }
    assert_eq!(Format::detect(&json!({"hello": 1})), None);
    assert_eq!(Format::detect(&json!([])), None);
}

#[test]
fn what_is_too_long_is_cut_and_what_is_too_deep_is_refused() {
    let mut body = sentinel_alert_body();
    body["AlertDisplayName"] = json!("é".repeat(10_000));
    body["Entities"] = (0..2_000)
        .map(|n| json!({"Type": "ip", "Address": format!("10.0.{}.{}", n / 250, n % 250)}))
        .collect();
    body["ExtendedProperties"] = (0..5_000)
        .map(|n| (format!("key{n}"), json!("v")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let alert = alerts(Format::SentinelAlert, &body).remove(0);
    assert_eq!(alert.title.chars().count(), 500);
    assert!(alert.title.ends_with('…'));
    assert_eq!(alert.entities.len(), MAX_ENTITIES);
    assert!(alert.extended_properties.len() <= 201);
    let deep = "[".repeat(100_000);
    for format in Format::ALL {
        let error = decode(*format, deep.as_bytes(), "soc", at(RECEIVED)).expect_err("too deep");
        assert!(error.line.is_some() || error.pointer.is_some(), "{error:?}");
    }
}

/// Values that a sender could put where another is expected.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!("")),
        Just(json!("<NA>")),
        Just(json!("->:")),
        Just(json!("9999-12-31T23:59:59-23:00")),
        Just(json!([[{"$ref": "1", "$id": "1", "Type": "host"}]])),
        ".*".prop_map(Value::from),
    ]
}

/// Replaces the value that stands at this place in reading order.
fn replace(value: &mut Value, place: &mut usize, odd: &Value) {
    if *place == 0 {
        *value = odd.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, place, odd)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, place, odd)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for format in Format::ALL {
            let _ = decode(*format, &bytes, "soc", at(RECEIVED));
        }
    }

    #[test]
    fn no_odd_value_makes_a_decoder_panic(sample in 0_usize..6, mut place in 0_usize..120, odd in odd_value()) {
        let (_, mut body) = samples()[sample].clone();
        replace(&mut body, &mut place, &odd);
        let _ = Format::detect(&body);
        for format in Format::ALL {
            if let Ok(all) = decode(*format, body.to_string().as_bytes(), "soc", at(RECEIVED)) {
                for intake in all {
                    let (id, title, start) = match intake {
                        Intake::Alert(alert) => (alert.id, alert.title, alert.start_time),
                        Intake::Incident(of) => (of.incident.id, of.incident.title, of.incident.first_activity_time),
                    };
                    prop_assert!(id.parse::<uuid::Uuid>().is_ok());
                    prop_assert!(!title.is_empty() && title.chars().count() <= 500);
                    prop_assert!(start.parse::<Timestamp>().is_ok());
                }
            }
        }
    }
}
