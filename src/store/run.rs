//! Runs: their beginnings, and the times at which they need attention. How they go on is in `append`.
//! Invariant: an identity is one run, and one that has not ended has a wake-up time.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, QueryBuilder, Row, Sqlite, SqliteConnection};

use super::error::Fault;
use super::journal::Events;
use super::{Error, EventRow, Millis, PayloadRow, Refusal, RunId, Store, change, journal};

/// The kind of the runs that incidents show.
const PLAYBOOK: &str = "playbook";

/// A new run.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Identity.
    pub id: RunId,
    /// What kind of run it is: `playbook` or `evaluation`.
    pub kind: String,
    /// Namespace of the playbook, or workspace of the evaluation.
    pub namespace: String,
    /// The playbook, or the kind of event that is evaluated.
    pub name: String,
    /// The incident that it is about, if any.
    pub incident: Option<String>,
    /// The run that started it, if any.
    pub parent: Option<RunId>,
    /// Hash of the definition that it pins, if any.
    pub definition: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When it next needs attention.
    pub wake_at: Millis,
    /// Its first events.
    pub events: Vec<EventRow>,
    /// Payloads that these events refer to.
    pub payloads: Vec<PayloadRow>,
}

/// A stored run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Identity.
    pub id: RunId,
    /// What kind of run it is: `playbook` or `evaluation`.
    pub kind: String,
    /// Namespace of the playbook, or workspace of the evaluation.
    pub namespace: String,
    /// The playbook, or the kind of event that is evaluated.
    pub name: String,
    /// The incident that it is about, if any.
    pub incident: Option<String>,
    /// The run that started it, if any.
    pub parent: Option<RunId>,
    /// Hash of the definition that it pins, if any.
    pub definition: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// How many events it has.
    pub seq: i64,
    /// When it next needs attention; `None` once it has ended.
    pub wake_at: Option<Millis>,
    /// Its final status, once it has ended.
    pub status: Option<String>,
    /// When it ended, if it has.
    pub ended_at: Option<Millis>,
}

/// Which runs to list; what is `None` is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// What kind of runs.
    pub kind: Option<String>,
    /// Their namespace.
    pub namespace: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// The incident that they are about.
    pub incident: Option<String>,
    /// The run that started them.
    pub parent: Option<RunId>,
    /// Only runs that have not ended.
    pub open_only: bool,
    /// At most this many, the newest.
    pub limit: u32,
}

impl FromRow<'_, SqliteRow> for RunRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(RunRow {
            id: row.try_get("id")?,
            kind: row.try_get("kind")?,
            namespace: row.try_get("namespace")?,
            name: row.try_get("name")?,
            incident: row.try_get("incident")?,
            parent: row.try_get("parent")?,
            definition: row.try_get("definition")?,
            created_at: row.try_get("created_at")?,
            seq: row.try_get("seq")?,
            wake_at: row.try_get("wake_at")?,
            status: row.try_get("status")?,
            ended_at: row.try_get("ended_at")?,
        })
    }
}

pub(super) async fn create(connection: &mut SqliteConnection, events: &mut Events, run: NewRun) -> Result<(), Fault> {
    let kind = run.kind.clone();
    let created = sqlx::query(
        "INSERT INTO runs (id, kind, namespace, name, incident, parent, definition, created_at, seq, wake_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING",
    )
    .bind(run.id.as_str())
    .bind(run.kind)
    .bind(run.namespace)
    .bind(run.name)
    .bind(run.incident.as_deref())
    .bind(run.parent)
    .bind(run.definition)
    .bind(run.created_at)
    .bind(journal::count(&run.events))
    .bind(run.wake_at)
    .execute(&mut *connection)
    .await?;
    if created.rows_affected() == 0 {
        return Err(Refusal::StaleRun(run.id).into());
    }
    if let (PLAYBOOK, Some(incident)) = (kind.as_str(), &run.incident) {
        change::incident(connection, incident).await?;
    }
    events.add(&run.id, 0, run.events);
    journal::insert_payloads(connection, &run.id, run.payloads).await?;
    Ok(())
}

impl Store {
    /// The run with this identity.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn run(&self, id: &str) -> Result<Option<RunRow>, Error> {
        let query = sqlx::query_as("SELECT * FROM runs WHERE id = $1").bind(id);
        Ok(query.fetch_optional(&self.readers).await?)
    }

    /// The runs that a filter lets through, newest first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM runs WHERE 1 = 1");
        let conditions = [
            (" AND kind = ", &filter.kind),
            (" AND namespace = ", &filter.namespace),
            (" AND name = ", &filter.name),
            (" AND incident = ", &filter.incident),
            (" AND parent = ", &filter.parent),
        ];
        for (condition, value) in conditions {
            if let Some(value) = value {
                query.push(condition).push_bind(value);
            }
        }
        if filter.open_only {
            query.push(" AND ended_at IS NULL");
        }
        query
            .push(" ORDER BY created_at DESC, id DESC LIMIT ")
            .push_bind(filter.limit);
        Ok(query.build_query_as().fetch_all(&self.readers).await?)
    }

    /// The runs that need attention by now, the longest waiting first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn due_runs(&self, now: Millis, limit: u32) -> Result<Vec<RunRow>, Error> {
        let query =
            sqlx::query_as("SELECT * FROM runs WHERE ended_at IS NULL AND wake_at <= $1 ORDER BY wake_at LIMIT $2");
        Ok(query.bind(now).bind(limit).fetch_all(&self.readers).await?)
    }

    /// When the next run needs attention; `None` if none is open.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn next_wake(&self) -> Result<Option<Millis>, Error> {
        let query = sqlx::query_scalar("SELECT min(wake_at) FROM runs WHERE ended_at IS NULL");
        Ok(query.fetch_one(&self.readers).await?)
    }

    /// How many runs have not ended.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn open_runs_count(&self) -> Result<i64, Error> {
        let query = sqlx::query_scalar("SELECT count(*) FROM runs WHERE ended_at IS NULL");
        Ok(query.fetch_one(&self.readers).await?)
    }
}
