//! `riposte validate`.

use std::process::ExitCode;

/// Finds every problem of manifests and templates at once.
#[derive(clap::Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: &Arguments) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
