//! Conditions of automation rules, decided on an incident as earlier rules left it. A condition that cannot be decided
//! (a change asked of a new incident, a property that the incident has not) does not hold; nothing here fails.

mod explain;
mod list;
mod operator;
mod property;

use crate::api::AutomationRuleSpec;
use crate::api::automation_rule::{
    ChangeType, ChangedArray, ChangedProperty, Condition, GroupMember, GroupOperator, Operator, PlainCondition,
    PropertyArrayChangedCondition, PropertyChangedCondition, PropertyCondition,
};
use crate::rules::evaluation::Occasion;
use crate::rules::{Alert, Change, IncidentView};

pub use explain::Unmet;
use list::Item;

/// What a rule is decided on.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The incident as it is now. For an alert without incident: [`IncidentView::of_alert`].
    pub view: &'a IncidentView,
    /// Why the rules are evaluated.
    pub occasion: &'a Occasion,
}

impl<'a> Subject<'a> {
    /// The alerts that count: the new one of a new alert, else all of the incident.
    fn alerts(self) -> impl Iterator<Item = &'a Alert> {
        let only = match self.occasion {
            Occasion::AlertCreated { alert, .. } => Some(alert),
            Occasion::IncidentCreated { .. } | Occasion::IncidentUpdated { .. } => None,
        };
        let alerts = self.view.alerts.iter();
        alerts.filter(move |alert| only.is_none_or(|id| *id == alert.id))
    }
}

/// Whether the rule applies: its scope and all its conditions. Whether it is on at all says
/// [`is_active`](crate::rules::evaluation::is_active).
pub fn holds(rule: &AutomationRuleSpec, subject: &Subject) -> bool {
    unmet(rule, subject).is_none()
}

/// The first thing that keeps the rule from applying; `None` if it applies.
pub fn unmet(rule: &AutomationRuleSpec, subject: &Subject) -> Option<Unmet> {
    if !rule.analytics_rules.is_empty() {
        let found = property::rule_names(*subject);
        if !operator::compare(Operator::Equals, &found, &rule.analytics_rules) {
            return Some(Unmet::analytics_rules(&rule.analytics_rules, &found));
        }
    }
    let scope = Scope {
        subject: *subject,
        item: None,
    };
    let position = rule.conditions.iter().position(|condition| !condition.test(&scope))?;
    Some(Unmet::condition(position, &rule.conditions[position], &scope))
}

/// What a condition is decided on: the subject, and inside of a list the item.
#[derive(Clone, Copy, Debug)]
struct Scope<'a> {
    subject: Subject<'a>,
    item: Option<Item<'a>>,
}

/// Something that holds or does not. The levels of groups are types of their own, so this ends after two.
trait Test {
    fn test(&self, scope: &Scope) -> bool;
}

impl Test for Condition {
    fn test(&self, scope: &Scope) -> bool {
        match self {
            Self::Property(condition) => condition.test(scope),
            Self::PropertyChanged(condition) => condition.test(scope),
            Self::PropertyArrayChanged(condition) => condition.test(scope),
            Self::PropertyArray(condition) => condition.test(scope),
            Self::Boolean(group) => joined(group.operator, &group.inner_conditions, scope),
        }
    }
}

impl Test for GroupMember {
    fn test(&self, scope: &Scope) -> bool {
        match self {
            Self::Property(condition) => condition.test(scope),
            Self::PropertyChanged(condition) => condition.test(scope),
            Self::PropertyArrayChanged(condition) => condition.test(scope),
            Self::PropertyArray(condition) => condition.test(scope),
            Self::Boolean(group) => joined(group.operator, &group.inner_conditions, scope),
        }
    }
}

impl Test for PlainCondition {
    fn test(&self, scope: &Scope) -> bool {
        match self {
            Self::Property(condition) => condition.test(scope),
            Self::PropertyChanged(condition) => condition.test(scope),
            Self::PropertyArrayChanged(condition) => condition.test(scope),
            Self::PropertyArray(condition) => condition.test(scope),
        }
    }
}

fn joined(operator: GroupOperator, members: &[impl Test], scope: &Scope) -> bool {
    match operator {
        GroupOperator::And => members.iter().all(|member| member.test(scope)),
        GroupOperator::Or => members.iter().any(|member| member.test(scope)),
    }
}

impl Test for PropertyCondition {
    fn test(&self, scope: &Scope) -> bool {
        let found = property::values(self.property_name, scope);
        operator::compare(self.operator, &found, &self.property_values)
    }
}

impl Test for PropertyChangedCondition {
    fn test(&self, scope: &Scope) -> bool {
        let Some(change) = change_of(self.property_name, scope.subject) else {
            return false;
        };
        if self.property_values.is_empty() {
            return true;
        }
        let found = match self.change_type {
            Some(ChangeType::ChangedFrom) => change.from,
            Some(ChangeType::ChangedTo) | None => change.to,
        };
        operator::compare(self.operator.unwrap_or_default(), &found, &self.property_values)
    }
}

/// The change of a property in this update, each side as the texts that values are compared with.
fn change_of(property: ChangedProperty, subject: Subject) -> Option<Change<Vec<String>>> {
    let updates = subject.occasion.updates()?;
    match property {
        ChangedProperty::IncidentSeverity => updates.severity.as_ref().map(|change| Change {
            from: vec![change.from.as_str().to_owned()],
            to: vec![change.to.as_str().to_owned()],
        }),
        ChangedProperty::IncidentStatus => updates.status.as_ref().map(|change| Change {
            from: vec![change.from.as_str().to_owned()],
            to: vec![change.to.as_str().to_owned()],
        }),
        ChangedProperty::IncidentOwner => updates.owner.as_ref().map(|change| Change {
            from: property::owner_names(&change.from),
            to: property::owner_names(&change.to),
        }),
    }
}

impl Test for PropertyArrayChangedCondition {
    fn test(&self, scope: &Scope) -> bool {
        let Some(updates) = scope.subject.occasion.updates() else {
            return false;
        };
        match self.array_type {
            ChangedArray::Alerts => !updates.alerts.is_empty(),
            ChangedArray::Labels => !updates.labels.is_empty(),
            ChangedArray::Tactics => !updates.tactics.is_empty(),
            ChangedArray::Comments => !updates.comments.is_empty(),
        }
    }
}
