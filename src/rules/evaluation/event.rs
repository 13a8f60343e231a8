//! What happens while rules are evaluated: the journal of an evaluation. The JSON form is stored, so it only grows.

use serde::{Deserialize, Serialize};

use crate::api::AutomationRuleSpec;
use crate::rules::{Author, IncidentUpdates};

/// Why rules are evaluated.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(tag = "kind", rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "read one at a time, never kept in bulk")]
pub enum Occasion {
    /// An incident was made.
    IncidentCreated {
        /// Its id.
        incident: String,
    },
    /// An incident changed.
    IncidentUpdated {
        /// Its id.
        incident: String,
        /// What changed.
        updates: IncidentUpdates,
    },
    /// An alert came.
    AlertCreated {
        /// Its id.
        alert: String,
        /// The incident that it joined, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<String>,
    },
}

impl Occasion {
    /// The name, such as `IncidentCreated`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::IncidentCreated { .. } => "IncidentCreated",
            Self::IncidentUpdated { .. } => "IncidentUpdated",
            Self::AlertCreated { .. } => "AlertCreated",
        }
    }

    /// The incident that it is about.
    pub fn incident(&self) -> Option<&str> {
        match self {
            Self::IncidentCreated { incident } | Self::IncidentUpdated { incident, .. } => Some(incident),
            Self::AlertCreated { incident, .. } => incident.as_deref(),
        }
    }

    /// What changed, if something that was there did.
    pub fn updates(&self) -> Option<&IncidentUpdates> {
        match self {
            Self::IncidentUpdated { updates, .. } => Some(updates),
            Self::IncidentCreated { .. } | Self::AlertCreated { .. } => None,
        }
    }

    /// Who made the change, if it is known.
    pub fn author(&self) -> Option<&Author> {
        self.updates().map(|updates| &updates.updated_by)
    }
}

/// A rule as it was when the evaluation began.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct PinnedRule {
    /// Name of the rule in its workspace.
    pub name: String,
    /// Its definition.
    pub spec: AutomationRuleSpec,
}

/// What came of an action.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "result", rename_all = "camelCase")]
pub enum ActionOutcome {
    /// It did what it should; a playbook counts when it was started, whatever becomes of its run.
    Done,
    /// It did not.
    Failed {
        /// Stable code, such as `MissingGrant`, `PlaybookNotFound`, `UnsupportedTrigger`.
        code: String,
        /// What failed and why.
        message: String,
        /// What a person can do about it, such as the manifest of a grant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remedy: Option<String>,
    },
}

/// Why a rule goes on after starting a playbook.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "reason", rename_all = "camelCase")]
pub enum ContinueReason {
    /// The run ended.
    Ended {
        /// Its status, such as `Succeeded`.
        status: String,
    },
    /// The run goes on, but the rule waits no longer.
    TimeUp,
}

/// What became of a rule, in the words of the health table of Microsoft Sentinel.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub enum RuleStatus {
    /// Every action was done.
    Success,
    /// An action failed, but not the first.
    PartialSuccess,
    /// The first action failed.
    Failure,
}

/// A rule that matched, with what became of it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct EndedRule {
    /// Name of the rule.
    pub name: String,
    /// What became of it.
    pub status: RuleStatus,
}

/// One entry of the journal. `rule` counts in the pinned rules and `action` in the actions of that rule, from 0.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(tag = "type", rename_all = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "read one at a time, never kept in bulk")]
pub enum Event {
    /// The evaluation was ordered; the first event.
    Opened {
        /// Why.
        occasion: Occasion,
        /// How many changes by automation led to it, one by the other; 0 after a person or a new alert.
        #[serde(default, skip_serializing_if = "is_zero")]
        depth: u32,
    },
    /// These rules will be evaluated, in this order.
    Pinned {
        /// The rules.
        rules: Vec<PinnedRule>,
    },
    /// A rule does not apply.
    Skipped {
        /// The rule.
        rule: usize,
        /// The condition that does not hold, or another reason.
        reason: String,
    },
    /// A rule applies; its actions follow.
    Matched {
        /// The rule.
        rule: usize,
    },
    /// A rule applies, but too many changes by automation led to this one: it does nothing.
    Stopped {
        /// The rule.
        rule: usize,
    },
    /// An action is over.
    Done {
        /// The rule.
        rule: usize,
        /// The action.
        action: usize,
        /// What came of it.
        outcome: ActionOutcome,
    },
    /// An action started a playbook; the rule waits for it.
    Started {
        /// The rule.
        rule: usize,
        /// The action.
        action: usize,
        /// Id of the run.
        run: String,
        /// How long the rule waits at most, in milliseconds since the Unix epoch.
        until: i64,
    },
    /// The rule waits no longer for the playbook.
    Continued {
        /// The rule.
        rule: usize,
        /// The action.
        action: usize,
        /// Why.
        why: ContinueReason,
    },
    /// The evaluation is over; the last event.
    Ended {
        /// The rules that matched.
        rules: Vec<EndedRule>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(depth: &u32) -> bool {
    *depth == 0
}

impl Event {
    /// The name, such as `Opened`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "Opened",
            Self::Pinned { .. } => "Pinned",
            Self::Skipped { .. } => "Skipped",
            Self::Matched { .. } => "Matched",
            Self::Stopped { .. } => "Stopped",
            Self::Done { .. } => "Done",
            Self::Started { .. } => "Started",
            Self::Continued { .. } => "Continued",
            Self::Ended { .. } => "Ended",
        }
    }
}
