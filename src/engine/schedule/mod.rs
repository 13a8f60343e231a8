//! Triggers that nobody calls: schedules, windows, services that are asked, batches that are released.
//!
//! What is due when is decided by pure files; `shell` keeps it in the store and starts the runs. Invariant: a run and
//! the step of its schedule are one transaction, so an occurrence starts at most one run, whenever the process ends.

pub mod timetable;

pub use timetable::Timetable;
