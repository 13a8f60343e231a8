//! One of several replicas: it drives the runs that its store's lease holds, gives up what it no longer holds, and hears
//! of what the others did. An engine whose store nobody shares holds every run, and hears nothing.
//!
//! Invariant: a shard is let go when none of its runs is in memory any more.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::run::Control;
use super::shell::{Engine, Shared, lock, now};
use crate::store::{Operation, RunRow, Shards, Standing, Transaction};

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

    /// Takes a run up again that was asked to look at something when the task that drove it listened no more.
    pub(super) fn hear_late(&self, row: RunRow, control: &mut mpsc::Receiver<Control>) {
        control.close();
        let mut is_asked = false;
        while control.try_recv().is_ok() {
            is_asked = true;
        }
        // Where another task has taken it up in the meantime, that one has seen what there is in the store.
        if is_asked && self.shared().takes(&row.id) {
            self.take(row, None);
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
