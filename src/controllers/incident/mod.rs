//! Incident: what a person wishes in `spec` is applied to the incident, once, and attributed. The status is the
//! projection's work; the spec is never written.
//! Invariant: a wish and the note that it is applied are one transaction, so no crash applies it twice.

mod apply;
mod build;
mod dereference;
mod update_status;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;

use super::error::ReconcileError;
use super::live::Context;
use crate::api::Incident;

/// How often what failed is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Applies what differs from what was applied.
///
/// # Errors
/// The API server or the store failed.
pub async fn reconcile(object: Arc<Incident>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    if object.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    if !context.leads() {
        return Ok(Action::requeue(AGAIN));
    }
    let found = dereference::dereference(&object, &context).await?;
    let Some(known) = validate::known(&object, found) else {
        return update_status::unknown(&object, &context).await;
    };
    if let Some(wish) = build::wish(&object, &known) {
        apply::apply(&known, &wish, &context).await?;
    }
    update_status::ask(&object, &known, &context).await;
    Ok(Action::await_change())
}
