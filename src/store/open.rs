//! Opens a store: takes the lock of its folder, brings the schema up to date and starts the writer.
//! Invariant: at most one process has a folder open, from before the database is touched until it is closed.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::{mpsc, watch};

use super::journal::ROWS_PER_INSERT;
use super::writer::Writer;
use super::{Error, Store, schema};

/// Transactions that may wait for the writer; more senders wait for room.
const QUEUE: usize = 1024;
/// Connections that read; SQLite's readers hinder neither each other nor the writer.
const READERS: u32 = 4;
/// More statements than the writer has, besides those that insert events.
const OTHER_STATEMENTS: usize = 64;
/// How long a statement waits for a backup tool or a reader that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// A store that was just dropped lets go of its folder in a moment; so open asks this often, at this interval.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_INTERVAL: Duration = Duration::from_millis(25);

impl Store {
    /// Opens the store in a folder, and makes both if they are new.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process has it open, [`Error::Newer`] if a newer Riposte wrote it, and
    /// [`Error::Database`] if the folder or the database cannot be used.
    pub async fn open(folder: &Path) -> Result<Store, Error> {
        std::fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
        let lock = lock(folder).await?;
        let database = folder.join("riposte.db");
        open_private(&database)?;
        let mut connection = connect(&database).await?;
        schema::migrate(&mut connection).await?;
        let readers = readers(&database);
        let (writer, jobs) = mpsc::channel(QUEUE);
        let (commits, seen) = watch::channel(0);
        tokio::spawn(
            Writer {
                connection,
                jobs,
                commits,
                readers: readers.clone(),
                lock,
            }
            .work(),
        );
        Ok(Store {
            writer,
            readers,
            commits: seen,
        })
    }
}

async fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("riposte.lock");
    let file = open_private(&path)?;
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_INTERVAL).await,
            Err(TryLockError::Error(error)) => return Err(unusable(&path, &error)),
        }
    }
    Err(Error::Locked(folder.display().to_string()))
}

/// Opens a file that only its owner may read, and makes it if it is new. SQLite gives its other files the same mode.
fn open_private(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::Database(format!("'{}' cannot be opened: {error}", path.display()))
}

async fn connect(database: &Path) -> Result<SqliteConnection, Error> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("secure_delete", "ON")
        .statement_cache_capacity(ROWS_PER_INSERT + OTHER_STATEMENTS)
        .busy_timeout(BUSY_TIMEOUT);
    Ok(options.connect().await?)
}

fn readers(database: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT);
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options)
}
