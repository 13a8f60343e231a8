//! Which messages of a batch are released (Logic Apps: `releaseCriteria`). Pure.

use crate::definition::workflow::BatchConfiguration;
use crate::expression::Value;

/// The most messages of a batch.
pub const MESSAGES_MAX: u32 = 8_000;
/// The most bytes of a batch: 80 MB.
pub const BYTES_MAX: u64 = 80 * 1024 * 1024;

/// Whether a partition of so many messages and bytes is full: nothing more can be sent to it before its release.
pub fn is_full(count: i64, bytes: i64) -> bool {
    count >= i64::from(MESSAGES_MAX) || u64::try_from(bytes).unwrap_or(0) >= BYTES_MAX
}

/// Whether a partition of so many messages and bytes meets a criterion.
pub fn is_ready(batch: &BatchConfiguration, count: i64, bytes: i64) -> bool {
    let enough = batch.message_count.is_some_and(|least| count >= i64::from(least));
    let heavy = batch
        .batch_size
        .is_some_and(|least| u64::try_from(bytes).unwrap_or(0) >= least);
    count > 0 && (enough || heavy || is_full(count, bytes))
}

/// How many of the first messages, given by their sizes, are released together: those that are needed to meet a
/// criterion, or all of them where none is met.
pub fn portion(batch: &BatchConfiguration, sizes: impl IntoIterator<Item = i64>) -> usize {
    let (mut count, mut bytes) = (0_usize, 0_i64);
    for size in sizes {
        count += 1;
        bytes = bytes.saturating_add(size);
        if is_ready(batch, i64::try_from(count).unwrap_or(i64::MAX), bytes) {
            break;
        }
    }
    count
}

/// The body of a Batch trigger.
pub fn body(batch: &str, partition: &str, messages: Vec<(String, Value)>) -> Value {
    let items = messages
        .into_iter()
        .map(|(id, content)| Value::object([("content", content), ("messageId", id.into())]));
    Value::object([
        ("batchName", Value::from(batch)),
        ("partitionName", partition.into()),
        ("items", Value::array(items)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(message_count: Option<u32>, batch_size: Option<u64>) -> BatchConfiguration {
        BatchConfiguration {
            name: "alerts".into(),
            message_count,
            batch_size,
            recurrence: None,
        }
    }

    #[test]
    fn the_criterion_that_is_met_first_decides() {
        let both = batch(Some(3), Some(100));
        assert_eq!(portion(&both, [10, 10, 10, 10]), 3);
        assert_eq!(portion(&both, [10, 95, 10, 10]), 2);
        assert_eq!(portion(&both, [10, 10]), 2);
        assert!(!is_ready(&both, 2, 20) && is_ready(&both, 3, 20) && is_ready(&both, 1, 100));
    }

    #[test]
    fn a_full_batch_is_released_whatever_its_criteria_say() {
        let timed = batch(None, None);
        assert!(!is_ready(&timed, 7_999, 1_000));
        assert!(is_ready(&timed, 8_000, 1_000) && is_ready(&timed, 1, 80 * 1024 * 1024));
        assert!(
            !is_ready(&batch(Some(0), Some(0)), 0, 0),
            "an empty batch starts nothing"
        );
    }
}
