//! Whether a rule can do what it says.

use std::time::Duration;

use super::dereference::Dereferenced;
use crate::controllers::condition::Shown;
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::together;

/// When to look again for a playbook; the catalog tells sooner.
const RETRY: Duration = Duration::from_secs(30);

pub(super) fn validate(found: &Dereferenced) -> Result<Shown, ReconcileError> {
    let of = |code: &str| {
        let fitting = found.problems.iter().filter(|diagnostic| diagnostic.code == code);
        fitting.map(|diagnostic| diagnostic.message.clone()).collect::<Vec<_>>()
    };
    let unfit = of("UnsupportedTrigger");
    if !unfit.is_empty() {
        return Err(ReconcileError::Stalled {
            reason: "UnsupportedTrigger",
            message: together(&unfit),
        });
    }
    let waiting = |message| ReconcileError::Waiting {
        reason: "DependencyNotReady",
        message,
        retry_after: RETRY,
    };
    if !found.invalid.is_empty() {
        let playbooks = found
            .invalid
            .iter()
            .map(|name| format!("Playbook `{name}` is invalid; its status says why"));
        return Err(waiting(together(&playbooks.collect::<Vec<_>>())));
    }
    let missing = of("MissingPlaybook");
    if !missing.is_empty() {
        return Err(waiting(format!("{}; create it", together(&missing))));
    }
    let enabled = found.rule.as_ref().is_none_or(|rule| rule.spec.enabled);
    Ok(if enabled {
        Shown::ready("Succeeded", "accepted and valid")
    } else {
        Shown::ready("Suspended", "the rule is off (`enabled: false`)")
    })
}
