//! The operator: store, engine, server, watches, controllers and the Lease, put together; and taken apart again in an
//! order in which nothing is lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::authenticate::ClusterCallers;
use super::journal;
use super::lease::{Candidate, hold};
use super::metrics::Metrics;
use super::permit::{ClusterConnections, ClusterContent};
use super::rbac::LEASE;
use super::resource::{ANALYTICS_RULE, CONTENT_REPOSITORY, OF_CATALOG, Resource};
use super::source::{self, Scope, Shelf, Snapshot};
use super::text;
use crate::catalog::{Catalog, Current};
use crate::connectors::{self, ConnectorServices, Egress};
use crate::controllers;
use crate::controllers::context::Context;
use crate::controllers::live::{self, Live};
use crate::definition::Limits;
use crate::engine::callback::{LINKS, Links};
use crate::engine::{Engine, nested};
use crate::incidents::{Desk, WorkspaceIds};
use crate::projection;
use crate::server::{self, Readiness, ServerState, Settings};
use crate::store::{Location, Retention, Sealer, Store};
use crate::telemetry::{Exporter, Metered, UnusableEndpoint};

/// How long the tasks of a stopping operator may take together.
const FAREWELL: Duration = Duration::from_secs(15);

/// How an operator runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace of the operator itself: it holds the Lease.
    pub namespace: String,
    /// The name of this process, different for each.
    pub identity: String,
    /// The namespaces that it serves; none means all.
    pub watched: Vec<String>,
    /// Where the store is: a folder, or a database that replicas share.
    pub store: Location,
    /// The file of the key that seals secure values.
    pub sealing_key: PathBuf,
    /// How workspaces are named in Azure's terms, and where people reach this Riposte.
    pub workspaces: WorkspaceIds,
    /// What calls may reach.
    pub egress: Egress,
    /// How long and how much of the past is kept. The holder of the Lease sees to it.
    pub retention: Retention,
    /// The limits of playbooks.
    pub limits: Limits,
    /// How many runs are driven at a time.
    pub active_runs: usize,
    /// Namespaces whose actions are paused; `*` is all.
    pub paused: Vec<String>,
    /// The base URL of the collector that the traces of runs are sent to, if they are.
    pub traces: Option<String>,
    /// How the aggregated API is served, if it is.
    pub journal: Option<journal::Options>,
}

/// Why an operator cannot begin, or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder for data cannot be made.
    #[error("the data folder '{folder}' cannot be made: {reason}")]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        reason: std::io::Error,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// Traces cannot be sent.
    #[error(transparent)]
    Traces(#[from] UnusableEndpoint),
    /// The server broke off.
    #[error("the server broke off: {0}")]
    Server(#[from] std::io::Error),
}

/// What one operator works with.
pub struct Operator {
    client: Client,
    options: Options,
    store: Store,
    desk: Desk,
    engine: Engine,
    shelf: Arc<Shelf>,
    metrics: Arc<Metrics>,
    exporter: Option<Exporter>,
    context: Arc<Context>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    catalogs: watch::Sender<Arc<Catalog>>,
    leading: watch::Sender<bool>,
}

impl Operator {
    /// Opens the store and puts everything together; nothing runs before [`Operator::run`].
    ///
    /// # Errors
    /// The data folder or the store cannot be used.
    pub async fn open(client: Client, options: Options) -> Result<Self, Error> {
        if let Location::Folder(folder) = &options.store {
            make_folder(folder)?;
        }
        let store = Store::open(options.store.clone()).await?;
        let sealer = Sealer::load_or_create(&options.sealing_key)?;
        let desk = Desk::new(store.clone(), options.workspaces.clone());
        let metrics = Arc::new(Metrics::new(&store));
        let (snapshots, snapshot) = watch::channel(Arc::default());
        let (catalogs, catalog) = watch::channel(Arc::default());
        let (leading, leads) = watch::channel(false);
        let catalog = Current(catalog);
        let services = connectors::Client::new(options.egress.clone());
        let context = Context::new(
            client.clone(),
            snapshot,
            catalog.clone(),
            leads,
            metrics.clone(),
            services.clone(),
        );
        let content = ClusterContent::new(catalog.clone(), context.reviews.clone());
        let connections = ClusterConnections::new(catalog, context.reviews.clone());
        let links = Links::new(&desk.workspaces().public_url, &sealer.derive(LINKS));
        let services = ConnectorServices::new(Arc::new(connections), services, desk.clone()).with_links(links);
        let services = Metered::new(Arc::new(services), metrics.figures().clone());
        let engine = Engine::with(
            store.clone(),
            sealer,
            Arc::new(services),
            Arc::new(content),
            desk.clone(),
            nested::Settings {
                places: options.active_runs,
                paused: options.paused.clone(),
                ..nested::Settings::default()
            },
        );
        let scopes = scopes(&options.watched, &OF_CATALOG);
        let exporter = options.traces.as_deref().map(Exporter::new).transpose()?;
        Ok(Self {
            client,
            context: Arc::new(context.with_subscriptions(engine.subscriptions())),
            shelf: Arc::new(Shelf::new(scopes, options.limits)),
            options,
            store,
            desk,
            engine,
            metrics,
            exporter,
            snapshots,
            catalogs,
            leading,
        })
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Serves on `listener`, and the aggregated API on `aggregated`, and runs everything until `stop` is cancelled; then
    /// ends the server and the engine, lets the Lease go and closes the store.
    ///
    /// # Errors
    /// The server broke off.
    pub async fn run(
        mut self,
        listener: TcpListener,
        aggregated: Option<TcpListener>,
        stop: CancellationToken,
    ) -> Result<(), Error> {
        // What watches and writes ends after what serves and runs.
        let late = CancellationToken::new();
        let holding = tokio::spawn(hold(self.candidate(), self.leading.clone(), late.clone()));
        let mut followers = self.followers(&late);
        if let (Some(listener), Some(options)) = (aggregated, self.options.journal.clone()) {
            let (client, namespace) = (self.client.clone(), self.options.namespace.clone());
            followers.push(Box::pin(journal::run(
                (client, self.context.reviews.clone()),
                namespace,
                options,
                listener,
                self.server(),
                stop.clone(),
            )));
        }
        let following = tokio::spawn(join_all(followers));
        let serving = tokio::spawn(server::serve(listener, self.server(), stop.clone()));
        let running = tokio::spawn(run_engine(
            self.engine.clone(),
            self.context.snapshots.clone(),
            stop.clone(),
        ));
        stop.cancelled().await;
        let served = serving.await;
        end("the engine", running).await;
        late.cancel();
        end("the Lease", holding).await;
        end("the controllers", following).await;
        let Self {
            store,
            desk,
            engine,
            context,
            ..
        } = self;
        drop((desk, engine, context));
        if tokio::time::timeout(FAREWELL, store.close()).await.is_err() {
            tracing::warn!("the store is still in use; what is committed is safe");
        }
        match served {
            Ok(served) => Ok(served?),
            Err(error) => Err(Error::Server(std::io::Error::other(error))),
        }
    }

    fn candidate(&self) -> Candidate {
        Candidate {
            client: self.client.clone(),
            namespace: self.options.namespace.clone(),
            name: LEASE.to_owned(),
            identity: self.options.identity.clone(),
        }
    }

    fn server(&self) -> ServerState {
        let callers = ClusterCallers::new(self.client.clone(), self.context.reviews.clone());
        let loaded = Loaded {
            shelf: self.shelf.clone(),
            snapshots: self.context.snapshots.clone(),
        };
        ServerState::new(
            self.desk.clone(),
            self.engine.clone(),
            self.store.clone(),
            Settings::default(),
        )
        .with_authenticate(Arc::new(callers))
        .with_measures(self.metrics.clone())
        .with_readiness(Arc::new(loaded))
    }

    /// What shows runs and incidents as objects.
    fn live(&self) -> Live {
        Live {
            client: self.client.clone(),
            namespaces: self.options.watched.clone(),
            engine: self.engine.clone(),
            desk: self.desk.clone(),
            store: self.store.clone(),
            settings: projection::Settings::default(),
            leads: self.leading.subscribe(),
        }
    }

    /// Everything that watches: the sources with their controllers, what is made of them, what is counted.
    fn followers(&mut self, stop: &CancellationToken) -> Vec<BoxFuture<'static, ()>> {
        let mut followers: Vec<BoxFuture<'static, ()>> = Vec::new();
        let of_catalog = scopes(&self.options.watched, &OF_CATALOG)
            .into_iter()
            .map(|scope| (scope, Some(self.shelf.clone())));
        let others = scopes(&self.options.watched, &[ANALYTICS_RULE, CONTENT_REPOSITORY])
            .into_iter()
            .map(|scope| (scope, None));
        for (scope, shelf) in of_catalog.chain(others) {
            let watched = source::open(self.client.clone(), scope, shelf, self.metrics.clone());
            followers.extend(controllers::run(watched, &self.context, stop));
        }
        followers.push(Box::pin(source::publish(
            self.shelf.clone(),
            self.snapshots.clone(),
            self.catalogs.clone(),
            stop.clone(),
        )));
        followers.push(Box::pin(text::follow(
            self.client.clone(),
            self.shelf.clone(),
            self.context.snapshots.clone(),
            stop.clone(),
        )));
        followers.push(Box::pin(show(self.live(), stop.clone())));
        let (leading, retention) = (self.leading.subscribe(), self.options.retention.clone());
        let tidying = self
            .store
            .clone()
            .look_after(retention, move || *leading.borrow(), stop.clone());
        followers.push(Box::pin(tidying));
        let (figures, engine, stopped) = (self.metrics.figures().clone(), self.engine.clone(), stop.clone());
        followers.push(Box::pin(async move { figures.follow(&engine, &stopped).await }));
        if let Some(exporter) = self.exporter.take() {
            let (engine, stopped) = (self.engine.clone(), stop.clone());
            followers.push(Box::pin(async move { exporter.follow(&engine, &stopped).await }));
        }
        let (metrics, leading, stopped) = (self.metrics.clone(), self.leading.subscribe(), stop.clone());
        followers.push(Box::pin(
            async move { count_leading(&metrics, leading, &stopped).await },
        ));
        followers
    }
}

/// Whether the process can serve: everything that is configured is known.
struct Loaded {
    shelf: Arc<Shelf>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Readiness for Loaded {
    fn missing(&self) -> Option<String> {
        if self.snapshots.borrow().complete {
            return None;
        }
        Some(match self.shelf.missing().as_slice() {
            [] => "the Secrets and ConfigMaps that objects name are being read".to_owned(),
            missing => format!(
                "not every object is known yet; these were not listed: {}",
                missing.join(", ")
            ),
        })
    }
}

/// Runs what is due once everything that is configured is known: runs of the last process need it.
async fn run_engine(engine: Engine, mut snapshots: watch::Receiver<Arc<Snapshot>>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => return,
        complete = snapshots.wait_for(|snapshot| snapshot.complete) => if complete.is_err() { return },
    }
    tokio::join!(engine.serve(stop.clone()), engine.keep_schedules(stop));
}

async fn show(live: Live, stop: CancellationToken) {
    if let Err(error) = live::serve(live, stop).await {
        tracing::error!(%error, "runs and incidents are not shown as objects");
    }
}

async fn count_leading(metrics: &Metrics, mut leading: watch::Receiver<bool>, stop: &CancellationToken) {
    loop {
        metrics.set_leader(*leading.borrow_and_update());
        tokio::select! {
            () = stop.cancelled() => return,
            changed = leading.changed() => if changed.is_err() { return },
        }
    }
}

/// Waits for a task, but not for ever.
async fn end<T>(what: &str, mut task: JoinHandle<T>) {
    match tokio::time::timeout(FAREWELL, &mut task).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::error!(%error, "{what} broke off"),
        Err(_) => {
            tracing::warn!("{what} did not end in time");
            task.abort();
        }
    }
}

/// One scope a kind and namespace.
fn scopes(namespaces: &[String], resources: &[Resource]) -> Vec<Scope> {
    let mut scopes = Vec::new();
    for resource in resources.iter().copied() {
        if namespaces.is_empty() {
            scopes.push(Scope {
                resource,
                namespace: None,
            });
        }
        let namespaces = namespaces.iter().cloned().map(Some);
        scopes.extend(namespaces.map(|namespace| Scope { resource, namespace }));
    }
    scopes
}

/// Makes the data folder, readable by its owner alone: it holds keys and security data.
fn make_folder(folder: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|reason| Error::Folder {
        folder: folder.display().to_string(),
        reason,
    })
}
