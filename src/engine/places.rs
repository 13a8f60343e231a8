//! How many runs are driven at a time, and which of those that are due: as many as there are places, the others wait in
//! their lanes. What a person or another task asks of a run at once, such as its end, needs no place.
//!
//! Invariant: a run that waits is due in the store too, so a process that dies forgets no run.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::lanes::Lane;
use super::replica;
use super::shell::{AFTER_FAILURE, Engine, Fresh, lock, now};
use crate::store::{Millis, RunRow};

/// How many runs are driven at a time, where nothing else is said.
pub const PLACES: usize = 10_000;
/// How many due runs are read at a time.
const DUE_MAX: u32 = 4_096;
/// From so many waiting runs on, the store is not asked for more.
const WAITING_MAX: usize = 50_000;
/// How long the scheduler sleeps at most.
const NAP: Duration = Duration::from_secs(30);

impl Engine {
    /// Waits until it is known where actions are paused, for nothing is driven before; false if `stop` came first.
    pub(super) async fn learn_pauses(&self, stop: &CancellationToken) -> bool {
        while !stop.is_cancelled() {
            if self.shared().read_pauses().await {
                return true;
            }
            // Only how long it waits is of interest.
            let _ = tokio::time::timeout(AFTER_FAILURE, stop.cancelled()).await;
        }
        false
    }

    pub(super) async fn drive_due(&self, stop: CancellationToken) {
        let mut elsewhere = self.shared().store.elsewhere();
        self.shared().serving.store(true, Ordering::Relaxed);
        self.adopt().await;
        while !stop.is_cancelled() {
            let nap = self.take_due().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.shared().wake.notified() => {}
                () = replica::committed(&mut elsewhere) => {}
                () = tokio::time::sleep(nap) => {}
            }
        }
        self.shared().serving.store(false, Ordering::Relaxed);
    }

    /// Runs whose calls were in flight when the last process ended need attention at once, not after their lease.
    pub(super) async fn adopt(&self) {
        let horizon = now() + super::run::LEASE;
        match self.shared().store.left_runs(horizon).await {
            Ok(rows) => drop(self.line_up_all(rows)),
            Err(error) => tracing::error!(%error, "failed to read the runs of the last process"),
        }
    }

    /// Takes up what is due, or lets it wait for a place, and says how long to sleep.
    async fn take_due(&self) -> Duration {
        if self.shared().is_shared() {
            self.shared().read_pauses().await;
        }
        let (mut live, mut after, now) = (Vec::new(), None, now());
        loop {
            let due = match self.shared().store.due_runs(now, after.as_ref(), DUE_MAX).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::error!(%error, "failed to read due runs");
                    return AFTER_FAILURE;
                }
            };
            let is_last = due.len() < DUE_MAX as usize || lock(&self.shared().lanes).len() >= WAITING_MAX;
            after = due
                .last()
                .map(|row| (row.wake_at.unwrap_or(now), row.id.clone()))
                .or(after);
            live.extend(self.line_up_all(due));
            if is_last {
                break;
            }
        }
        if after.is_some() {
            self.nudge_delivered(&live).await;
            return AFTER_FAILURE;
        }
        match self.shared().store.next_wake().await {
            Ok(Some(at)) => Duration::from_millis(u64::try_from(at - now).unwrap_or(0)).min(NAP),
            Ok(None) => NAP,
            Err(_) => AFTER_FAILURE,
        }
    }

    /// Takes up runs that are this replica's or lets them wait for a place, and gives those that are driven already.
    pub(super) fn line_up_all(&self, rows: Vec<RunRow>) -> Vec<String> {
        let mut live = Vec::new();
        for row in rows.into_iter().filter(|row| self.shared().takes(&row.id)) {
            let run = row.id.clone();
            if !self.line_up(row, None) {
                live.push(run);
            }
        }
        live
    }

    /// Takes a run up if there is a place for it, else lets it wait for one; false if it is driven already.
    pub(super) fn line_up(&self, row: RunRow, fresh: Option<Fresh>) -> bool {
        let shared = self.shared();
        let lane = Lane::of_number(row.lane);
        let has_place = {
            let live = lock(&shared.live);
            if live.contains_key(&row.id) {
                return false;
            }
            live.len() < shared.places
        };
        if lane == Lane::Called || (has_place && lock(&shared.lanes).is_empty()) {
            return self.take(row, fresh);
        }
        let (namespace, run) = (row.namespace.clone(), row.id.clone());
        lock(&shared.lanes).push(lane, &namespace, &run, now(), row);
        // A place may have become free before the run waited for it.
        self.fill();
        true
    }

    /// Gives free places to the runs whose turn it is, as long as runs are driven.
    pub(super) fn fill(&self) {
        let shared = self.shared();
        while shared.serving.load(Ordering::Relaxed) && lock(&shared.live).len() < shared.places {
            let Some(row) = lock(&shared.lanes).pop() else { return };
            if shared.takes(&row.id) {
                self.take(row, None);
            }
        }
    }

    /// How long a run has waited for a place that is as urgent as `lane` or more.
    pub fn behind(&self, lane: Lane) -> Duration {
        let oldest = lock(&self.shared().lanes).oldest(lane);
        let waited = |since: Millis| Duration::from_millis(u64::try_from(now() - since).unwrap_or(0));
        oldest.map_or(Duration::ZERO, waited)
    }
}
