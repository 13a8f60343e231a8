//! The queue of a playbook that runs so many times at once (Logic Apps: the concurrency of a trigger). The store's order
//! of beginnings is the queue: a run has its turn when fewer older ones than the limit have not ended. So nothing else is
//! kept, and a restart changes nothing.
//! Invariant: a run that waits for its turn is looked at when another ends, and at the latest at its wake-up.

use super::{Drive, Driven, LEASE, Step, now};
use crate::definition::Workflow;
use crate::definition::workflow::RunConcurrency;
use crate::engine::journal::Error;
use crate::engine::lanes::Lane;
use crate::engine::shell::{Engine, lock};
use crate::engine::status::RunStatus;
use crate::store::{Next, Operation, RunRow, Transaction};

/// How many runs of a playbook go on at once, if there is a limit.
pub fn limit(workflow: &Workflow) -> Option<RunConcurrency> {
    workflow.triggers.first().and_then(|trigger| trigger.concurrency)
}

impl Drive<'_> {
    /// Waits for the run's turn; `None` if it has come.
    pub(super) async fn queue(&mut self) -> Result<Option<Driven>, Error> {
        let Some(limit) = limit(&self.workflow) else {
            return Ok(None);
        };
        if self.state.seq > 1 || self.has_turn(limit).await? {
            return Ok(None);
        }
        if let Some(by) = self.wished_end().await? {
            return self.cancel_queued(&by).await.map(Some);
        }
        let append = self.append(&mut Step::default(), Next::WakeAt(now() + LEASE))?;
        let operations = vec![Operation::Append(append)];
        self.shared.store.commit(Transaction { operations }).await?;
        // Another may have ended before the store knew that this one waits.
        Ok((!self.has_turn(limit).await?).then_some(Driven::Waiting))
    }

    async fn has_turn(&self, limit: RunConcurrency) -> Result<bool, Error> {
        let older = self.shared.store.older_open_runs(&self.state.opened.run).await?;
        Ok(older < i64::from(limit.runs))
    }

    async fn cancel_queued(&mut self, by: &str) -> Result<Driven, Error> {
        let mut step = Step::default();
        let event = self.cancelled(by);
        self.record(&mut step, event)?;
        self.commit(step).await?;
        Ok(Driven::Ended(RunStatus::Cancelled))
    }
}

impl Engine {
    /// A run waits for its turn, and another for its end. Those before it need no place: all may be taken by such who wait.
    pub(in crate::engine) async fn hasten_line(&self, last: &RunRow, workflow: &Workflow) {
        let Some(limit) = limit(workflow).filter(|_| Lane::of_number(last.lane) == Lane::Called) else {
            return;
        };
        let store = &self.shared().store;
        match store.oldest_open_runs(&last.namespace, &last.name, limit.runs).await {
            Ok(rows) => {
                for row in rows {
                    if lock(&self.shared().lanes).has(&row.id) {
                        self.nudge(row).await;
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the runs before a run that is waited for go on when a place is free"),
        }
    }

    /// A run has ended: those of the same playbook whose turn has come begin.
    pub(in crate::engine) async fn next_in_line(&self, ended: &RunRow, workflow: &Workflow) {
        let Some(limit) = limit(workflow) else { return };
        let store = &self.shared().store;
        match store.oldest_open_runs(&ended.namespace, &ended.name, limit.runs).await {
            Ok(rows) => {
                for row in rows.into_iter().filter(|row| row.seq == 1) {
                    self.nudge(row).await;
                }
            }
            Err(error) => tracing::warn!(%error, "the next runs in line begin at their wake-up"),
        }
    }
}
