//! The kinds that show what happens, PlaybookRun and Incident: their watches, their controllers and the projection,
//! put together. One watch a kind and namespace feeds the controller and the projection.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use kube::api::Api;
use kube::core::{DeserializeGuard, NamespaceResourceScope};
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::{self, Store as Watched};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_objects};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::error::{ReconcileError, consequence};
use super::{incident, playbook_run};
use crate::engine::Engine;
use crate::incidents::{self, Desk};
use crate::projection::{Item, Objects, Projection, Settings};
use crate::store::{self, RunRow, Store};

/// Reconciliations of one controller at a time.
const CONCURRENCY: u16 = 4;
/// Items that controllers may ask for before they wait.
const ASKED: usize = 1_024;

/// What both controllers work with.
pub struct Context {
    /// The engine.
    pub engine: Engine,
    /// Incidents.
    pub desk: Desk,
    /// The store.
    pub store: Store,
    /// The objects.
    pub objects: Objects,
    /// What the projection is asked to show.
    pub asked: mpsc::Sender<Item>,
    /// Whether this process writes statuses.
    pub leads: watch::Receiver<bool>,
}

/// What the live kinds need from the process.
pub struct Live {
    /// The API server.
    pub client: Client,
    /// The namespaces that are watched; empty for all.
    pub namespaces: Vec<String>,
    /// The engine.
    pub engine: Engine,
    /// Incidents.
    pub desk: Desk,
    /// The store.
    pub store: Store,
    /// How much is written.
    pub settings: Settings,
    /// Whether this process writes statuses.
    pub leads: watch::Receiver<bool>,
}

impl Context {
    /// Whether this process writes statuses.
    pub fn leads(&self) -> bool {
        *self.leads.borrow()
    }

    /// Asks the projection to show something.
    pub(super) async fn ask(&self, item: Item) {
        // The projection ends only with the process.
        let _ = self.asked.send(item).await;
    }

    pub(super) async fn run(&self, id: &str) -> Result<Option<RunRow>, ReconcileError> {
        self.store.run(id).await.map_err(|error| store_failed(error.into()))
    }

    /// The other runs that have not ended of the object whose first run this is.
    pub(super) async fn split(&self, first: &str) -> Result<Vec<RunRow>, ReconcileError> {
        let others = self
            .engine
            .split(first)
            .await
            .map_err(|error| store_failed(error.into()))?;
        Ok(others.into_iter().filter(|other| other.ended_at.is_none()).collect())
    }

    pub(super) async fn setting(&self, key: &str) -> Result<Option<String>, ReconcileError> {
        self.store
            .setting(key)
            .await
            .map_err(|error| store_failed(error.into()))
    }
}

/// A failure of the store passes, or shows in the log of the operator.
pub(super) fn store_failed(error: incidents::Error) -> ReconcileError {
    ReconcileError::Waiting {
        reason: "StoreFailed",
        message: error.to_string(),
        retry_after: Duration::from_secs(5),
    }
}

/// Watches, reconciles and shows until `stop`.
///
/// # Errors
/// The store failed at the beginning.
pub async fn serve(live: Live, stop: CancellationToken) -> Result<(), store::Error> {
    let namespaces: Vec<Option<&str>> = match live.namespaces.as_slice() {
        [] => vec![None],
        some => some.iter().map(|namespace| Some(namespace.as_str())).collect(),
    };
    let runs: Vec<_> = namespaces
        .iter()
        .map(|namespace| Kind::new(&live.client, *namespace))
        .collect();
    let incidents: Vec<_> = namespaces
        .iter()
        .map(|namespace| Kind::new(&live.client, *namespace))
        .collect();
    let objects = Objects {
        client: live.client.clone(),
        runs: runs.iter().map(|kind| kind.watched.clone()).collect(),
        incidents: incidents.iter().map(|kind| kind.watched.clone()).collect(),
    };
    let (asked, asks) = mpsc::channel(ASKED);
    let context = Arc::new(Context {
        engine: live.engine.clone(),
        desk: live.desk.clone(),
        store: live.store.clone(),
        objects: objects.clone(),
        asked,
        leads: live.leads.clone(),
    });
    let projection = Projection::new(live.engine, live.desk, live.store, objects.clone(), live.settings).await?;
    let of_runs = runs.into_iter().map(|kind| {
        kind.control(playbook_run::reconcile, context.clone(), stop.clone())
            .boxed()
    });
    let of_incidents = incidents
        .into_iter()
        .map(|kind| kind.control(incident::reconcile, context.clone(), stop.clone()).boxed());
    let controllers: Vec<_> = of_runs.chain(of_incidents).collect();
    let controllers = futures::future::join_all(controllers);
    let show = async {
        if ready(&objects, &stop).await {
            projection.serve(asks, live.leads, stop.clone()).await;
        }
    };
    tokio::join!(controllers, show);
    Ok(())
}

/// Waits until the watches have shown what there is; the projection would make objects anew that are there.
async fn ready(objects: &Objects, stop: &CancellationToken) -> bool {
    let all = async {
        for store in &objects.runs {
            // The watches end only with the process.
            let _ = store.wait_until_ready().await;
        }
        for store in &objects.incidents {
            let _ = store.wait_until_ready().await;
        }
    };
    tokio::select! {
        () = all => true,
        () = stop.cancelled() => false,
    }
}

/// One kind in one namespace, or in all.
struct Kind<K: Resource<DynamicType = ()> + Clone + 'static> {
    api: Api<DeserializeGuard<K>>,
    watched: Watched<K>,
    writer: reflector::store::Writer<K>,
}

impl<K> Kind<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    fn new(client: &Client, namespace: Option<&str>) -> Self {
        let (watched, writer) = reflector::store();
        let api = match namespace {
            Some(namespace) => Api::namespaced(client.clone(), namespace),
            None => Api::all(client.clone()),
        };
        Self { api, watched, writer }
    }

    async fn control<F>(self, reconcile: fn(Arc<K>, Arc<Context>) -> F, context: Arc<Context>, stop: CancellationToken)
    where
        F: Future<Output = Result<Action, ReconcileError>> + Send + 'static,
    {
        let events = watch_objects(self.api, watcher::Config::default()).default_backoff();
        let changed = guarded(events).reflect(self.writer).touched_objects();
        Controller::for_stream(changed, self.watched)
            .with_config(Config::default().concurrency(CONCURRENCY))
            .graceful_shutdown_on(stop.cancelled_owned())
            .run(reconcile, again, context)
            .for_each(|outcome| async move {
                if let Err(error) = outcome {
                    tracing::warn!(%error, "a reconciliation failed; it is tried again");
                }
            })
            .await;
    }
}

/// The events of a watch; an object that cannot be read is left out, and does not stop the others.
fn guarded<K: Resource<DynamicType = ()> + Send + 'static>(
    events: impl Stream<Item = Result<Event<DeserializeGuard<K>>, watcher::Error>> + Send,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>> + Send {
    events.try_filter_map(|event| async move {
        let (event, object): (fn(K) -> Event<K>, _) = match event {
            Event::Init => return Ok(Some(Event::Init)),
            Event::InitDone => return Ok(Some(Event::InitDone)),
            Event::Apply(object) => (Event::Apply, object),
            Event::InitApply(object) => (Event::InitApply, object),
            Event::Delete(object) => (Event::Delete, object),
        };
        match object.0 {
            Ok(object) => Ok(Some(event(object))),
            Err(invalid) => {
                let (name, reason) = (invalid.metadata.name.unwrap_or_default(), invalid.error);
                tracing::warn!(name, reason, "an object cannot be read and is left out");
                Ok(None)
            }
        }
    })
}

fn again<K: Resource<DynamicType = ()>>(object: Arc<K>, error: &ReconcileError, _context: Arc<Context>) -> Action {
    tracing::warn!(name = object.name_any(), %error, "failed to reconcile");
    let consequence = consequence(error, 1);
    consequence
        .retry_after
        .map_or_else(Action::await_change, Action::requeue)
}
