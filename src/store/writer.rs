//! The one writer. It takes what has queued while the last commit reached the disk, applies all of it in one database
//! transaction and commits once (group commit): an idle store answers after one fsync, a busy one shares it.
//! Invariant: nobody is answered before the commit, and a refused transaction leaves nothing behind.

use std::fs::File;

use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Committed, Error, Transaction, batch};

/// Transactions that share a commit at most, which bounds how long the first of them waits.
const BATCH: usize = 512;

/// A transaction and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) transaction: Transaction,
    pub(super) answer: oneshot::Sender<Result<Committed, Error>>,
}

/// What the writer owns while the store is open.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) commits: watch::Sender<u64>,
    pub(super) readers: SqlitePool,
    pub(super) lock: File,
}

impl Writer {
    /// Works until the last handle is gone, then closes the database before it frees the folder.
    pub(super) async fn work(mut self) {
        let mut jobs = Vec::with_capacity(BATCH);
        while self.jobs.recv_many(&mut jobs, BATCH).await > 0 {
            let (transactions, answers): (Vec<_>, Vec<_>) =
                jobs.drain(..).map(|job| (job.transaction, job.answer)).unzip();
            match batch::commit_all(&mut self.connection, transactions).await {
                Ok(outcomes) => {
                    self.commits.send_modify(|count| *count += 1);
                    answers
                        .into_iter()
                        .zip(outcomes)
                        .for_each(|(answer, outcome)| drop(answer.send(outcome)));
                }
                Err(error) => {
                    roll_back(&mut self.connection).await;
                    let text = error.to_string();
                    answers
                        .into_iter()
                        .for_each(|answer| drop(answer.send(Err(Error::Database(text.clone())))));
                }
            }
        }
        self.readers.close().await;
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the store did not close cleanly; it recovers when it is opened again");
        }
        drop(self.lock);
    }
}

/// The transaction may be over already: SQLite rolls back by itself when the disk is full.
async fn roll_back(connection: &mut SqliteConnection) {
    if let Err(error) = sqlx::query("ROLLBACK").execute(connection).await {
        tracing::debug!(%error, "nothing to roll back");
    }
}
