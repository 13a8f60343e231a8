//! What all controllers share. Invariant: what is remembered here only saves work; losing it loses nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures::Stream;
use kube::Client;
use kube::runtime::events::{Recorder, Reporter};
use tokio::sync::watch;

use super::status::Written;
use super::test::Tests;
use crate::catalog::Current;
use crate::cluster::metrics::Metrics;
use crate::cluster::permit::Reviews;
use crate::cluster::source::Snapshot;
use crate::connectors;
use crate::engine::subscription::Subscriptions;

/// What all controllers share.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// What is configured.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The catalog as connections are resolved from it.
    pub catalog: Current,
    /// Whether this process may write.
    pub leading: watch::Receiver<bool>,
    /// Who may.
    pub reviews: Reviews,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How the subscriptions of triggers stand.
    pub subscriptions: watch::Receiver<Arc<Subscriptions>>,
    pub(super) recorder: Recorder,
    pub(super) tests: Tests,
    /// Failures in a row, by UID.
    pub(super) failures: Memory<u32>,
    /// The status that was last written, by UID.
    pub(super) written: Memory<Written>,
}

impl Context {
    /// A context; `services` sends the tests of connections.
    pub fn new(
        client: Client,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        catalog: Current,
        leading: watch::Receiver<bool>,
        metrics: Arc<Metrics>,
        services: connectors::Client,
    ) -> Self {
        let reporter = Reporter {
            controller: "riposte".to_owned(),
            instance: None,
        };
        Self {
            reviews: Reviews::new(client.clone()),
            recorder: Recorder::new(client.clone(), reporter),
            tests: Tests::new(services),
            failures: Memory::default(),
            written: Memory::default(),
            client,
            snapshots,
            catalog,
            leading,
            metrics,
            subscriptions: watch::channel(Arc::default()).1,
        }
    }

    /// The same with what an engine tells of the subscriptions of triggers.
    #[must_use]
    pub fn with_subscriptions(self, subscriptions: watch::Receiver<Arc<Subscriptions>>) -> Self {
        Self { subscriptions, ..self }
    }

    /// The snapshot of the moment.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// Whether this process may write now.
    pub fn is_leading(&self) -> bool {
        *self.leading.borrow()
    }

    /// Tells of each change on which every object is looked at again.
    pub(super) fn changes(&self) -> impl Stream<Item = ()> + Send + 'static {
        let receivers = (self.snapshots.clone(), self.leading.clone(), self.tests.changes());
        let receivers = (receivers, self.subscriptions.clone());
        futures::stream::unfold(
            receivers,
            |((mut snapshots, mut leading, mut tests), mut subscriptions)| async move {
                let changed = tokio::select! {
                    changed = snapshots.changed() => changed,
                    changed = leading.changed() => changed,
                    changed = tests.changed() => changed,
                    Ok(()) = subscriptions.changed() => Ok(()),
                };
                changed
                    .ok()
                    .map(|()| ((), ((snapshots, leading, tests), subscriptions)))
            },
        )
    }
}

/// A map that is shared; it forgets everything when it grows too large.
pub(super) struct Memory<V, K = String>(Mutex<HashMap<K, V>>);

/// How much is remembered of each kind of thing.
const REMEMBERED_MAX: usize = 50_000;

impl<V, K> Default for Memory<V, K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone, K: Hash + Eq> Memory<V, K> {
    pub fn get(&self, key: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub fn put(&self, key: K, value: V) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= REMEMBERED_MAX {
            map.clear();
        }
        map.insert(key, value);
    }

    pub fn remove(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}
