//! Retry policies: how long until the next attempt (Logic Apps: `retryPolicy`).

use std::time::Duration;

pub use crate::connectors::response::retry_after;
use crate::definition::workflow::RetryPolicy;

/// Whether a status asks for a retry: 408, 429 and 5xx.
pub fn is_retried(status: u16) -> bool {
    status == 408 || status == 429 || (500..600).contains(&status)
}

/// The wait before the attempt after `attempts`; `None` if there is none. `fraction` (0 ≤ x < 1) is the chance in it.
pub fn delay(policy: &RetryPolicy, attempts: u32, fraction: f64) -> Option<Duration> {
    match policy {
        RetryPolicy::None => None,
        RetryPolicy::Fixed { count, interval } => (attempts <= *count).then_some(*interval),
        RetryPolicy::Exponential {
            count,
            interval,
            minimum,
            maximum,
        } => (attempts <= *count).then(|| {
            let scale = |power: u32| interval.saturating_mul(1_u32.checked_shl(power).unwrap_or(u32::MAX));
            let low = if attempts <= 1 {
                *minimum
            } else {
                scale(attempts - 2).max(*minimum)
            };
            let high = if attempts <= 1 {
                (*interval).min(*maximum)
            } else {
                scale(attempts - 1).min(*maximum)
            };
            let low = low.min(*maximum);
            low + high.saturating_sub(low).mul_f64(fraction.clamp(0.0, 1.0))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: RetryPolicy = RetryPolicy::Exponential {
        count: 4,
        interval: Duration::from_millis(7_500),
        minimum: Duration::from_secs(5),
        maximum: Duration::from_secs(45),
    };

    #[test]
    fn exponential_delays_grow_within_their_bounds_and_end() {
        let bounds = |attempts| (delay(&DEFAULT, attempts, 0.0), delay(&DEFAULT, attempts, 1.0));
        let seconds = |low, high| (Some(Duration::from_secs_f64(low)), Some(Duration::from_secs_f64(high)));
        assert_eq!(bounds(1), seconds(5.0, 7.5));
        assert_eq!(bounds(2), seconds(7.5, 15.0));
        assert_eq!(bounds(3), seconds(15.0, 30.0));
        assert_eq!(bounds(4), seconds(30.0, 45.0));
        assert_eq!(bounds(5), (None, None));
    }

    #[test]
    fn fixed_delays_count_retries_not_attempts() {
        let policy = RetryPolicy::Fixed {
            count: 2,
            interval: Duration::from_secs(9),
        };
        assert_eq!(delay(&policy, 2, 0.3), Some(Duration::from_secs(9)));
        assert_eq!(delay(&policy, 3, 0.3), None);
        assert_eq!(delay(&RetryPolicy::None, 1, 0.3), None);
    }
}
