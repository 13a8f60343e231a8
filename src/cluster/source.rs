//! The second source of the catalog: one watch a kind and namespace. Each object goes to the shelf as text, and on to
//! its controller without what the controller does not need. A watch that breaks begins anew; until then, and while the
//! API server is away, the last catalog stays.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use kube::core::DynamicObject;
use kube::runtime::reflector::Store;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch_objects};
use kube::{Client, ResourceExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
pub use super::shelf::{Key, Reading, Scope, Shelf, Snapshot};
use crate::catalog::Catalog;

/// How long changes are collected before a catalog is built.
const REST: Duration = Duration::from_millis(50);
/// Annotations that ask for a reconciliation: our own, and the one that Flux and Argo CD set.
pub const RECONCILE_REQUESTED: [&str; 2] = ["riposte.dev/reconcile-requested-at", "reconcile.fluxcd.io/requestedAt"];

/// A watch with the store that it fills.
pub struct Watched {
    /// What it tells of.
    pub scope: Scope,
    /// The objects, without what [`strip`] takes.
    pub store: Store<DynamicObject>,
    /// Each object that changed; it has to be polled for anything to happen.
    pub objects: BoxStream<'static, Result<DynamicObject, watcher::Error>>,
}

/// Watches the objects of a scope; `shelf` is given for the kinds that the catalog is made of.
pub fn open(client: Client, scope: Scope, shelf: Option<Arc<Shelf>>, metrics: Arc<Metrics>) -> Watched {
    let resource = scope.resource;
    let api = resource.api(client, scope.namespace.as_deref());
    let writer = Writer::new(resource.api_resource());
    let store = writer.as_reader();
    let (place, in_catalog) = (scope.clone(), shelf.is_some());
    let events = watch_objects(api, watcher::Config::default()).default_backoff();
    let objects = events
        .map(move |event| {
            match &event {
                Ok(event) => {
                    if let Some(shelf) = &shelf {
                        take(shelf, &place, event);
                    }
                }
                Err(error) => {
                    metrics.watch_failed(place.resource.plural);
                    tracing::warn!(resource = place.resource.plural, %error, "a watch broke off and begins anew");
                }
            }
            event
        })
        .modify(move |object| strip(object, in_catalog))
        .reflect(writer)
        .applied_objects()
        .boxed();
    Watched { scope, store, objects }
}

fn take(shelf: &Shelf, scope: &Scope, event: &Event<DynamicObject>) {
    match event {
        Event::Init => shelf.begin(scope),
        Event::InitApply(object) | Event::Apply(object) => shelf.put(scope, object),
        Event::InitDone => shelf.end(scope),
        Event::Delete(object) => shelf.remove(scope, object),
    }
}

/// Drops what no controller reads: definitions are large, and the catalog has them.
fn strip(object: &mut DynamicObject, in_catalog: bool) {
    object.managed_fields_mut().clear();
    object
        .annotations_mut()
        .retain(|name, _| RECONCILE_REQUESTED.contains(&name.as_str()));
    if let (true, Some(members)) = (in_catalog, object.data.as_object_mut()) {
        members.remove("spec");
    }
}

/// Publishes a snapshot and its catalog after each burst of changes, until told to stop.
pub async fn publish(
    shelf: Arc<Shelf>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    catalogs: watch::Sender<Arc<Catalog>>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = shelf.changed() => {}
        }
        tokio::time::sleep(REST).await;
        let building = tokio::task::spawn_blocking({
            let shelf = shelf.clone();
            move || shelf.snapshot()
        });
        match building.await {
            Ok(Some(snapshot)) => {
                catalogs.send_replace(snapshot.catalog.clone());
                snapshots.send_replace(Arc::new(snapshot));
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a catalog could not be built; the last one stays"),
        }
    }
}
