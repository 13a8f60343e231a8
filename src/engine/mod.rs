//! The engine: a pure core that folds events, and a shell that performs what becomes ready.

pub mod call;
