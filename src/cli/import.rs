//! `riposte import`: ARM templates from files and folders to manifests, with a report of what became of each workflow.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::Value;

use crate::api::yaml;
use crate::arm::{self, BuiltInConnectors, DescribedConnectors, Draft, Entry, Options, Verdict};

/// Largest file that is read; Azure takes templates of at most 4 MB.
const MAX_BYTES: u64 = 32 << 20;

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

/// A template to import.
struct Source {
    /// Where it is.
    path: PathBuf,
    /// Where its manifests go, inside the output folder.
    target: PathBuf,
}

/// The report; other tools rely on its form.
#[derive(Serialize)]
struct Report {
    total: usize,
    summary: BTreeMap<&'static str, usize>,
    /// How many entries that do not run have a reason of each code.
    codes: BTreeMap<&'static str, usize>,
    files: Vec<ReportEntry>,
}

/// One entry of the report.
#[derive(Serialize)]
struct ReportEntry {
    path: String,
    #[serde(flatten)]
    entry: Entry,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sources = find(&arguments.paths)?;
    let options = Options {
        namespace: arguments.namespace.clone(),
    };
    let mut failed = false;
    let mut drafts: Vec<(&Source, Draft, Vec<Value>)> = Vec::new();
    for source in &sources {
        match read(&source.path) {
            Ok(text) => {
                let draft = arm::read(&source.path.to_string_lossy(), &text, &options);
                let manifests = draft.manifests();
                drafts.push((source, draft, manifests));
            }
            Err(error) => {
                failed = true;
                eprintln!("error: {}", shown(&format!("{error:#}")));
            }
        }
    }
    let manifests = drafts.iter().flat_map(|(_, _, manifests)| manifests);
    let known = DescribedConnectors::new(manifests, &BuiltInConnectors);
    let entries = drafts.iter().flat_map(|(source, draft, _)| {
        let path = source.path.to_string_lossy().into_owned();
        draft.judge(&known).into_iter().map(move |entry| ReportEntry {
            path: path.clone(),
            entry,
        })
    });
    let report = report(entries.collect());
    if let Some(folder) = &arguments.out {
        for (source, _, manifests) in drafts.iter().filter(|(_, _, manifests)| !manifests.is_empty()) {
            write(&folder.join(&source.target), &documents(manifests))?;
        }
    }
    if let Some(file) = &arguments.report {
        write(file, &format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    }
    match (&arguments.out, drafts.as_slice()) {
        (None, [(_, _, manifests)]) if sources.len() == 1 => {
            print(&documents(manifests))?;
            eprint!("{}", table(&report));
        }
        _ => print(&table(&report))?,
    }
    Ok(if failed {
        ExitCode::from(super::FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

/// The templates at the paths; those of a folder keep their place in it.
fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut targets = HashSet::new();
    for path in paths {
        let is_folder = fs::metadata(path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .is_dir();
        let files = if is_folder {
            files_below(path)?
        } else {
            vec![path.clone()]
        };
        if files.is_empty() {
            bail!("no *.json in {}", path.display());
        }
        for file in files {
            let inside = if is_folder {
                file.strip_prefix(path).ok()
            } else {
                file.file_name().map(Path::new)
            };
            let target = free(inside.unwrap_or(&file), &mut targets);
            sources.push(Source { path: file, target });
        }
    }
    Ok(sources)
}

/// A YAML path that no other template has.
fn free(path: &Path, taken: &mut HashSet<PathBuf>) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut target = path.with_file_name(format!("{stem}.yaml"));
    let mut number = 2_usize;
    while !taken.insert(target.clone()) {
        target = path.with_file_name(format!("{stem}-{number}.yaml"));
        number += 1;
    }
    target
}

/// Every `*.json` below a folder, sorted; links to folders are not followed, so there are no circles.
fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else if entry
                .path()
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
            {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let failed = || format!("cannot read {}", path.display());
    if fs::metadata(path).with_context(failed)?.len() > MAX_BYTES {
        bail!("{}: larger than {} MiB", failed(), MAX_BYTES >> 20);
    }
    fs::read_to_string(path).with_context(failed)
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

fn report(files: Vec<ReportEntry>) -> Report {
    let mut summary = BTreeMap::new();
    let mut codes = BTreeMap::new();
    for ReportEntry { entry, .. } in &files {
        *summary.entry(entry.verdict.as_str()).or_insert(0) += 1;
        let reasons: BTreeSet<_> = entry.codes.iter().filter(|_| entry.verdict != Verdict::Runs).collect();
        reasons
            .into_iter()
            .for_each(|code| *codes.entry(*code).or_insert(0) += 1);
    }
    Report {
        total: files.len(),
        summary,
        codes,
        files,
    }
}

/// A line for each entry with its first reason, and the counts.
fn table(report: &Report) -> String {
    let widest = |length: fn(&ReportEntry) -> usize| report.files.iter().map(length).max().unwrap_or(0);
    let (verdicts, names) = (
        widest(|file| file.entry.verdict.as_str().len()),
        widest(|file| file.entry.name.len()),
    );
    let mut lines: Vec<String> = Vec::new();
    for ReportEntry { path, entry } in &report.files {
        let reason = entry.reasons.first().map_or("", String::as_str);
        let line = format!("{:verdicts$}  {:names$}  {path}", entry.verdict.as_str(), entry.name);
        lines.push(if reason.is_empty() {
            line
        } else {
            format!("{line}: {reason}")
        });
    }
    let counts: Vec<String> = report
        .summary
        .iter()
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    lines.push(format!("{} in all: {}", report.total, counts.join(", ")));
    lines.iter().map(|line| shown(line) + "\n").collect()
}

/// Text from outside on a terminal: without control characters.
fn shown(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
