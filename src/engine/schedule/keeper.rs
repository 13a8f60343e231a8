//! Looks after all schedules of a process with one timer: keeps their rows as the catalog has them, takes what is due,
//! asks services, releases batches.
//!
//! Invariant: what is due and not taken is looked at again; a service is asked by one task at a time for one trigger.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::plan;
use super::taking::{self, Taken, Taking};
use crate::engine::shell::{Shared, now};
use crate::store::{Error as StoreError, Operation, Partition, Refusal, ScheduleKey, ScheduleRow, Transaction};

/// How long it sleeps at most: clocks may be set.
const NAP: Duration = Duration::from_secs(30);
/// How long after a failure of the store it is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How many due schedules are taken at a time.
const DUE_MAX: u32 = 1_024;
/// How many services are asked at a time.
const ASKED_MAX: usize = 64;

struct Keeper {
    shared: Arc<Shared>,
    /// Services that are being asked.
    asking: JoinSet<Taken>,
    asked: HashMap<Id, ScheduleKey>,
    permits: Arc<Semaphore>,
    /// Whether the rows may differ from the catalog.
    is_stale: bool,
    /// Batches that may be ready.
    touched: BTreeSet<Partition>,
}

/// Keeps schedules until `stop` is cancelled. Questions in flight are asked again at the next start.
pub(in crate::engine) async fn keep(shared: Arc<Shared>, stop: CancellationToken) {
    let mut changes = shared.content.changes();
    let mut keeper = Keeper {
        shared: shared.clone(),
        asking: JoinSet::new(),
        asked: HashMap::new(),
        permits: Arc::new(Semaphore::new(ASKED_MAX)),
        is_stale: true,
        touched: BTreeSet::new(),
    };
    while !stop.is_cancelled() {
        let passed = keeper.pass().await;
        if passed.is_ok() && shared.kept_since.borrow().is_none() {
            shared.kept_since.send_replace(Some(now()));
        }
        let nap = passed.unwrap_or_else(|error| {
            tracing::error!(%error, "failed to look after schedules");
            AFTER_FAILURE
        });
        tokio::select! {
            () = stop.cancelled() => {}
            () = changes.changed() => keeper.is_stale = true,
            () = shared.collecting.notified() => keeper.is_stale |= shared.has_gained(),
            Some(joined) = keeper.asking.join_next_with_id() => keeper.answered(joined),
            () = tokio::time::sleep(nap) => {}
        }
    }
}

impl Keeper {
    /// Does everything that is due, and says how long to sleep.
    async fn pass(&mut self) -> Result<Duration, StoreError> {
        if self.is_stale {
            self.reconcile().await?;
        }
        // Those whose services are being asked stay due, and must hide no other.
        let asked = u32::try_from(self.asked.len()).unwrap_or(u32::MAX);
        let due = self
            .shared
            .store
            .due_schedules(now(), DUE_MAX.saturating_add(asked))
            .await?;
        let busy: HashSet<&ScheduleKey> = self.asked.values().collect();
        let is_free = |row: &ScheduleRow| !busy.contains(&row.key) && self.shared.takes(&row.key.path());
        let free: Vec<_> = due.into_iter().filter(is_free).collect();
        // What was taken may be due again at once, and more may have been due than were read.
        let has_more = !free.is_empty();
        self.take(free).await?;
        self.touched.extend(self.shared.take_touched());
        self.release().await?;
        if self.is_stale || has_more {
            return Ok(Duration::ZERO);
        }
        let at = now();
        let next = self.shared.store.next_schedule(at).await?;
        let wait = next.map(|next| Duration::from_millis(u64::try_from(next - at).unwrap_or(0)));
        Ok(wait.map_or(NAP, |wait| wait.min(NAP)))
    }

    /// Makes the rows what the catalog says. Every batch is looked at again, for its criteria may have changed.
    async fn reconcile(&mut self) -> Result<(), StoreError> {
        let kept = self.shared.content.kept();
        let stored = self.shared.store.schedules().await?;
        let mut stored: HashMap<ScheduleKey, ScheduleRow> =
            stored.into_iter().map(|row| (row.key.clone(), row)).collect();
        let at = now();
        let mut operations = Vec::new();
        for playbook in &kept {
            for schedule in plan::of(playbook) {
                let known = stored.remove(&schedule.key);
                let row = schedule.reconciled(known.as_ref(), playbook.suspended, at);
                operations.extend(row.map(Operation::PutSchedule));
            }
        }
        operations.extend(stored.into_keys().map(Operation::DropSchedule));
        // Each for itself: one that moves on at this moment does not hold the others up.
        let changes = operations.into_iter().map(|operation| {
            let operations = vec![operation];
            self.shared.store.commit(Transaction { operations })
        });
        let mut is_stale = false;
        for outcome in join_all(changes).await {
            match outcome {
                Ok(_) => {}
                Err(StoreError::Refused(Refusal::StaleSchedule(_))) => is_stale = true,
                Err(error) => return Err(error),
            }
        }
        self.touched.extend(self.shared.store.partitions().await?);
        self.is_stale = is_stale;
        Ok(())
    }

    /// Takes schedules that are due.
    async fn take(&mut self, due: Vec<ScheduleRow>) -> Result<(), StoreError> {
        let mut takings = Vec::new();
        for row in due {
            let playbook = self.shared.content.playbook(&row.key.namespace, &row.key.playbook);
            let found = playbook.and_then(|playbook| Taking::find(&self.shared, playbook, row));
            match found {
                Some(taking) if taking.asks() => self.ask(taking),
                Some(taking) => takings.push(taking),
                // The catalog has changed, and its change is about to be told.
                None => self.is_stale = true,
            }
        }
        for taken in join_all(takings.iter().map(Taking::take)).await {
            self.took(taken?);
        }
        Ok(())
    }

    fn took(&mut self, taken: Taken) {
        match taken {
            Taken::Done => {}
            Taken::Stale => self.is_stale = true,
        }
    }

    fn ask(&mut self, taking: Taking) {
        let (permits, key) = (self.permits.clone(), taking.key().clone());
        let task = self.asking.spawn(async move {
            // The semaphore is never closed.
            let _permit = permits.acquire().await;
            match AssertUnwindSafe(taking.take()).catch_unwind().await {
                Ok(Ok(taken)) => return taken,
                Ok(Err(error)) => {
                    tracing::error!(%error, "what a service answered cannot be stored; it is asked again")
                }
                Err(_) => tracing::error!("a question to a service broke off by a fault"),
            }
            // Until then nobody asks.
            tokio::time::sleep(AFTER_FAILURE).await;
            Taken::Done
        });
        self.asked.insert(task.id(), key);
    }

    fn answered(&mut self, joined: Result<(Id, Taken), tokio::task::JoinError>) {
        let (task, taken) = match joined {
            Ok((task, taken)) => (task, taken),
            Err(error) => (error.id(), Taken::Done),
        };
        self.asked.remove(&task);
        self.took(taken);
    }

    /// Releases batches that are ready.
    async fn release(&mut self) -> Result<(), StoreError> {
        while let Some(partition) = self.touched.pop_first() {
            if let Err(error) = taking::release_ready(&self.shared, &partition).await {
                self.touched.insert(partition);
                return Err(error);
            }
        }
        Ok(())
    }
}
