//! `riposte export`: manifests back to an ARM template that deploys to Azure.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::{FAILED, output};
use crate::api::Manifest;
use crate::api::manifest::{Decoded, decode};
use crate::api::yaml;
use crate::arm;

/// Writes playbooks, with their connections and connectors, as an ARM template.
#[derive(clap::Args)]
pub struct Arguments {
    /// Files with manifests: the Playbooks, and the ApiConnections and Connectors that go with them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// File that gets the template. Without it the template is printed.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read or written, or manifests without a Playbook or Connector.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut manifests = Vec::new();
    let mut failed = false;
    for file in &arguments.files {
        failed |= !read(file, &mut manifests)?;
    }
    if failed {
        return Ok(ExitCode::from(FAILED));
    }
    let export = arm::export(&manifests)?;
    for note in &export.notes {
        eprintln!("note: {}", output::clean(note));
    }
    let text = format!("{}\n", serde_json::to_string_pretty(&export.template)?);
    match &arguments.out {
        Some(file) => fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?,
        None => match std::io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            outcome => outcome.context("cannot write to the standard output")?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the manifests of a file; `false` where one has errors, which are printed.
fn read(file: &Path, manifests: &mut Vec<Manifest>) -> anyhow::Result<bool> {
    let name = file.to_string_lossy();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let documents = match yaml::parse(&text) {
        Ok(documents) => documents,
        Err(problem) => bail!("{}", output::clean(&problem.error(&name).to_string())),
    };
    let mut fine = true;
    for document in &documents {
        match decode(document, &name) {
            Ok(Decoded::Manifest(manifest)) => manifests.push(*manifest),
            Ok(Decoded::Foreign { .. } | Decoded::Test) => {}
            Err(problems) => {
                fine = false;
                let problems = problems.iter().map(ToString::to_string);
                problems.for_each(|problem| eprintln!("{}", output::clean(&problem)));
            }
        }
    }
    Ok(fine)
}
