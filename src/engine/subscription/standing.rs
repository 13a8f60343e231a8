//! How far a subscription is, in the store and for people.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::{Problem, Wish};
use crate::engine::clock::round_trip;
use crate::store::{Millis, SubscriptionRow};

/// The first wait after a failure, and the longest one.
const WAIT: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_mins(10);

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The service is asked for it.
    Making,
    /// The service has it.
    Made,
    /// The service is asked to forget it.
    Leaving,
}

/// How far it is; JSON in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Its identity, the same for each attempt.
    pub id: String,
    /// What is done about it.
    pub phase: Phase,
    /// Since when.
    pub since: Millis,
    /// How often that was tried in vain.
    #[serde(default)]
    pub attempts: u32,
    /// Why, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Standing {
    /// How far a stored one is; `None` where it cannot be read.
    pub fn of(row: &SubscriptionRow) -> Option<Self> {
        serde_json::from_str(&row.state).ok()
    }

    /// The same as text.
    pub fn to_text(&self) -> String {
        // Texts and numbers always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same subscription in another phase.
    #[must_use]
    pub fn turned(&self, phase: Phase, at: Millis) -> Self {
        Self {
            id: self.id.clone(),
            phase,
            since: at,
            attempts: 0,
            problem: None,
        }
    }

    /// The same after another attempt in vain.
    #[must_use]
    pub fn failed(&self, problem: String) -> Self {
        Self {
            attempts: self.attempts.saturating_add(1),
            problem: Some(problem),
            ..self.clone()
        }
    }

    /// How long to wait after so many attempts in vain: it doubles up to ten minutes, less a part by chance.
    pub fn wait(&self, fraction: f64) -> Duration {
        let doubled = 1_u32.checked_shl(self.attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = WAIT.saturating_mul(doubled).min(WAIT_MAX);
        wait.mul_f64(1.0 - fraction.clamp(0.0, 1.0) / 4.0)
    }
}

/// How the subscription of a trigger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The service calls.
    Subscribed,
    /// That is on its way.
    Pending,
    /// It does not, and somebody may have to do something.
    Failed,
}

/// The subscription of a playbook's trigger, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// How it stands.
    pub state: State,
    /// Stable code, such as `Subscribed`, `NoPublicUrl` or `ServiceRefused`.
    pub code: &'static str,
    /// What that means and what to do; never a secret.
    pub message: String,
}

/// Subscriptions by namespace and name of their playbooks.
pub type Subscriptions = BTreeMap<(String, String), Subscription>;

/// How what is wanted stands, given what is stored.
pub fn shown(wish: &Result<Wish, Problem>, row: Option<&SubscriptionRow>) -> Subscription {
    let pending = |code, message: &str| Subscription {
        state: State::Pending,
        code,
        message: message.to_owned(),
    };
    let wish = match wish {
        Ok(wish) => wish,
        Err(problem) => {
            return Subscription {
                state: State::Failed,
                code: problem.code(),
                message: problem.to_string(),
            };
        }
    };
    let current = row.and_then(|row| Some((row, Standing::of(row)?)));
    match current {
        Some((row, standing)) if row.fingerprint == wish.fingerprint && standing.phase != Phase::Leaving => {
            match (standing.phase, standing.problem) {
                (Phase::Made, _) => Subscription {
                    state: State::Subscribed,
                    code: "Subscribed",
                    message: format!("subscribed at its service since {}", round_trip(standing.since)),
                },
                (_, Some(problem)) => Subscription {
                    state: State::Failed,
                    code: "ServiceRefused",
                    message: format!("not subscribed at its service, which is asked again: {problem}"),
                },
                (_, None) => pending("Subscribing", "its service is asked to call"),
            }
        }
        Some(_) => pending("Resubscribing", "the subscription before this one is taken back first"),
        None => pending("Subscribing", "its service is asked to call"),
    }
}
