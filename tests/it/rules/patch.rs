//! Changes of incidents: what they do, what they report, and what is refused.

use riposte::api::automation_rule::{
    Classification, ClassificationReason, IncidentStatus, ModifyProperties, Owner, Severity,
};
use riposte::rules::{Author, Incident, IncidentUpdates, Patch, PatchError, UpdatedField};

use super::{NOW, texts, view};

fn apply(incident: &Incident, patch: &Patch) -> Result<(Incident, IncidentUpdates), PatchError> {
    incident.apply(patch, &Author::User("ann".to_owned()), NOW)
}

fn closing(classification: Option<Classification>, reason: Option<ClassificationReason>) -> Patch {
    Patch {
        status: Some(IncidentStatus::Closed),
        classification,
        classification_reason: reason,
        ..Patch::default()
    }
}

fn names(incident: &Incident) -> Vec<&str> {
    incident.labels.iter().map(|label| &*label.label_name).collect()
}

#[test]
fn what_changes_is_reported() {
    let before = view().incident;
    let patch = Patch {
        title: Some("Another title".to_owned()),
        severity: Some(Severity::High),
        owner: Some(Owner::default()),
        labels_to_add: texts(&["PROD", "new", "New"]),
        labels_to_remove: texts(&["NOISY"]),
        ..Patch::default()
    };
    let (after, updates) = apply(&before, &patch).unwrap();
    assert_eq!(after.title, "Another title");
    assert_eq!((after.severity, &after.owner), (Severity::High, &Owner::default()));
    assert_eq!(names(&after), ["Prod", "new"]);
    assert_eq!(after.last_modified_time, NOW);
    assert_eq!((after.number, after.version), (before.number, before.version));
    assert_eq!(
        updates.updated_fields(),
        [UpdatedField::Severity, UpdatedField::Owner, UpdatedField::Labels]
    );
    assert_eq!(
        updates.severity.map(|change| (change.from, change.to)),
        Some((Severity::Medium, Severity::High))
    );
    assert_eq!(updates.labels.len(), 1);
    assert_eq!(
        (updates.updated_by, &*updates.updated_time),
        (Author::User("ann".to_owned()), NOW)
    );
}

#[test]
fn a_change_that_changes_nothing_leaves_no_trace() {
    let before = view().incident;
    let patch = Patch {
        severity: Some(before.severity),
        status: Some(before.status),
        labels_to_add: texts(&["prod"]),
        ..Patch::default()
    };
    let (after, updates) = apply(&before, &patch).unwrap();
    assert_eq!(after, before);
    assert!(updates.is_empty());
}

#[test]
fn a_new_title_is_no_update_that_rules_answer_to() {
    let patch = Patch {
        title: Some("x".to_owned()),
        labels_to_remove: texts(&["prod"]),
        ..Patch::default()
    };
    let (after, updates) = apply(&view().incident, &patch).unwrap();
    assert!(updates.is_empty());
    assert_eq!((&*after.title, names(&after)), ("x", vec!["noisy"]));
}

#[test]
fn closing_needs_a_classification_with_a_fitting_reason() {
    use Classification as C;
    use ClassificationReason as R;
    for classification in C::ALL.iter().copied() {
        for reason in R::ALL.iter().copied() {
            let fits = matches!(
                (classification, reason),
                (C::TruePositive, R::SuspiciousActivity)
                    | (C::BenignPositive, R::SuspiciousButExpected)
                    | (C::FalsePositive, R::IncorrectAlertLogic | R::InaccurateData)
            );
            let result = apply(&view().incident, &closing(Some(classification), Some(reason)));
            match result {
                Ok((after, _)) if fits => assert_eq!(after.classification_reason, Some(reason)),
                other => assert_eq!(other.err(), Some(PatchError::ReasonMismatch(classification, reason))),
            }
        }
    }
    let without_reason = |classification| apply(&view().incident, &closing(classification, None));
    assert_eq!(without_reason(None).err(), Some(PatchError::Unclassified));
    assert_eq!(
        without_reason(Some(C::FalsePositive)).err(),
        Some(PatchError::ReasonMissing(C::FalsePositive))
    );
    let (undetermined, _) = without_reason(Some(C::Undetermined)).unwrap();
    assert_eq!(undetermined.classification_reason, None);
    let (certain, updates) = without_reason(Some(C::TruePositive)).unwrap();
    assert_eq!(certain.classification_reason, Some(R::SuspiciousActivity));
    assert_eq!(updates.status.map(|change| change.to), Some(IncidentStatus::Closed));
}

#[test]
fn reopening_takes_the_classification_away() {
    let (closed, _) = apply(&view().incident, &closing(Some(Classification::Undetermined), None)).unwrap();
    let reopen = Patch {
        status: Some(IncidentStatus::Active),
        ..Patch::default()
    };
    let (open, _) = apply(&closed, &reopen).unwrap();
    assert_eq!((open.classification, open.classification_reason), (None, None));
}

#[test]
fn a_closed_incident_can_be_changed_and_classified_anew() {
    let mut imported = view().incident;
    imported.status = IncidentStatus::Closed;
    let raise = Patch {
        severity: Some(Severity::High),
        ..Patch::default()
    };
    assert!(apply(&imported, &raise).is_ok());
    let (closed, _) = apply(&imported, &closing(Some(Classification::TruePositive), None)).unwrap();
    let remark = Patch {
        classification_comment: Some("really".to_owned()),
        ..Patch::default()
    };
    let (remarked, _) = apply(&closed, &remark).unwrap();
    assert_eq!(remarked.classification, Some(Classification::TruePositive));
    assert_eq!(remarked.classification_comment.as_deref(), Some("really"));
}

#[test]
fn what_breaks_a_limit_is_refused() {
    let long = "x".repeat(5_001);
    let too_long = |field| PatchError::TooLong {
        field,
        length: 5_001,
        limit: 5_000,
    };
    let many: Vec<String> = (0..99).map(|number| format!("label-{number}")).collect();
    let cases = [
        (
            Patch {
                title: Some(" ".to_owned()),
                ..Patch::default()
            },
            PatchError::EmptyTitle,
        ),
        (
            Patch {
                title: Some(long.clone()),
                ..Patch::default()
            },
            too_long("title"),
        ),
        (
            Patch {
                description: Some(long),
                ..Patch::default()
            },
            too_long("description"),
        ),
        (
            Patch {
                labels_to_add: texts(&[""]),
                ..Patch::default()
            },
            PatchError::EmptyLabel,
        ),
        (
            Patch {
                labels_to_add: many,
                ..Patch::default()
            },
            PatchError::TooManyLabels(101),
        ),
        (
            Patch {
                classification: Some(Classification::Undetermined),
                ..Patch::default()
            },
            PatchError::NotClosed,
        ),
    ];
    for (patch, error) in cases {
        assert_eq!(apply(&view().incident, &patch).err(), Some(error));
    }
}

#[test]
fn the_action_of_a_rule_is_a_change() {
    let action = ModifyProperties {
        status: Some(IncidentStatus::Closed),
        classification: Some(Classification::BenignPositive),
        labels: texts(&["auto"]),
        ..ModifyProperties::default()
    };
    let (after, _) = apply(&view().incident, &Patch::from(&action)).unwrap();
    assert_eq!(after.status, IncidentStatus::Closed);
    assert!(names(&after).contains(&"auto"));
}
