//! The living catalog of a folder: a thread reads the folder again when the system tells of changes, and publishes a
//! new snapshot if anything that counts did change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::watch;

use super::folder::{Folder, FolderError};
use super::snapshot::Catalog;
use crate::definition::Limits;

/// How long the files must rest before they are read: editors and Git write in several steps.
const REST: Duration = Duration::from_millis(60);
/// Longest time that changes may go on before the files are read in between.
const LONGEST_WAIT: Duration = Duration::from_millis(600);

/// The current catalog of a folder. Dropping it ends the watch; clones of what [`Handle::changed`] gives stay valid.
#[derive(Debug)]
pub struct Handle {
    catalogs: watch::Receiver<Arc<Catalog>>,
    _watcher: RecommendedWatcher,
}

impl Handle {
    /// The catalog as it is now.
    pub fn current(&self) -> Arc<Catalog> {
        self.catalogs.borrow().clone()
    }

    /// A receiver that tells of each new catalog.
    pub fn changed(&self) -> watch::Receiver<Arc<Catalog>> {
        self.catalogs.clone()
    }

    /// Begins to watch before the first reading, so no change falls between.
    pub(super) fn watch(path: &Path, limits: Limits) -> Result<Self, FolderError> {
        let unwatchable = |source| FolderError::Unwatchable {
            path: path.to_owned(),
            source,
        };
        let unreadable = |source| FolderError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let (events, changes) = mpsc::channel();
        let is_file = path.metadata().map_err(unreadable)?.is_file();
        let (watched, mode) = match path.parent() {
            Some(parent) if is_file => (folder_of(parent), RecursiveMode::NonRecursive),
            _ => (path.to_owned(), RecursiveMode::Recursive),
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if counts(&event) {
                let _ = events.send(());
            }
        })
        .map_err(unwatchable)?;
        watcher.watch(&watched, mode).map_err(unwatchable)?;

        let mut folder = Folder::empty(path, limits);
        folder.refresh()?;
        let (publisher, catalogs) = watch::channel(Arc::new(folder.catalog()));
        thread::Builder::new()
            .name("catalog".to_owned())
            .spawn(move || follow(folder, &changes, &publisher))
            .map_err(unreadable)?;
        Ok(Self {
            catalogs,
            _watcher: watcher,
        })
    }
}

/// The folder of a file that is named without one is the present one.
fn folder_of(parent: &Path) -> PathBuf {
    if parent.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        parent.to_owned()
    }
}

/// Whether an event can change what the files hold. Reading them must not count: it would never end.
fn counts(event: &notify::Result<Event>) -> bool {
    match event {
        Ok(event) => !matches!(event.kind, EventKind::Access(_)),
        Err(_) => true,
    }
}

/// Reads the folder after each burst of changes, until the watcher is gone.
fn follow(mut folder: Folder, changes: &Receiver<()>, publisher: &watch::Sender<Arc<Catalog>>) {
    while changes.recv().is_ok() {
        if !rest(changes) {
            return;
        }
        match folder.refresh() {
            Ok(false) => continue,
            Ok(true) => {}
            Err(error) => folder.fail(&error),
        }
        tracing::info!(folder = %folder.root.display(), "catalog changed");
        publisher.send_replace(Arc::new(folder.catalog()));
    }
}

/// Waits until changes rest; false where the watcher is gone.
fn rest(changes: &Receiver<()>) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < LONGEST_WAIT {
        match changes.recv_timeout(REST) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    true
}
