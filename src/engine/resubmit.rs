//! Resubmission: a new run of a playbook with what the trigger of an earlier run gave, as a whole or from an action on.
//! Invariant: what a run needs of the other one is in its own first event, so it does not matter what becomes of that.

use std::sync::Arc;

use uuid::Uuid;

use super::carry::{Recording, carry};
use super::clock::Moment;
use super::content::Playbook;
use super::event::{Event, Opened};
use super::journal::{self, Recorded};
use super::shell::{Engine, PLAYBOOK, Prepared, StartError, now};
use super::start::{self, Refused, Request};
use crate::definition::Workflow;
use crate::store::{Error as StoreError, Operation, Refusal, Transaction};

/// A wish to repeat a run.
#[derive(Clone, Debug, Default)]
pub struct Resubmission {
    /// The run.
    pub run: String,
    /// Who asks: `user/NAME`.
    pub requester: String,
    /// Whether the new run has the definition of the other one; else that which the playbook has now.
    pub is_pinned: bool,
    /// The action of the top level that the new run begins with: what ended before it, or beside it, keeps its end.
    pub from: Option<String>,
    /// The same wish made again with the same key starts nothing.
    pub key: Option<String>,
}

/// Why a run was not repeated.
#[derive(Debug, thiserror::Error)]
pub enum ResubmitError {
    /// The playbook or the run does not allow it, or the store failed.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The run that is to be repeated cannot be read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
}

impl From<Refused> for ResubmitError {
    fn from(refused: Refused) -> Self {
        Self::Start(refused.into())
    }
}

impl From<StoreError> for ResubmitError {
    fn from(error: StoreError) -> Self {
        Self::Start(error.into())
    }
}

impl Resubmission {
    /// The identity of the new run, where the wish has a key.
    fn id(&self) -> Option<Uuid> {
        let name = format!("resubmit/{}/{}", self.run, self.key.as_ref()?);
        let made = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
        // Version 5 is what the runs of objects have.
        let id = uuid::Builder::from_bytes(made.into_bytes()).with_version(uuid::Version::Custom);
        Some(id.into_uuid())
    }

    fn refused(&self, reason: impl Into<String>) -> Refused {
        Refused::Resubmission {
            run: self.run.clone(),
            reason: reason.into(),
        }
    }
}

impl Engine {
    /// Repeats a run: when this returns, the new run is on disk. Gives its id.
    ///
    /// # Errors
    /// The playbook refuses to start, the run cannot be repeated so, or the store fails.
    pub async fn resubmit(&self, wish: &Resubmission) -> Result<String, ResubmitError> {
        let shared = self.shared();
        let row = shared.store.run(&wish.run).await?;
        let row = row.filter(|row| row.kind == PLAYBOOK);
        let row = row.ok_or_else(|| wish.refused("there is no such run of a playbook"))?;
        let hash = row.definition.clone().unwrap_or_default();
        let workflow = shared.workflow(&hash).await?;
        let recorded = journal::recorded(&shared.store, &shared.sealer, &row.id).await?;
        let playbook = self
            .repeated(wish, (&row.namespace, &row.name), (&hash, &workflow))
            .await?;
        let request = Request {
            namespace: row.namespace,
            playbook: row.name,
            incident: row.incident,
            requester: wish.requester.clone(),
            id: wish.id(),
            resubmit_of: Some(row.id),
            ..Request::default()
        };
        let moment = Moment::new(now(), shared.seed());
        let opened = open(wish, &playbook, (&workflow, &recorded), &request, &moment)?;
        let prepared = shared.prepared(&playbook, vec![opened], &request);
        match self.begin(prepared).await {
            Ok(runs) => Ok(runs.into_iter().next().unwrap_or_default()),
            Err(StoreError::Refused(Refusal::StaleRun(run))) => Ok(run),
            Err(error) => Err(error.into()),
        }
    }

    /// The playbook as the new run has it.
    async fn repeated(
        &self,
        wish: &Resubmission,
        (namespace, name): (&str, &str),
        (hash, workflow): (&str, &Arc<Workflow>),
    ) -> Result<Playbook, ResubmitError> {
        let found = self.playbook(namespace, name);
        let mut playbook = found.ok_or_else(|| Refused::NotFound(format!("{namespace}/{name}")))?;
        if wish.is_pinned && playbook.hash != hash {
            let text = self.shared().store.definition(hash).await?;
            playbook.definition = text.unwrap_or_default().into();
            playbook.hash = hash.to_owned();
            playbook.workflow = workflow.clone();
        }
        Ok(playbook)
    }

    /// Commits what makes a run, and begins it.
    pub(super) async fn begin(&self, mut prepared: Prepared) -> Result<Vec<String>, StoreError> {
        let mut operations: Vec<Operation> = std::mem::take(&mut prepared.operations);
        operations.extend(prepared.limit.take());
        self.shared().store.commit(Transaction { operations }).await?;
        Ok(self.began(prepared))
    }
}

/// The first event of the new run.
fn open(
    wish: &Resubmission,
    playbook: &Playbook,
    (workflow, recorded): (&Workflow, &Recorded),
    request: &Request,
    moment: &Moment,
) -> Result<Opened, Refused> {
    let unreadable = || wish.refused("its journal has no beginning");
    let (Some(Event::Opened(original)), Some(trigger)) = (recorded.events.first(), workflow.triggers.first()) else {
        return Err(unreadable());
    };
    if recorded.is_erased(&original.outputs) {
        return Err(wish.refused(
            "what its trigger gave is secure, and was erased when the run ended or some time later; start the playbook anew",
        ));
    }
    let mut opened = start::again(playbook, (trigger, original), request, moment)?;
    let Some(action) = &wish.from else {
        return Ok(opened);
    };
    let recording = Recording {
        workflow,
        opened: original,
        events: &recorded.events[1..],
    };
    let carried = carry(&recording, (&playbook.workflow, &opened), action);
    let (name, mut carried) = carried.map_err(|reason| wish.refused(reason))?;
    for payload in carried.iter_mut().flat_map(Event::payloads_mut) {
        if recorded.is_erased(payload) {
            return Err(wish.refused(
                "what its actions recorded has secure values, which were erased when it ended or some time later; resubmit \
                 the whole run",
            ));
        }
        payload.stored = None;
    }
    opened.resubmit_from = Some(name);
    opened.carried = carried;
    Ok(opened)
}
