//! Time and chance of one step, handed to the pure core by the shell.

use std::cell::Cell;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::store::Millis;

/// The moment in which the core decides: it knows no other clock and no other chance.
#[derive(Debug)]
pub struct Moment {
    /// Now.
    pub now: Millis,
    seed: [u8; 32],
    drawn: Cell<u64>,
}

impl Moment {
    /// A moment with fresh randomness from `seed`.
    pub fn new(now: Millis, seed: [u8; 32]) -> Self {
        Self {
            now,
            seed,
            drawn: Cell::new(0),
        }
    }

    /// Now, as a timestamp.
    pub fn timestamp(&self) -> Timestamp {
        timestamp(self.now)
    }

    /// Sixteen random bytes, others at each call.
    pub fn random(&self) -> [u8; 16] {
        let count = self.drawn.get();
        self.drawn.set(count + 1);
        let digest = Sha256::new()
            .chain_update(self.seed)
            .chain_update(count.to_le_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes
    }

    /// A random fraction, 0 ≤ x < 1.
    pub fn fraction(&self) -> f64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.random()[..8]);
        (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A time of the store as a timestamp; times out of range become the epoch.
pub fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or_default()
}

/// A time as Logic Apps writes it: UTC with seven digits, `2018-03-15T13:00:00.0000000Z`.
pub fn round_trip(at: Millis) -> String {
    let time = timestamp(at);
    format!(
        "{}.{:07}Z",
        time.strftime("%Y-%m-%dT%H:%M:%S"),
        time.subsec_nanosecond().max(0) / 100
    )
}
