//! How runs go on: appends to their journals, many at once, because they are most of what the store does. Their rows are
//! one JSON parameter.
//! Invariant: only one of two appends on the same events succeeds, which fences a writer that was overtaken.

use std::collections::HashSet;

use serde_json::json;

use super::journal::{self, Events};
use super::sql::{Connection, Text, query};
use super::{EventRow, Millis, PayloadRow, RunId, approval, change, inbox};

/// More events of a run.
#[derive(Clone, Debug)]
pub struct Append {
    /// The run.
    pub run: RunId,
    /// How many events the run has.
    pub expected_seq: i64,
    /// The next events.
    pub events: Vec<EventRow>,
    /// Payloads that these events refer to.
    pub payloads: Vec<PayloadRow>,
    /// The state after these events, if a snapshot is due; opaque to the store.
    pub snapshot: Option<String>,
    /// What becomes of the run.
    pub next: Next,
}

/// What becomes of a run after an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It goes on and needs attention at this time at the latest.
    WakeAt(Millis),
    /// It has ended.
    End {
        /// Its final status, such as `Succeeded`.
        status: String,
        /// When.
        at: Millis,
        /// When its sealed values are erased; `at` for a run that ended well.
        erase_at: Millis,
    },
}

impl Append {
    /// How many events the run has after it.
    fn seq(&self) -> i64 {
        self.expected_seq.saturating_add(journal::count(&self.events))
    }

    /// Whether the run ends well, so that its sealed payloads go at once.
    fn erases(&self) -> bool {
        matches!(&self.next, Next::End { at, erase_at, .. } if erase_at <= at)
    }

    /// Its parameters of [`ADVANCE`].
    fn row(&self) -> serde_json::Value {
        let (wake_at, status, ended_at, erase_at) = match &self.next {
            Next::WakeAt(wake_at) => (Some(wake_at), None, None, None),
            Next::End { status, at, erase_at } => (None, Some(status), Some(at), (!self.erases()).then_some(erase_at)),
        };
        json!([
            self.run,
            self.expected_seq,
            self.seq(),
            wake_at,
            status,
            ended_at,
            erase_at
        ])
    }
}

/// The runs that are not as expected. SQLite is asked first, because an UPDATE that gives back the many runs that are
/// would cost more than this.
const STALE: &str = "SELECT new.value ->> 0 FROM json_each($1) AS new WHERE NOT EXISTS (SELECT 1 FROM runs
        WHERE runs.id = new.value ->> 0 AND runs.seq = new.value ->> 1 AND runs.ended_at IS NULL)";

/// Moves the rows of the runs that are as expected on. One for which something has come in the meantime is due. PostgreSQL
/// gives the runs back: another replica may have moved some on. It finds them by their identities; if it were told that they
/// are open in words that it knows, it might look through all open runs.
const ADVANCE: Text = Text::Each {
    sqlite: "UPDATE runs SET seq = new.value ->> 2,
            wake_at = CASE WHEN new.value ->> 3 IS NOT NULL
                AND EXISTS (SELECT 1 FROM inbox WHERE inbox.run = runs.id AND inbox.taken = 0)
                THEN 0 ELSE new.value ->> 3 END,
            status = new.value ->> 4,
            ended_at = new.value ->> 5, erase_at = new.value ->> 6
        FROM json_each($1) AS new
        WHERE runs.id = new.value ->> 0 AND runs.seq = new.value ->> 1 AND runs.ended_at IS NULL",
    postgres: "UPDATE runs SET seq = (new.value ->> 2)::bigint,
            wake_at = CASE WHEN new.value ->> 3 IS NOT NULL
                AND EXISTS (SELECT 1 FROM inbox WHERE inbox.run = runs.id AND inbox.taken = 0)
                THEN 0 ELSE (new.value ->> 3)::bigint END,
            status = new.value ->> 4,
            ended_at = (new.value ->> 5)::bigint, erase_at = (new.value ->> 6)::bigint
        FROM json_array_elements($1::json) AS new (value)
        WHERE runs.id = ANY (ARRAY(SELECT one.value ->> 0 FROM json_array_elements($1::json) AS one (value)))
            AND runs.id = new.value ->> 0 AND runs.seq = (new.value ->> 1)::bigint AND coalesce(runs.ended_at, -1) = -1
        RETURNING runs.id",
};

/// Applies appends of different runs, and gives the runs that are stale and unchanged.
pub(super) async fn append_all(
    connection: &mut Connection,
    events: &mut Events,
    appends: Vec<Append>,
) -> Result<HashSet<RunId>, sqlx::Error> {
    let rows = json!(appends.iter().map(Append::row).collect::<Vec<_>>()).to_string();
    let stale: HashSet<RunId> = if connection.is_postgres() {
        let advanced: Vec<RunId> = query(ADVANCE).bind(rows).all(&mut *connection).await?;
        let mut stale: HashSet<RunId> = appends.iter().map(|append| append.run.clone()).collect();
        for run in advanced {
            stale.remove(&run);
        }
        stale
    } else {
        let stale: Vec<RunId> = query(STALE).bind(&rows).all(&mut *connection).await?;
        query(ADVANCE).bind(rows).execute(&mut *connection).await?;
        stale.into_iter().collect()
    };
    let (mut erased, mut ended) = (Vec::new(), Vec::new());
    for append in appends.into_iter().filter(|append| !stale.contains(&append.run)) {
        let (seq, erases) = (append.seq(), append.erases());
        events.add(&append.run, append.expected_seq, append.events);
        journal::insert_payloads(connection, &append.run, append.payloads).await?;
        if let Some(state) = append.snapshot {
            journal::put_snapshot(connection, &append.run, seq, state).await?;
        }
        if matches!(append.next, Next::End { .. }) {
            ended.push(append.run.clone());
        }
        if erases {
            erased.push(append.run);
        }
    }
    if !erased.is_empty() {
        journal::erase(connection, &erased).await?;
    }
    if !ended.is_empty() {
        change::ended(connection, &ended).await?;
        inbox::forget(connection, &ended).await?;
        approval::close_ended(connection, &ended).await?;
    }
    Ok(stale)
}
