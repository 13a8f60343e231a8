//! The events of an example folder: files below `events/`, delivered once each.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::api::yaml;
use crate::incidents::{Accepted, Desk};
use crate::intake::{self, Format};
use crate::store::{Operation, Store, Transaction};

/// The name of the folders that hold events.
const FOLDER: &str = "events";
/// The largest event file, in bytes.
const SIZE_MAX: u64 = 8 * 1024 * 1024;

/// An event file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFile {
    /// Where it is.
    pub path: PathBuf,
}

/// What became of an event file.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// What was accepted; empty if the file was delivered before.
    pub accepted: Vec<Accepted>,
    /// Whether it was delivered before.
    pub before: bool,
}

/// Why an event file cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{file}: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Incidents(#[from] crate::incidents::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

/// The event files below a folder: `*.json` in each folder named `events`, in order of their paths.
pub fn find(root: &Path) -> Vec<EventFile> {
    let mut queue = vec![(root.to_path_buf(), 0)];
    let mut found = Vec::new();
    while let Some((folder, depth)) = queue.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !is_hidden && depth < 8 {
                queue.push((path, depth + 1));
            } else if folder.file_name().is_some_and(|name| name == FOLDER)
                && path.extension().is_some_and(|extension| extension == "json")
            {
                found.push(EventFile { path });
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

/// Delivers an event file to a workspace, unless it was delivered before.
///
/// # Errors
/// A file that cannot be read or is of no known format, or a store that fails.
pub async fn replay(file: &EventFile, workspace: &str, desk: &Desk, store: &Store) -> Result<Replayed, Error> {
    let unknown = "its format is not known; the README names the formats of events";
    let (format, bytes) = read(&file.path)?;
    let format = format.ok_or_else(|| unreadable(&file.path, &unknown))?;
    let setting = format!("replayed/{workspace}/{}", hex(&Sha256::digest(&bytes)));
    let path = file.path.clone();
    if store.setting(&setting).await?.is_some() {
        return Ok(Replayed {
            path,
            format,
            accepted: Vec::new(),
            before: true,
        });
    }
    let now = Timestamp::now();
    let intake = intake::decode(format, &bytes, workspace, now).map_err(|error| unreadable(&file.path, &error))?;
    let accepted = desk.accept(intake, now).await?;
    let operations = vec![Operation::PutSetting {
        key: setting,
        value: now.to_string(),
    }];
    store.commit(Transaction { operations }).await?;
    Ok(Replayed {
        path,
        format,
        accepted,
        before: false,
    })
}

/// The bytes of an event file and its format, if that is known.
///
/// # Errors
/// A file that cannot be read or is no JSON.
pub fn read(path: &Path) -> Result<(Option<Format>, Vec<u8>), Error> {
    let size = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if size > SIZE_MAX {
        return Err(unreadable(path, &format!("it has {size} bytes, more than {SIZE_MAX}")));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| unreadable(path, &error))?;
    let document = yaml::parse_json(text).map_err(|problem| unreadable(path, &problem.error(&place(path))))?;
    Ok((Format::detect(&document.json), bytes))
}

fn place(path: &Path) -> String {
    path.display().to_string()
}

fn unreadable(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::Unreadable {
        file: path.display().to_string(),
        reason: reason.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
