//! Conditions as kstatus reads them: `Ready` always, `Reconciling` and `Stalled` only while they are true. Pure.
//! Invariant: a condition's transition time changes only together with its status, so the same outcome twice is equal.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The object is accepted and valid.
pub const READY: &str = "Ready";
/// The controller goes on trying.
pub const RECONCILING: &str = "Reconciling";
/// Trying again cannot help; a person has to change something.
pub const STALLED: &str = "Stalled";
/// The longest message, in characters: the schema of a condition allows 32,768, people read less.
const MESSAGE_MAX: usize = 2_000;

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody knows yet.
    Unknown,
}

impl Truth {
    fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// A condition that an object should show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its type, such as `Ready`.
    pub kind: &'static str,
    /// Whether it holds.
    pub truth: Truth,
    /// Why, in one CamelCase word of the API.
    pub reason: &'static str,
    /// Why, in a sentence for people; never a secret.
    pub message: String,
}

impl Shown {
    /// A condition.
    pub fn new(kind: &'static str, truth: impl Into<Truth>, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            truth: truth.into(),
            reason,
            message: message.into(),
        }
    }

    /// `Ready` is true.
    pub fn ready(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(READY, true, reason, message)
    }
}

/// The conditions of an object that now shows these and showed `before`; times stay where the status stays.
pub fn conditions(before: &[Condition], shown: &[Shown], generation: Option<i64>, now: Timestamp) -> Vec<Condition> {
    let whole_second = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let of = |shown: &Shown| {
        let status = shown.truth.as_str();
        let same = before
            .iter()
            .find(|old| old.type_ == shown.kind && old.status == status);
        Condition {
            type_: shown.kind.to_owned(),
            status: status.to_owned(),
            reason: shown.reason.to_owned(),
            message: shorten(&shown.message),
            observed_generation: generation,
            last_transition_time: same.map_or(Time(whole_second), |old| old.last_transition_time.clone()),
        }
    };
    shown.iter().map(of).collect()
}

fn shorten(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_changes_with_the_status_only() {
        let (first, later) = ("2026-01-01T00:00:00.5Z", "2026-01-02T00:00:00Z");
        let (first, later): (Timestamp, Timestamp) = (first.parse().unwrap(), later.parse().unwrap());
        let before = conditions(&[], &[Shown::ready("Succeeded", "fine")], Some(1), first);
        assert_eq!(before[0].last_transition_time.0.to_string(), "2026-01-01T00:00:00Z");
        let same = conditions(&before, &[Shown::ready("Suspended", "off")], Some(2), later);
        assert_eq!(same[0].last_transition_time, before[0].last_transition_time);
        assert_eq!(
            (same[0].reason.as_str(), same[0].observed_generation),
            ("Suspended", Some(2))
        );
        let other = [Shown::new(READY, false, "InvalidDefinition", "bad")];
        let other = conditions(&before, &other, Some(2), later);
        assert_eq!(other[0].last_transition_time.0, later);
        let again = conditions(&other, &[], Some(2), later);
        assert_eq!(again, Vec::new());
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "é".repeat(3_000);
        let cut = conditions(&[], &[Shown::ready("Succeeded", long)], None, Timestamp::UNIX_EPOCH);
        assert_eq!(cut[0].message.chars().count(), MESSAGE_MAX + 1);
    }
}
