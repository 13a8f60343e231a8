//! The one writer. It takes what has queued while the last commit reached the disk, applies all of it in one database
//! transaction and commits once (group commit): an idle store answers after one fsync, a busy one shares it.
//! Invariant: nobody is answered before the commit, and a refused transaction leaves nothing behind.

use std::fs::File;

use sqlx::error::ErrorKind;
use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot, watch};

use super::error::Fault;
use super::group::Claim;
use super::{Committed, Error, Operation, Transaction, alert, document, group, incident, journal, note, run};

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
            match commit_all(&mut self.connection, transactions).await {
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

/// Commits all transactions but the refused ones at once, and says what became of each.
async fn commit_all(
    connection: &mut SqliteConnection,
    transactions: Vec<Transaction>,
) -> Result<Vec<Result<Committed, Error>>, sqlx::Error> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    let mut outcomes = Vec::with_capacity(transactions.len());
    for transaction in transactions {
        outcomes.push(apply(connection, transaction).await?);
    }
    execute(connection, "COMMIT").await?;
    Ok(outcomes)
}

/// The transaction may be over already: SQLite rolls back by itself when the disk is full.
async fn roll_back(connection: &mut SqliteConnection) {
    if let Err(error) = execute(connection, "ROLLBACK").await {
        tracing::debug!(%error, "nothing to roll back");
    }
}

/// Applies one transaction inside a savepoint. The inner result is what its caller is told; the outer error fails the
/// whole batch.
async fn apply(
    connection: &mut SqliteConnection,
    transaction: Transaction,
) -> Result<Result<Committed, Error>, sqlx::Error> {
    execute(connection, "SAVEPOINT one").await?;
    let outcome = match apply_operations(connection, transaction.operations).await {
        Ok(committed) => Ok(committed),
        Err(Fault::Refused(refusal)) => Err(Error::Refused(refusal)),
        Err(Fault::Database(error)) if is_about_its_data(&error) => Err(error.into()),
        Err(Fault::Database(error)) => return Err(error),
    };
    if outcome.is_err() {
        execute(connection, "ROLLBACK TO one").await?;
    }
    execute(connection, "RELEASE one").await?;
    Ok(outcome)
}

/// Whether the database refused the data of one transaction, such as a comment on an unknown incident.
fn is_about_its_data(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| !matches!(error.kind(), ErrorKind::Other))
}

async fn apply_operations(connection: &mut SqliteConnection, operations: Vec<Operation>) -> Result<Committed, Fault> {
    let mut committed = Committed::default();
    for operation in operations {
        match operation {
            Operation::InsertAlert(row) => alert::insert(connection, row).await?,
            Operation::InsertIncident(row) => {
                let id = row.id.clone();
                let number = incident::insert(connection, row).await?;
                committed.incident_numbers.push((id, number));
            }
            Operation::UpdateIncident { expected_version, row } => {
                incident::update(connection, expected_version, row).await?;
            }
            Operation::LinkAlert { alert, incident } => alert::link(connection, alert, incident).await?,
            Operation::ClaimGroup {
                workspace,
                key,
                incident,
                now,
                expires_at,
            } => {
                group::claim(
                    connection,
                    Claim {
                        workspace,
                        key,
                        incident,
                        now,
                        expires_at,
                    },
                )
                .await?;
            }
            Operation::ReleaseGroup { incident } => group::release(connection, incident).await?,
            Operation::InsertComment(row) => note::insert_comment(connection, row).await?,
            Operation::InsertTask(row) => note::insert_task(connection, row).await?,
            Operation::UpdateTask(row) => note::update_task(connection, row).await?,
            Operation::CreateRun(new) => run::create(connection, new).await?,
            Operation::Append(append) => run::append(connection, append).await?,
            Operation::PutDefinition { hash, text } => document::put_definition(connection, hash, text).await?,
            Operation::PutSetting { key, value } => document::put_setting(connection, key, value).await?,
            Operation::EraseDue { now } => committed.erased_payloads += journal::erase_due(connection, now).await?,
        }
    }
    Ok(committed)
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(connection).await.map(drop)
}
