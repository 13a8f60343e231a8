//! Riposte's own alert and incident: what a sender writes who writes for Riposte. Strict, so that a misspelt field is
//! told at once instead of being lost.

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::bounds::{self, MAX_ALERTS_PER_INCIDENT, MAX_BATCH, MAX_COMMENTS, MAX_ENTITIES};
use super::{DecodeError, Delivery, Intake, NativeIncident, identity, time};
use crate::api::automation_rule::{Classification, ClassificationReason, IncidentStatus, Owner, Severity};
use crate::rules::{Alert, Author, Comment, Entity, Incident, Patch};

/// An alert as a sender writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AlertBody {
    title: String,
    severity: Severity,
    #[serde(default)]
    description: String,
    /// The sender's own id; a repeated one is the same alert.
    id: Option<String>,
    /// The detection; like alerts of one rule join one incident.
    rule_name: Option<String>,
    product: Option<String>,
    component: Option<String>,
    vendor: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    #[serde(default)]
    resolved: bool,
    #[serde(default)]
    tactics: Vec<String>,
    #[serde(default)]
    techniques: Vec<String>,
    #[serde(default)]
    entities: Vec<Entity>,
    #[serde(default)]
    custom_details: IndexMap<String, Values>,
    #[serde(default)]
    extended_properties: IndexMap<String, Value>,
    link: Option<String>,
    #[serde(default)]
    remediation_steps: Vec<String>,
}

/// One text, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or an array of texts")]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    fn list(&self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value.clone()],
            Self::Many(values) => values.clone(),
        }
    }
}

/// An incident as a sender writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IncidentBody {
    title: String,
    severity: Severity,
    #[serde(default)]
    description: String,
    /// The sender's own id; a repeated one is the same incident.
    id: Option<String>,
    #[serde(default)]
    status: IncidentStatus,
    classification: Option<Classification>,
    classification_reason: Option<ClassificationReason>,
    classification_comment: Option<String>,
    #[serde(default)]
    owner: Owner,
    #[serde(default)]
    labels: Vec<String>,
    product: Option<String>,
    first_activity_time: Option<String>,
    last_activity_time: Option<String>,
    #[serde(default)]
    tactics: Vec<String>,
    #[serde(default)]
    techniques: Vec<String>,
    #[serde(default)]
    entities: Vec<Entity>,
    #[serde(default)]
    alerts: Vec<AlertBody>,
    #[serde(default)]
    comments: Vec<CommentBody>,
}

/// A comment as a sender writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CommentBody {
    message: String,
    author: Option<String>,
    created_time: Option<String>,
}

pub(super) fn alerts(body: &[u8], delivery: Delivery<'_>) -> Result<Vec<Intake>, DecodeError> {
    let bodies = one_or_many::<AlertBody>(body)?;
    let read = |(place, body): (String, AlertBody)| alert(body, &place, delivery).map(super::alert);
    bodies.into_iter().map(read).collect()
}

pub(super) fn incidents(body: &[u8], delivery: Delivery<'_>) -> Result<Vec<Intake>, DecodeError> {
    let bodies = one_or_many::<IncidentBody>(body)?;
    let read = |(place, body): (String, IncidentBody)| incident(body, &place, delivery).map(super::incident);
    bodies.into_iter().map(read).collect()
}

/// The bodies with the pointers to them.
fn one_or_many<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<(String, T)>, DecodeError> {
    let syntax = |error: serde_json::Error| DecodeError::syntax(&error);
    if body.trim_ascii_start().first() != Some(&b'[') {
        return Ok(vec![(String::new(), serde_json::from_slice(body).map_err(syntax)?)]);
    }
    let bodies: Vec<T> = serde_json::from_slice(body).map_err(syntax)?;
    at_most(bodies.len(), MAX_BATCH, "", "items")?;
    Ok(bodies
        .into_iter()
        .enumerate()
        .map(|(index, body)| (format!("/{index}"), body))
        .collect())
}

fn at_most(count: usize, limit: usize, place: &str, what: &str) -> Result<(), DecodeError> {
    let message = || format!("{count} {what} are too many; send at most {limit}");
    if count <= limit {
        Ok(())
    } else {
        Err(DecodeError::at(place, message()))
    }
}

fn checked_title(title: &str, place: &str) -> Result<String, DecodeError> {
    let title = bounds::title(title);
    let missing = || DecodeError::at(&format!("{place}/title"), "the title must not be blank");
    if title.is_empty() { Err(missing()) } else { Ok(title) }
}

fn utc(text: Option<&str>, place: &str, name: &str) -> Result<Option<String>, DecodeError> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || {
        let message = format!("'{text}' is no time; write one as 2026-03-01T10:00:00Z");
        DecodeError::at(&format!("{place}/{name}"), message)
    };
    time::utc(text).map(Some).ok_or_else(wrong)
}

fn entities(entities: Vec<Entity>, place: &str) -> Result<Vec<Entity>, DecodeError> {
    let place = format!("{place}/entities");
    at_most(entities.len(), MAX_ENTITIES, &place, "entities")?;
    let bound = |(index, entity): (usize, Entity)| {
        if entity.properties.is_empty() {
            return Err(DecodeError::at(
                &format!("{place}/{index}"),
                "an entity must have a property that names it",
            ));
        }
        Ok(Entity {
            kind: entity.kind,
            properties: bounds::properties(&entity.properties),
        })
    };
    entities.into_iter().enumerate().map(bound).collect()
}

fn alert(body: AlertBody, place: &str, delivery: Delivery<'_>) -> Result<Alert, DecodeError> {
    let title = checked_title(&body.title, place)?;
    let start = utc(body.start_time.as_deref(), place, "startTime")?;
    let product = bounds::name(body.product.as_deref().unwrap_or("Riposte"));
    let rule = bounds::name(body.rule_name.as_deref().unwrap_or(&title));
    // Without id and start nothing tells a repeated delivery from a second alert, and none must be lost.
    let occurrence = start.clone().unwrap_or_else(|| delivery.time());
    let content = || {
        identity::hash([
            product.as_str(),
            &rule,
            &title,
            &body.description,
            &occurrence,
            &format!("{:?}", body.entities),
        ])
    };
    let key = identity::dedup_key("alert", body.id.as_deref(), content);
    let start = start.unwrap_or_else(|| delivery.time());
    let entities = entities(body.entities, place)?;
    Ok(Alert {
        id: identity::id(delivery.workspace, "alert", &key),
        workspace: delivery.workspace.to_owned(),
        group_key: identity::group_key(&product, &rule, &entities),
        dedup_key: key,
        title,
        description: bounds::description(&body.description),
        severity: body.severity,
        end_time: utc(body.end_time.as_deref(), place, "endTime")?.unwrap_or_else(|| start.clone()),
        start_time: start,
        time_generated: delivery.time(),
        product_component_name: body.component.map(|name| bounds::name(&name)),
        vendor_name: bounds::name(body.vendor.as_deref().unwrap_or(&product)),
        provider_name: product.clone(),
        product_name: product,
        provider_alert_id: body.id.map(|id| bounds::name(&id)),
        alert_type: rule,
        analytics_rule: None,
        resolved: body.resolved,
        tactics: bounds::names(body.tactics),
        techniques: bounds::names(body.techniques),
        entities,
        custom_details: bounds::details(body.custom_details.iter().map(|(key, values)| (key, values.list()))),
        extended_properties: bounds::properties(&body.extended_properties),
        link: body.link.map(|link| bounds::description(&link)),
        remediation_steps: bounds::names(body.remediation_steps),
    })
}

fn incident(body: IncidentBody, place: &str, delivery: Delivery<'_>) -> Result<NativeIncident, DecodeError> {
    let title = checked_title(&body.title, place)?;
    let work = work(&body, place, delivery)?;
    let first = utc(body.first_activity_time.as_deref(), place, "firstActivityTime")?;
    let last = utc(body.last_activity_time.as_deref(), place, "lastActivityTime")?;
    let occurrence = first.clone().unwrap_or_else(|| delivery.time());
    let content = || identity::hash([title.as_str(), &body.description, &occurrence]);
    let key = identity::dedup_key("incident", body.id.as_deref(), content);
    let id = identity::id(delivery.workspace, "incident", &key);
    let alerts = alerts_of(body.alerts, place, delivery)?;
    let starts = alerts.iter().filter_map(|alert| time::instant(&alert.start_time));
    let ends = alerts.iter().filter_map(|alert| time::instant(&alert.end_time));
    let incident = Incident {
        title,
        description: bounds::description(&body.description),
        severity: body.severity,
        first_activity_time: first.unwrap_or_else(|| starts.min().unwrap_or(delivery.received).to_string()),
        last_activity_time: last.unwrap_or_else(|| ends.max().unwrap_or(delivery.received).to_string()),
        created_time: delivery.time(),
        last_modified_time: delivery.time(),
        provider_name: bounds::name(body.product.as_deref().unwrap_or("Riposte")),
        provider_incident_id: body.id.map(|id| bounds::name(&id)),
        tactics: bounds::names(body.tactics),
        techniques: bounds::names(body.techniques),
        entities: entities(body.entities, place)?,
        id,
        ..work
    };
    let comments = comments(body.comments, &incident.id, place, delivery)?;
    Ok(NativeIncident {
        incident,
        alerts,
        comments,
        tasks: Vec::new(),
        dedup_key: key,
    })
}

/// Status, classification, owner and labels, under the rules for every change of an incident.
fn work(body: &IncidentBody, place: &str, delivery: Delivery<'_>) -> Result<Incident, DecodeError> {
    let patch = Patch {
        status: Some(body.status),
        classification: body.classification,
        classification_reason: body.classification_reason,
        classification_comment: body.classification_comment.as_deref().map(bounds::description),
        owner: Some(body.owner.clone()),
        labels_to_add: bounds::names(&body.labels),
        ..Patch::default()
    };
    let blank = Incident {
        workspace: delivery.workspace.to_owned(),
        ..Incident::default()
    };
    let author = Author::Application("intake".to_owned());
    let applied = blank.apply(&patch, &author, &delivery.time());
    let (incident, _) = applied.map_err(|error| DecodeError::at(place, error.to_string()))?;
    Ok(incident)
}

fn alerts_of(bodies: Vec<AlertBody>, place: &str, delivery: Delivery<'_>) -> Result<Vec<Alert>, DecodeError> {
    let place = format!("{place}/alerts");
    at_most(bodies.len(), MAX_ALERTS_PER_INCIDENT, &place, "alerts")?;
    let read = |(index, body)| alert(body, &format!("{place}/{index}"), delivery);
    bodies.into_iter().enumerate().map(read).collect()
}

fn comments(
    bodies: Vec<CommentBody>,
    incident: &str,
    place: &str,
    delivery: Delivery<'_>,
) -> Result<Vec<Comment>, DecodeError> {
    let place = format!("{place}/comments");
    at_most(bodies.len(), MAX_COMMENTS, &place, "comments")?;
    let read = |(index, body): (usize, CommentBody)| {
        let created = utc(body.created_time.as_deref(), &format!("{place}/{index}"), "createdTime")?;
        Ok(Comment {
            id: identity::id(incident, "note", &index.to_string()),
            incident: incident.to_owned(),
            message: bounds::cut(&body.message, bounds::MAX_COMMENT),
            author: bounds::name(body.author.as_deref().unwrap_or("Riposte")),
            created_time: created.unwrap_or_else(|| delivery.time()),
        })
    };
    bodies.into_iter().enumerate().map(read).collect()
}
