//! The upkeep of an open store: sealed values whose time has come are erased, and what is kept for a time only is
//! forgotten, in steps so small and with such pauses that those who write meanwhile hardly notice.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Error, Forget, Mark, Millis, Operation, Store, Transaction};

/// How often a store is looked after.
const PERIOD: Duration = Duration::from_secs(60);
/// How long others have the writer for themselves between two steps.
const PAUSE: Duration = Duration::from_millis(20);
/// How long ago a run must have ended, in milliseconds, to count as one too many: who started it may want to look at it.
const GRACE: Millis = 60_000;
/// Changes that one step drops.
const CHANGES: i64 = 5_000;

/// How long and how much is kept; what is `None` is kept for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// How long a run is kept after its end, in milliseconds, with its journal.
    pub runs_for: Option<Millis>,
    /// How many runs are kept, evaluations of rules among them: the newest. Those that have not ended are kept always.
    pub runs: Option<u32>,
    /// How long an alert is kept, in milliseconds, if no incident that it joined is open or changed later.
    pub alerts_for: Option<Millis>,
    /// Whether nobody reads the log of changes, so that it is dropped.
    pub drops_changes: bool,
}

impl Store {
    /// Looks after the store every minute until `stop`, while `leads` says that it is for this process to do.
    pub async fn look_after(self, retention: Retention, leads: impl Fn() -> bool, stop: CancellationToken) {
        loop {
            if leads() {
                let now = jiff::Timestamp::now().as_millisecond();
                tokio::select! {
                    () = stop.cancelled() => return,
                    tidied = self.tidy(&retention, now) => if let Err(error) = tidied {
                        tracing::warn!(%error, "what is no longer kept was not forgotten; it is tried again in a minute");
                    },
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// Erases and forgets everything whose time has come by `now`, step by step.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed, [`Error::Refused`] if what was to be forgotten changed in the moment.
    pub async fn tidy(&self, retention: &Retention, now: Millis) -> Result<(), Error> {
        if retention.drops_changes {
            self.drop_changes().await?;
        }
        while self.step(Operation::EraseDue { now }).await? {}
        if let Some(kept_for) = retention.runs_for {
            let by = now.saturating_sub(kept_for);
            self.forget_runs(by, by).await?;
        }
        if let Some(kept) = retention.runs
            && let Some(made_by) = self.beyond_the_newest_runs(kept).await?
        {
            self.forget_runs(made_by, now.saturating_sub(GRACE)).await?;
        }
        if let Some(kept_for) = retention.alerts_for {
            self.forget_alerts(now.saturating_sub(kept_for)).await?;
        }
        Ok(())
    }

    /// One transaction, and time for others. Says whether it left something for the next.
    async fn step(&self, operation: Operation) -> Result<bool, Error> {
        let operations = vec![operation];
        let committed = self.commit(Transaction { operations }).await?;
        tokio::time::sleep(PAUSE).await;
        Ok(committed.has_more)
    }

    async fn drop_changes(&self) -> Result<(), Error> {
        let (first, last) = (self.first_change().await?, self.last_change().await?);
        let mut before = first;
        while before < last {
            before = before.saturating_add(CHANGES).min(last);
            self.step(Operation::DropChanges { before }).await?;
        }
        Ok(())
    }

    async fn forget_runs(&self, made_by: Millis, ended_by: Millis) -> Result<(), Error> {
        let mut mark: Mark = (Millis::MIN, String::new());
        loop {
            let found = self.runs_to_forget(made_by, ended_by, &mark).await?;
            let Some(last) = found.last() else { return Ok(()) };
            mark = last.clone();
            let runs = found.into_iter().map(|(_, run)| run).collect();
            self.step(Operation::Forget(Forget::Runs { runs, is_told: false }))
                .await?;
        }
    }

    async fn forget_alerts(&self, came_by: Millis) -> Result<(), Error> {
        let mut mark: Mark = (Millis::MIN, String::new());
        loop {
            let found = self.alerts_to_forget(came_by, &mark).await?;
            let Some(last) = found.last() else { return Ok(()) };
            mark = last.clone();
            let alerts = found.into_iter().map(|(_, alert)| alert).collect();
            let unchanged_since = came_by;
            self.step(Operation::Forget(Forget::Alerts {
                alerts,
                unchanged_since,
            }))
            .await?;
        }
    }
}
