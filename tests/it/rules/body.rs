//! Trigger bodies and resources: the names that existing playbooks read.

use riposte::api::automation_rule::Severity;
use riposte::connectors::catalog::built_in;
use riposte::definition::schema::lacking;
use riposte::definition::workflow::Step;
use riposte::expression::Value;
use riposte::rules::body::{
    EventType, alert_resource, alert_trigger, comment_resource, entity_resource, entity_trigger, incident_resource,
    incident_trigger, task_resource,
};
use riposte::rules::{Author, Change, EntityKind, IncidentView};
use serde_json::{Value as Json, json};

use super::{NOW, alert, entity, ids, label, texts, updates, view};

const ARM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w/providers/Microsoft.SecurityInsights";

fn plain(value: &Value) -> Json {
    Json::from(value)
}

/// The names of the members, in order.
fn names(value: &Json) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_incident_trigger_has_the_names_that_playbooks_read() {
    let body = plain(&incident_trigger(&view(), None, &ids(), EventType::Create, "e1"));
    assert_eq!(
        names(&body),
        [
            "eventUniqueId",
            "objectSchemaType",
            "objectEventType",
            "workspaceInfo",
            "workspaceId",
            "object",
            "incidentUpdates"
        ]
    );
    assert_eq!(
        body["workspaceInfo"],
        json!({"SubscriptionId": "s", "ResourceGroupName": "g", "WorkspaceName": "w"})
    );
    assert_eq!(
        (&body["workspaceId"], &body["objectEventType"]),
        (&json!("wid"), &json!("Create"))
    );
    let object = &body["object"];
    assert_eq!(object["id"], format!("{ARM}/Incidents/i1"));
    assert_eq!(
        (&object["name"], &object["type"]),
        (&json!("i1"), &json!("Microsoft.SecurityInsights/Incidents"))
    );
    assert_eq!(
        names(&object["properties"]),
        [
            "title",
            "description",
            "severity",
            "status",
            "owner",
            "labels",
            "classification",
            "classificationReason",
            "classificationComment",
            "incidentNumber",
            "incidentUrl",
            "providerName",
            "providerIncidentId",
            "relatedAnalyticRuleIds",
            "createdTimeUtc",
            "lastModifiedTimeUtc",
            "firstActivityTimeUtc",
            "lastActivityTimeUtc",
            "additionalData",
            "Alerts",
            "Bookmarks",
            "relatedEntities",
            "Comments",
            "tasks",
        ]
    );
}

#[test]
fn the_incident_says_what_it_is() {
    let incident = plain(&incident_resource(&view(), &ids()));
    let properties = &incident["properties"];
    assert_eq!(properties["incidentNumber"], 17);
    assert_eq!(properties["severity"], "Medium");
    assert_eq!(properties["classification"], Json::Null);
    assert_eq!(
        properties["incidentUrl"],
        "https://riposte.example/workspaces/soc/incidents/i1"
    );
    assert_eq!(properties["owner"]["email"], "ann@example.com");
    assert_eq!(properties["owner"]["objectId"], Json::Null);
    assert_eq!(
        properties["labels"][0],
        json!({"labelName": "Prod", "labelType": "User"})
    );
    assert_eq!(
        properties["relatedAnalyticRuleIds"],
        json!([format!("{ARM}/alertRules/shells")])
    );
    assert_eq!(
        properties["additionalData"],
        json!({"alertsCount": 1, "bookmarksCount": 0, "commentsCount": 1, "alertProductNames": ["Falco"],
               "tactics": ["LateralMovement", "Execution"], "techniques": ["T1059"]})
    );
    let kinds: Vec<_> = properties["relatedEntities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entity| &entity["kind"])
        .collect();
    assert_eq!(kinds, ["Account", "Host", "Ip", "Ip"]);
}

#[test]
fn an_update_says_what_changed_and_by_whom() {
    let mut updates = updates(Author::Rule("raise".to_owned()));
    updates.severity = Some(Change {
        from: Severity::Low,
        to: Severity::Medium,
    });
    updates.alerts = texts(&["a1"]);
    updates.comments = texts(&["c1"]);
    updates.labels = vec![label("new")];
    updates.tactics = texts(&["Impact"]);
    let body = plain(&incident_trigger(
        &view(),
        Some(&updates),
        &ids(),
        EventType::Update,
        "e1",
    ));
    let changes = &body["incidentUpdates"];
    assert_eq!(
        changes["updatedFields"],
        json!(["Severity", "Alerts", "Comments", "Labels", "Tactics"])
    );
    assert_eq!(
        changes["updatedBy"],
        json!({"source": "Automation rule", "name": "raise"})
    );
    assert_eq!(changes["updatedTime"], NOW);
    assert_eq!(
        changes["alerts"][0]["properties"]["alertDisplayName"],
        "Shell in a container"
    );
    assert_eq!(changes["comments"][0]["properties"]["message"], "<p>looking</p>");
    assert_eq!(changes["labels"][0]["labelName"], "new");
    assert_eq!(changes["tactics"], json!(["Impact"]));
}

#[test]
fn without_a_change_the_lists_of_changes_are_empty() {
    let body = plain(&incident_trigger(&view(), None, &ids(), EventType::Manual, "e1"));
    for list in ["updatedFields", "alerts", "comments", "labels", "tactics"] {
        assert_eq!(body["incidentUpdates"][list], json!([]), "{list}");
    }
}

#[test]
fn an_empty_incident_has_all_names_too() {
    let (empty, full) = (
        plain(&incident_resource(&IncidentView::default(), &ids())),
        plain(&incident_resource(&view(), &ids())),
    );
    assert_eq!(names(&empty["properties"]), names(&full["properties"]));
}

#[test]
fn an_alert_of_an_incident_carries_its_details_as_text() {
    let alert = plain(&alert_resource(&alert(), &ids()));
    assert_eq!(
        (&alert["id"], &alert["kind"]),
        (&json!(format!("{ARM}/Entities/a1")), &json!("SecurityAlert"))
    );
    let properties = &alert["properties"];
    for (name, value) in [
        ("systemAlertId", "a1"),
        ("alertDisplayName", "Shell in a container"),
        ("alertType", "Terminal shell in container"),
        ("severity", "High"),
        ("status", "New"),
        ("productName", "Falco"),
        ("vendorName", "CNCF"),
        ("providerAlertId", "a1"),
        ("compromisedEntity", "web-0"),
        ("startTimeUtc", "2026-03-01T09:00:00Z"),
        ("endTimeUtc", "2026-03-01T09:05:00Z"),
        ("timeGenerated", "2026-03-01T09:06:00Z"),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
    let data = &properties["additionalData"];
    assert_eq!((&data["Query"], &data["Count"]), (&json!("T | take 1"), &json!("3")));
    assert_eq!(data["Analytic Rule Name"], "shells");
    let details: Json = serde_json::from_str(data["Custom Details"].as_str().unwrap()).unwrap();
    assert_eq!(details, json!({"Team": ["payments", "web"], "Tier": ["gold"]}));
    let rules: Json = serde_json::from_str(data["Analytic Rule Ids"].as_str().unwrap()).unwrap();
    assert_eq!(rules, json!([format!("{ARM}/alertRules/shells")]));
}

#[test]
fn the_alert_trigger_is_flat_and_carries_its_entities_as_text() {
    let body = plain(&alert_trigger(&alert(), &ids()));
    for (name, value) in [
        ("WorkspaceSubscriptionId", "s"),
        ("WorkspaceId", "wid"),
        ("WorkspaceResourceGroup", "g"),
        ("SystemAlertId", "a1"),
        ("AlertDisplayName", "Shell in a container"),
        ("AlertType", "Terminal shell in container"),
        ("Description", "A shell was spawned"),
        ("Severity", "High"),
        ("ProductName", "Falco"),
        ("ProviderAlertId", "a1"),
        ("VendorName", "CNCF"),
        ("StartTimeUtc", "2026-03-01T09:00:00Z"),
        ("EndTimeUtc", "2026-03-01T09:05:00Z"),
        ("TimeGenerated", "2026-03-01T09:06:00Z"),
        ("ProcessingEndTime", "2026-03-01T09:06:00Z"),
        ("Tactics", "Execution"),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    assert_eq!(body["ExtendedProperties"]["Query"], "T | take 1");
    let entities: Json = serde_json::from_str(body["Entities"].as_str().unwrap()).unwrap();
    assert_eq!(
        entities,
        json!([
            {"$id": "1", "HostName": "web-0", "OSVersion": "6.1", "Type": "host"},
            {"$id": "2", "Address": "10.0.0.7", "Type": "ip"},
            {"$id": "3", "Address": "203.0.113.9", "Type": "ip"}
        ])
    );
}

#[test]
fn an_entity_keeps_its_name_in_every_incident() {
    let host = entity(EntityKind::Host, json!({"hostName": "web-0"}));
    let resource = plain(&entity_resource(&host, &ids()));
    assert_eq!(
        (&resource["kind"], &resource["type"]),
        (&json!("Host"), &json!("Microsoft.SecurityInsights/Entities"))
    );
    assert_eq!(
        resource["properties"],
        json!({"friendlyName": "web-0", "additionalData": {}, "hostName": "web-0"})
    );
    let name = resource["name"].as_str().unwrap();
    assert_eq!(resource["id"], format!("{ARM}/Entities/{name}"));
    let known = entity(EntityKind::Host, json!({"hostName": "WEB-0", "osFamily": "Linux"}));
    assert_eq!(plain(&entity_resource(&known, &ids()))["name"], name);
    let other = entity(EntityKind::Host, json!({"hostName": "web-1"}));
    assert_ne!(plain(&entity_resource(&other, &ids()))["name"], name);
}

#[test]
fn the_entity_trigger_names_properties_as_alerts_do() {
    let account = entity(
        EntityKind::Account,
        json!({"accountName": "ann", "upnSuffix": "example.com"}),
    );
    let body = plain(&entity_trigger(&account, Some("/arm/id"), &ids()));
    assert_eq!(body["IncidentArmID"], "/arm/id");
    assert_eq!(body["Entity"]["kind"], "Account");
    assert_eq!(
        (
            &body["Entity"]["properties"]["Name"],
            &body["Entity"]["properties"]["UPNSuffix"]
        ),
        (&json!("ann"), &json!("example.com"))
    );
    assert_eq!(names(&plain(&entity_trigger(&account, None, &ids()))), ["Entity"]);
}

#[test]
fn comments_and_tasks_are_parts_of_their_incident() {
    let view = view();
    let comment = plain(&comment_resource(&view.comments[0], &ids()));
    assert_eq!(comment["id"], format!("{ARM}/Incidents/i1/Comments/c1"));
    assert_eq!(
        (
            &comment["properties"]["message"],
            &comment["properties"]["author"]["name"]
        ),
        (&json!("<p>looking</p>"), &json!("ann"))
    );
    let task = plain(&task_resource(&view.tasks[0], &ids()));
    assert_eq!(task["id"], format!("{ARM}/Incidents/i1/Tasks/t1"));
    assert_eq!(
        (&task["properties"]["title"], &task["properties"]["status"]),
        (&json!("Call the owner"), &json!("Completed"))
    );
}

/// The ways to all members of a value.
fn ways(value: &Json, way: &mut Vec<Step>, visit: &mut dyn FnMut(&[Step])) {
    for (name, member) in value.as_object().into_iter().flatten() {
        way.push(Step::Field(name.as_str().into()));
        visit(way);
        ways(member, way, visit);
        way.pop();
    }
    for element in value.as_array().into_iter().flatten() {
        way.push(Step::Item);
        ways(element, way, visit);
        way.pop();
    }
}

#[test]
fn schemas_of_the_connector_name_all_that_bodies_have() {
    let mut updates = updates(Author::Rule("raise".to_owned()));
    updates.alerts = texts(&["a1"]);
    updates.labels = vec![label("new")];
    let changed = incident_trigger(&view(), Some(&updates), &ids(), EventType::Update, "e1");
    let entity = entity(EntityKind::Host, json!({"hostName": "web-1"}));
    let bodies = [
        ("IncidentTrigger", changed),
        ("AlertTrigger", alert_trigger(&alert(), &ids())),
        ("EntityTrigger", entity_trigger(&entity, Some("/i"), &ids())),
        ("GetIncident", incident_resource(&view(), &ids())),
    ];
    let connector = built_in("azuresentinel").expect("it is built in");
    for (id, body) in bodies {
        let operation = connector.operation(id).expect("an operation");
        let schema = operation.notification.as_ref().or(operation.response.as_ref());
        let schema = schema.expect("a schema");
        let unknown = [Step::Field("nothing".into())];
        assert!(
            lacking(&*connector.document, schema, &unknown).is_some(),
            "{id} is open"
        );
        ways(&plain(&body), &mut Vec::new(), &mut |way| {
            assert_eq!(lacking(&*connector.document, schema, way), None, "{id}: {way:?}");
        });
    }
}
