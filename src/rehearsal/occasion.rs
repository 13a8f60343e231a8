//! What starts a rehearsal: an incident, an alert, an entity or a body, given or made up to fit the trigger.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::stage::Stage;
use super::{example, sample};
use crate::connectors::example::example as of_schema;
use crate::definition::workflow::TriggerKind;
use crate::engine::start::StartKind;
use crate::expression::{Object, Value};
use crate::incidents::{WorkspaceIds, opened_by, summarise};
use crate::intake::{self, DecodeError, Format, Intake};
use crate::rules::body::{self, EventType};
use crate::rules::entity::EntityError;
use crate::rules::{Alert, Entity, EntityKind, IncidentView};

/// What starts a rehearsal.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// What it is; it must fit the trigger.
    pub kind: StartKind,
    /// The body of the trigger.
    pub body: Value,
    /// Headers of the trigger, if it has some.
    pub headers: Option<Value>,
    /// The incident that it is about; where none is given, one that is made up.
    pub incident: IncidentView,
}

/// Why something starts no rehearsal.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OccasionError {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    /// It is no entity.
    #[error(transparent)]
    Entity(#[from] EntityError),
    /// It holds nothing.
    #[error("there is no {0} in it")]
    Empty(&'static str),
}

/// How workspaces are named in a rehearsal: whatever a playbook names is the one workspace.
pub(super) fn workspace_ids(namespace: &str) -> WorkspaceIds {
    WorkspaceIds {
        public_url: "http://127.0.0.1".to_owned(),
        default_namespace: Some(namespace.to_owned()),
        ..WorkspaceIds::default()
    }
}

impl Occasion {
    /// An incident, in Riposte's own form or as Microsoft Sentinel's trigger has it.
    ///
    /// # Errors
    /// A body that is no incident.
    pub fn incident(document: &Json, namespace: &str, now: Timestamp) -> Result<Self, OccasionError> {
        let intake = decode(document, Format::Incident, &[Format::SentinelIncident], namespace, now)?;
        Ok(Self::of_incident(numbered(view_of(intake)?), namespace))
    }

    /// An alert, in any format of the intake.
    ///
    /// # Errors
    /// A body that is no alert.
    pub fn alert(document: &Json, namespace: &str, now: Timestamp) -> Result<Self, OccasionError> {
        let others = [Format::SentinelAlert, Format::Falco, Format::Alertmanager];
        let intake = decode(document, Format::Alert, &others, namespace, now)?;
        let alert = intake.into_iter().find_map(|intake| match intake {
            Intake::Alert(alert) => Some(*alert),
            Intake::Incident(_) => None,
        });
        let alert = alert.ok_or(OccasionError::Empty("alert"))?;
        Ok(Self::of_alert(&alert, numbered(incident_of(&alert, now)), namespace))
    }

    /// An entity: `{"kind": "Ip", "properties": {"address": "…"}}`.
    ///
    /// # Errors
    /// A value that is no entity.
    pub fn entity(document: &Json, namespace: &str, now: Timestamp) -> Result<Self, OccasionError> {
        let entity = Entity::from_json(document)?;
        Ok(Self::of_entity(&entity, sample::incident(namespace, now)?, namespace))
    }

    /// A body as it is.
    ///
    /// # Errors
    /// Never, unless the incident that is made up is broken.
    pub fn body(body: Value, namespace: &str, now: Timestamp) -> Result<Self, OccasionError> {
        Ok(Self {
            kind: StartKind::Body,
            body,
            headers: None,
            incident: sample::incident(namespace, now)?,
        })
    }

    /// What fits the trigger of a playbook: an incident with an alert and entities of every common kind, that alert, an
    /// entity of the trigger's kind, or a body that fits the trigger's schema and what the playbook reads.
    ///
    /// # Errors
    /// Never, unless the incident that is made up is broken.
    pub fn made_up(stage: &Stage, now: Timestamp) -> Result<Self, OccasionError> {
        let namespace = &stage.playbook().namespace;
        let incident = sample::incident(namespace, now)?;
        let trigger = stage.playbook().workflow.triggers.first();
        let mut occasion = match trigger.map(|trigger| &trigger.kind) {
            Some(TriggerKind::SentinelIncident) => Self::of_incident(incident, namespace),
            Some(TriggerKind::SentinelAlert) => {
                let alert = incident.alerts.first().cloned().unwrap_or_default();
                Self::of_alert(&alert, incident, namespace)
            }
            Some(TriggerKind::SentinelEntity(kind)) => {
                let entities = incident.entities();
                let wanted = EntityKind::from_name(kind);
                let entity = entities.iter().find(|entity| Some(entity.kind) == wanted);
                let entity = entity.or(entities.first()).cloned();
                let entity = entity.unwrap_or_else(|| Entity::new(EntityKind::Ip, [("address", "203.0.113.7")]));
                Self::of_entity(&entity, incident, namespace)
            }
            Some(TriggerKind::Request(request)) => {
                let schema = request.schema.as_ref().map(Json::from);
                let known = schema.map(|schema| Value::from(of_schema(&schema, &schema)));
                Self::body(known.unwrap_or_else(|| Object::new().into()), namespace, now)?
            }
            Some(
                TriggerKind::Recurrence(_)
                | TriggerKind::SlidingWindow { .. }
                | TriggerKind::Poll { .. }
                | TriggerKind::Webhook(_)
                | TriggerKind::Batch(_)
                | TriggerKind::Other(_),
            )
            | None => Self::body(Value::Null, namespace, now)?,
        };
        occasion.body = example::trigger_body(stage.reads(), Some(&occasion.body));
        occasion.headers = example::trigger_headers(stage.reads());
        Ok(occasion)
    }

    fn of_incident(incident: IncidentView, namespace: &str) -> Self {
        let ids = workspace_ids(namespace).ids(namespace);
        let body = body::incident_trigger(&incident, None, &ids, EventType::Create, &incident.incident.id);
        Self {
            kind: StartKind::Incident,
            body,
            headers: None,
            incident,
        }
    }

    fn of_alert(alert: &Alert, incident: IncidentView, namespace: &str) -> Self {
        Self {
            kind: StartKind::Alert,
            body: body::alert_trigger(alert, &workspace_ids(namespace).ids(namespace)),
            headers: None,
            incident,
        }
    }

    fn of_entity(entity: &Entity, incident: IncidentView, namespace: &str) -> Self {
        let ids = workspace_ids(namespace).ids(namespace);
        let arm_id = ids.incident_arm_id(&incident.incident.id);
        Self {
            kind: StartKind::Entity,
            body: body::entity_trigger(entity, Some(&arm_id), &ids),
            headers: None,
            incident,
        }
    }
}

/// Decodes a document: in Riposte's own format, unless it is recognised as one of the others.
fn decode(
    document: &Json,
    native: Format,
    others: &[Format],
    namespace: &str,
    now: Timestamp,
) -> Result<Vec<Intake>, OccasionError> {
    let found = Format::detect(document).filter(|format| others.contains(format));
    let text = document.to_string();
    Ok(intake::decode(
        found.unwrap_or(native),
        text.as_bytes(),
        namespace,
        now,
    )?)
}

/// The first incident of a delivery, with what its alerts say.
pub(super) fn view_of(intake: Vec<Intake>) -> Result<IncidentView, OccasionError> {
    let incident = intake.into_iter().find_map(|intake| match intake {
        Intake::Incident(incident) => Some(*incident),
        Intake::Alert(_) => None,
    });
    let mut incident = incident.ok_or(OccasionError::Empty("incident"))?;
    summarise(&mut incident);
    Ok(IncidentView {
        incident: incident.incident,
        alerts: incident.alerts,
        comments: incident.comments,
        tasks: incident.tasks,
    })
}

fn incident_of(alert: &Alert, now: Timestamp) -> IncidentView {
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, alert.id.as_bytes()).to_string();
    let incident = opened_by(alert, id, &now.to_string());
    IncidentView {
        incident,
        alerts: vec![alert.clone()],
        ..IncidentView::default()
    }
}

/// An incident that the store has not numbered.
fn numbered(mut view: IncidentView) -> IncidentView {
    if view.incident.number == 0 {
        view.incident.number = 1;
    }
    view.incident.version = view.incident.version.max(1);
    view
}
