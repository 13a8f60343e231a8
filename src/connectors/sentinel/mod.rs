//! The `azuresentinel` connector: calls that Riposte answers itself, from its own incidents.
//! [`command`] is pure: from operation, path and body to what is wanted.
//! Invariant: changes are only planned here; they commit together with the end of the action, so they happen exactly once.

mod answer;
pub mod command;
mod perform;

pub use command::{BadRequest, IncidentRef, SentinelCommand, Shape, WorkspaceRef};
pub use perform::Performer;

macro_rules! native_operations {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What Riposte itself does for an operation, as `x-riposte-operation` names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum NativeOperation { $($(#[$doc])* $name),* }

        impl NativeOperation {
            /// The operation of a name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

native_operations! {
    /// Subscribes a trigger: the playbook itself is the subscription.
    Subscribe = "subscribe",
    /// Entities - Get Accounts, Hosts, IPs and so on.
    ExtractAccounts = "extractAccounts",
    /// Entities - Get Hosts.
    ExtractHosts = "extractHosts",
    /// Entities - Get IPs.
    ExtractIps = "extractIps",
    /// Entities - Get URLs.
    ExtractUrls = "extractUrls",
    /// Entities - Get FileHashes.
    ExtractFileHashes = "extractFileHashes",
    /// Entities - Get DNS.
    ExtractDnsResolutions = "extractDnsResolutions",
    /// Get incident.
    GetIncident = "getIncident",
    /// Alert - Get incident.
    GetIncidentOfAlert = "getIncidentOfAlert",
    /// Create incident.
    CreateIncident = "createIncident",
    /// Update incident.
    UpdateIncident = "updateIncident",
    /// Add comment to incident (V3).
    AddComment = "addComment",
    /// Add task to incident.
    CreateTask = "createTask",
    /// Mark a task as completed.
    CompleteTask = "completeTask",
    /// Alert - Get incident, in its first form.
    GetCase = "getCase",
    /// Add comment to incident, in its first form.
    AddCaseComment = "addCaseComment",
    /// Change incident status, in its first form.
    SetCaseStatus = "setCaseStatus",
    /// Change incident severity, in its first form.
    SetCaseSeverity = "setCaseSeverity",
    /// Change incident title, in its first form.
    SetCaseTitle = "setCaseTitle",
    /// Change incident description, in its first form.
    SetCaseDescription = "setCaseDescription",
    /// Add labels to incident, in its first form.
    AddCaseLabels = "addCaseLabels",
    /// Remove labels from incident, in its first form.
    RemoveCaseLabels = "removeCaseLabels",
}
