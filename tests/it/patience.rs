//! Awaits what nobody tells of, such as the state of another process: it is asked about until it is as it should be.
//! Invariant: each wait has a deadline.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

/// How often something is asked about.
const TICK: Duration = Duration::from_millis(20);

/// What an attempt gives in the end: its first success, or the failure that it still has at the deadline.
pub(crate) async fn settled<T, E>(deadline: Duration, attempt: impl AsyncFn() -> Result<T, E>) -> Result<T, E> {
    let begin = Instant::now();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match attempt().await {
            Err(_) if begin.elapsed() < deadline => {}
            outcome => return outcome,
        }
    }
}
