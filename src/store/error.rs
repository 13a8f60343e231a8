//! What can go wrong in the store. A refusal is the caller's to handle (read again, then retry or give up); the other
//! errors are the operator's. Invariant: no message carries a stored value.

use super::RunId;

/// The codes by which the databases say that their disks are full.
const SQLITE_FULL: &str = "13";
const POSTGRES_DISK_FULL: &str = "53100";

/// Why a transaction was refused; nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The alert is known already.
    #[error("the alert is known as '{0}'")]
    DuplicateAlert(String),
    /// The incident changed since it was read.
    #[error("incident '{0}' changed since it was read")]
    StaleIncident(String),
    /// Another incident holds the grouping key.
    #[error("incident '{0}' holds the grouping key")]
    GroupTaken(String),
    /// The watchlist or item changed or went since it was read.
    #[error("watchlist '{0}' changed since it was read")]
    StaleWatchlist(String),
    /// Something came for this action of the run before.
    #[error("the run '{0}' was called back for this already")]
    Delivered(RunId),
    /// The approval changed or was closed since it was read.
    #[error("what the run '{0}' asks for has changed since it was read")]
    StaleApproval(RunId),
    /// As many runs of the playbook wait as may.
    #[error("so many runs of the playbook '{0}' wait that no more are taken")]
    Full(String),
    /// As many calls under the brake count as may.
    #[error("the brake '{0}' lets no more calls through")]
    Braked(String),
    /// The setting changed since it was read.
    #[error("setting '{0}' changed since it was read")]
    StaleSetting(String),
    /// The schedule moved on since it was read.
    #[error("the schedule of playbook '{0}' has moved on")]
    StaleSchedule(String),
    /// The subscription moved on since it was read.
    #[error("the subscription of playbook '{0}' has moved on")]
    StaleSubscription(String),
    /// Messages of a batch were released since they were read.
    #[error("messages of the batch were released already")]
    StaleBatch,
    /// The run has other events than expected, or has ended.
    #[error("run '{0}' has moved on")]
    StaleRun(RunId),
}

/// What a read or write came to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The transaction was refused.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error("the store failed: {0}")]
    Database(String),
    /// The disk of the database is full; nothing was stored.
    #[error("the disk of the store is full, so nothing is stored; make room, and all that waits goes on")]
    NoRoom,
    /// The database was written by a newer Riposte.
    #[error("the store was written by a newer version of riposte; use that version or another data folder")]
    Newer,
    /// Another process has the store open.
    #[error("another process has the store at '{0}' open; stop it, or use another data folder")]
    Locked(String),
    /// The text is no address of a database. It is not shown: it may hold a password.
    #[error(
        "the address of the store must look like postgres://USER@HOST:5432/DATABASE?sslmode=verify-full; \
         percent-encode what is special in names and passwords"
    )]
    Address,
    /// The server of the database cannot be reached, or does not let us in.
    #[error("the database {address} cannot be used: {reason}")]
    Unreachable {
        /// The database, without a password.
        address: String,
        /// Why.
        reason: String,
    },
    /// The connection broke while a transaction was committed.
    #[error(
        "the connection to the database broke during a commit, so it is not known whether it is stored; look again"
    )]
    Unknown,
    /// A sealed value could not be opened.
    #[error("a sealed value cannot be opened: the sealing key is not the one it was sealed with")]
    Unsealable,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            Some(SQLITE_FULL | POSTGRES_DISK_FULL) => Error::NoRoom,
            _ => Error::Database(error.to_string()),
        }
    }
}

/// Why an operation was not applied: the transaction is refused, or the database said no.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The transaction is refused; the rest of its batch is not concerned.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error("{0}")]
    Database(#[from] sqlx::Error),
}
