//! Approvals in the store: who looks at one, and who decides. Invariants: a decision is on disk before its sender is
//! answered; the one that ends the question commits together with what ends the action, so it counts exactly once.

use super::approval::{Approval, Decider, Rejected, Vote};
use super::callback::node_name;
use super::event::{Event, NodeId};
use super::journal::Error;
use super::shell::{Engine, now};
use crate::store::{
    ApprovalChange, ApprovalFilter, ApprovalRow, DeliveryRow, Error as StoreError, Millis, Operation, Refusal, Sealer,
    Transaction,
};

/// How often a decision is counted anew because another came in between.
const ATTEMPTS: usize = 50;
/// How many runs up the people are looked for who started a run.
const PARENTS_MAX: usize = 32;

/// An approval as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Where it stands; without its sealed content.
    pub row: ApprovalRow,
    /// What is asked and was decided.
    pub approval: Approval,
}

/// Why a decision is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum NotRecorded {
    /// It does not count.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// There is no such approval.
    #[error("there is no such approval")]
    Missing,
    /// Others decided all the time.
    #[error("too many decide at once; decide again")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run cannot be read.
    #[error(transparent)]
    Run(#[from] Error),
}

/// What an approval belongs to: its content opens nowhere else.
fn context(run: &str, node: &str) -> String {
    format!("approval/{run}/{node}")
}

/// The row of a new approval of an action that waits until `expires_at`.
pub(super) fn ask(
    sealer: &Sealer,
    (run, id): (&str, NodeId),
    approval: &Approval,
    times: (Millis, Millis),
) -> ApprovalRow {
    let (created_at, expires_at) = times;
    let node = node_name(id);
    ApprovalRow {
        bytes: sealed(sealer, run, &node, approval),
        run: run.to_owned(),
        node,
        namespace: String::new(),
        playbook: String::new(),
        created_at,
        expires_at,
        version: 1,
        closed_at: None,
    }
}

fn sealed(sealer: &Sealer, run: &str, node: &str, approval: &Approval) -> Vec<u8> {
    // It has texts as keys alone, so it always has a JSON form.
    let plain = serde_json::to_vec(approval).unwrap_or_default();
    sealer.seal(&context(run, node), &plain)
}

impl Engine {
    /// The approvals that a filter names, the newest first.
    ///
    /// # Errors
    /// The store fails, or was sealed with another key.
    pub async fn approvals(&self, filter: &ApprovalFilter) -> Result<Vec<Asked>, StoreError> {
        let rows = self.shared().store.approvals(filter).await?;
        rows.into_iter().map(|row| self.opened(row)).collect()
    }

    /// The approval of an execution of an action, as links name it.
    ///
    /// # Errors
    /// The store fails, or was sealed with another key.
    pub async fn approval(&self, run: &str, node: &str) -> Result<Option<Asked>, StoreError> {
        let row = self.shared().store.approval(run, node).await?;
        row.map(|row| self.opened(row)).transpose()
    }

    fn opened(&self, mut row: ApprovalRow) -> Result<Asked, StoreError> {
        let bytes = std::mem::take(&mut row.bytes);
        let plain = self.shared().sealer.open(&context(&row.run, &row.node), &bytes)?;
        let approval = serde_json::from_slice(&plain);
        let approval =
            approval.map_err(|error| StoreError::Database(format!("an approval cannot be read: {error}")))?;
        Ok(Asked { row, approval })
    }

    /// Records a decision: when this returns, it is on disk, and if it was the last that is needed, the run goes on.
    ///
    /// # Errors
    /// It does not count, or the store fails.
    pub async fn decide(&self, run: &str, node: &str, by: &Decider, vote: &Vote) -> Result<Asked, NotRecorded> {
        for _ in 0..ATTEMPTS {
            let mut asked = self.approval(run, node).await?.ok_or(NotRecorded::Missing)?;
            let requesters = match asked.approval.requester_may_not_approve {
                true => self.requesters(run).await?,
                false => Vec::new(),
            };
            let at = now();
            let is_over = asked.row.closed_at.is_some() || asked.row.expires_at <= at;
            if is_over && asked.approval.outcome.is_none() {
                return Err(Rejected::Closed.into());
            }
            asked.approval.decide(by.clone(), vote, &requesters, at)?;
            asked.row.version += 1;
            asked.row.closed_at = asked.approval.outcome.is_some().then_some(at);
            match self.shared().store.commit(self.recorded(&asked, at)).await {
                Ok(_) => {
                    if asked.approval.outcome.is_some() {
                        self.look_again(run).await;
                    }
                    return Ok(asked);
                }
                Err(StoreError::Refused(Refusal::StaleApproval(_))) => {}
                Err(StoreError::Refused(Refusal::StaleRun(_) | Refusal::Delivered(_))) => {
                    return Err(Rejected::Closed.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(NotRecorded::Busy)
    }

    /// The transaction of a decision.
    fn recorded(&self, asked: &Asked, at: Millis) -> Transaction {
        let (row, sealer) = (&asked.row, &self.shared().sealer);
        let changed = ApprovalRow {
            bytes: sealed(sealer, &row.run, &row.node, &asked.approval),
            ..row.clone()
        };
        let mut operations = vec![Operation::ChangeApproval(ApprovalChange::Update(changed))];
        if asked.approval.outcome.is_some() {
            let answer = asked.approval.answer().to_string();
            let context = super::run::delivery_context(&row.run, &row.node);
            operations.push(Operation::Deliver(DeliveryRow {
                run: row.run.clone(),
                node: row.node.clone(),
                at,
                bytes: sealer.seal(&context, answer.as_bytes()),
            }));
        }
        Transaction { operations }
    }

    /// Who started a run, and the runs that started it.
    async fn requesters(&self, run: &str) -> Result<Vec<String>, Error> {
        let (mut requesters, mut next) = (Vec::new(), Some(run.to_owned()));
        while let Some(run) = next.take().filter(|_| requesters.len() < PARENTS_MAX) {
            let (_, events) = self.history(&run).await?;
            if let Some(Event::Opened(opened)) = events.first() {
                requesters.push(opened.requester.clone());
            }
            next = self.shared().store.run(&run).await?.and_then(|row| row.parent);
        }
        Ok(requesters)
    }
}
