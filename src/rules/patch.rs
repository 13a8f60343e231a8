//! A wanted change of an incident, checked and applied in one place for rules, playbooks, people and the API.
//! Invariant: an incident is classified exactly while it is closed, and its labels are unique without regard to case.

use serde::{Deserialize, Serialize};

use super::updates::Change;
use super::{Author, Incident, IncidentUpdates, Label};
use crate::api::automation_rule::{
    Classification, ClassificationReason, IncidentStatus, ModifyProperties, Owner, Severity,
};

/// Characters that a title or a description may have.
pub const MAX_TEXT: usize = 5_000;
/// Characters that a label may have.
pub const MAX_LABEL: usize = 256;
/// Labels that an incident may have.
pub const MAX_LABELS: usize = 100;

/// What to change; what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Patch {
    /// New title, 1 to 5,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// New description, at most 5,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// New severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// New status; `Closed` needs a classification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<IncidentStatus>,
    /// Why it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classification: Option<Classification>,
    /// The reason that goes with the classification; may be left out where only one fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classification_reason: Option<ClassificationReason>,
    /// A remark on the classification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classification_comment: Option<String>,
    /// New owner; an owner without any field takes the owner away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Labels to add; one that is there in other case stays as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels_to_add: Vec<String>,
    /// Labels to remove; case does not matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels_to_remove: Vec<String>,
}

/// The action `ModifyProperties` of an automation rule as a change.
impl From<&ModifyProperties> for Patch {
    fn from(action: &ModifyProperties) -> Self {
        Self {
            severity: action.severity,
            status: action.status,
            classification: action.classification,
            classification_reason: action.classification_reason,
            classification_comment: action.classification_comment.clone(),
            owner: action.owner.clone(),
            labels_to_add: action.labels.clone(),
            ..Self::default()
        }
    }
}

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The new title has no text.
    #[error("the title is empty; give it at least one character")]
    EmptyTitle,
    /// A text is too long.
    #[error("the {field} has {length} characters, at most {limit} are allowed; shorten it")]
    TooLong {
        /// Which text.
        field: &'static str,
        /// Its length in characters.
        length: usize,
        /// The limit in characters.
        limit: usize,
    },
    /// A label has no text.
    #[error("a label is empty; give it at least one character")]
    EmptyLabel,
    /// There would be too many labels.
    #[error("the incident would have {0} labels, at most {MAX_LABELS} are allowed; remove some")]
    TooManyLabels(usize),
    /// Closing without saying why.
    #[error("closing needs a classification; give TruePositive, BenignPositive, FalsePositive or Undetermined")]
    Unclassified,
    /// A classification for an incident that stays open.
    #[error("only a closed incident has a classification; set the status to Closed as well, or leave it out")]
    NotClosed,
    /// A reason is needed, as several fit.
    #[error("the classification {} needs a reason; give one of {}", .0.as_str(), reason_names(*.0))]
    ReasonMissing(Classification),
    /// The reason does not go with the classification.
    #[error("the reason {} does not go with the classification {}; {}", .1.as_str(), .0.as_str(), reason_advice(*.0))]
    ReasonMismatch(Classification, ClassificationReason),
}

/// The reasons that go with a classification.
pub fn reasons(classification: Classification) -> &'static [ClassificationReason] {
    match classification {
        Classification::Undetermined => &[],
        Classification::TruePositive => &[ClassificationReason::SuspiciousActivity],
        Classification::BenignPositive => &[ClassificationReason::SuspiciousButExpected],
        Classification::FalsePositive => &[
            ClassificationReason::IncorrectAlertLogic,
            ClassificationReason::InaccurateData,
        ],
    }
}

fn reason_names(classification: Classification) -> String {
    let names: Vec<_> = reasons(classification).iter().map(|reason| reason.as_str()).collect();
    names.join(", ")
}

fn reason_advice(classification: Classification) -> String {
    match reasons(classification) {
        [] => "leave the reason out".to_owned(),
        _ => format!("give one of {}", reason_names(classification)),
    }
}

impl Incident {
    /// The incident after this change, and what changed in it. A change that changes nothing gives the incident as it
    /// was, its modification time included. `number` and `version` stay: the store counts them.
    ///
    /// # Errors
    /// The change breaks a limit, or does not fit the state of the incident; then nothing of it is done.
    pub fn apply(&self, patch: &Patch, author: &Author, now: &str) -> Result<(Self, IncidentUpdates), PatchError> {
        patch.check_texts()?;
        let mut after = self.clone();
        set(&mut after.title, patch.title.as_ref());
        set(&mut after.description, patch.description.as_ref());
        set(&mut after.severity, patch.severity.as_ref());
        set(&mut after.owner, patch.owner.as_ref());
        set(&mut after.status, patch.status.as_ref());
        after.classify(self.status == IncidentStatus::Closed, patch)?;
        let labels = after.relabel(patch)?;
        let updates = IncidentUpdates {
            severity: Change::between(&self.severity, &after.severity),
            status: Change::between(&self.status, &after.status),
            owner: Change::between(&self.owner, &after.owner),
            labels,
            ..IncidentUpdates::new(author.clone(), now)
        };
        if after != *self {
            now.clone_into(&mut after.last_modified_time);
        }
        Ok((after, updates))
    }

    /// Keeps the classification in step with the status, which is set already.
    fn classify(&mut self, was_closed: bool, patch: &Patch) -> Result<(), PatchError> {
        let (reason, comment) = (patch.classification_reason, patch.classification_comment.as_ref());
        if self.status != IncidentStatus::Closed {
            if patch.classification.is_some() || reason.is_some() || comment.is_some() {
                return Err(PatchError::NotClosed);
            }
            if was_closed {
                self.classification = None;
                self.classification_reason = None;
                self.classification_comment = None;
            }
            return Ok(());
        }
        let Some(classification) = patch.classification.or(self.classification) else {
            let untouched = was_closed && reason.is_none() && comment.is_none();
            return untouched.then_some(()).ok_or(PatchError::Unclassified);
        };
        if patch.classification.is_some() || reason.is_some() {
            self.classification_reason = fitting_reason(classification, reason)?;
        }
        if patch.classification.is_some() || comment.is_some() {
            self.classification_comment = comment.cloned();
        }
        self.classification = Some(classification);
        Ok(())
    }

    /// Removes and adds labels; answers the added ones.
    fn relabel(&mut self, patch: &Patch) -> Result<Vec<Label>, PatchError> {
        let before = self.labels.clone();
        let listed = |names: &[String], label: &Label| names.iter().any(|name| same(name, &label.label_name));
        self.labels.retain(|label| !listed(&patch.labels_to_remove, label));
        for name in patch.labels_to_add.iter().map(|name| name.trim()) {
            if !self.labels.iter().any(|label| same(name, &label.label_name)) {
                self.labels.push(Label {
                    label_name: name.to_owned(),
                    label_type: "User".to_owned(),
                });
            }
        }
        if self.labels.len() > MAX_LABELS && self.labels.len() > before.len() {
            return Err(PatchError::TooManyLabels(self.labels.len()));
        }
        let known = |label: &Label| before.iter().any(|old| same(&old.label_name, &label.label_name));
        Ok(self.labels.iter().filter(|label| !known(label)).cloned().collect())
    }
}

impl Patch {
    fn check_texts(&self) -> Result<(), PatchError> {
        if self.title.as_ref().is_some_and(|title| title.trim().is_empty()) {
            return Err(PatchError::EmptyTitle);
        }
        if self.labels_to_add.iter().any(|name| name.trim().is_empty()) {
            return Err(PatchError::EmptyLabel);
        }
        let texts = [
            ("title", self.title.as_ref(), MAX_TEXT),
            ("description", self.description.as_ref(), MAX_TEXT),
            ("classification comment", self.classification_comment.as_ref(), MAX_TEXT),
        ];
        let labels = self.labels_to_add.iter().map(|name| ("label", Some(name), MAX_LABEL));
        for (field, text, limit) in texts.into_iter().chain(labels) {
            let length = text.map_or(0, |text| text.chars().count());
            if length > limit {
                return Err(PatchError::TooLong { field, length, limit });
            }
        }
        Ok(())
    }
}

fn fitting_reason(
    classification: Classification,
    given: Option<ClassificationReason>,
) -> Result<Option<ClassificationReason>, PatchError> {
    match (reasons(classification), given) {
        (fitting, Some(reason)) if fitting.contains(&reason) => Ok(Some(reason)),
        (_, Some(reason)) => Err(PatchError::ReasonMismatch(classification, reason)),
        ([], None) => Ok(None),
        ([only], None) => Ok(Some(*only)),
        (_, None) => Err(PatchError::ReasonMissing(classification)),
    }
}

fn set<T: Clone>(field: &mut T, wanted: Option<&T>) {
    if let Some(value) = wanted {
        field.clone_from(value);
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
