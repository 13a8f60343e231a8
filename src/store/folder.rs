//! A store in a folder: an SQLite database behind a lock.
//! Invariant: at most one process has a folder open, from before the database is touched until it is closed.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::batch::{self, Outcome};
use super::journal::ROWS_PER_INSERT;
use super::sql::{Connection, Pool};
use super::{Error, Transaction, schema};

/// Connections that read; SQLite's readers hinder neither each other nor the writer.
const READERS: u32 = 4;
/// More statements than the writer has, besides those that insert events.
const OTHER_STATEMENTS: usize = 64;
/// How long a statement waits for a backup tool or a reader that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// A store that was just dropped lets go of its folder in a moment; so open asks this often, at this interval.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_INTERVAL: Duration = Duration::from_millis(25);

/// The open database of a folder.
pub(super) struct Folder {
    connection: Connection,
    lock: File,
}

impl Folder {
    /// Opens the database of a folder, and makes both if they are new. Gives it with the connections that read.
    pub(super) async fn open(folder: &Path) -> Result<(Folder, Pool), Error> {
        std::fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
        let lock = lock(folder).await?;
        let database = folder.join("riposte.db");
        open_private(&database)?;
        let mut connection = connect(&database).await?;
        schema::migrate(&mut connection).await?;
        let readers = Pool::Sqlite(readers(&database));
        Ok((Folder { connection, lock }, readers))
    }

    /// Commits transactions at once; an error fails them all.
    pub(super) async fn commit(&mut self, transactions: Vec<Transaction>) -> Result<Vec<Outcome>, Error> {
        match self.try_commit(transactions).await {
            Ok(outcomes) => Ok(outcomes),
            Err(error) => {
                // The transaction may be over already: SQLite rolls back by itself when the disk is full.
                if let Err(error) = batch::execute(&mut self.connection, "ROLLBACK").await {
                    tracing::debug!(%error, "nothing to roll back");
                }
                Err(error.into())
            }
        }
    }

    async fn try_commit(&mut self, transactions: Vec<Transaction>) -> Result<Vec<Outcome>, sqlx::Error> {
        let outcomes = batch::apply_all(&mut self.connection, transactions).await?;
        batch::execute(&mut self.connection, "COMMIT").await?;
        Ok(outcomes)
    }

    /// Closes the database, then frees the folder.
    pub(super) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the store did not close cleanly; it recovers when it is opened again");
        }
        drop(self.lock);
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

async fn connect(database: &Path) -> Result<Connection, Error> {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("secure_delete", "ON")
        .statement_cache_capacity(ROWS_PER_INSERT + OTHER_STATEMENTS)
        .busy_timeout(BUSY_TIMEOUT);
    Ok(Connection::Sqlite(options.connect().await?))
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
