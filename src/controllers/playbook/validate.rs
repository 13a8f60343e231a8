//! Whether a playbook can run: what its author has to change stalls it, what may still come is waited for, the rest is
//! a remark.

use std::time::Duration;

use super::dereference::Dereferenced;
use crate::controllers::condition::Shown;
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::together;

/// Problems with which no run can begin or end well.
const FATAL: [&str; 2] = ["UnboundConnection", "MissingParameter"];
/// Things that may still come, and the reason for waiting.
const AWAITED: [(&str, &str); 3] = [
    ("MissingConnection", "ConnectionNotReady"),
    ("MissingSecretKey", "SecretNotFound"),
    ("MissingConfigMapKey", "DependencyNotReady"),
];
/// When to look again; the catalog tells sooner.
const RETRY: Duration = Duration::from_secs(30);

pub(super) fn validate(found: &Dereferenced) -> Result<Shown, ReconcileError> {
    let of = |codes: &[&str]| {
        let fitting = found.problems.iter().filter(|problem| codes.contains(&&*problem.code));
        fitting.map(|problem| problem.message.clone()).collect::<Vec<_>>()
    };
    let fatal = of(&FATAL);
    if !fatal.is_empty() {
        return Err(ReconcileError::Stalled {
            reason: "InvalidDefinition",
            message: together(&fatal),
        });
    }
    for (code, reason) in AWAITED {
        let missing = of(&[code]);
        if !missing.is_empty() {
            return Err(ReconcileError::Waiting {
                reason,
                message: format!("{}; create it", together(&missing)),
                retry_after: RETRY,
            });
        }
    }
    let remarks = found
        .problems
        .iter()
        .map(|problem| problem.message.clone())
        .collect::<Vec<_>>();
    let remarks = match remarks.as_slice() {
        [] => String::new(),
        remarks => format!("; {}", together(remarks)),
    };
    let suspended = found.playbook.as_ref().is_some_and(|playbook| playbook.spec.suspend);
    Ok(if suspended {
        Shown::ready("Suspended", format!("new runs are refused (`suspend: true`){remarks}"))
    } else {
        Shown::ready("Succeeded", format!("accepted and valid{remarks}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Diagnostic;
    use crate::api::yaml::Position;

    fn found(problems: &[(&str, &str)]) -> Dereferenced {
        let problem = |(code, message): &(&str, &str)| Diagnostic::warning("f", Position::START, code, *message);
        Dereferenced {
            playbook: None,
            problems: problems.iter().map(problem).collect(),
            needs: Vec::new(),
            subscription: None,
        }
    }

    #[test]
    fn the_worst_problem_decides() {
        let missing = ("MissingConnection", "ApiConnection `soc/vt` does not exist");
        let unbound = ("UnboundConnection", "the definition uses connection `vt`");
        let remark = ("UnknownParameter", "the definition declares no parameter `x`");
        let stalled = validate(&found(&[remark, missing, unbound]));
        assert!(matches!(
            stalled,
            Err(ReconcileError::Stalled {
                reason: "InvalidDefinition",
                ..
            })
        ));
        let waiting = validate(&found(&[remark, missing]));
        let Err(ReconcileError::Waiting { reason, message, .. }) = waiting else {
            panic!("it does not wait")
        };
        assert_eq!(
            (reason, &*message),
            ("ConnectionNotReady", "ApiConnection `soc/vt` does not exist; create it")
        );
        let ready = validate(&found(&[remark])).unwrap();
        assert_eq!(
            (ready.reason, &*ready.message),
            (
                "Succeeded",
                "accepted and valid; the definition declares no parameter `x`"
            )
        );
    }
}
