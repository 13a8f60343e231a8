//! A run whose driving broke off. After a failure of the store it goes on as soon as the store does, and not at its
//! wake-up, which may be far away because its calls were in flight. Where another replica goes on with it, nothing is to do.

use std::sync::atomic::Ordering;

use super::journal::Error;
use super::shell::{AFTER_FAILURE, Engine};
use crate::store::{Error as StoreError, Refusal};

/// Whether a run broke off because another goes on with it.
pub(super) fn is_overtaken(error: &Error) -> bool {
    matches!(
        error,
        Error::Elsewhere(_) | Error::Store(StoreError::Refused(Refusal::StaleRun(_)))
    )
}

impl Engine {
    /// Takes a run up again that broke off by this error, if the store failed.
    pub(super) async fn go_on_after(&self, run: &str, error: &Error) {
        let has_failed = matches!(error, Error::Store(_)) && !is_overtaken(error);
        while has_failed && self.shared().serving.load(Ordering::Relaxed) {
            match self.shared().store.run(run).await {
                Ok(row) => {
                    self.line_up_all(row.into_iter().filter(|row| row.ended_at.is_none()).collect());
                    return;
                }
                Err(error) => {
                    tracing::warn!(run.id = %run, %error, "an interrupted run is not read; it is tried again");
                }
            }
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }
}
