//! Reads `retryPolicy`: what a call does after a failure of the service.

use std::time::Duration;

use super::draft::Draft;
use super::duration;
use super::limits::Limit;
use super::node::Node;
use super::workflow::RetryPolicy;

/// Shortest and longest delay that a policy may name.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(86_400);

impl Default for RetryPolicy {
    /// The policy of Logic Apps where none is given: four retries at 7.5 s, within 5 s and 45 s.
    fn default() -> Self {
        Self::Exponential {
            count: 4,
            interval: Duration::from_millis(7_500),
            minimum: Duration::from_secs(5),
            maximum: Duration::from_secs(45),
        }
    }
}

/// Reads the retry policy of an action's inputs.
pub(super) fn parse(draft: &mut Draft, inputs: &Node) -> RetryPolicy {
    let Some(policy) = inputs.member("retryPolicy") else {
        return RetryPolicy::default();
    };
    if !draft.is_object(&policy) {
        return RetryPolicy::default();
    }
    let Some(kind) = draft.required(&policy, "type") else {
        return RetryPolicy::default();
    };
    match draft.text(&kind).unwrap_or("default").to_lowercase().as_str() {
        "default" => RetryPolicy::default(),
        "none" => RetryPolicy::None,
        "fixed" => RetryPolicy::Fixed {
            count: count(draft, &policy),
            interval: required_interval(draft, &policy),
        },
        "exponential" => exponential(draft, &policy),
        other => {
            let message = format!("'{other}' is no retry policy; use 'none', 'fixed', 'exponential' or 'default'");
            draft.report.error("InvalidRetryPolicy", &kind.pointer, message);
            RetryPolicy::default()
        }
    }
}

fn exponential(draft: &mut Draft, policy: &Node) -> RetryPolicy {
    let interval = required_interval(draft, policy);
    let minimum = optional_interval(draft, policy, "minimumInterval").unwrap_or(SHORTEST);
    let maximum = optional_interval(draft, policy, "maximumInterval").unwrap_or(LONGEST);
    if minimum > maximum {
        let message = "the minimum interval is longer than the maximum";
        draft.report.error("InvalidRetryPolicy", &policy.pointer, message);
    }
    RetryPolicy::Exponential {
        count: count(draft, policy),
        interval,
        minimum,
        maximum,
    }
}

fn count(draft: &mut Draft, policy: &Node) -> u32 {
    let Some(node) = draft.required(policy, "count") else {
        return 0;
    };
    let most = draft.limits.of(Limit::Retries);
    let count = node.value.as_int().and_then(|count| u32::try_from(count).ok());
    count.filter(|count| (1..=most).contains(count)).unwrap_or_else(|| {
        let message = format!("the count of retries must be an integer from 1 to {most}");
        draft.report.error("InvalidRetryPolicy", &node.pointer, message);
        0
    })
}

fn required_interval(draft: &mut Draft, policy: &Node) -> Duration {
    draft.required(policy, "interval");
    optional_interval(draft, policy, "interval").unwrap_or(SHORTEST)
}

fn optional_interval(draft: &mut Draft, policy: &Node, name: &str) -> Option<Duration> {
    let node = policy.member(name)?;
    let interval = node.value.as_str().and_then(duration::parse);
    let interval = interval.filter(|interval| (SHORTEST..=LONGEST).contains(interval));
    if interval.is_none() {
        let message = format!("'{name}' must be an ISO 8601 duration from PT5S to P1D, such as 'PT20S'");
        draft.report.error("InvalidRetryPolicy", &node.pointer, message);
    }
    interval
}
