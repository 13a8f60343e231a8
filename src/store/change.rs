//! The log of changes: which runs ended and which incidents changed, for who shows them elsewhere.
//! Invariants: a change is in the log exactly if its transaction is stored; positions follow the order of commits, and
//! none is given twice, also after the beginning of the log was dropped.

use serde_json::json;

use super::sql::{Connection, FromRow, Row, in_list, query};
use super::{Error, RunId, Store};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the log, from 1.
    pub position: i64,
    /// What changed.
    pub subject: Changed,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Changed {
    /// This run of a playbook ended.
    Run(RunId),
    /// This evaluation of rules ended, and there were rules to evaluate.
    Evaluation(RunId),
    /// This incident, its alerts, comments or tasks changed, or a run on it began or ended.
    Incident(String),
}

/// How many runs a playbook has had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunTally {
    /// Final status, `None` for runs that have not ended; how many.
    pub by_status: Vec<(Option<String>, i64)>,
}

impl FromRow for Change {
    fn from_row(row: Row<'_>) -> Result<Self, sqlx::Error> {
        let (kind, subject): (String, String) = (row.get("kind")?, row.get("subject")?);
        Ok(Change {
            position: row.get("position")?,
            subject: match kind.as_str() {
                "run" => Changed::Run(subject),
                "evaluation" => Changed::Evaluation(subject),
                _ => Changed::Incident(subject),
            },
        })
    }
}

/// Notes that an incident changed.
pub(super) async fn incident(connection: &mut Connection, incident: &str) -> Result<(), sqlx::Error> {
    let query = query("INSERT INTO changes (kind, subject) VALUES ('incident', $1)").bind(incident);
    query.execute(connection).await?;
    Ok(())
}

/// Notes that runs ended, and the incidents that those of playbooks were about. An evaluation is noted only if it has
/// more than three events: opened, pinned and ended are all that one without rules has, and most are such.
pub(super) async fn ended(connection: &mut Connection, runs: &[RunId]) -> Result<(), sqlx::Error> {
    let runs = json!(runs).to_string();
    let ended = in_list!(
        "INSERT INTO changes (kind, subject) SELECT CASE kind WHEN 'playbook' THEN 'run' ELSE kind END, id FROM runs
        WHERE id ",
        " AND (kind = 'playbook' OR kind = 'evaluation' AND seq > 3)"
    );
    query(ended).bind(runs.as_str()).execute(&mut *connection).await?;
    let incidents = in_list!(
        "INSERT INTO changes (kind, subject) SELECT DISTINCT 'incident', incident FROM runs WHERE id ",
        " AND kind = 'playbook' AND incident IS NOT NULL"
    );
    query(incidents).bind(runs).execute(connection).await?;
    Ok(())
}

/// Drops the log before a position. The last change always stays: the next position follows from it.
pub(super) async fn drop_before(connection: &mut Connection, before: i64) -> Result<(), sqlx::Error> {
    let sql = "DELETE FROM changes WHERE position < $1 AND position < (SELECT max(position) FROM changes)";
    query(sql).bind(before).execute(connection).await?;
    Ok(())
}

impl Store {
    /// The changes behind a position, in order.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, Error> {
        let query = query("SELECT * FROM changes WHERE position > $1 ORDER BY position LIMIT $2");
        Ok(query.bind(after).bind(limit).all(&self.readers).await?)
    }

    /// How many runs a playbook has had, by their status.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn tally(&self, namespace: &str, playbook: &str) -> Result<RunTally, Error> {
        let query = query(
            "SELECT status, count(*) FROM runs WHERE kind = 'playbook' AND namespace = $1 AND name = $2 GROUP BY status
            ORDER BY status NULLS FIRST",
        );
        let by_status = query.bind(namespace).bind(playbook).all(&self.readers).await?;
        Ok(RunTally { by_status })
    }
}
