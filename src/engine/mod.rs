//! The engine: a pure core that folds events, and a shell that performs what becomes ready.
//!
//! The core (everything but `collect`, `ends`, `evaluate`, `held`, `journal`, `nested`, `places`, `run`, `shell` and the shells of
//! `schedule`) knows no clock, store or network: [`state::State`] folds events and tells what became ready,
//! [`plan::Planner`] turns what is ready into events and calls.

pub mod actions;
pub mod answer;
pub mod call;
pub mod callback;
pub mod clock;
pub mod content;
pub mod event;
pub mod incoming;
pub mod invoke;
pub mod lanes;
pub mod node;
pub mod plan;
pub mod retry;
pub mod schedule;
pub mod scope;
pub mod start;
pub mod state;
pub mod status;
pub mod trace;
pub mod trigger_scope;
pub mod variable;
pub mod view;

mod collect;
mod ends;
mod evaluate;
mod held;
pub mod journal;
pub mod nested;
pub mod pauses;
pub mod places;
mod replica;
mod run;
pub mod shell;

pub use held::Unreleased;
pub use run::Undelivered;
pub use shell::{Engine, Notice};
