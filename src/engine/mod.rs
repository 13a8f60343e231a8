//! The engine: a pure core that folds events, and a shell that performs what becomes ready.

pub mod actions;
pub mod call;
pub mod clock;
pub mod event;
pub mod plan;
pub mod retry;
pub mod scope;
pub mod state;
pub mod status;
pub mod variable;
