//! The write budget of the cluster: a bucket of tokens, one for each write to the API server. Pure.
//! Invariant: over any time `t` in seconds at most `burst + rate * t` writes are taken without delay.

use crate::store::Millis;

/// Tokens are counted in thousandths, so that a rate per second is a rate per millisecond.
const TOKEN: i64 = 1_000;

/// A bucket of tokens that fills steadily.
#[derive(Clone, Debug)]
pub struct Bucket {
    rate: i64,
    burst: i64,
    level: i64,
    at: Millis,
}

impl Bucket {
    /// A full bucket: `rate` writes a second, `burst` at once.
    pub fn new(rate: u32, burst: u32, now: Millis) -> Self {
        let burst = i64::from(burst) * TOKEN;
        Self {
            rate: i64::from(rate.max(1)),
            burst,
            level: burst,
            at: now,
        }
    }

    /// Takes tokens if there are as many.
    pub fn take(&mut self, writes: u32, now: Millis) -> bool {
        self.fill(now);
        let wanted = i64::from(writes) * TOKEN;
        let enough = self.level >= wanted;
        if enough {
            self.level -= wanted;
        }
        enough
    }

    /// Takes tokens for writes that cannot be left out, on credit if need be.
    pub fn charge(&mut self, writes: u32, now: Millis) {
        self.fill(now);
        self.level -= i64::from(writes) * TOKEN;
    }

    /// How long writes that cannot be left out have to wait, in milliseconds; 0 where the bucket is not in debt.
    pub fn debt(&mut self, now: Millis) -> Millis {
        self.fill(now);
        let missing = self.level.min(0).saturating_neg();
        missing / self.rate + Millis::from(missing % self.rate > 0)
    }

    fn fill(&mut self, now: Millis) {
        let passed = now.saturating_sub(self.at).max(0);
        self.level = self
            .level
            .saturating_add(passed.saturating_mul(self.rate))
            .min(self.burst);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut bucket = Bucket::new(20, 200, 0);
        assert_eq!((0..300).filter(|_| bucket.take(1, 0)).count(), 200);
        assert!(!bucket.take(1, 49));
        assert!(bucket.take(1, 50));
        assert!(!bucket.take(1, 50));
        assert_eq!((0..300).filter(|_| bucket.take(1, 1_000_000)).count(), 200);
    }

    #[test]
    fn what_cannot_be_left_out_is_put_off() {
        let mut bucket = Bucket::new(10, 2, 0);
        bucket.charge(2, 0);
        assert_eq!(bucket.debt(0), 0);
        bucket.charge(5, 0);
        assert_eq!(bucket.debt(0), 500);
        assert!(!bucket.take(1, 500), "the debt is paid, nothing is saved");
        assert_eq!(bucket.debt(500), 0);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut bucket = Bucket::new(1, 1, 10_000);
        assert!(bucket.take(1, 10_000));
        assert!(!bucket.take(1, 0));
        assert!(!bucket.take(1, 10_999));
        assert!(bucket.take(1, 11_000));
    }
}
