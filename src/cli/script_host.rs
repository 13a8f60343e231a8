//! `riposte script-host`: the process of one script. The task comes on standard input, the outcome goes to standard
//! output; only `riposte` itself calls it.

use std::io::Read;
use std::process::ExitCode;

use crate::script::{self, INPUT_MAX, Task};

/// Executes the script of a `JavaScriptCode` action.
#[derive(clap::Args)]
pub struct Arguments {}

/// Reads the task, executes it and writes what came of it.
pub fn run(_: &Arguments) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    let most = u64::try_from(INPUT_MAX)?.saturating_add(1);
    std::io::stdin().take(most).read_to_string(&mut text)?;
    let task: Task = serde_json::from_str(&text)?;
    println!("{}", serde_json::to_string(&script::execute(&task))?);
    Ok(ExitCode::SUCCESS)
}
