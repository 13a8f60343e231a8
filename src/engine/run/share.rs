//! A run of a store that replicas share: how it is left to another replica.
//! Invariant: a run that is left begins nothing; what was answered to it is kept.

use std::time::Duration;

use super::{Drive, Driven, Step, now};
use crate::engine::journal::Error;
use crate::store::{Next, Operation, Transaction};

/// How often a run that waits for its last calls looks whether it is still held.
const LOOK: Duration = Duration::from_millis(500);

impl Drive<'_> {
    /// Whether something new may begin.
    pub(super) fn may_go_on(&self) -> bool {
        !self.leaving && self.is_held()
    }

    pub(super) fn is_held(&self) -> bool {
        self.shared.holds(&self.state.opened.run)
    }

    /// Leaves the run to another replica. While it is still held, calls in flight land first. Whether what they answered
    /// came in time, the fence tells.
    pub(super) async fn leave(mut self, mut step: Step) -> Result<Driven, Error> {
        loop {
            if !step.events.is_empty() || !step.with.is_empty() {
                let next = match &self.state.closed {
                    Some(_) => self.next(&step),
                    None => Next::WakeAt(now()),
                };
                self.keep(&mut step, next).await?;
            }
            if let Some(closed) = &self.state.closed {
                return Ok(Driven::Ended(closed.status));
            }
            if self.flying.is_empty() || !self.is_held() {
                return Ok(Driven::Left);
            }
            if let Ok(Some(joined)) = tokio::time::timeout(LOOK, self.calls.join_next_with_id()).await {
                let answers = Vec::from_iter(self.landed(joined));
                self.settle(&mut step, answers).await?;
            }
        }
    }

    /// Commits what a step holds, and tells of it.
    pub(super) async fn keep(&mut self, step: &mut Step, next: Next) -> Result<(), Error> {
        let append = self.append(step, next)?;
        let with = std::mem::take(&mut step.with).into_iter().chain(self.closing());
        let operations = with.chain([Operation::Append(append)]).collect();
        self.shared.store.commit(Transaction { operations }).await?;
        self.unsubscribe_ended();
        self.shared
            .observe(&self.state.opened.run, &self.workflow, std::mem::take(&mut step.events));
        Ok(())
    }
}
