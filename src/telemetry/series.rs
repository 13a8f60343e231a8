//! How many different label sets a figure may have. Each costs memory here and in Prometheus, and their names come from
//! users, so a limit keeps them few. Invariant: a label set that was let in stays in.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// How many label sets a figure has at most, where nothing else is said.
pub const SERIES: usize = 2_000;

/// What stands for names beyond the limit.
pub(super) const OTHER: &str = "(other)";

/// The label sets of one figure.
#[derive(Debug)]
pub(super) struct Series<L> {
    known: Mutex<HashSet<L>>,
    most: usize,
}

impl<L: Clone + Eq + Hash> Series<L> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            known: Mutex::default(),
            most,
        }
    }

    /// The label set, or `other` where it is new and there are as many as may be.
    pub(super) fn admit(&self, labels: L, other: impl FnOnce(L) -> L) -> L {
        // A set is whole after every step.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&labels) {
            return labels;
        }
        if known.len() >= self.most {
            return other(labels);
        }
        known.insert(labels.clone());
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_names_are_counted_together() {
        let series = Series::new(2);
        let admit = |name: &'static str| series.admit(name, |_| OTHER);
        assert_eq!([admit("a"), admit("b"), admit("c"), admit("a")], ["a", "b", OTHER, "a"]);
    }
}
