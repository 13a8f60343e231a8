//! The store: alerts, incidents, comments, tasks, watchlists and the journals of runs, in SQL: SQLite in a folder, which one
//! process owns, or PostgreSQL, which replicas share. One writer commits many transactions with one fsync (group commit).
//! It knows keys, sequences and times; documents, events and payloads are opaque text.
//! Invariant: a run that has not ended always has a wake-up time.

mod activity;
mod address;
mod alert;
mod append;
mod approval;
mod batch;
mod brake;
mod change;
mod document;
mod error;
mod folder;
mod group;
mod inbox;
mod incident;
mod journal;
mod lease;
mod load;
mod message;
mod news;
mod note;
mod open;
mod retention;
mod run;
mod schedule;
mod schema;
mod sealer;
mod server;
mod sql;
mod subscription;
mod timings;
mod transaction;
mod upkeep;
mod watchlist;
mod writer;

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

pub use activity::{ActivityRow, KEPT as ACTIVITIES_KEPT};
pub use address::{Address, Location};
pub use alert::AlertRow;
pub use append::{Append, Next};
pub use approval::{ApprovalChange, ApprovalFilter, ApprovalRow};
pub use brake::BrakeUse;
pub use change::{Change, Changed, RunTally};
pub use error::{Error, Refusal};
pub use inbox::DeliveryRow;
pub use incident::{IncidentFilter, IncidentRow};
pub use journal::{EventRow, PayloadRow};
pub use lease::{Lease, Shards, Standing};
pub use message::{MessageRow, Partition};
pub use note::NoteRow;
pub use retention::Mark;
pub use run::{NewRun, RunFilter, RunRow};
pub use schedule::{ScheduleKey, ScheduleRow};
pub use sealer::Sealer;
pub use subscription::{SubscriptionKey, SubscriptionRow};
pub use timings::Timings;
pub use transaction::{Committed, Forget, Operation, Transaction};
pub use upkeep::Retention;
pub use watchlist::{WatchlistChange, WatchlistItemRow, WatchlistRow};

/// Identity of a run: a UUID v7 in text, so runs sort by their start.
pub type RunId = String;

/// Milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// A handle on the open store; clones share it. When the last one is dropped, the writer finishes what is queued,
/// closes the database and lets go of the folder.
#[derive(Clone, Debug)]
pub struct Store {
    writer: mpsc::Sender<writer::Job>,
    readers: sql::Pool,
    commits: watch::Receiver<u64>,
    /// Changes when others that share the database may have committed; none where nobody does.
    elsewhere: Option<watch::Receiver<u64>>,
    lease: Lease,
    load: load::Load,
    timings: Timings,
}

impl Store {
    /// Makes a transaction durable, or nothing of it. When this returns, the data is on the disk, and every later read
    /// sees it. Dropping the future does not take a queued transaction back.
    ///
    /// # Errors
    /// [`Error::Refused`] if an operation was refused, [`Error::Database`] if the database failed or refused the data.
    pub async fn commit(&self, transaction: Transaction) -> Result<Committed, Error> {
        let (answer, answered) = oneshot::channel();
        let job = writer::Job {
            transaction,
            answer,
            came: Instant::now(),
        };
        self.writer.send(job).await.map_err(|_| writer_is_gone())?;
        answered.await.map_err(|_| writer_is_gone())?
    }

    /// How long the oldest transaction has waited that is not on the disk yet; zero where nothing waits.
    pub fn behind(&self) -> Duration {
        self.load.age()
    }

    /// Erases the sealed payloads of ended runs whose time has come, and says how many they were.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn erase_due(&self, now: Millis) -> Result<u64, Error> {
        let mut erased = 0;
        loop {
            let operations = vec![Operation::EraseDue { now }];
            let step = self.commit(Transaction { operations }).await?;
            erased += step.erased_payloads;
            if !step.has_more {
                return Ok(erased);
            }
        }
    }

    /// A counter of commits: it changes after each, so that a scheduler can look for new work.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        let mut commits = self.commits.clone();
        commits.mark_unchanged();
        commits
    }

    /// What the writer measures.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// How many transactions wait for the writer.
    pub fn queued(&self) -> usize {
        self.writer.max_capacity() - self.writer.capacity()
    }

    /// Which runs this store may drive.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// A counter that changes when others that share the database may have committed, at least once a second; `None` where
    /// nobody shares it.
    pub fn elsewhere(&self) -> Option<watch::Receiver<u64>> {
        let mut elsewhere = self.elsewhere.clone()?;
        elsewhere.mark_unchanged();
        Some(elsewhere)
    }

    /// Closes the store and waits until it is closed: what is queued is committed and the folder is free. With other
    /// clones still alive it only drops this one.
    pub async fn close(self) {
        let Store {
            writer,
            readers,
            mut commits,
            ..
        } = self;
        let is_last = writer.strong_count() == 1;
        drop((writer, readers));
        while is_last && commits.changed().await.is_ok() {}
    }
}

fn writer_is_gone() -> Error {
    Error::Database("its writer has stopped; restart riposte".to_owned())
}
