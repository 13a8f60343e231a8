//! The one writer. It takes what has queued while the last commit reached the disk, applies all of it in one database
//! transaction and commits once (group commit): an idle store answers after one fsync, a busy one shares it.
//! Invariant: nobody is answered before the commit, and a refused transaction leaves nothing behind.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::batch::Outcome;
use super::folder::Folder;
use super::load::Load;
use super::news::News;
use super::server::Server;
use super::sql::Pool;
use super::{Committed, Error, Timings, Transaction};

/// Transactions that share a commit at most, which bounds how long the first of them waits.
const BATCH: usize = 512;

/// A transaction and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) transaction: Transaction,
    pub(super) answer: oneshot::Sender<Result<Committed, Error>>,
    pub(super) came: Instant,
}

/// The database that is written to.
pub(super) enum Link {
    Folder(Box<Folder>),
    Server(Box<Server>),
}

impl Link {
    async fn commit(&mut self, transactions: Vec<Transaction>) -> Result<Vec<Outcome>, Error> {
        match self {
            Link::Folder(folder) => folder.commit(transactions).await,
            Link::Server(server) => server.commit(transactions).await,
        }
    }

    async fn close(self) {
        match self {
            Link::Folder(folder) => folder.close().await,
            Link::Server(server) => server.close().await,
        }
    }
}

/// What the writer owns while the store is open.
pub(super) struct Writer {
    pub(super) link: Link,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) load: Load,
    pub(super) news: Arc<News>,
    pub(super) readers: Pool,
    /// What else goes on while the store is open.
    pub(super) tasks: JoinSet<()>,
    pub(super) timings: Timings,
}

impl Writer {
    /// Works until the last handle is gone, then closes the database.
    pub(super) async fn work(mut self) {
        let mut jobs = Vec::with_capacity(BATCH);
        while self.jobs.recv_many(&mut jobs, BATCH).await > 0 {
            if let Some(oldest) = jobs.first() {
                self.load.begin(oldest.came);
            }
            let (transactions, answers): (Vec<_>, Vec<_>) =
                jobs.drain(..).map(|job| (job.transaction, job.answer)).unzip();
            let begun = Instant::now();
            let committed = self.link.commit(transactions).await;
            self.load.end();
            self.timings.commit_time.observe(begun.elapsed().as_secs_f64());
            // A batch is far below 2^52, so it is exact in a double.
            self.timings.batch.observe(answers.len() as f64);
            match committed {
                Ok(outcomes) => {
                    self.news.committed();
                    answers
                        .into_iter()
                        .zip(outcomes)
                        .for_each(|(answer, outcome)| drop(answer.send(outcome)));
                }
                Err(error) => answers
                    .into_iter()
                    .for_each(|answer| drop(answer.send(Err(error.clone())))),
            }
        }
        self.tasks.shutdown().await;
        self.readers.close().await;
        self.link.close().await;
    }
}
