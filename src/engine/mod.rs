//! The engine: a pure core that folds events, and a shell that performs what becomes ready.
//!
//! The core (everything but `journal`, `nested`, `run`, `shell`, `ends` and `evaluate`) knows no clock, store or network: [`state::State`]
//! folds events and tells what became ready, [`plan::Planner`] turns what is ready into events and calls.

pub mod actions;
pub mod answer;
pub mod call;
pub mod callback;
pub mod clock;
pub mod content;
pub mod event;
pub mod incoming;
pub mod invoke;
pub mod node;
pub mod plan;
pub mod retry;
pub mod scope;
pub mod start;
pub mod state;
pub mod status;
pub mod variable;
pub mod view;

mod ends;
mod evaluate;
pub mod journal;
pub mod nested;
mod run;
pub mod shell;

pub use run::Undelivered;
pub use shell::{Engine, Notice};
