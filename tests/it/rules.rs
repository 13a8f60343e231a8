//! Tests of rules.

mod body;
mod conditions;
mod entities;
mod evaluation;
mod patch;

use indexmap::IndexMap;
use riposte::api::AutomationRuleSpec;
use riposte::api::automation_rule::{IncidentStatus, Owner, Severity};
use riposte::rules::{
    Alert, Author, Comment, Entity, EntityKind, Ids, Incident, IncidentUpdates, IncidentView, Label, Task,
};
use serde_json::{Value as Json, json};

const NOW: &str = "2026-03-01T10:00:00Z";

/// A rule of these fields; what is left out is the simplest that is valid.
fn rule(fields: Json) -> AutomationRuleSpec {
    let mut spec = json!({"displayName": "a rule", "order": 1, "triggersOn": "Incidents", "actions": []});
    for (name, value) in fields.as_object().expect("an object") {
        spec[name] = value.clone();
    }
    serde_json::from_value(spec).expect("a rule")
}

fn entity(kind: EntityKind, properties: Json) -> Entity {
    let properties = properties.as_object().expect("an object").clone();
    Entity {
        kind,
        properties: properties.into_iter().collect(),
    }
}

fn label(name: &str) -> Label {
    Label {
        label_name: name.to_owned(),
        label_type: "User".to_owned(),
    }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn alert() -> Alert {
    Alert {
        id: "a1".to_owned(),
        workspace: "soc".to_owned(),
        title: "Shell in a container".to_owned(),
        description: "A shell was spawned".to_owned(),
        severity: Severity::High,
        start_time: "2026-03-01T09:00:00Z".to_owned(),
        end_time: "2026-03-01T09:05:00Z".to_owned(),
        time_generated: "2026-03-01T09:06:00Z".to_owned(),
        product_name: "Falco".to_owned(),
        vendor_name: "CNCF".to_owned(),
        provider_name: "falcosidekick".to_owned(),
        alert_type: "Terminal shell in container".to_owned(),
        analytics_rule: Some("shells".to_owned()),
        tactics: texts(&["Execution"]),
        techniques: texts(&["T1059"]),
        entities: vec![
            entity(EntityKind::Host, json!({"hostName": "web-0", "osVersion": "6.1"})),
            entity(EntityKind::Ip, json!({"address": "10.0.0.7"})),
            entity(EntityKind::Ip, json!({"address": "203.0.113.9"})),
        ],
        custom_details: IndexMap::from([
            ("Team".to_owned(), texts(&["payments", "web"])),
            ("Tier".to_owned(), texts(&["gold"])),
        ]),
        extended_properties: IndexMap::from([
            ("Query".to_owned(), json!("T | take 1")),
            ("Count".to_owned(), json!(3)),
        ]),
        ..Alert::default()
    }
}

/// An incident with one alert, two labels, one comment and one task.
fn view() -> IncidentView {
    let incident = Incident {
        id: "i1".to_owned(),
        number: 17,
        version: 4,
        workspace: "soc".to_owned(),
        title: "Shell on WEB".to_owned(),
        description: "Somebody opened a shell".to_owned(),
        severity: Severity::Medium,
        status: IncidentStatus::Active,
        owner: Owner {
            email: Some("ann@example.com".to_owned()),
            ..Owner::default()
        },
        labels: vec![label("Prod"), label("noisy")],
        provider_name: "Riposte".to_owned(),
        related_analytic_rules: texts(&["shells"]),
        alert_product_names: texts(&["Falco"]),
        tactics: texts(&["LateralMovement"]),
        created_time: "2026-03-01T09:06:00Z".to_owned(),
        last_modified_time: "2026-03-01T09:07:00Z".to_owned(),
        entities: vec![entity(
            EntityKind::Account,
            json!({"accountName": "ann", "upnSuffix": "example.com"}),
        )],
        alerts_count: 1,
        ..Incident::default()
    };
    IncidentView {
        incident,
        alerts: vec![alert()],
        comments: vec![Comment {
            id: "c1".to_owned(),
            incident: "i1".to_owned(),
            message: "<p>looking</p>".to_owned(),
            author: "ann".to_owned(),
            created_time: NOW.to_owned(),
        }],
        tasks: vec![Task {
            id: "t1".to_owned(),
            incident: "i1".to_owned(),
            title: "Call the owner".to_owned(),
            completed: true,
            ..Task::default()
        }],
    }
}

fn updates(author: Author) -> IncidentUpdates {
    IncidentUpdates::new(author, NOW)
}

fn ids() -> Ids {
    Ids {
        subscription_id: "s".to_owned(),
        resource_group: "g".to_owned(),
        workspace_name: "w".to_owned(),
        workspace_id: "wid".to_owned(),
        console_url: "https://riposte.example/".to_owned(),
    }
}
