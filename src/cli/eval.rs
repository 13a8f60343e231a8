//! `riposte eval`.

use std::process::ExitCode;

/// Evaluates expressions of the workflow language.
#[derive(clap::Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: &Arguments) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
