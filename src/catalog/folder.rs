//! A folder of files as the source of the catalog: which files count, and what of them is still known when one of them
//! breaks. A broken file keeps its last good objects and shows its errors until it is mended.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::api::Diagnostic;
use crate::api::yaml::{MAX_TEXT, Position};
use crate::definition::Limits;

use super::snapshot::Catalog;
use super::source::Source;
use super::watch::Handle;

/// Deepest sub-folder that is read.
const MAX_LEVELS: usize = 16;
/// Most files that are read.
const MAX_FILES: usize = 10_000;
/// Folders that hold no configuration.
const SKIPPED: [&str; 4] = ["node_modules", "target", "events", "invalid"];

/// What went wrong with the folder as a whole.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder or file cannot be read.
    #[error("cannot read {path}; check that it exists and may be read")]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// Why it cannot.
        source: io::Error,
    },
    /// More files than fit.
    #[error("{path} holds more than {MAX_FILES} files; name a smaller folder")]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
    },
    /// The system refuses to watch the folder.
    #[error("cannot watch {path} for changes; raise the limit of watches (fs.inotify.max_user_watches)")]
    Unwatchable {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: notify::Error,
    },
}

/// The files of a folder, or one file, and what was read from them.
#[derive(Debug)]
pub struct Folder {
    pub(super) root: PathBuf,
    limits: Limits,
    files: BTreeMap<PathBuf, Known>,
    failure: Option<Diagnostic>,
}

/// What is known of a file.
#[derive(Debug)]
struct Known {
    /// SHA-256 of its text; `None` where it could not be read.
    digest: Option<[u8; 32]>,
    source: Source,
}

impl Folder {
    /// Reads a folder and its sub-folders, or one file, and goes on watching for changes; its playbooks must keep the
    /// limits.
    ///
    /// # Errors
    /// The folder cannot be read or watched. Problems inside files are no errors: they are in the catalog.
    pub fn open(path: &Path, limits: Limits) -> Result<Handle, FolderError> {
        Handle::watch(path, limits)
    }

    /// Reads a folder or one file once; its playbooks must keep the limits.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn read(path: &Path, limits: Limits) -> Result<Catalog, FolderError> {
        let mut folder = Self::empty(path, limits);
        folder.refresh()?;
        Ok(folder.catalog())
    }

    pub(super) fn empty(path: &Path, limits: Limits) -> Self {
        Self {
            root: path.to_owned(),
            limits,
            files: BTreeMap::new(),
            failure: None,
        }
    }

    /// The catalog of what is known now.
    pub(super) fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::build(self.files.values().map(|known| &known.source));
        catalog.limits = self.limits;
        catalog.diagnostics.extend(self.failure.clone());
        catalog
    }

    /// Reads what changed; tells whether anything did.
    pub(super) fn refresh(&mut self) -> Result<bool, FolderError> {
        let mut paths = BTreeSet::new();
        collect(&self.root, 0, &mut paths)?;
        let before = self.files.len();
        self.files.retain(|path, _| paths.contains(path));
        let mut changed = self.files.len() != before || self.failure.take().is_some();
        for path in paths {
            changed |= self.refresh_file(path);
        }
        Ok(changed)
    }

    /// Remembers that the folder as a whole could not be read; what is known stays.
    pub(super) fn fail(&mut self, error: &FolderError) {
        let file = self.root.display().to_string();
        self.failure = Some(Diagnostic::error(
            &file,
            Position::START,
            "UnreadableFolder",
            error.to_string(),
        ));
    }

    fn refresh_file(&mut self, path: PathBuf) -> bool {
        let text = read_text(&path);
        let digest = text.as_ref().ok().map(|text| Sha256::digest(text).into());
        if self
            .files
            .get(&path)
            .is_some_and(|known| known.digest == digest && digest.is_some())
        {
            return false;
        }
        let file = path.display().to_string();
        let mut source = match text {
            Ok(text) => Source::read_within(&file, &text, self.limits),
            Err(message) => Source::broken(Diagnostic::error(&file, Position::START, "UnreadableFile", message)),
        };
        if let Some(known) = self.files.remove(&path) {
            if known.digest.is_none() && digest.is_none() {
                self.files.insert(path, known);
                return false;
            }
            source = source.or_objects_of(known.source);
        }
        self.files.insert(path, Known { digest, source });
        true
    }
}

/// The text of a file, or why there is none.
fn read_text(path: &Path) -> Result<String, String> {
    let length = path
        .metadata()
        .map_err(|error| format!("the file cannot be read: {error}"))?
        .len();
    if length > MAX_TEXT as u64 {
        return Err(format!(
            "the file has {length} bytes, at most {MAX_TEXT} are read; split it"
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".to_owned())
}

/// Finds the files that count.
fn collect(path: &Path, level: usize, paths: &mut BTreeSet<PathBuf>) -> Result<(), FolderError> {
    let unreadable = |source| FolderError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if level == 0 && path.metadata().map_err(unreadable)?.is_file() {
        paths.insert(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') || SKIPPED.contains(&&*name) {
            continue;
        }
        // A link to a file counts (Kubernetes mounts ConfigMaps so); a link to a folder may lead in a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if level < MAX_LEVELS {
                collect(&path, level + 1, paths)?;
            }
        } else if is_manifest_file(&path) && path.is_file() {
            paths.insert(path);
            if paths.len() > MAX_FILES {
                return Err(FolderError::TooManyFiles { path: entry.path() });
            }
        }
    }
    Ok(())
}

fn is_manifest_file(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known))
        })
}
