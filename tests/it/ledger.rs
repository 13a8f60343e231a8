//! What a store holds, as one sees it who opens the database beside the processes that work with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use riposte::engine::event::{Event, NodeId};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};
use tokio::sync::Mutex;

use crate::patience::{Turns, settled};
use crate::postgres::Database;

/// How long a database may be away.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where an execution of an action stands in its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The intent of this attempt is the last that is known.
    Calling(u32),
    /// It waits for a time or a callback; so many attempts were made.
    Waiting(u32),
    Inside,
    Over,
}

/// Where the database is.
enum Place {
    /// The file, and whether another takes its place now and then.
    File(PathBuf, bool),
    Server(Database),
}

enum Link {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

pub(crate) struct Ledger {
    place: Place,
    link: Mutex<Option<Link>>,
}

impl Ledger {
    /// That of an SQLite database, which another may replace if it is `replaced`.
    pub(crate) fn of_file(file: PathBuf, is_replaced: bool) -> Self {
        Self::of(Place::File(file, is_replaced))
    }

    pub(crate) fn of_server(database: Database) -> Self {
        Self::of(Place::Server(database))
    }

    fn of(place: Place) -> Self {
        Self {
            place,
            link: Mutex::default(),
        }
    }

    async fn connect(&self) -> Result<Link, sqlx::Error> {
        match &self.place {
            Place::File(file, _) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                let options = options.busy_timeout(DEADLINE);
                options.connect().await.map(Link::Sqlite)
            }
            Place::Server(database) => database.try_connect().await.map(Link::Postgres),
        }
    }

    /// The texts of the first column; a database that is away is waited for.
    pub(crate) async fn texts(&self, sql: &str, parameter: Option<&str>) -> Vec<String> {
        let mut link = self.link.lock().await;
        let mut turns = Turns::until(DEADLINE);
        loop {
            match self.try_texts(&mut link, sql, parameter).await {
                Ok(texts) => return texts,
                Err(error) => assert!(turns.next().await, "{sql}: {error}"),
            }
        }
    }

    /// Waits until the database has done what it was told before now: a process that is dead may have told it to commit.
    pub(crate) async fn settle(&self) {
        let now = self.texts("SELECT clock_timestamp()::text", None).await.remove(0);
        let sql = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database()
            AND application_name = 'riposte' AND xact_start < $1::text::timestamptz";
        let done = async || match self.texts(sql, Some(&now)).await {
            busy if busy.is_empty() => Ok(()),
            busy => Err(busy),
        };
        let outcome = settled(DEADLINE, done).await;
        outcome.unwrap_or_else(|busy| panic!("transactions go on in the processes {busy:?} of the database"));
    }

    async fn try_texts(
        &self,
        link: &mut Option<Link>,
        sql: &str,
        parameter: Option<&str>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let mut open = match link.take() {
            Some(open) => open,
            None => self.connect().await?,
        };
        let sql = AssertSqlSafe(sql.to_owned());
        let texts = match &mut open {
            Link::Sqlite(connection) => {
                let query = sqlx::query_scalar(sql);
                let query = parameter
                    .into_iter()
                    .fold(query, |query, text| query.bind(text.to_owned()));
                query.fetch_all(connection).await?
            }
            Link::Postgres(connection) => {
                let query = sqlx::query_scalar(sql);
                let query = parameter
                    .into_iter()
                    .fold(query, |query, text| query.bind(text.to_owned()));
                query.fetch_all(connection).await?
            }
        };
        if !matches!(self.place, Place::File(_, true)) {
            *link = Some(open);
        }
        Ok(texts)
    }

    /// Lets go of the database, so that whoever opens it next finds it as a crash left it.
    pub(crate) async fn close(&self) {
        match self.link.lock().await.take() {
            Some(Link::Sqlite(connection)) => connection.close().await.unwrap(),
            // It may be broken already.
            Some(Link::Postgres(connection)) => drop(connection.close().await),
            None => {}
        }
    }

    /// The journal of a run.
    pub(crate) async fn journal(&self, run: &str) -> Vec<Event> {
        let texts = self
            .texts("SELECT body FROM events WHERE run = $1 ORDER BY seq", Some(run))
            .await;
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// The playbook of a run and how it ended, if it did.
    pub(crate) async fn run(&self, run: &str) -> Option<(String, Option<String>)> {
        let sql = "SELECT name || ' ' || coalesce(status, '') FROM runs WHERE id = $1";
        let text = self.texts(sql, Some(run)).await.pop()?;
        let (name, status) = text.split_once(' ').unwrap();
        Some((name.to_owned(), (!status.is_empty()).then(|| status.to_owned())))
    }

    /// The runs that have not ended.
    pub(crate) async fn open_runs(&self) -> Vec<String> {
        self.texts("SELECT id FROM runs WHERE ended_at IS NULL", None).await
    }

    /// All runs.
    pub(crate) async fn runs(&self) -> Vec<String> {
        self.texts("SELECT id FROM runs", None).await
    }

    /// The playbooks and journals of the open runs, of those only that a replica holds if one is named.
    pub(crate) async fn open_journals(&self, replica: Option<&str>) -> BTreeMap<String, (String, Vec<Event>)> {
        let held = match replica {
            Some(_) => "JOIN shards ON shards.shard = runs.shard WHERE owner = $1 AND",
            None => "WHERE",
        };
        let sql = format!(
            "SELECT runs.id || ' ' || runs.name || ' ' || events.body
            FROM runs JOIN events ON events.run = runs.id {held} ended_at IS NULL ORDER BY runs.id, events.seq"
        );
        let mut journals: BTreeMap<String, (String, Vec<Event>)> = BTreeMap::new();
        for text in self.texts(&sql, replica).await {
            let mut words = text.splitn(3, ' ');
            let [run, playbook, body] = [(); 3].map(|()| words.next().unwrap());
            let journal = journals.entry(run.to_owned()).or_default();
            playbook.clone_into(&mut journal.0);
            journal.1.push(serde_json::from_str(body).unwrap());
        }
        journals
    }

    /// The names of the replicas.
    pub(crate) async fn replicas(&self) -> Vec<String> {
        self.texts("SELECT name FROM replicas", None).await
    }

    /// Waits until so many replicas have an equal part of the runs.
    pub(crate) async fn shared_by(&self, replicas: usize) {
        let sql = "SELECT count(*)::text FROM shards WHERE owner IS NOT NULL GROUP BY owner";
        let shared = async || {
            let parts = self.texts(sql, None).await;
            let is_equal = parts.len() == replicas && parts.iter().all(|part| *part == parts[0]);
            if is_equal { Ok(()) } else { Err(parts) }
        };
        let outcome = settled(DEADLINE, shared).await;
        outcome.unwrap_or_else(|parts| panic!("{replicas} replicas hold {parts:?} shards"));
    }

    /// Ends the lease of a replica that is dead, as time would do some seconds later.
    pub(crate) async fn bury(&self, replica: &str) {
        let free = "UPDATE shards SET owner = NULL, until = 0 WHERE owner = $1 RETURNING ''";
        self.texts(free, Some(replica)).await;
        self.texts("DELETE FROM replicas WHERE name = $1 RETURNING ''", Some(replica))
            .await;
    }

    /// The process of the database that serves this ledger.
    pub(crate) async fn backend(&self) -> String {
        self.texts("SELECT pg_backend_pid()::text", None).await.remove(0)
    }

    /// Breaks each connection of the processes to the database.
    pub(crate) async fn break_connections(&self) {
        let sql = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'riposte'";
        self.texts(sql, None).await;
    }
}

/// Where each execution of an action stands that calls, waits or contains others.
pub(crate) fn standings(journal: &[Event]) -> BTreeMap<NodeId, Standing> {
    let mut standings = BTreeMap::new();
    for event in journal {
        let (node, standing) = match event {
            Event::Opened(_) | Event::Cancelling { .. } => continue,
            Event::Closed { .. } => {
                standings.values_mut().for_each(|standing| *standing = Standing::Over);
                continue;
            }
            Event::Called { node, attempt, .. } => (*node, Standing::Calling(*attempt)),
            Event::Released { node, .. } => match standings.get(node) {
                Some(Standing::Waiting(attempt)) => (*node, Standing::Calling(*attempt)),
                _ => continue,
            },
            Event::Retrying { node, .. }
            | Event::Held { node, .. }
            | Event::Polling { node, .. }
            | Event::Subscribed { node, .. } => {
                let attempts = match standings.get(node) {
                    Some(Standing::Calling(attempt)) => *attempt,
                    _ => 0,
                };
                (*node, Standing::Waiting(attempts))
            }
            Event::Paused { node, .. } => (*node, Standing::Waiting(0)),
            Event::Entered { node, .. } | Event::Looped { node, .. } | Event::Repeated { node, .. } => {
                (*node, Standing::Inside)
            }
            Event::Ended { node, .. } => (*node, Standing::Over),
        };
        standings.insert(node, standing);
    }
    standings
}
