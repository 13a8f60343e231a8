//! Sends messages to playbooks that collect them (action type `SendToBatch`): checks that the playbook takes them, and
//! hands the message over as a change that commits with the end of the action. So it is there exactly once.

use std::sync::Arc;

use async_trait::async_trait;

use super::call::{Admission, Answer, Brake, Call, CallError, Services, Target};
use super::content::Content;
use super::schedule::release;
use crate::definition::workflow::TriggerKind;
use crate::expression::Value;
use crate::grants::Permission;
use crate::incidents::Desk;
use crate::store::{Error as StoreError, MessageRow, Millis, Operation, Partition, Sealer, Store};

/// Services with the playbooks that collect messages before them.
pub(super) struct Collecting {
    pub(super) services: Arc<dyn Services>,
    pub(super) content: Arc<dyn Content>,
    pub(super) store: Store,
    pub(super) sealer: Sealer,
    pub(super) desk: Desk,
}

/// What the sealed content of a message belongs to.
pub(super) fn context(partition: &Partition, id: &str) -> String {
    let Partition {
        namespace,
        playbook,
        batch,
        name,
    } = partition;
    format!("message/{namespace}/{playbook}/{batch}/{name}/{id}")
}

impl Collecting {
    async fn send(&self, call: &Call, partition: Partition, id: &str) -> Result<Answer, CallError> {
        self.permit(call, &partition).await?;
        let partition = self.collected(partition)?;
        let (count, bytes) = self.store.weight(&partition).await.map_err(|error| unstored(&error))?;
        if release::is_full(count, bytes) {
            let name = &partition.batch;
            let message = format!("the batch '{name}' is full and has not been released; resume its playbook");
            return Err(failed("BatchFull", message, true));
        }
        let content = call.body.clone().unwrap_or_default().to_json();
        let message = MessageRow {
            position: 0,
            id: id.to_owned(),
            size: i64::try_from(content.len()).unwrap_or(i64::MAX),
            content: self.sealer.seal(&context(&partition, id), content.as_bytes()),
            depth: call.depth,
        };
        Ok(Answer {
            status: 200,
            writes: vec![Operation::InsertMessage { partition, message }],
            ..Answer::default()
        })
    }

    /// Whether the playbook that sends may start the one that collects: in another namespace that needs a grant.
    async fn permit(&self, call: &Call, partition: &Partition) -> Result<(), CallError> {
        if partition.namespace == call.namespace {
            return Ok(());
        }
        let (namespace, playbook) = (&partition.namespace, &partition.playbook);
        match self.content.permit(&call.namespace, namespace, playbook).await {
            Ok(Permission::Granted) => Ok(()),
            Ok(Permission::Missing(missing)) => {
                let message = format!("{missing}:\n{}", missing.command());
                Err(failed("MissingGrant", message, false))
            }
            Err(undecided) => Err(failed("PermissionUndecided", undecided.to_string(), true)),
        }
    }

    /// The partition with the name of the batch as its playbook writes it.
    fn collected(&self, partition: Partition) -> Result<Partition, CallError> {
        let path = format!("{}/{}", partition.namespace, partition.playbook);
        let missing = || {
            let message = format!("the playbook '{path}' does not exist, or its definition is not valid");
            failed("PlaybookNotFound", message, false)
        };
        let playbook = self.content.playbook(&partition.namespace, &partition.playbook);
        let playbook = playbook.ok_or_else(missing)?;
        let trigger = playbook.workflow.triggers.first().map(|trigger| &trigger.kind);
        let Some(TriggerKind::Batch(batches)) = trigger else {
            let message = format!("the playbook '{path}' collects no messages; its trigger must be of type Batch");
            return Err(failed("UnsupportedTrigger", message, false));
        };
        let found = batches
            .iter()
            .find(|batch| batch.name.eq_ignore_ascii_case(&partition.batch));
        let known = || {
            batches
                .iter()
                .map(|batch| batch.name.as_str())
                .collect::<Vec<_>>()
                .join("', '")
        };
        let unknown = || {
            let message = format!(
                "the playbook '{path}' has no batch '{}', only '{}'",
                partition.batch,
                known()
            );
            failed("BatchNotFound", message, false)
        };
        let batch = found.ok_or_else(unknown)?.name.clone();
        Ok(Partition { batch, ..partition })
    }
}

fn failed(code: &str, message: String, retryable: bool) -> CallError {
    CallError {
        code: code.into(),
        message,
        retryable,
        reached: false,
    }
}

fn unstored(error: &StoreError) -> CallError {
    failed("StoreFailed", error.to_string(), true)
}

#[async_trait]
impl Services for Collecting {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        let Target::Batch {
            playbook,
            batch,
            partition,
            message_id,
        } = &call.target
        else {
            return self.services.call(call).await;
        };
        if self.services.stands_in(call) {
            return self.services.call(call).await;
        }
        let named = self.desk.workspaces().parse_playbook_id(playbook, &call.namespace);
        let unnamed = || {
            let message = format!("'{playbook}' names no playbook; give its name or its ARM id");
            failed("PlaybookNotFound", message, false)
        };
        let (namespace, playbook) = named.ok_or_else(unnamed)?;
        let partition = Partition {
            namespace,
            playbook,
            batch: batch.clone(),
            name: partition.clone(),
        };
        self.send(call, partition, message_id).await
    }

    fn stands_in(&self, call: &Call) -> bool {
        self.services.stands_in(call)
    }

    fn admit(&self, call: &Call, now: Millis) -> Admission {
        self.services.admit(call, now)
    }

    fn changes(&self, call: &Call) -> bool {
        self.services.changes(call)
    }

    fn brakes(&self, call: &Call) -> Vec<Brake> {
        self.services.brakes(call)
    }

    /// Nothing has happened before the end of the action is committed.
    fn safe_to_repeat(&self, call: &Call) -> bool {
        matches!(call.target, Target::Batch { .. }) || self.services.safe_to_repeat(call)
    }
}

/// The content of a message, from its sealed form.
///
/// # Errors
/// The message was sealed with another key, or is no JSON.
pub(super) fn content(sealer: &Sealer, partition: &Partition, message: &MessageRow) -> Result<Value, StoreError> {
    let plain = sealer.open(&context(partition, &message.id), &message.content)?;
    serde_json::from_slice(&plain).map_err(|error| StoreError::Database(error.to_string()))
}
