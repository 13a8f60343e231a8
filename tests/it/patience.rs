//! Awaits what nobody tells of, such as the state of another process: it is asked about until it is as it should be.
//! Invariant: each wait has a deadline.

use std::time::{Duration, Instant};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often something is asked about.
const TICK: Duration = Duration::from_millis(20);

/// What an attempt gives in the end: its first success, or the failure that it still has at the deadline.
pub(crate) async fn settled<T, E>(deadline: Duration, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    let mut turns = Turns::until(deadline);
    loop {
        match attempt().await {
            Err(_) if turns.next().await => {}
            outcome => return outcome,
        }
    }
}

/// The turns at which something is asked about, where it is asked by no closure.
pub(crate) struct Turns {
    end: Instant,
    ticks: Interval,
}

impl Turns {
    /// Turns until a deadline from now.
    pub(crate) fn until(deadline: Duration) -> Self {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        Self {
            end: Instant::now() + deadline,
            ticks,
        }
    }

    /// Awaits the next turn; false if there is none, for the deadline has passed.
    pub(crate) async fn next(&mut self) -> bool {
        if Instant::now() >= self.end {
            return false;
        }
        self.ticks.tick().await;
        true
    }
}
