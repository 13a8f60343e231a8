//! Which rules an occasion concerns, and in which order. Conditions come later, one rule after another, because each
//! rule sees the incident as the rules before it left it.

use std::time::Duration;

use jiff::Timestamp;

use super::event::{Occasion, PinnedRule};
use crate::api::AutomationRuleSpec;
use crate::api::automation_rule::{TriggersOn, TriggersWhen};
use crate::rules::Author;

/// How long a rule waits for a playbook that it started before it goes on with its next action.
pub const PLAYBOOK_WAIT: Duration = Duration::from_secs(120);

/// The rules that this occasion concerns: active ones that trigger on it, lower order first, equal orders by name.
///
/// A rule does not see what it did itself: where the change was made by a rule, that rule is left out. Else a rule on
/// updated incidents that changes the incident would trigger itself without end.
pub fn pin<'a>(
    rules: impl IntoIterator<Item = (&'a str, &'a AutomationRuleSpec)>,
    occasion: &Occasion,
    now: Timestamp,
) -> Vec<PinnedRule> {
    let own = |name: &str| matches!(occasion.author(), Some(Author::Rule(author)) if author == name);
    let mut pinned: Vec<_> = rules
        .into_iter()
        .filter(|(name, spec)| triggers_on(spec, occasion) && is_active(spec, now) && !own(name))
        .map(|(name, spec)| PinnedRule {
            name: name.to_owned(),
            spec: spec.clone(),
        })
        .collect();
    pinned.sort_by(|one, other| (one.spec.order, &one.name).cmp(&(other.spec.order, &other.name)));
    pinned
}

/// Whether the rule is on at this time: enabled and not expired. An expiration time that cannot be read counts as past.
pub fn is_active(rule: &AutomationRuleSpec, now: Timestamp) -> bool {
    let expired = match &rule.expiration_time {
        Some(time) => time.parse::<Timestamp>().map_or(true, |time| time <= now),
        None => false,
    };
    rule.enabled && !expired
}

fn triggers_on(rule: &AutomationRuleSpec, occasion: &Occasion) -> bool {
    let wanted = match occasion {
        Occasion::IncidentCreated { .. } => (TriggersOn::Incidents, TriggersWhen::Created),
        Occasion::IncidentUpdated { .. } => (TriggersOn::Incidents, TriggersWhen::Updated),
        Occasion::AlertCreated { .. } => (TriggersOn::Alerts, TriggersWhen::Created),
    };
    (rule.triggers_on, rule.triggers_when) == wanted
}
