//! Whether the connector can be used.

use std::time::Duration;

use super::dereference::Dereferenced;
use crate::controllers::condition::Shown;
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::{Seen, together};

/// When to look again for a ConfigMap; the catalog tells sooner.
const RETRY: Duration = Duration::from_secs(30);

pub(super) fn validate(seen: &Seen<'_>, found: &Dereferenced) -> Result<Shown, ReconcileError> {
    let messages = |diagnostics: &[crate::api::Diagnostic]| {
        let messages = diagnostics.iter().map(|diagnostic| diagnostic.message.clone());
        together(&messages.collect::<Vec<_>>())
    };
    if !found.broken.is_empty() {
        return Err(ReconcileError::Stalled {
            reason: "InvalidOpenApi",
            message: messages(&found.broken),
        });
    }
    match &found.connector {
        Some(connector) => {
            let count = connector.operations.len();
            Ok(Shown::ready("Succeeded", format!("{count} operations can be called")))
        }
        None => Err(ReconcileError::Waiting {
            reason: "DependencyNotReady",
            message: if found.missing.is_empty() {
                format!("the OpenAPI document of `{}` is not there yet", seen.name())
            } else {
                messages(&found.missing)
            },
            retry_after: RETRY,
        }),
    }
}
