//! `riposte import`: ARM templates from files and folders to manifests, with a report of what became of each workflow.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::Value;

use crate::api::yaml;
use crate::arm::{BuiltInConnectors, DescribedConnectors, Options};

mod parallel;
mod report;
mod source;

use parallel::parallel;
use report::{Report, ReportEntry, shown};

/// Turns ARM templates into manifests.
#[derive(clap::Args)]
pub struct Arguments {
    /// Templates, and folders that are searched for `*.json`.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Folder that gets one YAML file for each template. Without it the manifests of a single template are printed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// File that gets the report as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Namespace of the manifests; it stands for the resource group of Azure.
    #[arg(long, default_value = "default", value_parser = namespace)]
    namespace: String,
}

fn namespace(text: &str) -> Result<String, String> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits =
        (1..=63).contains(&text.len()) && text.chars().all(letters) && !text.starts_with('-') && !text.ends_with('-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a namespace has up to 63 letters a-z, digits and inner `-`".to_owned())
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sources = source::find(&arguments.paths)?;
    let options = Options {
        namespace: arguments.namespace.clone(),
    };
    let read = parallel(&sources, |source| source.read(&options));
    let failed = read.iter().any(Result::is_err);
    let mut drafts = Vec::new();
    for (source, outcome) in sources.iter().zip(read) {
        match outcome {
            Ok(Some(draft)) => drafts.push((source, draft.manifests(), draft)),
            Ok(None) => {}
            Err(error) => eprintln!("error: {}", shown(&format!("{error:#}"))),
        }
    }
    let manifests = drafts.iter().flat_map(|(_, manifests, _)| manifests);
    let known = DescribedConnectors::new(manifests, &BuiltInConnectors);
    let entries = parallel(&drafts, |(source, _, draft)| {
        let path = source.path.to_string_lossy();
        let entries = draft.judge(&known).into_iter();
        entries
            .map(|entry| ReportEntry {
                path: path.clone().into_owned(),
                entry,
            })
            .collect::<Vec<_>>()
    });
    let report = Report::of(entries.into_iter().flatten().collect());
    if let Some(folder) = &arguments.out {
        let written = parallel(&drafts, |(source, manifests, _)| {
            if manifests.is_empty() {
                return Ok(());
            }
            write(&folder.join(&source.target), &documents(manifests))
        });
        written.into_iter().collect::<anyhow::Result<()>>()?;
    }
    if let Some(file) = &arguments.report {
        write(file, &format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    }
    match (&arguments.out, drafts.as_slice()) {
        (None, [(_, manifests, _)]) if sources.len() == 1 => {
            print(&documents(manifests))?;
            eprint!("{}", report.table());
        }
        _ => print(&report.table())?,
    }
    Ok(if failed {
        ExitCode::from(super::FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    fs::write(path, text).with_context(failed)
}

/// Prints data; a reader that has gone away is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot write to the standard output"),
    }
}

/// The manifests as one YAML stream.
fn documents(manifests: &[Value]) -> String {
    let texts: Vec<String> = manifests.iter().map(yaml::write).collect();
    texts.join("---\n")
}
