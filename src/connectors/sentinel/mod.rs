//! The `azuresentinel` connector: calls that Riposte answers itself, from its own incidents.
//! [`command`] is pure: from operation, path and body to what is wanted.
//! Invariants: changes are only planned here; they commit together with the end of the action, so they happen exactly
//! once. A run changes only incidents of its playbook's namespace, of the workspace that started it, or where it was given
//! the right.

mod answer;
pub mod command;
mod perform;

pub use answer::case as case_resource;
pub use command::{BadRequest, IncidentRef, SentinelCommand, Shape, WorkspaceRef};
pub use perform::Performer;

use crate::rules::EntityKind;

/// What Riposte itself does for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeOperation {
    /// Subscribes a trigger: the playbook itself is the subscription.
    Subscribe,
    /// Entities - Get Accounts, Hosts, IPs and so on.
    Extract(EntityKind),
    /// Get incident.
    GetIncident,
    /// Alert - Get incident.
    GetIncidentOfAlert,
    /// Create incident.
    CreateIncident,
    /// Update incident.
    UpdateIncident,
    /// Add comment to incident (V3).
    AddComment,
    /// Add task to incident.
    CreateTask,
    /// Mark a task as completed.
    CompleteTask,
    /// Alert - Get incident, in its first form.
    GetCase,
    /// Add comment to incident, in its first form.
    AddCaseComment,
    /// Change incident, in its first form.
    ChangeCase(CaseChange),
}

/// The one thing that an operation of the connector's first version changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseChange {
    /// Change incident status.
    Status,
    /// Change incident severity.
    Severity,
    /// Change incident title.
    Title,
    /// Change incident description.
    Description,
    /// Add labels to incident.
    AddLabels,
    /// Remove labels from incident.
    RemoveLabels,
}

/// The names that `x-riposte-operation` knows.
const NAMES: &[(&str, NativeOperation)] = &[
    ("subscribe", NativeOperation::Subscribe),
    ("extractAccounts", NativeOperation::Extract(EntityKind::Account)),
    ("extractHosts", NativeOperation::Extract(EntityKind::Host)),
    ("extractIps", NativeOperation::Extract(EntityKind::Ip)),
    ("extractUrls", NativeOperation::Extract(EntityKind::Url)),
    ("extractFileHashes", NativeOperation::Extract(EntityKind::FileHash)),
    (
        "extractDnsResolutions",
        NativeOperation::Extract(EntityKind::DnsResolution),
    ),
    ("getIncident", NativeOperation::GetIncident),
    ("getIncidentOfAlert", NativeOperation::GetIncidentOfAlert),
    ("createIncident", NativeOperation::CreateIncident),
    ("updateIncident", NativeOperation::UpdateIncident),
    ("addComment", NativeOperation::AddComment),
    ("createTask", NativeOperation::CreateTask),
    ("completeTask", NativeOperation::CompleteTask),
    ("getCase", NativeOperation::GetCase),
    ("addCaseComment", NativeOperation::AddCaseComment),
    ("setCaseStatus", NativeOperation::ChangeCase(CaseChange::Status)),
    ("setCaseSeverity", NativeOperation::ChangeCase(CaseChange::Severity)),
    ("setCaseTitle", NativeOperation::ChangeCase(CaseChange::Title)),
    (
        "setCaseDescription",
        NativeOperation::ChangeCase(CaseChange::Description),
    ),
    ("addCaseLabels", NativeOperation::ChangeCase(CaseChange::AddLabels)),
    (
        "removeCaseLabels",
        NativeOperation::ChangeCase(CaseChange::RemoveLabels),
    ),
];

impl NativeOperation {
    /// The operation that `x-riposte-operation` names.
    pub fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, operation)| *operation)
    }
}
