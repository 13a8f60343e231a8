//! Runs: their beginnings, and the times at which they need attention. How they go on is in `append`.
//! Invariants: an identity is one run, and one that has not ended has a wake-up time; of the evaluations of changes of one
//! incident only the oldest that has not ended is ever due, so that rules see changes in their order.

use std::collections::HashSet;

use serde_json::json;

use super::error::Fault;
use super::journal::Events;
use super::sql::{self, Connection, FromRow, Row, Text, query};
use super::{Error, EventRow, Millis, PayloadRow, Refusal, RunId, Store, change, journal, lease};

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
    /// The run that it repeats, if it is a resubmission.
    pub resubmit_of: Option<RunId>,
    /// Hash of the definition that it pins, if any.
    pub definition: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When it next needs attention.
    pub wake_at: Millis,
    /// How urgent it is, as `engine::lanes` numbers it.
    pub lane: i64,
    /// Its first events.
    pub events: Vec<EventRow>,
    /// Payloads that these events refer to.
    pub payloads: Vec<PayloadRow>,
}

impl NewRun {
    /// Its parameters of [`CREATE`].
    fn parameters(&self) -> serde_json::Value {
        json!([
            self.id,
            self.kind,
            self.namespace,
            self.name,
            self.incident,
            self.parent,
            self.definition,
            self.created_at,
            journal::count(&self.events),
            self.wake_at,
            lease::shard_of(&self.id),
            self.resubmit_of,
            self.lane,
        ])
    }

    /// The run once it is stored.
    pub fn row(&self) -> RunRow {
        RunRow {
            id: self.id.clone(),
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            incident: self.incident.clone(),
            parent: self.parent.clone(),
            resubmit_of: self.resubmit_of.clone(),
            definition: self.definition.clone(),
            created_at: self.created_at,
            seq: journal::count(&self.events),
            wake_at: Some(self.wake_at),
            lane: self.lane,
            status: None,
            ended_at: None,
        }
    }
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
    /// The run that it repeats, if it is a resubmission.
    pub resubmit_of: Option<RunId>,
    /// Hash of the definition that it pins, if any.
    pub definition: Option<String>,
    /// When it was made.
    pub created_at: Millis,
    /// How many events it has.
    pub seq: i64,
    /// When it next needs attention; `None` once it has ended.
    pub wake_at: Option<Millis>,
    /// How urgent it is, as `engine::lanes` numbers it.
    pub lane: i64,
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
    /// The run that they repeat.
    pub resubmit_of: Option<RunId>,
    /// Only runs that have not ended.
    pub open_only: bool,
    /// Their final status is one of these; `None` stands for runs that have not ended. Empty: any.
    pub statuses: Vec<Option<String>>,
    /// They were made at this time or later.
    pub since: Option<Millis>,
    /// At most this many, the newest.
    pub limit: u32,
}

impl FromRow for RunRow {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        Ok(RunRow {
            id: row.get("id")?,
            kind: row.get("kind")?,
            namespace: row.get("namespace")?,
            name: row.get("name")?,
            incident: row.get("incident")?,
            parent: row.get("parent")?,
            resubmit_of: row.get("resubmit_of")?,
            definition: row.get("definition")?,
            created_at: row.get("created_at")?,
            seq: row.get("seq")?,
            wake_at: row.get("wake_at")?,
            lane: row.get("lane")?,
            status: row.get("status")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

/// That the turn of a run has come: no older evaluation of its incident goes on. As in the index `runs_in_turn`.
macro_rules! in_turn {
    () => {
        "NOT (kind = 'evaluation' AND name <> 'AlertCreated' AND incident IS NOT NULL AND EXISTS (
            SELECT 1 FROM runs AS older WHERE older.incident = runs.incident AND older.ended_at IS NULL
            AND older.kind = 'evaluation' AND older.name <> 'AlertCreated'
            AND (older.created_at, older.id) < (runs.created_at, runs.id)))"
    };
}
/// Statements about the order in which runs began, which a column of each database has.
macro_rules! older_open {
    ($place:literal) => {
        concat!(
            "SELECT count(*) FROM runs AS own JOIN runs AS older ON older.kind = own.kind
                AND older.namespace = own.namespace AND older.name = own.name AND older.status IS NULL
            WHERE own.id = $1 AND older.",
            $place,
            " < own.",
            $place
        )
    };
}
macro_rules! oldest_open {
    ($place:literal) => {
        concat!(
            "SELECT * FROM runs WHERE kind = 'playbook' AND namespace = $1 AND name = $2 AND status IS NULL ORDER BY ",
            $place,
            " LIMIT $3"
        )
    };
}
/// The open runs of which something is true and whose turn has come; of those of PostgreSQL those whose shards are in a set
/// of bits.
macro_rules! taken_up {
    ($condition:literal) => {
        Text::Each {
            sqlite: concat!(
                "SELECT * FROM runs WHERE ended_at IS NULL AND ",
                $condition,
                " AND ",
                in_turn!(),
                " AND (wake_at, id) > ($3, $4) ORDER BY wake_at, id LIMIT $2"
            ),
            postgres: concat!(
                "SELECT * FROM runs WHERE ended_at IS NULL AND ",
                $condition,
                " AND (1::bigint << shard::int) & $5 <> 0 AND ",
                in_turn!(),
                " AND (wake_at, id) > ($3, $4) ORDER BY wake_at, id LIMIT $2"
            ),
        }
    };
}
const DUE: Text = taken_up!("wake_at <= $1");
/// A run that was to be looked at within two minutes of its last event may have had calls in flight. That is told by one
/// clock, so it holds also where the clock of the process that left the run was ahead.
const LEFT: Text = taken_up!(
    "(wake_at <= $1 OR kind = 'evaluation' OR EXISTS (SELECT 1 FROM events
        WHERE events.run = runs.id AND events.seq = runs.seq AND runs.wake_at - events.at <= 120000))"
);
const NEXT_WAKE: Text = Text::Each {
    sqlite: concat!(
        "SELECT wake_at FROM runs WHERE ended_at IS NULL AND ",
        in_turn!(),
        " ORDER BY wake_at LIMIT 1"
    ),
    postgres: concat!(
        "SELECT wake_at FROM runs WHERE ended_at IS NULL AND (1::bigint << shard::int) & $1 <> 0 AND ",
        in_turn!(),
        " ORDER BY wake_at LIMIT 1"
    ),
};

/// Inserts the runs whose identities are new, in order, and gives these.
const CREATE: Text = Text::Each {
    sqlite: "INSERT INTO runs (id, kind, namespace, name, incident, parent, definition, created_at, seq, wake_at,
            resubmit_of, lane)
        SELECT new.value ->> 0, new.value ->> 1, new.value ->> 2, new.value ->> 3, new.value ->> 4, new.value ->> 5,
            new.value ->> 6, new.value ->> 7, new.value ->> 8, new.value ->> 9, new.value ->> 11, new.value ->> 12
        FROM json_each($1) AS new WHERE true ON CONFLICT (id) DO NOTHING RETURNING id",
    postgres: "INSERT INTO runs
            (id, kind, namespace, name, incident, parent, definition, created_at, seq, wake_at, shard,
                resubmit_of, lane)
        SELECT new.value ->> 0, new.value ->> 1, new.value ->> 2, new.value ->> 3, new.value ->> 4, new.value ->> 5,
            new.value ->> 6, (new.value ->> 7)::bigint, (new.value ->> 8)::bigint, (new.value ->> 9)::bigint,
            (new.value ->> 10)::bigint, new.value ->> 11, (new.value ->> 12)::bigint
        FROM json_array_elements($1::json) WITH ORDINALITY AS new (value, key) ORDER BY new.key
        ON CONFLICT (id) DO NOTHING RETURNING id",
};

/// Stores new runs with different identities, and gives those whose identity is known already; these are unchanged.
pub(super) async fn create_all(
    connection: &mut Connection,
    events: &mut Events,
    runs: Vec<NewRun>,
) -> Result<HashSet<RunId>, sqlx::Error> {
    let rows = json!(runs.iter().map(NewRun::parameters).collect::<Vec<_>>()).to_string();
    let created: Vec<RunId> = query(CREATE).bind(rows).all(&mut *connection).await?;
    let created: HashSet<RunId> = created.into_iter().collect();
    let mut known = HashSet::new();
    for run in runs {
        if !created.contains(&run.id) {
            known.insert(run.id);
            continue;
        }
        if let (PLAYBOOK, Some(incident)) = (run.kind.as_str(), &run.incident) {
            change::incident(connection, incident).await?;
        }
        events.add(&run.id, 0, run.events);
        journal::insert_payloads(connection, &run.id, run.payloads).await?;
    }
    Ok(known)
}

/// Refuses if more runs of a playbook have not ended than may.
pub(super) async fn limit(
    connection: &mut Connection,
    namespace: String,
    name: String,
    most: u32,
) -> Result<(), Fault> {
    let sql = "SELECT count(*) FROM runs WHERE kind = 'playbook' AND namespace = $1 AND name = $2 AND status IS NULL";
    let query = query(sql).bind(namespace).bind(&name);
    let open: i64 = query.one(connection).await?;
    if open > i64::from(most) {
        return Err(Refusal::Full(name).into());
    }
    Ok(())
}

impl Store {
    /// How many runs of the same playbook began before a run and have not ended. Runs begin in the order of their commits.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn older_open_runs(&self, run: &str) -> Result<i64, Error> {
        let sql = Text::Each {
            sqlite: older_open!("rowid"),
            postgres: older_open!("place"),
        };
        Ok(query(sql).bind(run).one(&self.readers).await?)
    }

    /// The runs of a playbook that have not ended, in the order in which they began, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn oldest_open_runs(&self, namespace: &str, name: &str, limit: u32) -> Result<Vec<RunRow>, Error> {
        let sql = Text::Each {
            sqlite: oldest_open!("rowid"),
            postgres: oldest_open!("place"),
        };
        let query = query(sql).bind(namespace).bind(name).bind(limit);
        Ok(query.all(&self.readers).await?)
    }

    /// The run with this identity.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn run(&self, id: &str) -> Result<Option<RunRow>, Error> {
        let query = query("SELECT * FROM runs WHERE id = $1").bind(id);
        Ok(query.optional(&self.readers).await?)
    }

    /// The runs that a filter lets through, newest first.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRow>, Error> {
        let mut query = sql::made("SELECT * FROM runs WHERE 1 = 1");
        let conditions = [
            (" AND kind = ", &filter.kind),
            (" AND namespace = ", &filter.namespace),
            (" AND name = ", &filter.name),
            (" AND incident = ", &filter.incident),
            (" AND parent = ", &filter.parent),
            (" AND resubmit_of = ", &filter.resubmit_of),
        ];
        for (condition, value) in conditions {
            if let Some(value) = value {
                query.push(condition);
                query.push_bind(value);
            }
        }
        if filter.open_only {
            query.push(" AND ended_at IS NULL");
        }
        if let Some(since) = filter.since {
            query.push(" AND created_at >= ");
            query.push_bind(since);
        }
        for (place, status) in filter.statuses.iter().enumerate() {
            query.push(if place == 0 { " AND (" } else { " OR " });
            match status {
                Some(status) => {
                    query.push("status = ");
                    query.push_bind(status);
                }
                None => query.push("status IS NULL"),
            }
        }
        if !filter.statuses.is_empty() {
            query.push(")");
        }
        query.push(" ORDER BY created_at DESC, id DESC LIMIT ");
        query.push_bind(filter.limit);
        Ok(query.all(&self.readers).await?)
    }

    /// The runs that need attention by now and whose turn has come, the longest waiting first; where replicas share the
    /// database, those that this one takes up. With `after`, those that follow a run by wake-up time and identity.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn due_runs(
        &self,
        now: Millis,
        after: Option<&(Millis, RunId)>,
        limit: u32,
    ) -> Result<Vec<RunRow>, Error> {
        self.taken_up(DUE, now, after, limit).await
    }

    /// The runs that another process may have left, taken up as [`Store::due_runs`]: those that need attention by then or
    /// soon after their last event, and all evaluations, for these are told in memory that what they wait for is over.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn left_runs(&self, by: Millis) -> Result<Vec<RunRow>, Error> {
        self.taken_up(LEFT, by, None, u32::MAX).await
    }

    async fn taken_up(
        &self,
        sql: Text,
        by: Millis,
        after: Option<&(Millis, RunId)>,
        limit: u32,
    ) -> Result<Vec<RunRow>, Error> {
        let (at, id) = after.map_or((Millis::MIN, ""), |(at, id)| (*at, id.as_str()));
        let mut query = query(sql).bind(by).bind(limit).bind(at).bind(id);
        if let Some(shards) = self.lease.filter() {
            query = query.bind(shards);
        }
        Ok(query.all(&self.readers).await?)
    }

    /// The evaluation of changes of an incident whose turn it is.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn next_evaluation(&self, incident: &str) -> Result<Option<RunRow>, Error> {
        let query = query(
            "SELECT * FROM runs WHERE incident = $1 AND ended_at IS NULL AND kind = 'evaluation'
                AND name <> 'AlertCreated' ORDER BY created_at, id LIMIT 1",
        );
        Ok(query.bind(incident).optional(&self.readers).await?)
    }

    /// When the next of these runs needs attention; `None` if none is open.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn next_wake(&self) -> Result<Option<Millis>, Error> {
        let mut query = query(NEXT_WAKE);
        if let Some(shards) = self.lease.filter() {
            query = query.bind(shards);
        }
        Ok(query.optional(&self.readers).await?)
    }

    /// When the oldest run was accepted that has not begun; `None` if each has.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn oldest_queued(&self) -> Result<Option<Millis>, Error> {
        let query = query("SELECT created_at FROM runs WHERE ended_at IS NULL AND seq = 1 ORDER BY created_at LIMIT 1");
        Ok(query.optional(&self.readers).await?)
    }

    /// How many runs have not ended.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn open_runs_count(&self) -> Result<i64, Error> {
        let query = query("SELECT count(*) FROM runs WHERE ended_at IS NULL");
        Ok(query.one(&self.readers).await?)
    }
}
