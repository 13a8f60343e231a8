//! Intake: what senders deliver becomes alerts and incidents in one form. Pure decoders, one file a format; clock and
//! workspace come in as arguments. Invariant: the same delivery decoded again gives the same ids, so that a repeated
//! delivery is recognised; and no body, however hostile, makes a decoder panic or grow beyond its bounds.

mod alertmanager;
mod bounds;
mod error;
mod falco;
mod identity;
mod native;
mod node;
mod sentinel_alert;
mod sentinel_incident;
mod time;

use jiff::Timestamp;
use serde_json::Value;

pub use bounds::{MAX_ALERTS_PER_INCIDENT, MAX_ENTITIES};
pub use error::DecodeError;

use crate::rules::{Alert, Comment, Incident, Task};
use node::Node;

/// A format that senders deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Riposte's own alert: one object or an array of them; unknown fields are refused.
    Alert,
    /// Riposte's own incident: one object or an array of them; unknown fields are refused.
    Incident,
    /// The body of Sentinel's incident trigger, or only its `object`.
    SentinelIncident,
    /// The flat body of Sentinel's alert trigger, a row of `SecurityAlert`, or an alert of an incident.
    SentinelAlert,
    /// Prometheus Alertmanager's webhook, version 4.
    Alertmanager,
    /// Falco's `http_output`, or a webhook of falcosidekick.
    Falco,
}

/// What a delivery holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Intake {
    /// An alert that joins or opens an incident.
    Alert(Box<Alert>),
    /// An incident as a whole.
    Incident(Box<NativeIncident>),
}

impl Intake {
    /// Identity of the alert or incident, a UUID: the same for each delivery of it.
    pub fn id(&self) -> &str {
        match self {
            Self::Alert(alert) => &alert.id,
            Self::Incident(incident) => &incident.incident.id,
        }
    }
}

/// An incident that a sender delivers with what belongs to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NativeIncident {
    /// The incident.
    pub incident: Incident,
    /// Its alerts.
    pub alerts: Vec<Alert>,
    /// Its comments.
    pub comments: Vec<Comment>,
    /// Its tasks.
    pub tasks: Vec<Task>,
    /// Two deliveries with the same key in a workspace are one incident.
    pub dedup_key: String,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[
        Self::Alert,
        Self::Incident,
        Self::SentinelIncident,
        Self::SentinelAlert,
        Self::Alertmanager,
        Self::Falco,
    ];

    /// The name in the path of the intake, such as `sentinel-incident`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Incident => "incident",
            Self::SentinelIncident => "sentinel-incident",
            Self::SentinelAlert => "sentinel-alert",
            Self::Alertmanager => "alertmanager",
            Self::Falco => "falco",
        }
    }

    /// The format that a body has, judged by the fields that only that format has; of an array, by its first item.
    pub fn detect(body: &Value) -> Option<Self> {
        let body = body.as_array().map_or(Some(body), |items| items.first())?;
        let node = Node::root(body);
        let has = |name: &str| node.has(name);
        if sentinel_incident::recognises(&node) {
            return Some(Self::SentinelIncident);
        }
        if sentinel_alert::recognises(&node) {
            return Some(Self::SentinelAlert);
        }
        if has("alerts") && (has("groupKey") || has("receiver")) {
            return Some(Self::Alertmanager);
        }
        if has("rule") && has("output") && has("priority") {
            return Some(Self::Falco);
        }
        if !has("title") || !has("severity") {
            return None;
        }
        let of_incident = [
            "alerts",
            "comments",
            "tasks",
            "status",
            "owner",
            "labels",
            "classification",
        ];
        Some(if of_incident.into_iter().any(has) {
            Self::Incident
        } else {
            Self::Alert
        })
    }
}

/// Whose delivery is decoded, and when it came.
#[derive(Clone, Copy)]
struct Delivery<'a> {
    workspace: &'a str,
    received: Timestamp,
}

impl Delivery<'_> {
    fn time(&self) -> String {
        self.received.to_string()
    }
}

/// Decodes a body into alerts and incidents of a workspace. `received` stands in for times that the sender left out.
///
/// # Errors
/// A body that is not JSON or not of the format, with the place of the fault; nothing of it is taken then.
pub fn decode(format: Format, body: &[u8], workspace: &str, received: Timestamp) -> Result<Vec<Intake>, DecodeError> {
    let delivery = Delivery { workspace, received };
    match format {
        Format::Alert => native::alerts(body, delivery),
        Format::Incident => native::incidents(body, delivery),
        Format::SentinelIncident => each(body, |node| sentinel_incident::read(node, delivery).map(incident)),
        Format::SentinelAlert => each(body, |node| sentinel_alert::read(node, delivery).map(alert)),
        Format::Falco => each(body, |node| falco::read(node, delivery).map(alert)),
        Format::Alertmanager => {
            let body = serde_json::from_slice(body).map_err(|error| DecodeError::syntax(&error))?;
            let alerts = alertmanager::read(&Node::root(&body), delivery)?;
            Ok(alerts.into_iter().map(alert).collect())
        }
    }
}

fn alert(alert: Alert) -> Intake {
    Intake::Alert(Box::new(alert))
}

fn incident(incident: NativeIncident) -> Intake {
    Intake::Incident(Box::new(incident))
}

fn each(body: &[u8], read: impl Fn(&Node<'_>) -> Result<Intake, DecodeError>) -> Result<Vec<Intake>, DecodeError> {
    let body: Value = serde_json::from_slice(body).map_err(|error| DecodeError::syntax(&error))?;
    let root = Node::root(&body);
    match &body {
        Value::Array(_) => root.items()?.iter().map(read).collect(),
        _ => Ok(vec![read(&root)?]),
    }
}
