//! Evaluating the automation rules of a workspace for one occasion, as the pure core of a journaled run: the shell
//! asks [`State::next`] what to do, does it, and appends the [`Event`] that came of it. Folding the same events always
//! gives the same state, so a crash between any two events loses nothing.

mod event;
mod pin;
mod state;
mod summary;

pub use event::{ActionOutcome, ContinueReason, EndedRule, Event, Occasion, PinnedRule, RuleStatus};
pub use pin::{PLAYBOOK_WAIT, is_active, pin};
pub use state::{ActionProgress, CHAIN_MAX, IllegalEvent, RuleProgress, State, Step, Verdict};
pub use summary::{ActionSummary, RuleSummary, Summary, summary};
