//! Workflow definitions: from the JSON that Logic Apps writes to a typed tree, checked as a whole.
//! Pure; every problem is reported at once, with its place.

pub mod problem;
pub mod workflow;

pub use problem::{Problem, Severity};
pub use workflow::{Action, ActionId, ActionKind, Block, BlockId, Workflow};
