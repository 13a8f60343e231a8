//! What the status of a rule says.

use std::time::Duration;

use jiff::Timestamp;

use super::dereference::Dereferenced;
use crate::api::status::{AutomationRuleStatus, MissingGrant};
use crate::controllers::condition::{Shown, Truth};
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::Progress;
use crate::grants::{self, Permission, RUN_VERB};

/// Every playbook of the rule may be run.
const GRANTED: &str = "Granted";
/// The rule's time is over.
const EXPIRED: &str = "Expired";
/// The most grants that a status names.
const GRANTS_MAX: usize = 20;
/// When to ask again for a permission that comes or goes without a grant: no watch tells of it.
const UNWATCHED: Duration = Duration::from_secs(10);
/// When to ask again for permissions that grants give.
const WATCHED: Duration = Duration::from_mins(1);

pub(super) fn update_status(
    found: &Dereferenced,
    validated: Result<Shown, ReconcileError>,
    now: Timestamp,
) -> Progress {
    if found.rule.is_none() {
        return Progress::of(validated);
    }
    let missing = missing(found);
    let status = AutomationRuleStatus {
        missing_grants: missing.iter().take(GRANTS_MAX).map(|grant| summary(grant)).collect(),
        ..AutomationRuleStatus::default()
    };
    let granted = granted(found, &missing);
    let mut progress = Progress::of(validated).with_status(&status);
    if !found.permissions.is_empty() {
        let is_watched = granted.truth == Truth::True && found.covered;
        progress.again = if is_watched { WATCHED } else { UNWATCHED };
    }
    progress.beside.push(granted);
    if is_expired(found, now) {
        let message = "the rule's expiration time has passed; it does nothing any more";
        progress.beside.push(Shown::new(EXPIRED, true, EXPIRED, message));
    }
    progress
}

fn missing(found: &Dereferenced) -> Vec<&grants::MissingGrant> {
    let missing = found.permissions.iter().filter_map(|permission| match permission {
        Ok(Permission::Missing(missing)) => Some(missing),
        Ok(Permission::Granted) | Err(_) => None,
    });
    missing.collect()
}

fn granted(found: &Dereferenced, missing: &[&grants::MissingGrant]) -> Shown {
    if let Some(first) = missing.first() {
        let more = match missing.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let message = format!("{first}{more}:\n{}", first.command());
        return Shown::new(GRANTED, false, "GrantMissing", message);
    }
    let undecided = found
        .permissions
        .iter()
        .find_map(|permission| permission.as_ref().err());
    match undecided {
        Some(undecided) => Shown::new(GRANTED, Truth::Unknown, "Undecided", undecided.to_string()),
        None if found.permissions.is_empty() => {
            Shown::new(GRANTED, true, "NothingToGrant", "the rule runs no playbook")
        }
        None => Shown::new(
            GRANTED,
            true,
            "Granted",
            "the workspace may run every playbook of the rule",
        ),
    }
}

fn summary(missing: &grants::MissingGrant) -> MissingGrant {
    MissingGrant {
        namespace: missing.namespace.clone(),
        playbook: missing.playbook.clone(),
        account: missing.account(),
        verb: RUN_VERB.to_owned(),
        command: missing.command(),
    }
}

fn is_expired(found: &Dereferenced, now: Timestamp) -> bool {
    let text = found
        .rule
        .as_ref()
        .and_then(|rule| rule.spec.expiration_time.as_deref());
    let time = text.and_then(|text| text.parse::<Timestamp>().ok());
    time.is_some_and(|time| time <= now)
}
