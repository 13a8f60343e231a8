//! How far the store is behind: the age of what it is committing. Invariant: an idle store is not behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Nothing is being committed.
const IDLE: u64 = u64::MAX;

/// Told by the writer, asked by who takes work in; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Load {
    opened: Instant,
    /// When the oldest of what is being committed came, in milliseconds after `opened`.
    oldest: Arc<AtomicU64>,
}

impl Load {
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            oldest: Arc::new(AtomicU64::new(IDLE)),
        }
    }

    /// A commit begins; the oldest of it came at this time.
    pub(super) fn begin(&self, came: Instant) {
        let at = came.saturating_duration_since(self.opened).as_millis();
        self.oldest.store(u64::try_from(at).unwrap_or(IDLE), Ordering::Relaxed);
    }

    /// The commit is over.
    pub(super) fn end(&self) {
        self.oldest.store(IDLE, Ordering::Relaxed);
    }

    /// How long the oldest has waited that is not on the disk.
    pub(super) fn age(&self) -> Duration {
        match self.oldest.load(Ordering::Relaxed) {
            IDLE => Duration::ZERO,
            oldest => self.opened.elapsed().saturating_sub(Duration::from_millis(oldest)),
        }
    }
}
