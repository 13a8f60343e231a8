//! A batch of transactions in one database transaction. Each is stored or refused for itself; new runs and appends, which
//! are most of them, are gathered and applied together.
//!
//! PostgreSQL has other writers beside this one, so a batch takes its locks first, in an order that all share: the lock of
//! order, then the rows of its runs by their identities. Under the lock of order positions, numbers and counts are as if
//! there were one writer. A step of a run, which is most of what is written, needs its row alone.
//! Invariant: the outcomes are those of applying the transactions one after the other, in order.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::json;
use sqlx::error::ErrorKind;

use super::append::append_all;
use super::error::Fault;
use super::group::Claim;
use super::journal::Events;
use super::sql::{Connection, in_list, query};
use super::{Append, Committed, Error, IncidentRow, NewRun, Next, Operation, Refusal, RunId, Transaction};
use super::{
    activity, alert, approval, brake, change, document, group, inbox, incident, journal, message, note, retention, run,
    schedule, subscription, watchlist,
};

/// What the caller of a transaction is told.
pub(super) type Outcome = Result<Committed, Error>;

/// The channel on which PostgreSQL tells other replicas of a commit, with the name of who made it.
pub(super) const CHANNEL: &str = "riposte_commits";
/// The key of the lock of order: "riposte" in ASCII, and a 1.
const ORDER: i64 = 0x7269_706f_7374_6501;

/// Applies all transactions but the refused ones, and says what will become of each with the commit. An error fails them
/// all, and leaves it to the caller to roll back.
pub(super) async fn apply_all(
    connection: &mut Connection,
    transactions: Vec<Transaction>,
) -> Result<Vec<Outcome>, sqlx::Error> {
    match connection {
        Connection::Sqlite(_) => execute(connection, "BEGIN IMMEDIATE").await?,
        Connection::Postgres(_) => {
            execute(connection, "BEGIN").await?;
            take_locks(connection, &transactions).await?;
        }
    }
    let mut batch = Batch::default();
    for transaction in transactions {
        match lone(transaction) {
            Ok(lone) => batch.gather(connection, lone).await?,
            Err(transaction) => batch.apply(connection, transaction).await?,
        }
    }
    batch.flush(connection).await?;
    batch.events.store(connection).await?;
    Ok(batch.outcomes)
}

/// Takes the locks of a batch. The rows are locked by a statement of their own: a later one then sees all that was
/// committed until they were free, also in other tables.
async fn take_locks(connection: &mut Connection, transactions: &[Transaction]) -> Result<(), sqlx::Error> {
    let operations = || transactions.iter().flat_map(|transaction| &transaction.operations);
    if operations().any(|operation| !is_step(operation)) {
        let lock = query("SELECT pg_advisory_xact_lock($1)").bind(ORDER);
        lock.execute(connection).await?;
    }
    let runs: BTreeSet<&RunId> = operations().filter_map(run_of).collect();
    if !runs.is_empty() {
        let lock = in_list!("SELECT id FROM runs WHERE id ", " ORDER BY id FOR NO KEY UPDATE");
        query(lock).bind(json!(runs).to_string()).execute(connection).await?;
    }
    Ok(())
}

/// Whether an operation concerns nothing but a run that goes on.
fn is_step(operation: &Operation) -> bool {
    let next = |append: &Append| matches!(append.next, Next::WakeAt(_));
    matches!(operation, Operation::Append(append) if next(append))
        || matches!(
            operation,
            Operation::Take { .. } | Operation::Wake { .. } | Operation::ChangeApproval(_)
        )
}

/// The stored run that an operation changes.
fn run_of(operation: &Operation) -> Option<&RunId> {
    match operation {
        Operation::Append(append) => Some(&append.run),
        Operation::Deliver(row) => Some(&row.run),
        Operation::ChangeApproval(change) => Some(change.run()),
        Operation::Wake { run, .. } | Operation::Take { run, .. } => Some(run),
        _ => None,
    }
}

/// The only operation of a transaction, where nothing but its first statement can refuse it.
enum Lone {
    Create(NewRun),
    Append(Append),
}

/// The only operation of a transaction, if it can be gathered; a payload could have a number that is taken.
fn lone(mut transaction: Transaction) -> Result<Lone, Transaction> {
    match (transaction.operations.pop(), transaction.operations.is_empty()) {
        (Some(Operation::Append(append)), true) if append.payloads.is_empty() => Ok(Lone::Append(append)),
        (Some(Operation::CreateRun(run)), true) if run.payloads.is_empty() => Ok(Lone::Create(run)),
        (last, _) => {
            transaction.operations.extend(last);
            Err(transaction)
        }
    }
}

#[derive(Default)]
struct Batch {
    outcomes: Vec<Outcome>,
    events: Events,
    /// New runs that are not stored yet, and appends that are not applied yet, all of different runs. Their outcomes say
    /// that all is well until [`Batch::flush`] knows.
    created: Vec<NewRun>,
    appended: Vec<Append>,
    /// The runs of both, with the places of their outcomes.
    gathered: HashMap<RunId, usize>,
}

impl Batch {
    async fn gather(&mut self, connection: &mut Connection, lone: Lone) -> Result<(), sqlx::Error> {
        let run = match &lone {
            Lone::Create(run) => run.id.clone(),
            Lone::Append(append) => append.run.clone(),
        };
        if self.gathered.contains_key(&run) {
            self.flush(connection).await?;
        }
        self.gathered.insert(run, self.outcomes.len());
        self.outcomes.push(Ok(Committed::default()));
        match lone {
            Lone::Create(run) => self.created.push(run),
            Lone::Append(append) => self.appended.push(append),
        }
        Ok(())
    }

    /// Applies what is gathered.
    async fn flush(&mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        let mut places = std::mem::take(&mut self.gathered);
        let mut stale = Vec::new();
        if !self.created.is_empty() {
            stale.extend(run::create_all(connection, &mut self.events, std::mem::take(&mut self.created)).await?);
        }
        if !self.appended.is_empty() {
            stale.extend(append_all(connection, &mut self.events, std::mem::take(&mut self.appended)).await?);
        }
        for run in stale {
            if let Some(place) = places.remove(&run) {
                self.outcomes[place] = Err(Refusal::StaleRun(run).into());
            }
        }
        Ok(())
    }

    /// Applies a transaction, and undoes it if it is refused.
    async fn apply(&mut self, connection: &mut Connection, transaction: Transaction) -> Result<(), sqlx::Error> {
        self.flush(connection).await?;
        let mark = self.events.mark();
        execute(connection, "SAVEPOINT one").await?;
        let outcome = match apply_operations(connection, &mut self.events, transaction.operations).await {
            Ok(committed) => Ok(committed),
            Err(Fault::Refused(refusal)) => Err(Error::Refused(refusal)),
            Err(Fault::Database(error)) if is_about_its_data(&error) => Err(error.into()),
            Err(Fault::Database(error)) => return Err(error),
        };
        if outcome.is_err() {
            self.events.forget_after(mark);
            execute(connection, "ROLLBACK TO one").await?;
        }
        execute(connection, "RELEASE one").await?;
        self.outcomes.push(outcome);
        Ok(())
    }
}

/// Whether the database refused the data of one transaction, such as a comment on an unknown incident, or for PostgreSQL a
/// text with a NUL (class 22).
pub(super) fn is_about_its_data(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        !matches!(error.kind(), ErrorKind::Other)
            || error
                .code()
                .is_some_and(|code| code.len() == 5 && code.starts_with("22"))
    })
}

async fn apply_operations(
    connection: &mut Connection,
    events: &mut Events,
    operations: Vec<Operation>,
) -> Result<Committed, Fault> {
    let mut committed = Committed::default();
    for operation in operations {
        match operation {
            Operation::InsertAlert(row) => alert::insert(connection, row).await?,
            Operation::InsertIncident(row) => committed.incident_numbers.push(insert_incident(connection, row).await?),
            Operation::UpdateIncident { expected_version, row } => {
                change::incident(connection, &row.id).await?;
                incident::update(connection, expected_version, row).await?;
            }
            Operation::InsertActivity(row) => activity::insert(connection, row).await?,
            Operation::LinkAlert { alert, incident } => {
                change::incident(connection, &incident).await?;
                alert::link(connection, alert, incident).await?;
            }
            Operation::UnlinkAlert { alert, incident } => alert::unlink(connection, alert, incident).await?,
            Operation::ClaimGroup {
                workspace,
                key,
                incident,
                now,
                expires_at,
            } => {
                let claim = Claim {
                    workspace,
                    key,
                    incident,
                    now,
                    expires_at,
                };
                group::claim(connection, claim).await?;
            }
            Operation::ReleaseGroup { incident } => group::release(connection, incident).await?,
            Operation::InsertComment(row) => {
                change::incident(connection, &row.incident).await?;
                note::insert_comment(connection, row).await?;
            }
            Operation::InsertTask(row) => {
                change::incident(connection, &row.incident).await?;
                note::insert_task(connection, row).await?;
            }
            Operation::UpdateTask(row) => {
                change::incident(connection, &row.incident).await?;
                note::update_task(connection, row).await?;
            }
            Operation::ChangeWatchlist(change) => watchlist::apply(connection, change).await?,
            Operation::CreateRun(new) => fresh(run::create_all(connection, events, vec![new]).await?)?,
            Operation::LimitRuns { namespace, name, most } => run::limit(connection, namespace, name, most).await?,
            Operation::UseBrake(wish) => brake::count(connection, wish).await?,
            Operation::Append(append) => fresh(append_all(connection, events, vec![append]).await?)?,
            Operation::Wake { run, at } => inbox::wake(connection, &run, at).await.map(drop)?,
            Operation::Deliver(row) => inbox::deliver(connection, row).await?,
            Operation::Take { run, node, at } => inbox::take(connection, &run, &node, at).await?,
            Operation::ChangeApproval(change) => approval::apply(connection, change).await?,
            Operation::PutSchedule(row) => schedule::put(connection, row).await?,
            Operation::DropSchedule(key) => schedule::drop(connection, key).await?,
            Operation::PutSubscription(row) => subscription::put(connection, row).await?,
            Operation::DropSubscription { key, version } => subscription::drop(connection, key, version).await?,
            Operation::InsertMessage { partition, message } => message::insert(connection, partition, message).await?,
            Operation::TakeMessages { positions } => message::take(connection, &positions).await?,
            Operation::PutDefinition { hash, text } => document::put_definition(connection, hash, text).await?,
            Operation::PutSetting { key, value } => document::put_setting(connection, key, value).await?,
            Operation::ChangeSetting { key, before, value } => document::change(connection, key, before, value).await?,
            Operation::DropChanges { before } => change::drop_before(connection, before).await?,
            Operation::EraseDue { now } => journal::erase_due(connection, now, &mut committed).await?,
            Operation::Forget(what) => retention::forget(connection, what).await?,
        }
    }
    Ok(committed)
}

/// The identity of a new incident, and the number that it got.
async fn insert_incident(connection: &mut Connection, row: IncidentRow) -> Result<(String, i64), Fault> {
    let id = row.id.clone();
    let number = incident::insert(connection, row).await?;
    change::incident(connection, &id).await?;
    Ok((id, number))
}

/// Refuses if a run is stale.
fn fresh(stale: HashSet<RunId>) -> Result<(), Fault> {
    match stale.into_iter().next() {
        Some(run) => Err(Refusal::StaleRun(run).into()),
        None => Ok(()),
    }
}

pub(super) async fn execute(connection: &mut Connection, sql: &'static str) -> Result<(), sqlx::Error> {
    query(sql).execute(connection).await.map(drop)
}
