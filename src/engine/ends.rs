//! Who waits for the end of which run: each is told once, whatever else happens in the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Those who wait, by the run.
#[derive(Debug, Default)]
pub(super) struct Ends(Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>);

/// Somebody who waits for the end of a run. Who goes is forgotten, for the run may end elsewhere.
#[derive(Debug)]
pub(super) struct Waiter<'a> {
    ends: &'a Ends,
    run: &'a str,
    told: oneshot::Receiver<()>,
}

impl Waiter<'_> {
    /// Returns when the run has ended.
    pub(super) async fn told(&mut self) {
        // The other half is kept until it is used.
        let _ = (&mut self.told).await;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.told.close();
        let mut waiting = self.ends.lock();
        if let Some(of_run) = waiting.get_mut(self.run) {
            of_run.retain(|sender| !sender.is_closed());
            if of_run.is_empty() {
                waiting.remove(self.run);
            }
        }
    }
}

impl Ends {
    /// Is told when the run ends from now on; whether it has ended before, the store knows.
    pub(super) fn of<'a>(&'a self, run: &'a str) -> Waiter<'a> {
        let (sender, told) = oneshot::channel();
        self.lock().entry(run.to_owned()).or_default().push(sender);
        Waiter { ends: self, run, told }
    }

    /// Tells that a run has ended, after it was committed.
    pub(super) fn tell(&self, run: &str) {
        for sender in self.lock().remove(run).unwrap_or_default() {
            // Who does not wait any more needs not be told.
            let _ = sender.send(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<oneshot::Sender<()>>>> {
        // The map is valid after every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_run_is_told_of_its_end_alone() {
        let ends = Ends::default();
        let (mut one, mut same, mut other) = (ends.of("a"), ends.of("a"), ends.of("b"));
        ends.tell("a");
        assert_eq!((one.told.try_recv(), same.told.try_recv()), (Ok(()), Ok(())));
        assert_eq!(other.told.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    }

    #[test]
    fn who_goes_before_the_end_is_forgotten() {
        let ends = Ends::default();
        let (one, other) = (ends.of("a"), ends.of("a"));
        drop(one);
        assert_eq!(ends.lock()["a"].len(), 1);
        drop(other);
        assert!(ends.lock().is_empty());
    }
}
