//! Whether a connection can be used: what a person has to change stalls it, what may still come is waited for.

use std::time::Duration;

use super::dereference::Dereferenced;
use crate::api::Diagnostic;
use crate::connectors::ResolvedConnection;
use crate::controllers::condition::Shown;
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::together;

/// When to look again; the catalog tells sooner.
const RETRY: Duration = Duration::from_secs(30);

pub(super) fn validate(found: &Dereferenced) -> Result<(Shown, ResolvedConnection), ReconcileError> {
    let of = |codes: &[&str]| {
        let fitting = found
            .missing
            .iter()
            .filter(|diagnostic| codes.contains(&&*diagnostic.code));
        fitting.map(message).collect::<Vec<_>>()
    };
    let incomplete = of(&["MissingConnectionParameter", "UnknownBrakeOperation"]);
    if !incomplete.is_empty() {
        return Err(ReconcileError::Stalled {
            reason: "InvalidSpec",
            message: together(&incomplete),
        });
    }
    let waiting = |reason, message| ReconcileError::Waiting {
        reason,
        message,
        retry_after: RETRY,
    };
    let texts = of(&["MissingSecretKey", "MissingConfigMapKey"]);
    if !texts.is_empty() {
        // Why it cannot be read says more than that it is not there.
        let known = texts
            .iter()
            .map(|text| explain(text, &found.unreadable))
            .collect::<Vec<_>>();
        return Err(waiting("SecretNotFound", together(&known)));
    }
    let connector = of(&["UnknownConnector"]);
    if !connector.is_empty() {
        return Err(waiting("DependencyNotReady", together(&connector)));
    }
    match &found.resolved {
        Ok(connection) => Ok((Shown::ready("Succeeded", "accepted and valid"), connection.clone())),
        Err(reason) => Err(waiting("DependencyNotReady", reason.clone())),
    }
}

fn message(diagnostic: &Diagnostic) -> String {
    diagnostic.message.clone()
}

/// The reason for a missing text, where one is known: both begin with kind and name.
fn explain(missing: &str, reasons: &[String]) -> String {
    let begin = missing.splitn(3, '`').take(2).collect::<Vec<_>>().join("`");
    let mut fitting = reasons.iter().filter(|reason| reason.starts_with(&format!("{begin}`")));
    fitting.next().cloned().unwrap_or_else(|| missing.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::yaml::Position;

    fn found(code: &str, message: &str) -> Dereferenced {
        Dereferenced {
            resolved: Err("not there".into()),
            missing: vec![Diagnostic::warning("f", Position::START, code, message)],
            unreadable: vec!["Secret `soc/vt` does not exist; create it".into()],
            playbooks: 0,
        }
    }

    #[test]
    fn what_may_come_is_waited_for_and_what_is_wrong_stalls() {
        let cases = [
            (
                "MissingConnectionParameter",
                "connector `x` needs the parameter `key`",
                "InvalidSpec",
                false,
            ),
            (
                "MissingSecretKey",
                "Secret `soc/vt` does not exist or has no key `key`",
                "SecretNotFound",
                true,
            ),
            (
                "UnknownConnector",
                "connector `y` is neither",
                "DependencyNotReady",
                true,
            ),
        ];
        for (code, message, expected, waits) in cases {
            match validate(&found(code, message)) {
                Err(ReconcileError::Waiting { reason, .. }) => assert!(waits && reason == expected, "{code}"),
                Err(ReconcileError::Stalled { reason, .. }) => assert!(!waits && reason == expected, "{code}"),
                other => panic!("{code}: {:?}", other.map(|(ready, _)| ready)),
            }
        }
    }

    #[test]
    fn a_reason_of_the_api_server_goes_before_the_mere_fact() {
        let reasons = ["Secret `soc/vt` may not be read".to_owned()];
        assert_eq!(
            explain("Secret `soc/vt` does not exist or has no key `k`", &reasons),
            reasons[0]
        );
        let other = "Secret `soc/other` does not exist or has no key `k`";
        assert_eq!(explain(other, &reasons), other);
    }
}
