//! Triggers that nobody calls: schedules, windows, services that are asked, batches that are released.
//!
//! What is due when is decided by pure files; `keeper` and `taking` keep it in the store and start the runs. Invariant: a
//! run and the step of its schedule are one transaction, so an occurrence starts at most one run, whenever the process
//! ends.

pub mod plan;
pub mod poll;
pub mod release;
pub mod timetable;

mod keeper;
mod taking;

pub(super) use keeper::keep;
pub use timetable::Timetable;
