//! What one change did to the fields of an incident, for people: who changed what from what to what, as the activity log
//! of an incident in Microsoft Sentinel. Invariant: an activity is small, whatever the incident holds.

use serde::{Deserialize, Serialize};

use super::{Incident, Label};
use crate::api::automation_rule::Owner;

/// How much of a value is told, in characters.
const VALUE_MAX: usize = 200;

/// One change of an incident.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    /// When, RFC 3339.
    pub time: String,
    /// Who: a person, `playbook/NAME` or `rule/NAME`.
    pub author: String,
    /// What changed.
    pub changes: Vec<FieldChange>,
}

/// What became of a field.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The field.
    pub field: ActivityField,
    /// Its value before, or what was taken out of it; empty if nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// Its value after, or what was added to it; empty if nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
}

/// A field whose changes are told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ActivityField {
    Title,
    Description,
    Severity,
    Status,
    Classification,
    ClassificationReason,
    ClassificationComment,
    Owner,
    Labels,
    Alerts,
}

impl ActivityField {
    /// Its name, as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Severity => "severity",
            Self::Status => "status",
            Self::Classification => "classification",
            Self::ClassificationReason => "classification reason",
            Self::ClassificationComment => "classification comment",
            Self::Owner => "owner",
            Self::Labels => "labels",
            Self::Alerts => "alerts",
        }
    }

    /// Whether it holds several values, of which a change tells those that left and those that came.
    pub fn is_list(self) -> bool {
        match self {
            Self::Labels | Self::Alerts => true,
            Self::Title
            | Self::Description
            | Self::Severity
            | Self::Status
            | Self::Classification
            | Self::ClassificationReason
            | Self::ClassificationComment
            | Self::Owner => false,
        }
    }
}

impl FieldChange {
    /// A change between two values, both cut where they are long.
    pub fn new(field: ActivityField, from: &str, to: &str) -> Self {
        Self {
            field,
            from: cut(from),
            to: cut(to),
        }
    }
}

impl Activity {
    /// What a change did to the fields of an incident; `None` if nothing that is told.
    pub fn between(before: &Incident, after: &Incident, author: &str, time: &str) -> Option<Self> {
        let (left, joined) = labels(&before.labels, &after.labels);
        let fields: [(ActivityField, &str, &str); 9] = [
            (ActivityField::Title, &before.title, &after.title),
            (ActivityField::Description, &before.description, &after.description),
            (
                ActivityField::Severity,
                before.severity.as_str(),
                after.severity.as_str(),
            ),
            (ActivityField::Status, before.status.as_str(), after.status.as_str()),
            (
                ActivityField::Classification,
                before.classification.map_or("", |value| value.as_str()),
                after.classification.map_or("", |value| value.as_str()),
            ),
            (
                ActivityField::ClassificationReason,
                before.classification_reason.map_or("", |value| value.as_str()),
                after.classification_reason.map_or("", |value| value.as_str()),
            ),
            (
                ActivityField::ClassificationComment,
                before.classification_comment.as_deref().unwrap_or_default(),
                after.classification_comment.as_deref().unwrap_or_default(),
            ),
            (ActivityField::Owner, name(&before.owner), name(&after.owner)),
            (ActivityField::Labels, &left, &joined),
        ];
        let changed = fields.into_iter().filter(|(_, from, to)| from != to);
        let changes = changed.map(|(field, from, to)| FieldChange::new(field, from, to));
        Self::of(changes.collect(), author, time)
    }

    /// These changes by an author; `None` if there are none.
    pub fn of(changes: Vec<FieldChange>, author: &str, time: &str) -> Option<Self> {
        (!changes.is_empty()).then(|| Self {
            time: time.to_owned(),
            author: cut(author),
            changes,
        })
    }
}

/// The name of an owner that people know best; empty if there is none.
pub fn name(owner: &Owner) -> &str {
    let names = [
        &owner.assigned_to,
        &owner.user_principal_name,
        &owner.email,
        &owner.object_id,
    ];
    names.into_iter().flatten().next().map_or("", String::as_str)
}

/// The labels that left, and those that came.
fn labels(before: &[Label], after: &[Label]) -> (String, String) {
    let beyond = |these: &[Label], those: &[Label]| {
        let alone = these.iter().filter(|label| !those.contains(label));
        let names: Vec<&str> = alone.map(|label| label.label_name.as_str()).collect();
        names.join(", ")
    };
    (beyond(before, after), beyond(after, before))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str) -> Label {
        Label {
            label_name: name.to_owned(),
            label_type: "User".to_owned(),
        }
    }

    #[test]
    fn each_field_that_changed_is_told_and_long_values_are_cut() {
        let before = Incident {
            title: "Old".into(),
            labels: vec![label("a"), label("b")],
            ..Incident::default()
        };
        let after = Incident {
            title: "ä".repeat(5_000),
            labels: vec![label("b"), label("c"), label("d")],
            owner: Owner {
                email: Some("mira@example.com".into()),
                ..Owner::default()
            },
            last_modified_time: "later".into(),
            ..before.clone()
        };
        let activity = Activity::between(&before, &after, "rule/x", "now").expect("a change");
        let told: Vec<_> = activity
            .changes
            .iter()
            .map(|change| (change.field.title(), change.from.as_str(), change.to.chars().count()))
            .collect();
        assert_eq!(
            told,
            [("title", "Old", VALUE_MAX + 1), ("owner", "", 16), ("labels", "a", 4)]
        );
        assert_eq!(activity.changes[2].to, "c, d");
        assert_eq!(Activity::between(&after, &after, "rule/x", "now"), None);
    }
}
