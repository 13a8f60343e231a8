//! Why a reconciliation did not reach its aim, and what follows from it: what the object shows, when it is tried again.
//! One table for all controllers.

use std::time::Duration;

use super::condition::{READY, RECONCILING, STALLED, Shown, Truth};

/// The longest wait before the next try.
const BACKOFF_MAX: Duration = Duration::from_mins(5);

/// Why a reconciliation did not reach its aim.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Trying again cannot help: somebody has to change the object, or something that it names.
    #[error("{message}")]
    Stalled {
        /// CamelCase, part of the API.
        reason: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// Something that the object names is not there yet.
    #[error("{message}")]
    Waiting {
        /// CamelCase, part of the API.
        reason: &'static str,
        /// What is missing and what to do.
        message: String,
        /// When to look again, where no watch tells of it.
        retry_after: Duration,
    },
    /// The API server failed or refused.
    #[error("the API server did not do what was asked")]
    Transient(#[from] kube::Error),
}

/// What follows from a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequence {
    /// What the object shows.
    pub shown: Vec<Shown>,
    /// When it is tried again; `None` waits for a change.
    pub retry_after: Option<Duration>,
}

/// The consequence of a failure that is the `failures`-th in a row of this object, from 1.
pub fn consequence(error: &ReconcileError, failures: u32) -> Consequence {
    let retrying = |reason, message: &str, retry_after| Consequence {
        shown: vec![
            Shown::new(READY, Truth::False, reason, message),
            Shown::new(RECONCILING, Truth::True, "ProgressingWithRetry", message),
        ],
        retry_after: Some(retry_after),
    };
    match error {
        ReconcileError::Stalled { reason, message } => Consequence {
            shown: vec![
                Shown::new(READY, Truth::False, reason, message),
                Shown::new(STALLED, Truth::True, reason, message),
            ],
            retry_after: None,
        },
        ReconcileError::Waiting {
            reason,
            message,
            retry_after,
        } => retrying(reason, message, *retry_after),
        ReconcileError::Transient(source) => {
            let message = format!("the API server did not do what was asked: {source}");
            retrying("Progressing", &message, backoff(failures))
        }
    }
}

/// 2, 4, 8 … seconds, at most five minutes.
fn backoff(failures: u32) -> Duration {
    let seconds = 2_u64.saturating_pow(failures.clamp(1, 16));
    Duration::from_secs(seconds).min(BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stalled() -> ReconcileError {
        ReconcileError::Stalled {
            reason: "InvalidDefinition",
            message: "no trigger".into(),
        }
    }

    fn waiting() -> ReconcileError {
        ReconcileError::Waiting {
            reason: "DependencyNotReady",
            message: "no connection".into(),
            retry_after: Duration::from_secs(30),
        }
    }

    fn transient() -> ReconcileError {
        ReconcileError::Transient(kube::Error::LinesCodecMaxLineLengthExceeded)
    }

    #[test]
    fn each_failure_has_its_conditions_and_its_time() {
        let cases = [
            (stalled(), 1, "InvalidDefinition", STALLED, None),
            (waiting(), 9, "DependencyNotReady", RECONCILING, Some(30)),
            (transient(), 1, "Progressing", RECONCILING, Some(2)),
            (transient(), 3, "Progressing", RECONCILING, Some(8)),
            (transient(), 40, "Progressing", RECONCILING, Some(300)),
        ];
        for (error, failures, reason, beside, seconds) in cases {
            let consequence = consequence(&error, failures);
            let [ready, other] = consequence.shown.as_slice() else {
                panic!("two conditions")
            };
            assert_eq!(
                (ready.kind, ready.truth, ready.reason),
                (READY, Truth::False, reason),
                "{error}"
            );
            assert_eq!((other.kind, other.truth), (beside, Truth::True), "{error}");
            assert_eq!(consequence.retry_after, seconds.map(Duration::from_secs), "{error}");
        }
    }
}
