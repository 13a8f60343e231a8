//! What the status of a playbook says.

use super::dereference::Dereferenced;
use crate::api::GROUP;
use crate::api::status::{ConnectionNeed, PermissionNeed, PlaybookStatus, PlaybookTriggerKind};
use crate::catalog::Playbook;
use crate::cluster::resource::API_CONNECTION;
use crate::controllers::condition::{Shown, Truth};
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::Progress;
use crate::definition;
use crate::definition::workflow::TriggerKind;
use crate::engine::subscription::{State, Subscription};

/// The services that the playbook needs answer.
const CONNECTED: &str = "Connected";
/// The service of the trigger calls the playbook.
const SUBSCRIBED: &str = "Subscribed";
/// The most connections that a status names.
const NEEDS_MAX: usize = 25;

pub(super) fn update_status(found: &Dereferenced, validated: Result<Shown, ReconcileError>) -> Progress {
    let Some(playbook) = found.playbook.as_deref() else {
        return Progress::of(validated);
    };
    let needs: Vec<ConnectionNeed> = found.needs.iter().take(NEEDS_MAX).cloned().collect();
    let status = PlaybookStatus {
        trigger: playbook.trigger_type.clone(),
        trigger_kind: Some(trigger_kind(playbook)),
        entity_type: entity_type(playbook),
        definition_digest: Some(playbook.hash.clone()),
        required_permissions: needs.iter().filter_map(permission).collect(),
        required_connections: needs,
        ..PlaybookStatus::default()
    };
    let mut progress = Progress::of(validated).with_status(&status);
    progress.beside.extend(connected(&found.needs));
    progress.beside.extend(found.subscription.as_ref().map(subscribed));
    progress
}

/// Whether the service of the trigger calls.
fn subscribed(subscription: &Subscription) -> Shown {
    let truth = match subscription.state {
        State::Subscribed => Truth::True,
        State::Pending => Truth::Unknown,
        State::Failed => Truth::False,
    };
    Shown::new(SUBSCRIBED, truth, subscription.code, subscription.message.clone())
}

fn trigger_kind(playbook: &Playbook) -> PlaybookTriggerKind {
    match definition::trigger_kind(&playbook.workflow) {
        "Incident" => PlaybookTriggerKind::Incident,
        "Alert" => PlaybookTriggerKind::Alert,
        "Entity" => PlaybookTriggerKind::Entity,
        "UsingSentinelAction" => PlaybookTriggerKind::UsingSentinelAction,
        "NotInitialized" => PlaybookTriggerKind::NotInitialized,
        _ => PlaybookTriggerKind::Other,
    }
}

fn entity_type(playbook: &Playbook) -> Option<String> {
    let trigger = playbook.workflow.triggers.first()?;
    let TriggerKind::SentinelEntity(kind) = &trigger.kind else {
        return None;
    };
    Some(kind.clone())
}

/// What its author needs for a connection.
fn permission(need: &ConnectionNeed) -> Option<PermissionNeed> {
    Some(PermissionNeed {
        subject: "author".to_owned(),
        verb: "use".to_owned(),
        group: GROUP.to_owned(),
        resource: API_CONNECTION.plural.to_owned(),
        name: Some(need.connection.clone()?),
        granted: None,
    })
}

/// Whether the services answer, as far as they were tested; nothing where none is needed.
fn connected(needs: &[ConnectionNeed]) -> Option<Shown> {
    let silent = needs.iter().find(|need| need.connected == Some(false));
    let untested = needs.iter().any(|need| need.connected.is_none());
    let shown = match silent {
        Some(need) => {
            let name = need.connection.as_deref().unwrap_or(&need.name);
            let message = format!("the service of ApiConnection `{name}` does not answer; its status says why");
            Shown::new(CONNECTED, false, "ConnectionNotReady", message)
        }
        None if untested => Shown::new(
            CONNECTED,
            Truth::Unknown,
            "NotTested",
            "not every connection was tested yet",
        ),
        None => Shown::new(CONNECTED, true, "Answered", "every service that it needs answers"),
    };
    (!needs.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_says_how_it_stands_and_what_to_do() {
        let stands = |state| {
            let message = "give its address with `--public-url`".to_owned();
            let code = "NoPublicUrl";
            let shown = subscribed(&Subscription { state, code, message });
            assert!(shown.message.contains("--public-url"));
            (shown.kind, shown.truth, shown.reason)
        };
        assert_eq!(stands(State::Failed), ("Subscribed", Truth::False, "NoPublicUrl"));
        assert_eq!(stands(State::Pending).1, Truth::Unknown);
        assert_eq!(stands(State::Subscribed).1, Truth::True);
    }
}
