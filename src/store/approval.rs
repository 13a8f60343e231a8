//! What people are asked to decide: one row for the execution of an action that waits for them. Invariants: an approval
//! changes only while it is open, and only on the version that was read; one whose run has ended is closed.

use serde_json::json;

use super::error::Fault;
use super::sql::{Connection, FromRow, Row, in_list, made, query};
use super::{Error, Millis, Refusal, RunId, Store};

/// How an approval is read, with what its run says of it.
const READ: &str = "SELECT approvals.run, approvals.node, runs.namespace, runs.name AS playbook, approvals.created_at,
    approvals.expires_at, approvals.version, approvals.closed_at, approvals.bytes
    FROM approvals JOIN runs ON runs.id = approvals.run";

/// A stored approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRow {
    /// The run that waits.
    pub run: RunId,
    /// The execution of an action that waits; opaque to the store.
    pub node: String,
    /// Namespace of the playbook. Read, not written.
    pub namespace: String,
    /// The playbook. Read, not written.
    pub playbook: String,
    /// When it was asked for.
    pub created_at: Millis,
    /// When the action stops waiting.
    pub expires_at: Millis,
    /// How often it was written, from 1.
    pub version: i64,
    /// When it stopped waiting, if it did.
    pub closed_at: Option<Millis>,
    /// What is asked and was decided, sealed; opaque to the store.
    pub bytes: Vec<u8>,
}

impl FromRow for ApprovalRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            run: row.get("run")?,
            node: row.get("node")?,
            namespace: row.get("namespace")?,
            playbook: row.get("playbook")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            version: row.get("version")?,
            closed_at: row.get("closed_at")?,
            bytes: row.get("bytes")?,
        })
    }
}

/// A change of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalChange {
    /// A new one; the same execution of an action twice is one.
    Insert(ApprovalRow),
    /// A decision; refused with [`Refusal::StaleApproval`] unless it is open and the stored version is the one before its
    /// own.
    Update(ApprovalRow),
    /// The action waits no more; one that is closed or not there is no error.
    Close {
        /// The run.
        run: RunId,
        /// The execution of the action.
        node: String,
        /// When.
        at: Millis,
    },
}

impl ApprovalChange {
    /// The run that it is about.
    pub(super) fn run(&self) -> &RunId {
        match self {
            Self::Insert(row) | Self::Update(row) => &row.run,
            Self::Close { run, .. } => run,
        }
    }
}

/// Which approvals to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalFilter {
    /// Of playbooks of this namespace.
    pub namespace: Option<String>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Only those that wait.
    pub open_only: bool,
    /// At most this many, the newest.
    pub limit: u32,
}

/// Applies a change.
pub(super) async fn apply(connection: &mut Connection, change: ApprovalChange) -> Result<(), Fault> {
    match change {
        ApprovalChange::Insert(row) => Ok(insert(connection, row).await?),
        ApprovalChange::Update(row) => update(connection, row).await,
        ApprovalChange::Close { run, node, at } => Ok(close(connection, &run, &node, at).await?),
    }
}

/// Stores a new approval; the same execution twice is one approval.
async fn insert(connection: &mut Connection, row: ApprovalRow) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO approvals (run, node, created_at, expires_at, version, closed_at, bytes)
        VALUES ($1, $2, $3, $4, 1, $5, $6) ON CONFLICT DO NOTHING";
    let query = query(sql).bind(row.run).bind(row.node).bind(row.created_at);
    let query = query.bind(row.expires_at).bind(row.closed_at).bind(row.bytes);
    query.execute(connection).await.map(drop)
}

/// Stores an approval over the version before its own.
async fn update(connection: &mut Connection, row: ApprovalRow) -> Result<(), Fault> {
    let sql = "UPDATE approvals SET version = $3, closed_at = $4, bytes = $5
        WHERE run = $1 AND node = $2 AND version = $3 - 1 AND closed_at IS NULL";
    let query = query(sql).bind(&row.run).bind(row.node).bind(row.version);
    let query = query.bind(row.closed_at).bind(row.bytes);
    match query.execute(connection).await? {
        0 => Err(Refusal::StaleApproval(row.run).into()),
        _ => Ok(()),
    }
}

/// Closes the approval of an action that waits no more, if it has one that is open.
async fn close(connection: &mut Connection, run: &str, node: &str, at: Millis) -> Result<(), sqlx::Error> {
    let sql = "UPDATE approvals SET closed_at = $3 WHERE run = $1 AND node = $2 AND closed_at IS NULL";
    let query = query(sql).bind(run).bind(node).bind(at);
    query.execute(connection).await.map(drop)
}

/// Closes what runs that have ended still asked for.
pub(super) async fn close_ended(connection: &mut Connection, runs: &[RunId]) -> Result<(), sqlx::Error> {
    let sql = in_list!(
        "UPDATE approvals SET closed_at = (SELECT ended_at FROM runs WHERE runs.id = approvals.run)
            WHERE closed_at IS NULL AND run ",
        ""
    );
    let query = query(sql).bind(json!(runs).to_string());
    query.execute(connection).await.map(drop)
}

impl Store {
    /// The approval of an execution of an action.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn approval(&self, run: &str, node: &str) -> Result<Option<ApprovalRow>, Error> {
        let mut query = made(READ);
        query.push(" WHERE approvals.run = ");
        query.push_bind(run);
        query.push(" AND approvals.node = ");
        query.push_bind(node);
        Ok(query.optional(&self.readers).await?)
    }

    /// The approvals that a filter names, the newest first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn approvals(&self, filter: &ApprovalFilter) -> Result<Vec<ApprovalRow>, Error> {
        let mut query = made(READ);
        query.push(" WHERE 1 = 1");
        if let Some(namespace) = &filter.namespace {
            query.push(" AND runs.namespace = ");
            query.push_bind(namespace);
        }
        if let Some(run) = &filter.run {
            query.push(" AND approvals.run = ");
            query.push_bind(run);
        }
        if filter.open_only {
            query.push(" AND approvals.closed_at IS NULL");
        }
        query.push(" ORDER BY approvals.created_at DESC, approvals.run DESC, approvals.node LIMIT ");
        query.push_bind(filter.limit);
        Ok(query.all(&self.readers).await?)
    }
}
