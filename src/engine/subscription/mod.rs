//! Triggers that are subscribed at a service (Logic Apps: `HttpWebhook`, and `ApiConnectionWebhook` of services other than
//! Microsoft Sentinel): the service gets the signed link of the trigger, and what it posts there starts runs.
//!
//! What is to be done is decided by the pure files; `keeper` and `attempt` keep it in the store and make the calls.
//! Invariants: a subscription is in the store before the service is asked for it, and until the service was asked to
//! forget it; each attempt to make it carries the same idempotency key.

pub mod kept;
pub mod plan;
pub mod standing;

mod attempt;
mod keeper;

pub(super) use keeper::keep;
pub use standing::{State, Subscription, Subscriptions};
