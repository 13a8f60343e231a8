//! What an engine looks after beside its runs: what keeps triggers going. A process does so where it is told to.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::schedule;
use super::shell::Engine;
use super::subscription::{self, Subscriptions};
use crate::store::Millis;

impl Engine {
    /// Looks after what keeps triggers going, schedules, polls, batches and subscriptions, until `stop` is
    /// cancelled. A process does so once at most, beside [`Engine::serve`].
    pub async fn keep_schedules(&self, stop: CancellationToken) {
        tokio::join!(
            schedule::keep(self.shared().clone(), stop.clone()),
            subscription::keep(self.shared().clone(), stop)
        );
    }

    /// When the schedules had been brought to what the catalog says for the first time; `None` before.
    pub fn schedules_kept(&self) -> watch::Receiver<Option<Millis>> {
        self.shared().kept_since.subscribe()
    }

    /// How the subscriptions of triggers stand, where this process looks after schedules.
    pub fn subscriptions(&self) -> watch::Receiver<Arc<Subscriptions>> {
        self.shared().subscriptions.subscribe()
    }
}
