//! PlaybookRun: an object that a person made starts its run, once; an object that Riposte made is only shown. The status
//! of a run that goes on or has ended is the projection's work.
//! Invariant: the id of the run follows from the UID of the object, so no crash, restart or backup starts it twice.

mod apply;
mod build;
mod dereference;
mod update_status;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::controller::Action;

use super::error::ReconcileError;
use super::live::Context;
use crate::api::PlaybookRun;
use crate::api::playbook_run::DesiredState;
use crate::projection::run_object::{RUN, is_ours};
use crate::projection::run_status::is_ended;
use crate::projection::{Item, run_of};

/// How often an object whose run cannot start yet is looked at again.
const AGAIN: Duration = Duration::from_secs(5);

/// Starts or ends the run of an object, if that is wished and not done.
///
/// # Errors
/// The API server or the store failed.
pub async fn reconcile(object: Arc<PlaybookRun>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    if object.metadata.deletion_timestamp.is_some() || is_ended(object.status.as_ref()) {
        return Ok(Action::await_change());
    }
    if !context.leads() {
        return Ok(Action::requeue(AGAIN));
    }
    let cancelled = object.spec.desired_state == DesiredState::Cancelled;
    if is_ours(object.metadata.labels.as_ref()) {
        return match object.labels().get(RUN).filter(|_| cancelled) {
            Some(run) => apply::cancel(&object, run, &context).await,
            None => Ok(Action::await_change()),
        };
    }
    let run = run_of(&object.uid().unwrap_or_default());
    match (context.run(&run.to_string()).await?, cancelled) {
        (Some(_), true) => apply::cancel(&object, &run.to_string(), &context).await,
        (Some(_), false) => {
            context.ask(Item::Run(run.to_string())).await;
            Ok(Action::await_change())
        }
        (None, true) => update_status::cancelled(&object, &context).await,
        // Its run began once, so it is not for the object to begin another.
        (None, false) if has_begun(&object) => update_status::forgotten(&object, &context).await,
        (None, false) => match start(&object, run, &context).await {
            Ok(()) => {
                context.ask(Item::Run(run.to_string())).await;
                Ok(Action::await_change())
            }
            Err(error) => update_status::refused(&object, error, &context).await,
        },
    }
}

/// Whether the object has shown a run.
fn has_begun(object: &PlaybookRun) -> bool {
    let status = object.status.as_ref();
    status.is_some_and(|status| status.run_id.is_some())
}

async fn start(object: &PlaybookRun, run: uuid::Uuid, context: &Context) -> Result<(), ReconcileError> {
    let asked = validate::asked(&object.spec)?;
    let found = dereference::dereference(object, &asked, context).await?;
    let request = build::request(object, run, found, context.desk.workspaces());
    apply::start(&request, context).await
}
