//! The engine: a pure core that folds events, and a shell that performs what becomes ready.
//!
//! The core (everything but `approvals`, `collect`, `ends`, `evaluate`, `held`, `interrupted`, `journal`, `nested`, `places`,
//! `run`, `shell`, `upkeep` and the shells of `schedule` and `subscription`) knows no clock, store or network:
//! [`state::State`] folds events and tells what became ready, [`plan::Planner`] turns what is ready into events and calls.

pub mod actions;
pub mod answer;
pub mod approval;
pub mod call;
pub mod callback;
mod carry;
pub mod clock;
pub mod content;
pub mod event;
pub mod incoming;
pub mod invoke;
pub mod lanes;
pub mod node;
pub mod plan;
pub mod resubmit;
pub mod retry;
pub mod schedule;
pub mod scope;
pub mod start;
pub mod state;
pub mod status;
pub mod subscription;
pub mod trace;
pub mod trigger_call;
pub mod trigger_scope;
pub mod variable;
pub mod view;

mod approvals;
mod collect;
mod ends;
mod evaluate;
mod held;
mod interrupted;
pub mod journal;
pub mod nested;
pub mod pauses;
pub mod places;
mod replica;
mod run;
pub mod shell;
#[cfg(test)]
mod silent;
mod upkeep;

pub use approvals::{Asked, NotRecorded};
pub use held::Unreleased;
pub use run::{Haste, Undelivered};
pub use shell::{Engine, Notice};
