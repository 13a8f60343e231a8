//! Checks of automation rules, as Microsoft Sentinel makes them when a rule is saved.

use crate::api::automation_rule::{
    ArrayType, AutomationRuleSpec, Classification, ClassificationReason, Condition, GroupMember, IncidentStatus,
    ItemCondition, ModifyProperties, PlainCondition, PropertyArrayCondition, PropertyChangedCondition, RuleAction,
    TriggersOn, TriggersWhen,
};
use crate::api::cel;
use crate::api::finding::Finding;
use crate::api::incident::IncidentSpec;

/// Checks an automation rule.
pub(in crate::api) fn automation_rule(spec: &AutomationRuleSpec) -> Vec<Finding> {
    let mut checker = Checker {
        spec,
        findings: Vec::new(),
    };
    checker.trigger();
    for (index, condition) in spec.conditions.iter().enumerate() {
        checker.condition(&format!("/spec/conditions/{index}"), condition);
    }
    for (index, action) in spec.actions.iter().enumerate() {
        checker.action(&format!("/spec/actions/{index}"), action);
    }
    checker.findings
}

/// A condition of any level.
enum Part<'a> {
    Property,
    Changed(&'a PropertyChangedCondition),
    ArrayChanged,
    Array(&'a PropertyArrayCondition),
}

struct Checker<'a> {
    spec: &'a AutomationRuleSpec,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn push(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.findings.push(Finding::new(pointer, code, message));
    }

    fn trigger(&mut self) {
        let spec = self.spec;
        if spec.triggers_on == TriggersOn::Alerts && spec.triggers_when == TriggersWhen::Updated {
            self.push("/spec/triggersWhen", "AlertsOnlyCreated", cel::ALERTS_ONLY_CREATED);
        }
        if let Some(text) = &spec.expiration_time
            && text.parse::<jiff::Timestamp>().is_err()
        {
            let message = "`expirationTime` is no RFC 3339 time; write it like `2026-12-31T23:00:00Z`";
            self.push("/spec/expirationTime", "InvalidTime", message);
        }
    }

    fn condition(&mut self, pointer: &str, condition: &Condition) {
        match condition {
            Condition::Property(_) => self.part(pointer, Part::Property),
            Condition::PropertyChanged(changed) => self.part(pointer, Part::Changed(changed)),
            Condition::PropertyArrayChanged(_) => self.part(pointer, Part::ArrayChanged),
            Condition::PropertyArray(array) => self.part(pointer, Part::Array(array)),
            Condition::Boolean(group) => {
                for (index, inner) in group.inner_conditions.iter().enumerate() {
                    self.member(&format!("{pointer}/boolean/innerConditions/{index}"), inner);
                }
            }
        }
    }

    fn member(&mut self, pointer: &str, member: &GroupMember) {
        match member {
            GroupMember::Property(_) => self.part(pointer, Part::Property),
            GroupMember::PropertyChanged(changed) => self.part(pointer, Part::Changed(changed)),
            GroupMember::PropertyArrayChanged(_) => self.part(pointer, Part::ArrayChanged),
            GroupMember::PropertyArray(array) => self.part(pointer, Part::Array(array)),
            GroupMember::Boolean(group) => {
                for (index, inner) in group.inner_conditions.iter().enumerate() {
                    self.plain(&format!("{pointer}/boolean/innerConditions/{index}"), inner);
                }
            }
        }
    }

    fn plain(&mut self, pointer: &str, condition: &PlainCondition) {
        match condition {
            PlainCondition::Property(_) => self.part(pointer, Part::Property),
            PlainCondition::PropertyChanged(changed) => self.part(pointer, Part::Changed(changed)),
            PlainCondition::PropertyArrayChanged(_) => self.part(pointer, Part::ArrayChanged),
            PlainCondition::PropertyArray(array) => self.part(pointer, Part::Array(array)),
        }
    }

    fn part(&mut self, pointer: &str, part: Part<'_>) {
        match part {
            Part::Property => {}
            Part::Changed(changed) => {
                self.only_updated(pointer, "propertyChanged");
                self.changed(&format!("{pointer}/propertyChanged"), changed);
            }
            Part::ArrayChanged => self.only_updated(pointer, "propertyArrayChanged"),
            Part::Array(array) => self.array(&format!("{pointer}/propertyArray"), array),
        }
    }

    fn only_updated(&mut self, pointer: &str, name: &str) {
        if self.spec.triggers_when == TriggersWhen::Created {
            let message = format!("{}, so also `{name}`", cel::NEEDS_UPDATED);
            self.push(format!("{pointer}/{name}"), "NeedsUpdated", message);
        }
    }

    fn changed(&mut self, pointer: &str, changed: &PropertyChangedCondition) {
        let has_comparison = changed.operator.is_some() || !changed.property_values.is_empty();
        match changed.change_type {
            None if has_comparison => {
                self.push(pointer, "MissingField", cel::VALUES_NEED_CHANGE_TYPE);
            }
            Some(_) if changed.property_values.is_empty() => {
                self.push(pointer, "MissingField", cel::CHANGE_TYPE_NEEDS_VALUES);
            }
            None | Some(_) => {}
        }
    }

    fn array(&mut self, pointer: &str, array: &PropertyArrayCondition) {
        if array.array_type == ArrayType::CustomDetailValues {
            self.push(format!("{pointer}/arrayType"), "WrongArray", cel::VALUES_ONLY_INSIDE);
        }
        for (index, item) in array.item_conditions.iter().enumerate() {
            let ItemCondition::PropertyArray(values) = item else {
                continue;
            };
            let fits =
                array.array_type == ArrayType::CustomDetails && values.array_type == ArrayType::CustomDetailValues;
            if !fits {
                let message = "a list inside a list must be `CustomDetailValues` inside `CustomDetails`";
                self.push(
                    format!("{pointer}/itemConditions/{index}/propertyArray/arrayType"),
                    "WrongArray",
                    message,
                );
            }
        }
    }

    fn action(&mut self, pointer: &str, action: &RuleAction) {
        let name = match action {
            RuleAction::RunPlaybook(_) => return,
            RuleAction::ModifyProperties(change) => {
                self.modify(&format!("{pointer}/modifyProperties"), change);
                "modifyProperties"
            }
            RuleAction::AddIncidentTask(_) => "addIncidentTask",
        };
        if self.spec.triggers_on == TriggersOn::Alerts {
            let message = format!("{}, not `{name}`", cel::ALERTS_ONLY_RUN_PLAYBOOK);
            self.push(format!("{pointer}/{name}"), "AlertsOnlyRunPlaybook", message);
        }
    }

    fn modify(&mut self, pointer: &str, change: &ModifyProperties) {
        if *change == ModifyProperties::default() {
            self.push(pointer, "NothingToDo", cel::NOTHING_TO_DO);
        }
        self.findings.extend(closing(pointer, change));
    }
}

/// Checks the wishes about an incident.
pub(in crate::api) fn incident(spec: &IncidentSpec) -> Vec<Finding> {
    let change = ModifyProperties {
        status: spec.status,
        classification: spec.classification,
        classification_reason: spec.classification_reason,
        classification_comment: spec.classification_comment.clone(),
        ..ModifyProperties::default()
    };
    closing("/spec", &change)
}

/// What Microsoft Sentinel wants to know when an incident is closed.
fn closing(pointer: &str, change: &ModifyProperties) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_closing = change.status == Some(IncidentStatus::Closed);
    if is_closing && change.classification.is_none() {
        findings.push(Finding::new(
            pointer,
            "MissingClassification",
            cel::NEEDS_CLASSIFICATION,
        ));
    }
    if change.classification == Some(Classification::FalsePositive) && change.classification_reason.is_none() {
        findings.push(Finding::new(pointer, "MissingReason", cel::NEEDS_REASON));
    }
    let is_classifying = change.classification.is_some()
        || change.classification_reason.is_some()
        || change.classification_comment.is_some();
    if is_classifying && !is_closing {
        findings.push(Finding::new(pointer, "ClassificationWithoutClosing", cel::ONLY_CLOSED));
    }
    if let (Some(classification), Some(reason)) = (change.classification, change.classification_reason)
        && classification_of(reason) != classification
    {
        let hint = "pairs are TruePositive with SuspiciousActivity, BenignPositive with SuspiciousButExpected, \
                    FalsePositive with IncorrectAlertLogic or InaccurateData";
        let pointer = format!("{pointer}/classificationReason");
        findings.push(Finding::new(pointer, "WrongReason", cel::WRONG_REASON).with_hint(Some(hint.to_owned())));
    }
    findings
}

/// The classification that a reason goes with.
fn classification_of(reason: ClassificationReason) -> Classification {
    match reason {
        ClassificationReason::SuspiciousActivity => Classification::TruePositive,
        ClassificationReason::SuspiciousButExpected => Classification::BenignPositive,
        ClassificationReason::IncorrectAlertLogic | ClassificationReason::InaccurateData => {
            Classification::FalsePositive
        }
    }
}
