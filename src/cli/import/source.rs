//! The files of an import: which there are, where their manifests go, and what lies beside a workflow.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

use crate::arm::{self, Beside, Draft, Options};

/// Largest file that is read; Azure takes templates of at most 4 MB.
const MAX_BYTES: u64 = 32 << 20;
/// Files of a Logic App of the standard plan, beside the folders of its workflows or in them.
const APP_FILES: [&str; 4] = [
    "connections.json",
    "parameters.json",
    "host.json",
    "local.settings.json",
];
/// The file of a workflow of the standard plan.
const WORKFLOW: &str = "workflow.json";

/// A template to import.
pub(super) struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Where its manifests go, inside the output folder.
    pub target: PathBuf,
    /// Whether it was found in a folder: then it may be something else than a template.
    was_found: bool,
}

impl Source {
    /// Reads the file; `None` where it is one that goes with a template but is none.
    ///
    /// # Errors
    /// The file cannot be read, or is no text.
    pub(super) fn read(&self, options: &Options) -> anyhow::Result<Option<Draft>> {
        let text = read(&self.path)?;
        if self.was_found && is_companion(&self.path, &text) {
            return Ok(None);
        }
        let beside = if has_name(&self.path, &[WORKFLOW]) {
            Beside {
                connections: self.beside("connections.json")?,
                parameters: self.beside("parameters.json")?,
                settings: self.beside("local.settings.json")?,
            }
        } else {
            Beside::default()
        };
        let name = self.path.to_string_lossy();
        Ok(Some(arm::read_beside(&name, &text, &beside, options)))
    }

    /// The text of a file in the folder of this one, or in the folder around it.
    fn beside(&self, name: &str) -> anyhow::Result<Option<String>> {
        let folders = self.path.ancestors().skip(1).take(2);
        let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
        found.map(|path| read(&path)).transpose()
    }
}

fn has_name(path: &Path, names: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    names.contains(&name.as_str())
}

/// Whether a file goes with a template or a workflow: values of parameters, a form of the portal, settings of an app.
fn is_companion(path: &Path, text: &str) -> bool {
    let head: String = text.chars().take(2000).collect();
    if has_name(path, &["createuidefinition.json"]) || head.contains("/deploymentParameters.json") {
        return true;
    }
    let is_below = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        folder.join(WORKFLOW).is_file() || entries.into_iter().any(|entry| entry.path().join(WORKFLOW).is_file())
    };
    has_name(path, &APP_FILES) && path.parent().is_some_and(is_below)
}

/// The templates at the paths; those of a folder keep their place in it.
pub(super) fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
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
            sources.push(Source {
                path: file,
                target,
                was_found: is_folder,
            });
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
    let bytes = fs::read(path).with_context(failed)?;
    arm::decode(&bytes).map_err(|problem| anyhow!("{}: it {problem}", failed()))
}
