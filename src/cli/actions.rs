//! `riposte actions`: the manual of the action and trigger types of workflow definitions.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::USAGE;
use crate::api::nearest;
use crate::definition::manual;

/// Describes the actions and triggers of workflow definitions, as a page in Markdown.
#[derive(clap::Args)]
pub struct Arguments {
    /// A type of action or trigger, such as Http; its case does not matter. None: all.
    #[arg(value_name = "TYPE")]
    name: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Output that cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = match &arguments.name {
        None => manual::page(),
        Some(name) => {
            let sections = manual::sections(name);
            if sections.is_empty() {
                let known = manual::ACTIONS.iter().chain(manual::TRIGGERS).map(|kind| kind.name);
                let hint = nearest(name, known).map(|word| format!("; did you mean `{word}`?"));
                let name = super::output::clean(name);
                eprintln!("error: unknown type `{name}`{}", hint.unwrap_or_default());
                return Ok(ExitCode::from(USAGE));
            }
            sections
        }
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("the manual cannot be written")?;
    Ok(ExitCode::SUCCESS)
}
