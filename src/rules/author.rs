//! Who changed an incident. Rules can look at it (`IncidentUpdatedBySource`), and evaluation uses it so that
//! a rule does not answer to itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who changed an incident.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "type", content = "by", rename_all = "camelCase")]
pub enum Author {
    /// A person, by name.
    User(String),
    /// A playbook.
    Playbook {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// An automation rule, by name.
    Rule(String),
    /// Alerts that joined an incident.
    AlertGrouping,
    /// Another program, by name.
    Application(String),
}

impl Author {
    /// The value of `IncidentUpdatedBySource`, as the original shows it.
    pub fn source(&self) -> &'static str {
        match self {
            Self::User(_) => "User",
            Self::Playbook { .. } => "Playbook",
            Self::Rule(_) => "Automation rule",
            Self::AlertGrouping => "Alert grouping",
            Self::Application(_) => "Application",
        }
    }

    /// The name without its kind, as `incidentUpdates.updatedBy.name` has it.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Rule(name) | Self::Application(name) | Self::Playbook { name, .. } => name,
            Self::AlertGrouping => self.source(),
        }
    }
}

/// As comments and tasks name their author: a person's name, `playbook/NAME`, `rule/NAME`.
impl fmt::Display for Author {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Playbook { name, .. } => write!(formatter, "playbook/{name}"),
            Self::Rule(name) => write!(formatter, "rule/{name}"),
            Self::User(_) | Self::AlertGrouping | Self::Application(_) => formatter.write_str(self.name()),
        }
    }
}
