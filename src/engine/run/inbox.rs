//! What comes to the callback URLs of a run: it is on disk before its sender is answered, and is taken in the append that
//! ends the action, so that a crash in between loses nothing and nothing happens twice. And what is owed in return: who
//! was given a callback URL is told when it is of no more use, once the action has ended in whatever way.
//!
//! That call is made after the commit, apart from the run and without a trace in its journal: a process that dies in
//! between does not make it, and the service keeps a URL that opens nothing.

use std::time::Duration;

use super::{Drive, Haste, Step, now};
use crate::definition::ActionKind;
use crate::engine::actions::webhook::Unsubscription;
use crate::engine::callback::{Invalid, Link, Ticket, node_name, parse_node};
use crate::engine::event::NodeId;
use crate::engine::incoming::Incoming;
use crate::engine::journal::Error;
use crate::engine::shell::{Engine, Shared};
use crate::engine::state::{Phase, Ready};
use crate::engine::{call, retry};
use crate::expression::Value;
use crate::store::{ApprovalChange, DeliveryRow, Error as StoreError, Operation, Refusal, Transaction};

/// Attempts at most to take a subscription back.
const ATTEMPTS: u32 = 4;
/// The longest wait between them.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// What the name of a wish to let a call go on begins with; the name of its action follows.
const RELEASE: &str = "release/";

/// The name under which the wish comes to let an attempt of the call of an execution go on.
pub(in crate::engine) fn released_name(attempt: u32, node: &str) -> String {
    format!("{RELEASE}{attempt}/{node}")
}

/// The execution in the rest of such a name.
fn released_node(rest: &str) -> Option<NodeId> {
    rest.split_once('/').and_then(|(_, node)| parse_node(node))
}

/// Why something that came to a callback URL was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// The link does not open.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The link was used before.
    #[error("the link was used already")]
    Used,
    /// The run has ended.
    #[error("the run that the link leads to has ended")]
    Ended,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl Engine {
    /// Something came to a callback URL: when this returns, it is on disk, and the run goes on.
    ///
    /// # Errors
    /// A link that does not open or was used, a run that has ended, a store that fails.
    pub async fn deliver(&self, link: &Link, ticket: &Ticket, incoming: Incoming<'_>) -> Result<(), Undelivered> {
        let shared = self.shared();
        let at = now();
        shared.links.check(link, ticket, at)?;
        let Link::Action { run, node } = link else {
            return Err(Invalid::Forged.into());
        };
        let node = node_name(*node);
        let plain = Value::from(incoming.outputs(false)).to_json();
        let row = DeliveryRow {
            run: run.clone(),
            at,
            bytes: shared.sealer.seal(&context(run, &node), plain.as_bytes()),
            node,
        };
        let operations = vec![Operation::Deliver(row)];
        match shared.store.commit(Transaction { operations }).await {
            Ok(_) => {
                self.look_again(run).await;
                Ok(())
            }
            Err(StoreError::Refused(Refusal::Delivered(_))) => Err(Undelivered::Used),
            Err(StoreError::Refused(Refusal::StaleRun(_))) => Err(Undelivered::Ended),
            Err(error) => Err(Undelivered::Store(error)),
        }
    }

    /// Lets a run take what was just stored for it.
    pub(in crate::engine) async fn look_again(&self, run: &str) {
        let shared = self.shared();
        // Another replica sees that its run is due.
        if !shared.takes(run) && self.is_idle(run) {
            return;
        }
        if let Ok(Some(row)) = shared.store.run(run).await {
            self.nudge(row).await;
        }
    }
}

/// What a delivery belongs to: it opens nowhere else.
pub(in crate::engine) fn context(run: &str, node: &str) -> String {
    format!("inbox/{run}/{node}")
}

impl Drive<'_> {
    /// Ends the actions for which something has come. What comes before the service has answered the subscription is
    /// kept until it has.
    pub(super) async fn receive(&mut self, step: &mut Step) -> Result<Vec<Ready>, Error> {
        let run = self.state.opened.run.clone();
        let flying: Vec<NodeId> = self.flying.values().map(|(id, _, _)| *id).collect();
        let mut ready = Vec::new();
        self.has_early = false;
        for row in self.shared.store.inbox(&run).await? {
            if let Some(haste) = Haste::of_name(&row.node) {
                self.heed(step, self.wisher(&row)?, haste)?;
            }
            if let Some(id) = row.node.strip_prefix(RELEASE).and_then(released_node) {
                ready.extend(self.release(step, id, self.wisher(&row)?).await?);
            }
            let waiting = parse_node(&row.node).filter(|id| self.state.active.contains(id) && self.is_webhook(*id));
            if waiting.is_some_and(|id| flying.contains(&id)) {
                self.has_early = true;
                continue;
            }
            if let Some(id) = waiting {
                let plain = self.plain(&row)?;
                let delivered = serde_json::from_slice(&plain).map_err(|error| self.unreadable(&error))?;
                let event = self.planner(&self.moment()).called_back(id, &delivered);
                ready.extend(self.record(step, event)?);
            }
            let (run, at) = (run.clone(), now());
            step.with.push(Operation::Take {
                run,
                node: row.node,
                at,
            });
        }
        Ok(ready)
    }

    /// Whether something may have come before this process took the run up. What comes too late for its action is taken
    /// too: the run would be due as long as it lies there.
    pub(super) fn may_have_mail(&mut self) -> bool {
        !self.is_fresh || self.shared.is_shared() || self.control.try_recv().is_ok()
    }

    /// What a delivery says.
    pub(super) fn plain(&self, row: &DeliveryRow) -> Result<Vec<u8>, Error> {
        Ok(self.shared.sealer.open(&context(&row.run, &row.node), &row.bytes)?)
    }

    /// Whether time is about to end an action that could have been called back in this moment.
    pub(super) fn awaits_callback(&self) -> bool {
        let is_due = |id: &NodeId| self.state.timer(*id).is_some_and(|at| at <= now());
        self.state.active.iter().any(|id| is_due(id) && self.is_subscribed(*id))
    }

    fn is_subscribed(&self, id: NodeId) -> bool {
        matches!(self.state.node(id).map(|node| &node.phase), Some(Phase::Subscribed))
    }

    fn is_webhook(&self, id: NodeId) -> bool {
        matches!(self.workflow.action(id.1).kind, ActionKind::Webhook(_))
    }

    /// The webhook actions that have begun and not ended.
    pub(super) fn webhooks(&self) -> Vec<NodeId> {
        let active = self.state.active.iter().copied();
        active.filter(|id| self.is_webhook(*id)).collect()
    }

    /// Closes what people were asked by actions that end in this step.
    pub(super) fn closing(&self) -> Vec<Operation> {
        let ended = self.subscribed.iter().filter(|id| !self.state.active.contains(id));
        let close = |id: &NodeId| {
            Operation::ChangeApproval(ApprovalChange::Close {
                run: self.state.opened.run.clone(),
                node: node_name(*id),
                at: now(),
            })
        };
        ended.map(close).collect()
    }

    /// What was given a callback URL is told that it is of no more use, for the actions that ended in this step.
    pub(super) fn unsubscribe_ended(&mut self) {
        let begun = self.webhooks();
        for id in std::mem::replace(&mut self.subscribed, begun) {
            if !self.state.active.contains(&id) {
                self.unsubscribe(id);
            }
        }
    }

    fn unsubscribe(&self, id: NodeId) {
        let moment = self.moment();
        let (run, action) = (&self.state.opened.run, &self.workflow.action(id.1).name);
        match self.planner(&moment).unsubscription(id) {
            Ok(Some(unsubscription)) => {
                let (shared, chance) = (self.shared.clone(), moment.fraction());
                tokio::spawn(async move { unsubscribe(&shared, &unsubscription, chance).await });
            }
            Ok(None) => {}
            Err(reason) => tracing::warn!(run.id = %run, action = %action, %reason, "not unsubscribed"),
        }
    }
}

/// Takes a subscription back, with a few attempts.
async fn unsubscribe(shared: &Shared, unsubscription: &Unsubscription, chance: f64) {
    let call = &unsubscription.call;
    for attempt in 1..=ATTEMPTS {
        let wait = match shared.services.call(call).await {
            Ok(answer) if (200..300).contains(&answer.status) => return,
            Ok(answer) if retry::is_retried(answer.status) => unsubscription.delay(attempt, chance),
            Ok(_) | Err(call::CallError { retryable: false, .. }) => None,
            Err(_) => unsubscription.delay(attempt, chance),
        };
        let Some(wait) = wait else { break };
        tokio::time::sleep(wait.min(WAIT_MAX)).await;
    }
    tracing::warn!(run.id = %call.run, action = %call.action, "the service did not take the end of its subscription");
}
