//! Starts and ends the run of a PlaybookRun in the engine.

use kube::runtime::controller::Action;

use super::AGAIN;
use crate::api::PlaybookRun;
use crate::controllers::error::ReconcileError;
use crate::controllers::live::Context;
use crate::engine::shell::Haste;
use crate::engine::shell::StartError;
use crate::engine::start::{Refused, Request};
use crate::projection::Item;
use crate::store::{Error as StoreError, Refusal};

/// Starts a run; one that is there already is no failure.
pub(super) async fn start(request: &Request, context: &Context) -> Result<(), ReconcileError> {
    match context.engine.start(request).await {
        Ok(_) | Err(StartError::Store(StoreError::Refused(Refusal::StaleRun(_)))) => Ok(()),
        Err(StartError::Store(error)) => Err(ReconcileError::Waiting {
            reason: "StoreFailed",
            message: error.to_string(),
            retry_after: AGAIN,
        }),
        Err(StartError::Refused(refused)) => Err(refusal(&refused)),
    }
}

/// What is missing may come; what does not fit never will.
fn refusal(refused: &Refused) -> ReconcileError {
    let (reason, message) = (refused.code(), refused.to_string());
    match refused {
        Refused::NotFound(_) | Refused::Parameter { .. } | Refused::AppSetting { .. } => ReconcileError::Waiting {
            reason,
            message,
            retry_after: AGAIN,
        },
        Refused::Suspended(_)
        | Refused::UnsupportedTrigger { .. }
        | Refused::ConditionFalse(_)
        | Refused::Trigger { .. }
        | Refused::Resubmission { .. } => ReconcileError::Stalled { reason, message },
    }
}

/// Ends a run and, with `splitOn`, all others that the object asked for, as `spec.desiredState` says.
pub(super) async fn cancel(object: &PlaybookRun, run: &str, context: &Context) -> Result<Action, ReconcileError> {
    let requester = object.spec.requested_by.as_ref();
    let by = requester.map_or("spec.desiredState", |requester| requester.username.as_str());
    let failed = |error: crate::engine::journal::Error| ReconcileError::Waiting {
        reason: "StoreFailed",
        message: error.to_string(),
        retry_after: AGAIN,
    };
    let haste = Haste::Gracefully;
    context.engine.cancel(run, by, haste).await.map_err(failed)?;
    for other in context.split(run).await? {
        context.engine.cancel(&other.id, by, haste).await.map_err(failed)?;
    }
    context.ask(Item::Run(run.to_owned())).await;
    Ok(Action::await_change())
}
