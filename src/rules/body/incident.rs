//! Incidents, comments and tasks as playbooks see them.

use super::{alert_resource, entity_resource, optional, texts};
use crate::api::automation_rule::Owner;
use crate::expression::{Object, Value};
use crate::rules::{Comment, Ids, Incident, IncidentUpdates, IncidentView, Label, Task};

/// Why the incident trigger fires: `objectEventType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// A rule on new incidents.
    Create,
    /// A rule on updated incidents.
    Update,
    /// A person.
    Manual,
}

impl EventType {
    /// The name in `objectEventType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Manual => "Manual",
        }
    }
}

/// Body of the incident trigger. `unique_id` identifies the event, not the incident.
pub fn incident_trigger(
    view: &IncidentView,
    updates: Option<&IncidentUpdates>,
    ids: &Ids,
    event_type: EventType,
    unique_id: &str,
) -> Value {
    Value::object([
        ("eventUniqueId", Value::from(unique_id)),
        ("objectSchemaType", Value::from("Incident")),
        ("objectEventType", Value::from(event_type.as_str())),
        (
            "workspaceInfo",
            Value::object([
                ("SubscriptionId", ids.subscription_id.as_str()),
                ("ResourceGroupName", ids.resource_group.as_str()),
                ("WorkspaceName", ids.workspace_name.as_str()),
            ]),
        ),
        ("workspaceId", Value::from(ids.workspace_id.as_str())),
        ("object", incident_resource(view, ids)),
        ("incidentUpdates", incident_updates(view, updates, ids)),
    ])
}

/// What "Get incident" and "Update incident" answer, and `object` of the incident trigger.
pub fn incident_resource(view: &IncidentView, ids: &Ids) -> Value {
    let incident = &view.incident;
    let mut properties = facts(incident, ids);
    let (alerts, entities) = (view.alerts.iter(), view.entities());
    properties.insert("additionalData", additional_data(view));
    properties.insert("Alerts", Value::array(alerts.map(|alert| alert_resource(alert, ids))));
    properties.insert("Bookmarks", Value::array([]));
    let entities = entities.iter().map(|entity| entity_resource(entity, ids));
    properties.insert("relatedEntities", Value::array(entities));
    let comments = view.comments.iter().map(|comment| comment_resource(comment, ids));
    properties.insert("Comments", Value::array(comments));
    properties.insert(
        "tasks",
        Value::array(view.tasks.iter().map(|task| task_resource(task, ids))),
    );
    Value::object([
        ("id", Value::from(ids.incident_arm_id(&incident.id))),
        ("name", Value::from(incident.id.as_str())),
        ("etag", Value::from(format!("\"{}\"", incident.version))),
        ("type", Value::from("Microsoft.SecurityInsights/Incidents")),
        ("properties", Value::from(properties)),
    ])
}

fn facts(incident: &Incident, ids: &Ids) -> Object {
    let rules = incident.related_analytic_rules.iter().map(|rule| rule_id(rule, ids));
    let classification = incident.classification.map(|classification| classification.as_str());
    let reason = incident.classification_reason.map(|reason| reason.as_str());
    [
        ("title", Value::from(incident.title.as_str())),
        ("description", Value::from(incident.description.as_str())),
        ("severity", Value::from(incident.severity.as_str())),
        ("status", Value::from(incident.status.as_str())),
        ("owner", owner(&incident.owner)),
        ("labels", labels(&incident.labels)),
        ("classification", Value::from(classification)),
        ("classificationReason", Value::from(reason)),
        (
            "classificationComment",
            optional(incident.classification_comment.as_ref()),
        ),
        ("incidentNumber", Value::from(incident.number)),
        ("incidentUrl", Value::from(ids.incident_url(incident))),
        ("providerName", Value::from(incident.provider_name.as_str())),
        ("providerIncidentId", Value::from(provider_id(incident))),
        ("relatedAnalyticRuleIds", texts(rules)),
        ("createdTimeUtc", Value::from(incident.created_time.as_str())),
        ("lastModifiedTimeUtc", Value::from(incident.last_modified_time.as_str())),
        (
            "firstActivityTimeUtc",
            Value::from(incident.first_activity_time.as_str()),
        ),
        ("lastActivityTimeUtc", Value::from(incident.last_activity_time.as_str())),
    ]
    .into_iter()
    .collect()
}

fn additional_data(view: &IncidentView) -> Value {
    let count = |length: usize| Value::from(i64::try_from(length).unwrap_or(i64::MAX));
    let alerts = count(view.alerts.len()).as_int().unwrap_or_default();
    Value::object([
        ("alertsCount", Value::from(view.incident.alerts_count.max(alerts))),
        ("bookmarksCount", Value::from(0)),
        ("commentsCount", count(view.comments.len())),
        ("alertProductNames", texts(view.product_names())),
        ("tactics", texts(view.tactics())),
        ("techniques", texts(view.techniques())),
    ])
}

fn provider_id(incident: &Incident) -> String {
    let own = || incident.number.to_string();
    incident.provider_incident_id.clone().unwrap_or_else(own)
}

/// An analytics rule by its ARM id; one that came with an id keeps it.
fn rule_id(rule: &str, ids: &Ids) -> String {
    if rule.starts_with('/') {
        return rule.to_owned();
    }
    ids.arm_id("alertRules", rule)
}

fn owner(owner: &Owner) -> Value {
    Value::object([
        ("objectId", optional(owner.object_id.as_ref())),
        ("email", optional(owner.email.as_ref())),
        ("assignedTo", optional(owner.assigned_to.as_ref())),
        ("userPrincipalName", optional(owner.user_principal_name.as_ref())),
        ("ownerType", Value::from(owner.owner_type.map(|kind| kind.as_str()))),
    ])
}

fn labels(labels: &[Label]) -> Value {
    Value::array(labels.iter().map(|label| {
        Value::object([
            ("labelName", label.label_name.as_str()),
            ("labelType", label.label_type.as_str()),
        ])
    }))
}

/// What changed. Without a change the lists are empty rather than missing, so that loops over them run zero times.
fn incident_updates(view: &IncidentView, updates: Option<&IncidentUpdates>, ids: &Ids) -> Value {
    let fields = updates.map(IncidentUpdates::updated_fields).unwrap_or_default();
    let updated_by = updates.map(|updates| {
        let author = &updates.updated_by;
        Value::object([("source", author.source()), ("name", author.name())])
    });
    let added = |of: fn(&IncidentUpdates) -> &[String]| updates.map_or(&[][..], of);
    let (alerts, comments) = (added(|updates| &updates.alerts), added(|updates| &updates.comments));
    let alerts = view.alerts.iter().filter(|alert| alerts.contains(&alert.id));
    let comments = view.comments.iter().filter(|comment| comments.contains(&comment.id));
    Value::object([
        ("updatedFields", texts(fields.into_iter().map(|field| field.as_str()))),
        ("updatedBy", Value::from(updated_by)),
        ("updatedTime", optional(updates.map(|updates| &updates.updated_time))),
        ("alerts", Value::array(alerts.map(|alert| alert_resource(alert, ids)))),
        (
            "comments",
            Value::array(comments.map(|comment| comment_resource(comment, ids))),
        ),
        ("labels", labels(updates.map_or(&[], |updates| &updates.labels))),
        ("tactics", texts(added(|updates| &updates.tactics))),
    ])
}

/// A comment, as "Add comment to incident" answers and `Comments` lists it.
pub fn comment_resource(comment: &Comment, ids: &Ids) -> Value {
    let properties = Value::object([
        ("message", Value::from(comment.message.as_str())),
        ("createdTimeUtc", Value::from(comment.created_time.as_str())),
        ("lastModifiedTimeUtc", Value::from(comment.created_time.as_str())),
        ("author", client(&comment.author)),
    ]);
    part_of_incident("Comments", &comment.incident, &comment.id, properties, ids)
}

/// A task, as "Add task to incident" answers and `tasks` lists it.
pub fn task_resource(task: &Task, ids: &Ids) -> Value {
    let status = if task.completed { "Completed" } else { "New" };
    let properties = Value::object([
        ("title", Value::from(task.title.as_str())),
        ("description", Value::from(task.description.as_str())),
        ("status", Value::from(status)),
        ("createdTimeUtc", Value::from(task.created_time.as_str())),
        ("lastModifiedTimeUtc", Value::from(task.last_modified_time.as_str())),
        ("createdBy", client(&task.created_by)),
    ]);
    part_of_incident("Tasks", &task.incident, &task.id, properties, ids)
}

/// The relation of an incident to an alert, as "Add alert to incident" answers.
pub fn relation_resource(incident: &str, alert: &str, ids: &Ids) -> Value {
    let properties = Value::object([
        ("relatedResourceId", Value::from(ids.arm_id("Entities", alert))),
        ("relatedResourceName", Value::from(alert)),
        (
            "relatedResourceType",
            Value::from("Microsoft.SecurityInsights/Entities"),
        ),
        ("relatedResourceKind", Value::from("SecurityAlert")),
    ]);
    part_of_incident("Relations", incident, alert, properties, ids)
}

fn part_of_incident(collection: &str, incident: &str, id: &str, properties: Value, ids: &Ids) -> Value {
    let incident = ids.incident_arm_id(incident);
    Value::object([
        ("id", Value::from(format!("{incident}/{collection}/{id}"))),
        ("name", Value::from(id)),
        (
            "type",
            Value::from(format!("Microsoft.SecurityInsights/Incidents/{collection}")),
        ),
        ("properties", properties),
    ])
}

pub(super) fn client(name: &str) -> Value {
    Value::object([
        ("name", Value::from(name)),
        ("email", Value::Null),
        ("objectId", Value::Null),
        ("userPrincipalName", Value::Null),
    ])
}
