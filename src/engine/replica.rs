//! One of several replicas: it drives the runs that its store's lease holds, gives up what it no longer holds, and hears
//! of what the others did. An engine whose store nobody shares holds every run, and hears nothing.
//!
//! Invariant: a shard is let go when none of its runs is in memory any more.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::journal::Error;
use super::run::{Control, Wish, cancel};
use super::shell::{Engine, Shared, lock, now};
use crate::store::{Error as StoreError, Operation, Refusal, RunRow, Shards, Standing, Transaction};

/// Commits of others are looked at together that come in such a time.
const GATHER: Duration = Duration::from_millis(20);
/// How often who waits for a run looks whether it has moved on elsewhere.
const PAUSE: Duration = Duration::from_millis(50);
/// How often shards that are given up are looked at.
const REST: Duration = Duration::from_millis(100);
/// How long a waiting run may be another's before it is looked at, wherever it is now.
const LOOK: Duration = Duration::from_secs(1);

impl Shared {
    /// Whether this replica may take a run up at this moment.
    pub(super) fn takes(&self, run: &str) -> bool {
        self.store.lease().takes(run)
    }

    /// Whether this replica may go on with a run at this moment.
    pub(super) fn holds(&self, run: &str) -> bool {
        self.store.lease().holds(run)
    }

    /// Whether the store has other replicas.
    pub(super) fn is_shared(&self) -> bool {
        self.store.elsewhere().is_some()
    }

    /// Returns when others may have gone on with a run; never where there are none.
    pub(super) async fn moved_elsewhere(&self, run: &str) {
        let Some(mut elsewhere) = self.store.elsewhere() else {
            return std::future::pending().await;
        };
        let begun = tokio::time::Instant::now();
        // The store is closed; nothing is heard any more.
        while elsewhere.changed().await.is_ok() {
            if !self.holds(run) || begun.elapsed() >= LOOK {
                return tokio::time::sleep(PAUSE).await;
            }
        }
        std::future::pending().await
    }
}

/// Returns when others have committed something; never where there are none.
pub(super) async fn committed(elsewhere: &mut Option<watch::Receiver<u64>>) {
    let changed = match elsewhere {
        Some(elsewhere) => elsewhere.changed().await.is_ok(),
        None => false,
    };
    match changed {
        true => tokio::time::sleep(GATHER).await,
        false => std::future::pending().await,
    }
}

impl Engine {
    /// Follows the lease of the store until `stop`: takes up the runs of shards that it gains, and brings those to rest
    /// that it gives up or has lost.
    pub(super) async fn follow_lease(&self, stop: CancellationToken) {
        let lease = self.shared().store.lease();
        let Some(mut standing) = lease.subscribe() else { return };
        let mut known = Standing::default();
        loop {
            let is_leaving = !known.leaving.is_empty();
            tokio::select! {
                () = stop.cancelled() => return,
                changed = standing.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(REST), if is_leaving => {}
            }
            let before = std::mem::replace(&mut known, *standing.borrow_and_update());
            let driven = known.held.without(known.leaving);
            self.bring_to_rest(driven);
            if !driven.without(before.held.without(before.leaving)).is_empty() {
                self.adopt().await;
                self.shared().look_after_schedules();
            }
            let at_rest = known.leaving.without(self.driven_shards(known.leaving));
            if !at_rest.is_empty() {
                lease.let_go(at_rest);
            }
        }
    }

    /// Tells the runs in memory whose shards are not among these to leave.
    fn bring_to_rest(&self, driven: Shards) {
        self.shared().each_live(|run, sender| {
            if !driven.has(run) {
                // A task that does not listen looks at the lease itself.
                let _ = sender.try_send(Control::Leave);
            }
        });
    }

    /// The shards among these that have runs in memory.
    fn driven_shards(&self, among: Shards) -> Shards {
        let mut driven = Shards::default();
        self.shared().each_live(|run, _| {
            if among.has(run) {
                driven = driven.with(Shards::of_run(run));
            }
        });
        driven
    }

    /// Lets the replica that holds a run look at what has changed for it.
    pub(super) async fn nudge_elsewhere(&self, row: &RunRow) {
        let wake = Operation::Wake {
            run: row.id.clone(),
            at: now(),
        };
        let operations = vec![wake];
        if let Err(error) = self.shared().store.commit(Transaction { operations }).await {
            tracing::warn!(run.id = row.id, %error, "the run is looked at at its wake-up");
        }
    }

    /// Lets the replica that holds a run end it.
    pub(super) async fn cancel_elsewhere(&self, row: &RunRow, wish: &Wish) -> Result<(), Error> {
        let wish = cancel::delivery(&self.shared().sealer, &row.id, wish, now());
        let operations = vec![Operation::Deliver(wish)];
        match self.shared().store.commit(Transaction { operations }).await {
            // It has ended, or somebody wished so before.
            Ok(_) | Err(StoreError::Refused(Refusal::StaleRun(_) | Refusal::Delivered(_))) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Does what was wished of a run when the task that drove it listened no more.
    pub(super) async fn hear_late(&self, row: RunRow, control: &mut mpsc::Receiver<Control>) {
        control.close();
        let mut wishes = Vec::new();
        while let Ok(wish) = control.try_recv() {
            wishes.push(wish);
        }
        let cancelled = wishes.iter().find_map(|wish| match wish {
            Control::Cancel(wish) => Some(wish.clone()),
            Control::Nudge | Control::Leave => None,
        });
        let is_ours = self.shared().takes(&row.id);
        let is_taken = is_ours && !wishes.is_empty() && self.take(row.clone(), None, cancelled.clone());
        // Where another task has taken the run up in the meantime, that one is told.
        if let Some(wish) = cancelled.filter(|_| !is_taken)
            && let Err(error) = self.cancel(&row.id, &wish.by, wish.haste).await
        {
            tracing::error!(run.id = row.id, %error, "the run was not cancelled");
        }
    }

    /// Lets runs look at what came for them through other replicas; `live` are those that are due and in memory. Those that
    /// wait for a place need none for it.
    pub(super) async fn nudge_delivered(&self, live: &[String]) {
        let shared = self.shared();
        if !shared.is_shared() || (live.is_empty() && lock(&shared.lanes).is_empty()) {
            return;
        }
        let runs = match shared.store.delivered_runs().await {
            Ok(runs) => runs,
            Err(error) => return tracing::warn!(%error, "failed to read what came for runs"),
        };
        shared.each_live(|run, sender| {
            if live.iter().any(|live| live == run) && runs.iter().any(|delivered| delivered == run) {
                // A full channel has a nudge in it already.
                let _ = sender.try_send(Control::Nudge);
            }
        });
        for run in runs {
            let waits = self.is_idle(&run) && lock(&shared.lanes).has(&run);
            if waits {
                self.look_again(&run).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::run::Haste;
    use super::super::silent;
    use super::*;

    #[tokio::test]
    async fn a_wish_that_is_heard_late_reaches_the_task_that_drives_the_run_now() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, fresh) = silent::with_a_run(&folder).await;
        let mut driven_now = engine.shared().claim(&fresh.row.id).unwrap();
        let (sender, mut listened) = mpsc::channel(1);
        let by = "user/ada".to_owned();
        let haste = Haste::Gracefully;
        sender.send(Control::Cancel(Wish { by, haste })).await.unwrap();
        engine.hear_late(fresh.row, &mut listened).await;
        assert!(matches!(driven_now.try_recv(), Ok(Control::Cancel(_))));
    }
}
