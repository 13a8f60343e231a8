//! Drives the controller of one kind: when its objects are looked at, and how what came of it is written. The kinds
//! themselves neither write statuses nor know of the Lease.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use kube::core::DynamicObject;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::events::{Event, EventType};
use kube::{Resource as _, ResourceExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::condition::{READY, Shown, Truth};
use super::context::Context;
use super::error::{ReconcileError, consequence};
use super::progress::{Kind, Progress, Seen};
use super::status;
use crate::cluster::source::{Key, Watched};

/// Objects of one kind that are reconciled at the same time.
const AT_ONCE: u16 = 4;
/// The longest text of an event, in bytes; the API server takes 1,024.
const NOTE_MAX: usize = 1_000;

/// Runs the controller of a kind until told to stop.
pub(super) fn run<K: Kind>(watched: Watched, context: Arc<Context>, stop: CancellationToken) -> BoxFuture<'static, ()> {
    let changes = context.changes();
    Controller::for_stream_with(watched.objects, watched.store, K::RESOURCE.api_resource())
        .with_config(Config::default().concurrency(AT_ONCE))
        .reconcile_all_on(changes)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(reconcile::<K>, retry::<K>, context)
        .for_each(|_| std::future::ready(()))
        .boxed()
}

/// Looks at one object. What fails here is the writing; what fails before is written.
async fn reconcile<K: Kind>(object: Arc<DynamicObject>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    let snapshot = context.snapshot();
    let key = Key::of(K::RESOURCE.kind, &object);
    let is_read = !K::IN_CATALOG || is_current(&object, snapshot.reading(&key).map(|reading| reading.generation));
    // A new snapshot, or the Lease, brings the object here again.
    if !context.is_leading() || !snapshot.complete || !is_read || object.meta().deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let begin = Instant::now();
    let seen = Seen {
        object: &object,
        key,
        snapshot,
    };
    let progress = K::reconcile(&seen, &context).await;
    let result = match &progress.outcome {
        Ok(_) => "success",
        Err(ReconcileError::Stalled { .. }) => "stalled",
        Err(ReconcileError::Waiting { .. }) => "requeue_after",
        Err(ReconcileError::Transient(_)) => "error",
    };
    let action = settle::<K>(&object, &context, progress).await;
    context.metrics.reconciled(K::NAME, result, begin.elapsed());
    action
}

fn is_current(object: &DynamicObject, read: Option<Option<i64>>) -> bool {
    read.is_some_and(|generation| generation == object.metadata.generation)
}

/// Writes what came of an object, and says when to look again.
async fn settle<K: Kind>(
    object: &DynamicObject,
    context: &Context,
    progress: Progress,
) -> Result<Action, ReconcileError> {
    let uid = object.uid().unwrap_or_default();
    let (mut shown, again) = match &progress.outcome {
        Ok(ready) => {
            context.failures.remove(&uid);
            (vec![ready.clone()], Some(progress.again))
        }
        Err(error) => {
            let failures = context.failures.get(&uid).unwrap_or_default().saturating_add(1);
            context.failures.put(uid.clone(), failures);
            let consequence = consequence(error, failures);
            (consequence.shown, consequence.retry_after)
        }
    };
    shown.extend(progress.beside);
    let before = status::current(object, context.written.get(&uid));
    let wanted = status::wanted(object, &before, progress.fields, &shown, Timestamp::now());
    if status::differs(&before, &wanted, K::OWNED) {
        let tells = is_news(&before, &shown);
        let written = status::write(&context.client, K::RESOURCE, K::NAME, object, wanted).await;
        match written {
            Ok(written) => {
                context.written.put(uid, written);
                context.metrics.status_written(K::NAME);
            }
            // The object went away in the meantime.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Action::await_change()),
            Err(error) => return Err(error.into()),
        }
        if tells {
            tell::<K>(object, context, &shown).await;
        }
    }
    Ok(again.map_or_else(Action::await_change, |again| Action::requeue(spread(again, object))))
}

/// Whether `Ready` or its reason changed.
fn is_news(before: &serde_json::Map<String, serde_json::Value>, shown: &[Shown]) -> bool {
    let Some(ready) = shown.iter().find(|shown| shown.kind == READY) else {
        return false;
    };
    let old = before.get("conditions").and_then(serde_json::Value::as_array);
    let old = old.into_iter().flatten().find(|condition| condition["type"] == READY);
    old.is_none_or(|old| old["reason"] != ready.reason)
}

/// Tells of a change by a Kubernetes event. That it cannot be told changes nothing.
async fn tell<K: Kind>(object: &DynamicObject, context: &Context, shown: &[Shown]) {
    let Some(ready) = shown.iter().find(|shown| shown.kind == READY) else {
        return;
    };
    let mut note = ready.message.clone();
    note.truncate(note.floor_char_boundary(NOTE_MAX));
    let event = Event {
        type_: match ready.truth {
            Truth::True => EventType::Normal,
            Truth::False | Truth::Unknown => EventType::Warning,
        },
        reason: ready.reason.to_owned(),
        note: Some(note),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    let reference = object.object_ref(&K::RESOURCE.api_resource());
    if let Err(error) = context.recorder.publish(&event, &reference).await {
        tracing::debug!(%error, "an event could not be told");
    }
}

/// Up to a tenth later, the same for the same object, so that not all come at once.
fn spread(wait: Duration, object: &DynamicObject) -> Duration {
    let uid = object.uid().unwrap_or_default();
    let share = uid
        .bytes()
        .fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
        % 100;
    wait + wait / 1_000 * share
}

/// The status could not be written.
fn retry<K: Kind>(object: Arc<DynamicObject>, error: &ReconcileError, context: Arc<Context>) -> Action {
    let uid = object.uid().unwrap_or_default();
    let failures = context.failures.get(&uid).unwrap_or_default().saturating_add(1);
    context.failures.put(uid, failures);
    context.metrics.reconciled(K::NAME, "error", Duration::ZERO);
    let (namespace, name) = (object.namespace(), object.name_any());
    tracing::warn!(kind = K::RESOURCE.kind, namespace, name, %error, "a status could not be written");
    let wait = consequence(error, failures).retry_after;
    wait.map_or_else(Action::await_change, Action::requeue)
}
