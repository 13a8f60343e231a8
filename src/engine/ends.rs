//! Who waits for the end of which run: each is told once, whatever else happens in the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Those who wait, by the run.
#[derive(Debug, Default)]
pub(super) struct Ends(Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>);

impl Ends {
    /// Is told when the run ends from now on; whether it has ended before, the store knows.
    pub(super) fn of(&self, run: &str) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        let of_run = waiting.entry(run.to_owned()).or_default();
        of_run.retain(|sender| !sender.is_closed());
        of_run.push(sender);
        receiver
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
        assert_eq!((one.try_recv(), same.try_recv()), (Ok(()), Ok(())));
        assert_eq!(other.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        drop(other);
        let _later = ends.of("b");
        assert_eq!(ends.lock()["b"].len(), 1, "who went is forgotten");
    }
}
