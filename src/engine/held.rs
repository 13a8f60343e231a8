//! Brakes of the engine: where actions are paused, kept in the store so that every replica and the next process know, and
//! what a person lets go on all the same.
//!
//! Invariant: what is paused is in the store before it is told to be.

use std::sync::Arc;

use super::callback::node_name;
use super::event::NodeId;
use super::journal::Error;
use super::pauses::{Pause, Pauses};
use super::run::turn::{AGAIN, is_brake};
use super::shell::{Engine, Shared, lock, now};
use super::state::{Phase, State};
use crate::store::{DeliveryRow, Error as StoreError, Operation, Refusal, Transaction};

/// The setting of the store that holds the pauses.
const SETTING: &str = "pauses";
/// How many runs are looked at at a time when a pause is over.
const PORTION: u32 = 4_096;

/// Why nothing was let go on.
#[derive(Debug, thiserror::Error)]
pub enum Unreleased {
    /// No action of this name is held by a brake.
    #[error("no action '{0}' of the run is held by a brake")]
    NotHeld(String),
    /// The run cannot be read.
    #[error(transparent)]
    Run(#[from] Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shared {
    /// Why the actions of a namespace are paused, if they are.
    pub(super) fn pause_of(&self, namespace: &str) -> Option<String> {
        let named = |name: &String| name == "*" || name == namespace;
        if self.paused.iter().any(named) {
            return Some(format!(
                "the actions of namespace '{namespace}' are paused by a setting of the operator"
            ));
        }
        let pauses = lock(&self.pauses).clone();
        let pause = pauses.of(namespace)?;
        Some(format!(
            "the actions of namespace '{namespace}' are paused by {}",
            pause.by
        ))
    }

    /// Reads where actions are paused, as other processes may have changed it; says whether it is known now.
    pub(super) async fn read_pauses(&self) -> bool {
        let _turn = self.pausing.lock().await;
        let read = async { parsed(self.store.setting(SETTING).await?.as_deref()) };
        match read.await {
            Ok(pauses) => {
                *lock(&self.pauses) = Arc::new(pauses);
                true
            }
            Err(error) => {
                tracing::error!(%error, "failed to read where actions are paused");
                false
            }
        }
    }

    /// Changes where actions are paused, from what the store has: other replicas may change it at the same time.
    async fn change_pauses(&self, change: impl Fn(&mut Pauses)) -> Result<(), StoreError> {
        let _turn = self.pausing.lock().await;
        loop {
            let before = self.store.setting(SETTING).await?;
            let mut pauses = parsed(before.as_deref())?;
            change(&mut pauses);
            let key = SETTING.to_owned();
            // Names and numbers always have a JSON form.
            let value = serde_json::to_string(&pauses).unwrap_or_default();
            let operations = vec![Operation::ChangeSetting { key, before, value }];
            match self.store.commit(Transaction { operations }).await {
                Ok(_) => {
                    *lock(&self.pauses) = Arc::new(pauses);
                    return Ok(());
                }
                // Each refusal is the success of another.
                Err(StoreError::Refused(Refusal::StaleSetting(_))) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn parsed(text: Option<&str>) -> Result<Pauses, StoreError> {
    let pauses = serde_json::from_str(text.unwrap_or("{}"));
    pauses.map_err(|error| StoreError::Database(format!("setting '{SETTING}': {error}")))
}

impl Engine {
    /// Pauses what runs of a namespace change outside, or of all where none is named: their calls wait until
    /// [`Engine::unpause`].
    ///
    /// # Errors
    /// The store fails.
    pub async fn pause(&self, namespace: Option<&str>, by: &str) -> Result<(), StoreError> {
        let pause = Pause {
            by: by.to_owned(),
            at: now(),
        };
        self.shared()
            .change_pauses(|pauses| pauses.pause(namespace, pause.clone()))
            .await?;
        tracing::warn!(namespace, by, "actions are paused");
        Ok(())
    }

    /// Lets the actions of a namespace go on, or all where none is named.
    ///
    /// # Errors
    /// The store fails.
    pub async fn unpause(&self, namespace: Option<&str>, by: &str) -> Result<(), StoreError> {
        self.shared().change_pauses(|pauses| pauses.resume(namespace)).await?;
        tracing::warn!(namespace, by, "actions go on");
        // Whoever is paused asks again by then; other replicas' runs do so by themselves.
        let (by_then, mut after) = (now() + AGAIN, None);
        loop {
            let rows = self.shared().store.due_runs(by_then, after.as_ref(), PORTION).await?;
            let is_last = rows.len() < PORTION as usize;
            after = rows.last().map(|row| (row.wake_at.unwrap_or(by_then), row.id.clone()));
            let concerned = rows
                .into_iter()
                .filter(|row| namespace.is_none_or(|namespace| row.namespace == namespace));
            self.line_up_all(concerned.collect());
            if is_last {
                break;
            }
        }
        self.shared().nudge_live();
        Ok(())
    }

    /// Lets the calls of an action go on that brakes hold: when this returns, the wish is on the disk.
    ///
    /// # Errors
    /// No such action is held, the run cannot be read, or the store fails.
    pub async fn release(&self, run: &str, action: &str, by: &str) -> Result<(), Unreleased> {
        let not_held = || Unreleased::NotHeld(action.to_owned());
        let (workflow, events) = self.history(run).await?;
        let state = State::fold(&workflow, &events).map_err(|error| Error::Unreadable {
            run: run.to_owned(),
            reason: error.to_string(),
        })?;
        let is_held = |id: &&NodeId| {
            let phase = state.node(**id).map(|node| &node.phase);
            matches!(phase, Some(Phase::Held { code, .. }) if is_brake(code)) && *workflow.action(id.1).name == *action
        };
        let held: Vec<NodeId> = state.active.iter().filter(is_held).copied().collect();
        if held.is_empty() {
            return Err(not_held());
        }
        let shared = self.shared();
        for id in held {
            let attempt = state.node(id).map_or(0, |node| node.attempts);
            let node = super::run::released_name(attempt, &node_name(id));
            let operation = Operation::Deliver(DeliveryRow {
                run: run.to_owned(),
                at: now(),
                bytes: shared
                    .sealer
                    .seal(&super::run::delivery_context(run, &node), by.as_bytes()),
                node,
            });
            let operations = vec![operation];
            match shared.store.commit(Transaction { operations }).await {
                // Somebody else let it go on at the same time.
                Ok(_) | Err(StoreError::Refused(Refusal::Delivered(_))) => {}
                Err(StoreError::Refused(Refusal::StaleRun(_))) => return Err(not_held()),
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(row) = shared.store.run(run).await? {
            self.nudge(row).await;
        }
        Ok(())
    }
}
