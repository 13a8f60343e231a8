//! Scripts of `JavaScriptCode` actions. They run in QuickJS, in a process of their own (`riposte script-host`) that is
//! given nothing but the text and what it may see, and is ended when it takes too long.
//!
//! Invariant: a script reaches neither file nor network nor environment, and whatever it does, the process that asked
//! for it goes on.

mod host;
mod process;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::expression::Value;

pub use host::execute;
pub use process::Scripts;

/// The hidden command of this program that is the process of a script.
pub const COMMAND: &str = "script-host";
/// How long a script may run, as in Logic Apps.
pub const TIME_MAX: Duration = Duration::from_secs(5);
/// The memory that a script may use, in bytes.
pub const MEMORY_MAX: usize = 64 * 1024 * 1024;
/// The longest text of a script with what it sees, in bytes.
pub const INPUT_MAX: usize = 8 * 1024 * 1024;
/// The longest text of a result, in bytes.
pub const OUTPUT_MAX: usize = 1024 * 1024;

/// What the process is asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    /// The body of a function, which returns the result.
    pub code: String,
    /// What it sees as `workflowContext`.
    pub context: Value,
}

/// What the process answers.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// What the script returned; null where it returned nothing.
    Result(Value),
    /// Why it gave no result.
    Failed(String),
}
