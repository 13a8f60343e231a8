//! Incidents over the store: what intake accepts is stored and grouped here, and what people, rules and playbooks want
//! is planned here as operations that their caller commits together with its own journal. Invariant: an alert, its
//! place in an incident and the order to evaluate rules are stored together or not at all.

mod accept;
mod accept_incident;
mod aggregate;
mod error;
mod evaluation;
mod plan;
mod removal;
mod rows;
mod watchlists;
mod workspace;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Mutex, MutexGuard};

pub use accept::{Accepted, GROUP_WINDOW};
pub use accept_incident::summarise;
pub use aggregate::opened_by;
pub use error::Error;
pub use plan::{Cause, Planned};
pub use watchlists::{FoundItems, FoundWatchlist};
pub use workspace::{WorkspaceIds, WorkspaceMapping};

use crate::intake::Intake;
use crate::rules::{Activity, Alert, Incident, IncidentView};
use crate::store::{ActivityRow, IncidentFilter, IncidentRow, Store};

/// Locks that like alerts share, so that a flood queues here instead of racing for one incident in the store.
const LOCKS: usize = 64;

/// Where incidents are kept and changed. Clones share it.
#[derive(Clone, Debug)]
pub struct Desk {
    store: Store,
    workspaces: Arc<WorkspaceIds>,
    locks: Arc<[Mutex<()>]>,
}

impl Desk {
    /// A desk over a store.
    pub fn new(store: Store, workspaces: WorkspaceIds) -> Self {
        let locks = (0..LOCKS).map(|_| Mutex::new(())).collect();
        Self {
            store,
            workspaces: Arc::new(workspaces),
            locks,
        }
    }

    /// How workspaces and what is in them are named in Azure's terms.
    pub fn workspaces(&self) -> &WorkspaceIds {
        &self.workspaces
    }

    /// Stores what came in, each in a transaction of its own, and says what became of each, in order. Like alerts are
    /// taken one after the other, others at the same time, so that they share commits.
    ///
    /// # Errors
    /// The store failed. What was accepted before stays accepted, so the sender may deliver everything again.
    pub async fn accept(&self, intake: Vec<Intake>, now: Timestamp) -> Result<Vec<Accepted>, Error> {
        accept::all(self, intake, now).await
    }

    /// An incident with its alerts, comments and tasks; `None` if there is none with this id.
    ///
    /// # Errors
    /// The store failed, or holds a document that cannot be read.
    pub async fn view(&self, incident: &str) -> Result<Option<IncidentView>, Error> {
        let Some(row) = self.store.incident(incident).await? else {
            return Ok(None);
        };
        let (alerts, comments, tasks) = tokio::try_join!(
            self.store.alerts_of(incident),
            self.store.comments(incident),
            self.store.tasks(incident)
        )?;
        Ok(Some(IncidentView {
            incident: rows::incident(&row)?,
            alerts: alerts
                .iter()
                .map(|row| rows::read("alert", &row.id, &row.document))
                .collect::<Result<_, _>>()?,
            comments: comments
                .iter()
                .map(|row| rows::read("comment", &row.id, &row.document))
                .collect::<Result<_, _>>()?,
            tasks: tasks
                .iter()
                .map(|row| rows::read("task", &row.id, &row.document))
                .collect::<Result<_, _>>()?,
        }))
    }

    /// The last changes of an incident, the newest first and at most so many.
    ///
    /// # Errors
    /// The store failed, or holds a document that cannot be read.
    pub async fn activities(&self, incident: &str, limit: u32) -> Result<Vec<Activity>, Error> {
        let stored = self.store.activities(incident, limit).await?;
        let read = |row: &ActivityRow| rows::read("activity", &row.incident, &row.document);
        stored.iter().map(read).collect()
    }

    /// An alert; `None` if there is none with this id.
    ///
    /// # Errors
    /// The store failed, or holds a document that cannot be read.
    pub async fn alert(&self, id: &str) -> Result<Option<Alert>, Error> {
        let row = self.store.alert(id).await?;
        row.map(|row| rows::read("alert", &row.id, &row.document)).transpose()
    }

    /// The incidents that a filter finds, newest first.
    ///
    /// # Errors
    /// The store failed, or holds a document that cannot be read.
    pub async fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<Incident>, Error> {
        self.store.incidents(filter).await?.iter().map(rows::incident).collect()
    }

    /// The id of the incident of an alert (`Alert - Get incident`), the one that it joined first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn incident_of_alert(&self, alert: &str) -> Result<Option<String>, Error> {
        Ok(self.store.incident_of_alert(alert).await?)
    }

    /// The id of the incident of this number in a workspace, as the connector's first version names incidents.
    ///
    /// # Errors
    /// The store failed.
    pub async fn incident_by_number(&self, workspace: &str, number: i64) -> Result<Option<String>, Error> {
        Ok(self
            .store
            .incident_by_number(workspace, number)
            .await?
            .map(|row| row.id))
    }

    /// The workspace that a run of a playbook was started by: that of the incident that it is about, or of the rule that
    /// ran it. `None` if a person started it on neither.
    ///
    /// # Errors
    /// The store failed.
    pub async fn starter(&self, run: &str) -> Result<Option<String>, Error> {
        let Some(run) = self.store.run(run).await? else {
            return Ok(None);
        };
        Ok(match (run.incident, run.parent) {
            (Some(incident), _) => self.store.incident(&incident).await?.map(|row| row.workspace),
            (None, Some(evaluation)) => self.store.run(&evaluation).await?.map(|row| row.namespace),
            (None, None) => None,
        })
    }

    async fn stored_incident(&self, id: &str) -> Result<(IncidentRow, Incident), Error> {
        let row = self.store.incident(id).await?;
        let row = row.ok_or_else(|| Error::UnknownIncident(id.to_owned()))?;
        let incident = rows::incident(&row)?;
        Ok((row, incident))
    }

    async fn lock(&self, workspace: &str, key: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        (workspace, key).hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or_default();
        self.locks[index].lock().await
    }
}
