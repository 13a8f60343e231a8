//! What one change did to an incident: the change set that rules on updated incidents and `incidentUpdates` of the
//! incident trigger see. It holds exactly the changes that Microsoft Sentinel counts as an update; a new title is none.

use serde::{Deserialize, Serialize};

use super::{Author, Label};
use crate::api::automation_rule::{IncidentStatus, Owner, Severity};

/// A value that changed.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Change<T> {
    /// Before.
    pub from: T,
    /// After.
    pub to: T,
}

impl<T: PartialEq + Clone> Change<T> {
    /// The change, or `None` if both are the same.
    pub fn between(from: &T, to: &T) -> Option<Self> {
        (from != to).then(|| Self {
            from: from.clone(),
            to: to.clone(),
        })
    }
}

/// What one change did to an incident.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IncidentUpdates {
    /// Severity raised or lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Change<Severity>>,
    /// Status changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Change<IncidentStatus>>,
    /// Owner assigned, changed or taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Change<Owner>>,
    /// Ids of the alerts that joined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<String>,
    /// Ids of the comments that were added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<String>,
    /// Labels that were added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// Tactics that were added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tactics: Vec<String>,
    /// Who did it.
    pub updated_by: Author,
    /// When, RFC 3339.
    pub updated_time: String,
}

/// What an update touched, named as `incidentUpdates.updatedFields` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum UpdatedField {
    Severity,
    Status,
    Owner,
    Alerts,
    Comments,
    Labels,
    Tactics,
}

impl UpdatedField {
    /// The name in `updatedFields`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Severity => "Severity",
            Self::Status => "Status",
            Self::Owner => "Owner",
            Self::Alerts => "Alerts",
            Self::Comments => "Comments",
            Self::Labels => "Labels",
            Self::Tactics => "Tactics",
        }
    }
}

impl IncidentUpdates {
    /// A change set without changes.
    pub fn new(updated_by: Author, updated_time: impl Into<String>) -> Self {
        Self {
            severity: None,
            status: None,
            owner: None,
            alerts: Vec::new(),
            comments: Vec::new(),
            labels: Vec::new(),
            tactics: Vec::new(),
            updated_by,
            updated_time: updated_time.into(),
        }
    }

    /// What the update touched.
    pub fn updated_fields(&self) -> Vec<UpdatedField> {
        [
            (self.severity.is_some(), UpdatedField::Severity),
            (self.status.is_some(), UpdatedField::Status),
            (self.owner.is_some(), UpdatedField::Owner),
            (!self.alerts.is_empty(), UpdatedField::Alerts),
            (!self.comments.is_empty(), UpdatedField::Comments),
            (!self.labels.is_empty(), UpdatedField::Labels),
            (!self.tactics.is_empty(), UpdatedField::Tactics),
        ]
        .into_iter()
        .filter_map(|(touched, field)| touched.then_some(field))
        .collect()
    }

    /// Whether nothing changed that rules on updated incidents answer to.
    pub fn is_empty(&self) -> bool {
        self.updated_fields().is_empty()
    }
}
