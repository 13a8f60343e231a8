//! Looks after all subscriptions of a process: keeps them as the catalog wants, and tells how they stand.
//!
//! Invariant: a service is asked by one task at a time for one trigger, of the replica that holds it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{Semaphore, watch};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::attempt::{Attempt, commit};
use super::plan::{self, Problem, Step, Wish};
use super::standing::{self, Phase, Standing, Subscriptions};
use crate::engine::clock::Moment;
use crate::engine::shell::{Shared, now};
use crate::engine::start::run_id;
use crate::store::{Error as StoreError, Operation, SubscriptionKey, SubscriptionRow};

/// How long it sleeps at most: others may share the store, and clocks may be set.
const NAP: Duration = Duration::from_secs(5);
/// How long after a failure of the store it is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How many services are asked at a time.
const ASKED_MAX: usize = 16;

struct Keeper {
    shared: Arc<Shared>,
    /// Hashes what subscriptions follow from.
    secret: [u8; 32],
    wishes: BTreeMap<SubscriptionKey, Result<Wish, Problem>>,
    told: watch::Sender<Arc<Subscriptions>>,
    /// Services that are being asked.
    asking: JoinSet<()>,
    asked: HashMap<Id, SubscriptionKey>,
    permits: Arc<Semaphore>,
}

/// Keeps subscriptions until `stop` is cancelled. They stay at their services then; an attempt in flight is made again at
/// the next start.
pub(in crate::engine) async fn keep(shared: Arc<Shared>, stop: CancellationToken) {
    let mut changes = shared.content.changes();
    let mut keeper = Keeper {
        // A sealer has a key.
        secret: shared
            .sealer
            .derive("subscriptions")
            .first()
            .copied()
            .unwrap_or_default(),
        wishes: BTreeMap::new(),
        told: shared.subscriptions.clone(),
        asking: JoinSet::new(),
        asked: HashMap::new(),
        permits: Arc::new(Semaphore::new(ASKED_MAX)),
        shared,
    };
    keeper.wish();
    while !stop.is_cancelled() {
        let nap = keeper.pass().await.unwrap_or_else(|error| {
            tracing::error!(%error, "failed to look after subscriptions");
            AFTER_FAILURE
        });
        tokio::select! {
            () = stop.cancelled() => {}
            () = changes.changed() => keeper.wish(),
            Some(joined) = keeper.asking.join_next_with_id() => {
                let task = joined.map_or_else(|error| error.id(), |(task, ())| task);
                keeper.asked.remove(&task);
            }
            () = tokio::time::sleep(nap) => {}
        }
    }
}

impl Keeper {
    /// Reads from the catalog what is wanted.
    fn wish(&mut self) {
        let kept = self.shared.content.kept().into_iter();
        let (links, content) = (&self.shared.links, &*self.shared.content);
        let wishes = kept.filter_map(|playbook| plan::wish(playbook, links, content, &self.secret));
        self.wishes = wishes.collect();
    }

    /// Makes the next step of each, and says how long to sleep.
    async fn pass(&mut self) -> Result<Duration, StoreError> {
        let rows = self.shared.store.subscriptions().await?;
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        self.tell(&rows);
        let at = now();
        let mut has_moved = false;
        let keys: BTreeSet<SubscriptionKey> = self.wishes.keys().chain(rows.keys()).cloned().collect();
        for key in keys {
            if self.asked.values().any(|asked| *asked == key) || !self.shared.takes(&key.path()) {
                continue;
            }
            has_moved |= self.step(key.clone(), rows.get(&key), at).await?;
        }
        if has_moved {
            return Ok(Duration::ZERO);
        }
        let resting = rows
            .values()
            .filter(|row| !self.asked.values().any(|asked| *asked == row.key));
        let next = resting.filter_map(|row| row.next_at.filter(|next| *next > at)).min();
        let wait = next.map(|next| Duration::from_millis(u64::try_from(next - at).unwrap_or(0)));
        Ok(wait.map_or(NAP, |wait| wait.min(NAP)))
    }

    /// Makes the next step of one; says whether the store has changed.
    async fn step(&mut self, key: SubscriptionKey, row: Option<&SubscriptionRow>, at: i64) -> Result<bool, StoreError> {
        let wish = self.wishes.get(&key);
        match (plan::step(row, wish, at), row) {
            (Step::Begin, _) => return self.begin(key).await,
            (Step::Turn, Some(row)) => {
                let standing = Standing::of(row).map(|standing| standing.turned(Phase::Leaving, at));
                let row = SubscriptionRow {
                    version: row.version + 1,
                    next_at: Some(at),
                    state: standing.map(|standing| standing.to_text()).unwrap_or_default(),
                    ..row.clone()
                };
                commit(&self.shared, Operation::PutSubscription(row)).await?;
            }
            (Step::Forget, Some(row)) => {
                let version = row.version;
                commit(&self.shared, Operation::DropSubscription { key, version }).await?;
            }
            (Step::Subscribe, Some(row)) => {
                let wish = wish.and_then(|wish| wish.as_ref().ok()).cloned();
                self.ask(row.clone(), wish);
                return Ok(false);
            }
            (Step::Unsubscribe, Some(row)) => {
                self.ask(row.clone(), None);
                return Ok(false);
            }
            (Step::Rest | Step::Turn | Step::Forget | Step::Subscribe | Step::Unsubscribe, _) => return Ok(false),
        }
        Ok(true)
    }

    /// Stores a new subscription. Only then is the service asked for it.
    async fn begin(&mut self, key: SubscriptionKey) -> Result<bool, StoreError> {
        let Some(Ok(wish)) = self.wishes.get(&key) else {
            return Ok(false);
        };
        let moment = Moment::new(now(), self.shared.seed());
        let id = run_id(&moment);
        let calls = match wish.calls(&id, &moment) {
            Ok(calls) => calls,
            Err(problem) => {
                self.wishes.insert(key, Err(problem));
                return Ok(true);
            }
        };
        let standing = Standing {
            id,
            phase: Phase::Making,
            since: moment.now,
            attempts: 0,
            problem: None,
        };
        let row = SubscriptionRow {
            fingerprint: wish.fingerprint.clone(),
            version: 1,
            next_at: Some(moment.now),
            state: standing.to_text(),
            calls: calls.seal(&self.shared.sealer, &key),
            key,
        };
        commit(&self.shared, Operation::PutSubscription(row)).await?;
        Ok(true)
    }

    fn ask(&mut self, row: SubscriptionRow, wish: Option<Wish>) {
        let (permits, key) = (self.permits.clone(), row.key.clone());
        let shared = self.shared.clone();
        let task = self.asking.spawn(async move {
            // The semaphore is never closed.
            let _permit = permits.acquire().await;
            let attempt = Attempt { shared, row, wish };
            match AssertUnwindSafe(attempt.make()).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => {
                    tracing::error!(%error, "what a service answered cannot be stored; it is asked again")
                }
                Err(_) => tracing::error!("a subscription broke off by a fault"),
            }
            // Until then nobody asks.
            tokio::time::sleep(AFTER_FAILURE).await;
        });
        self.asked.insert(task.id(), key);
    }

    /// Tells how the wanted ones stand.
    fn tell(&self, rows: &BTreeMap<SubscriptionKey, SubscriptionRow>) {
        let shown = self.wishes.iter().map(|(key, wish)| {
            let playbook = (key.namespace.clone(), key.playbook.clone());
            (playbook, standing::shown(wish, rows.get(key)))
        });
        let shown: Subscriptions = shown.collect();
        self.told.send_if_modified(|told| {
            let is_other = **told != shown;
            if is_other {
                *told = Arc::new(shown);
            }
            is_other
        });
    }
}
