//! The status of a PlaybookRun whose run has not begun: it waits for something, was refused, or cancelled before.

use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action;

use crate::api::PlaybookRun;
use crate::api::status::{PlaybookRunStatus, RunPhase};
use crate::controllers::condition::{RECONCILING, STALLED, Shown, Truth, conditions};
use crate::controllers::error::ReconcileError;
use crate::controllers::live::Context;
use crate::engine::clock;
use crate::engine::shell::now;
use crate::projection::run_status::{SUCCEEDED, time};

/// Says why the run has not begun, and when it is tried again.
pub(super) async fn refused(
    object: &PlaybookRun,
    error: ReconcileError,
    context: &Context,
) -> Result<Action, ReconcileError> {
    let (shown, phase, action) = match error {
        ReconcileError::Stalled { reason, message } => (
            vec![
                Shown::new(SUCCEEDED, Truth::False, reason, message.clone()),
                Shown::new(STALLED, true, reason, message),
            ],
            RunPhase::Failed,
            Action::await_change(),
        ),
        ReconcileError::Waiting {
            reason,
            message,
            retry_after,
        } => (
            vec![
                Shown::new(SUCCEEDED, Truth::Unknown, reason, message.clone()),
                Shown::new(RECONCILING, true, reason, message),
            ],
            RunPhase::Pending,
            Action::requeue(retry_after),
        ),
        error @ ReconcileError::Transient(_) => return Err(error),
    };
    write(object, &shown, phase, context).await?;
    Ok(action)
}

/// Says that the run will never begin, because it was cancelled before.
pub(super) async fn cancelled(object: &PlaybookRun, context: &Context) -> Result<Action, ReconcileError> {
    let shown = [Shown::new(
        SUCCEEDED,
        Truth::False,
        "Cancelled",
        "cancelled before it began",
    )];
    write(object, &shown, RunPhase::Cancelled, context).await?;
    Ok(Action::await_change())
}

/// Says that the run, which the object showed before, was deleted from the store.
pub(super) async fn forgotten(object: &PlaybookRun, context: &Context) -> Result<Action, ReconcileError> {
    let message = "the run was deleted, or the store was lost; create another object to run the playbook again";
    let shown = [Shown::new(SUCCEEDED, Truth::False, "RunDeleted", message)];
    write(object, &shown, RunPhase::Failed, context).await?;
    Ok(Action::await_change())
}

async fn write(
    object: &PlaybookRun,
    shown: &[Shown],
    phase: RunPhase,
    context: &Context,
) -> Result<(), ReconcileError> {
    let now = now();
    let status = status(object, shown, phase, clock::timestamp(now));
    if object.status.as_ref() == Some(&status) {
        return Ok(());
    }
    let (name, uid) = (object.name_any(), object.uid().unwrap_or_default());
    let namespace = object.namespace().unwrap_or_default();
    let json = serde_json::to_value(&status).map_err(kube::Error::SerdeError)?;
    context
        .objects
        .write_status::<PlaybookRun>(&namespace, (&name, &uid), &json)
        .await?;
    Ok(())
}

fn status(object: &PlaybookRun, shown: &[Shown], phase: RunPhase, now: Timestamp) -> PlaybookRunStatus {
    let before = object.status.clone().unwrap_or_default();
    let is_over = phase != RunPhase::Pending;
    PlaybookRunStatus {
        observed_generation: object.metadata.generation,
        conditions: conditions(&before.conditions, shown, object.metadata.generation, now),
        phase: Some(phase),
        error_code: (phase == RunPhase::Failed)
            .then(|| shown.first().map(|shown| shown.reason.to_owned()))
            .flatten(),
        completion_time: is_over.then(|| time(now.as_millisecond())),
        ..PlaybookRunStatus::default()
    }
}
