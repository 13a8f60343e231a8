//! What the writer measures: the time of its commits, and how many transactions shared each.

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// Measures of commits; clones share them.
#[derive(Clone, Debug)]
pub struct Timings {
    /// Seconds of one commit.
    pub commit_time: Histogram,
    /// Transactions of one commit.
    pub batch: Histogram,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            commit_time: Histogram::new(exponential_buckets(0.000_1, 3.0, 11)),
            batch: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
        }
    }
}
