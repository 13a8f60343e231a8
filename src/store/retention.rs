//! What is kept for a time only: which ended runs and which alerts are too old or too many, and how they go. They are
//! looked for beside the writer and forgotten by it, a few at a time.
//! Invariants: a run that has not ended is never forgotten, nor one that an open run waits for, nor one whose end is still
//! to be shown elsewhere; an alert stays while an incident that it joined is open.

use serde_json::json;

use super::error::Fault;
use super::journal::{self, STEP};
use super::sql::{Connection, in_list, query};
use super::{Error, Forget, Millis, Refusal, RunId, Store};

/// How far a search by age has come: the time of the last one, and its identity.
pub type Mark = (Millis, String);

pub(super) async fn forget(connection: &mut Connection, what: Forget) -> Result<(), Fault> {
    match what {
        Forget::Runs { runs, is_told } => forget_runs(connection, &runs, is_told).await?,
        Forget::Alerts {
            alerts,
            unchanged_since,
        } => forget_alerts(connection, &alerts, unchanged_since).await?,
    }
    journal::give_back(connection).await?;
    Ok(())
}

/// Forgets ended runs with all that belongs to them.
async fn forget_runs(connection: &mut Connection, runs: &[RunId], is_told: bool) -> Result<(), Fault> {
    let Some(first) = runs.first() else { return Ok(()) };
    let list = json!(runs).to_string();
    let ended = in_list!("SELECT count(*) FROM runs WHERE ended_at IS NOT NULL AND id ", "");
    let ended: i64 = query(ended).bind(&list).one(&mut *connection).await?;
    if usize::try_from(ended) != Ok(runs.len()) {
        return Err(Refusal::StaleRun(first.clone()).into());
    }
    if is_told {
        tell(connection, &list).await?;
    }
    for sql in [
        in_list!("DELETE FROM events WHERE run ", ""),
        in_list!("DELETE FROM snapshots WHERE run ", ""),
        in_list!("DELETE FROM payloads WHERE run ", ""),
        in_list!("DELETE FROM inbox WHERE run ", ""),
        in_list!("DELETE FROM runs WHERE id ", ""),
    ] {
        query(sql).bind(&list).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Notes that runs of playbooks are about to go, and the incidents that show them.
async fn tell(connection: &mut Connection, list: &str) -> Result<(), sqlx::Error> {
    let runs = in_list!(
        "INSERT INTO changes (kind, subject) SELECT 'run', id FROM runs WHERE kind = 'playbook' AND id ",
        ""
    );
    query(runs).bind(list).execute(&mut *connection).await?;
    let incidents = in_list!(
        "INSERT INTO changes (kind, subject) SELECT DISTINCT 'incident', incident FROM runs WHERE kind = 'playbook'
            AND incident IS NOT NULL AND id ",
        ""
    );
    query(incidents).bind(list).execute(connection).await?;
    Ok(())
}

/// Forgets alerts, and that they joined incidents.
async fn forget_alerts(connection: &mut Connection, alerts: &[String], unchanged_since: Millis) -> Result<(), Fault> {
    let list = json!(alerts).to_string();
    let needing = in_list!(
        "SELECT incidents.id FROM incident_alerts JOIN incidents ON incidents.id = incident_alerts.incident
            WHERE (incidents.status <> 'Closed' OR incidents.updated_at > $2) AND incident_alerts.alert ",
        " LIMIT 1"
    );
    let needing: Option<String> = query(needing)
        .bind(&list)
        .bind(unchanged_since)
        .optional(&mut *connection)
        .await?;
    if let Some(incident) = needing {
        return Err(Refusal::StaleIncident(incident).into());
    }
    for sql in [
        in_list!("DELETE FROM incident_alerts WHERE alert ", ""),
        in_list!("DELETE FROM alerts WHERE id ", ""),
    ] {
        query(sql).bind(&list).execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// Runs that may be forgotten, the oldest first, from behind a mark on and as many as one step has: they were made by
    /// one time and ended by another.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn runs_to_forget(&self, made_by: Millis, ended_by: Millis, after: &Mark) -> Result<Vec<Mark>, Error> {
        let query = query(
            "SELECT created_at, id FROM runs WHERE (created_at, id) > ($1, $2) AND created_at <= $3
                AND ended_at IS NOT NULL AND ended_at <= $4
                AND NOT EXISTS (SELECT 1 FROM runs AS parent WHERE parent.id = runs.parent AND parent.ended_at IS NULL)
                AND id NOT IN (SELECT subject FROM changes WHERE kind IN ('run', 'evaluation'))
            ORDER BY created_at, id LIMIT $5",
        );
        let query = query
            .bind(after.0)
            .bind(&after.1)
            .bind(made_by)
            .bind(ended_by)
            .bind(STEP);
        Ok(query.all(&self.readers).await?)
    }

    /// When the newest of the runs was made that are too many, if only so many are kept.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn beyond_the_newest_runs(&self, kept: u32) -> Result<Option<Millis>, Error> {
        let query = query("SELECT created_at FROM runs ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $1").bind(kept);
        Ok(query.optional(&self.readers).await?)
    }

    /// Alerts that came by a time and may be forgotten, as [`Store::runs_to_forget`]: the incidents that they joined are
    /// closed and have not changed since then.
    ///
    /// # Errors
    /// [`Error::Database`] if the database failed.
    pub async fn alerts_to_forget(&self, came_by: Millis, after: &Mark) -> Result<Vec<Mark>, Error> {
        let query = query(
            "SELECT created_at, id FROM alerts WHERE (created_at, id) > ($1, $2) AND created_at <= $3
                AND NOT EXISTS (SELECT 1 FROM incident_alerts JOIN incidents ON incidents.id = incident_alerts.incident
                    WHERE incident_alerts.alert = alerts.id
                    AND (incidents.status <> 'Closed' OR incidents.updated_at > $3))
            ORDER BY created_at, id LIMIT $4",
        );
        let query = query.bind(after.0).bind(&after.1).bind(came_by).bind(STEP);
        Ok(query.all(&self.readers).await?)
    }

    /// The first position of the log of changes; 0 if it is empty.
    pub(super) async fn first_change(&self) -> Result<i64, Error> {
        let query = query("SELECT coalesce(min(position), 0) FROM changes");
        Ok(query.one(&self.readers).await?)
    }

    /// The last position of the log of changes; 0 if it is empty.
    pub(super) async fn last_change(&self) -> Result<i64, Error> {
        let query = query("SELECT coalesce(max(position), 0) FROM changes");
        Ok(query.one(&self.readers).await?)
    }
}
