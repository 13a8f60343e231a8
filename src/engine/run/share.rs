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
        if !step.calls.is_empty() {
            // They are not made, so they are not announced either: whoever goes on would take their outcomes for unknown.
            return Ok(Driven::Left);
        }
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

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::engine::silent;

    #[tokio::test]
    async fn a_run_that_is_left_announces_no_call_that_it_does_not_make() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, fresh) = silent::with_a_run(&folder).await;
        let (shared, run) = (engine.shared().clone(), fresh.row.id.clone());
        let workflow = shared.workflow("hash").await.unwrap();
        let (_sender, mut control) = mpsc::channel(1);
        let mut drive = Drive::begin(shared.clone(), workflow.clone(), fresh, &mut control).unwrap();
        let (mut step, ready) = (Step::default(), drive.state.ready(&workflow));
        drive.plan(&mut step, ready).await.unwrap();
        assert_eq!(step.calls.len(), 1);
        assert_eq!(drive.leave(step).await.unwrap(), Driven::Left);
        let row = shared.store.run(&run).await.unwrap().unwrap();
        assert_eq!((row.seq, row.ended_at), (1, None), "it has not begun");
    }
}
