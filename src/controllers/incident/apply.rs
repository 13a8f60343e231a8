//! Applies the wish of an Incident object to the incident.

use super::AGAIN;
use super::build::Wish;
use super::validate::Known;
use crate::controllers::error::ReconcileError;
use crate::controllers::live::{Context, store_failed};
use crate::engine::clock;
use crate::engine::shell::now;
use crate::incidents;
use crate::projection::incident_status::Wishes;
use crate::store::{Error as StoreError, Operation, Refusal, Transaction};

/// How often a change is computed anew because the incident changed meanwhile.
const ATTEMPTS: u32 = 50;

/// Changes the incident and notes that, or notes why the change is refused.
pub(super) async fn apply(known: &Known, wish: &Wish, context: &Context) -> Result<(), ReconcileError> {
    for _ in 0..ATTEMPTS {
        let (mut operations, settled) = match plan(&known.id, wish, context).await {
            Ok(operations) => (operations, wish.settled.clone()),
            Err(error @ incidents::Error::Store(_)) => return Err(store_failed(error)),
            Err(error) => (Vec::new(), refused(known, wish, &error)),
        };
        operations.push(note(&known.id, &settled)?);
        match context.store.commit(Transaction { operations }).await {
            Ok(_) => {
                context.engine.poke();
                return Ok(());
            }
            Err(StoreError::Refused(Refusal::StaleIncident(_))) => {}
            Err(error) => return Err(store_failed(error.into())),
        }
    }
    Err(ReconcileError::Waiting {
        reason: "Conflict",
        message: "the incident changes too often; it is tried again".into(),
        retry_after: AGAIN,
    })
}

async fn plan(incident: &str, wish: &Wish, context: &Context) -> Result<Vec<Operation>, incidents::Error> {
    let at = clock::timestamp(now());
    let desk = &context.desk;
    let mut operations = desk
        .plan_patch(incident, &wish.patch, &wish.author, at)
        .await?
        .operations;
    if let Some((task, id)) = &wish.task {
        let description = task.description.as_deref().unwrap_or_default();
        let planned = desk.plan_task(incident, &task.title, description, &wish.author, at, id);
        operations.extend(planned.await?.operations);
    }
    Ok(operations)
}

/// The wishes that were applied before stay, and the new ones are not tried again before they change.
fn refused(known: &Known, wish: &Wish, error: &incidents::Error) -> Wishes {
    Wishes {
        applied: known.wishes.applied.clone(),
        refused: Some(error.to_string()),
        ..wish.settled.clone()
    }
}

fn note(incident: &str, settled: &Wishes) -> Result<Operation, ReconcileError> {
    Ok(Operation::PutSetting {
        key: Wishes::setting(incident),
        value: serde_json::to_string(settled).map_err(kube::Error::SerdeError)?,
    })
}
