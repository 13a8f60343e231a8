//! The system of one process: store, catalog, services and engine, put together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::fakes::Fakes;
use super::mocks::Mocked;
use crate::catalog::Current;
use crate::connectors::{Client, Connections, ConnectorServices, Egress};
use crate::engine::Engine;
use crate::engine::call::Services;
use crate::incidents::{Desk, WorkspaceIds};
use crate::rehearsal::Mocks;
use crate::store::{Sealer, Store};
use crate::telemetry::{Exporter, Figures, Metered, UnusableEndpoint};

/// How a local system is made.
#[derive(Default)]
pub struct Options {
    /// Where store and keys are.
    pub data: PathBuf,
    /// What people reach it by; links to incidents begin with it.
    pub public_url: String,
    /// Which services without credentials are faked.
    pub fakes: FakeMode,
    /// Answers that stand for services.
    pub mocks: Option<Mocks>,
    /// What calls may reach.
    pub egress: Egress,
    /// Whether triggers that nobody calls run: schedules, polls and batches.
    pub schedules: bool,
    /// The base URL of the collector that the traces of runs are sent to, if they are.
    pub traces: Option<String>,
}

/// Which services without credentials are faked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FakeMode {
    /// None.
    #[default]
    Never,
    /// Those whose ApiConnection asks for it.
    WhereAsked,
    /// All.
    Always,
}

/// A local system; its engine runs until [`System::stop`].
pub struct System {
    /// The store.
    pub store: Store,
    /// Incidents.
    pub desk: Desk,
    /// The engine.
    pub engine: Engine,
    /// The catalog.
    pub catalog: Current,
    /// The fakes, if asked for.
    pub fakes: Option<Fakes>,
    /// What it measures.
    pub figures: Arc<Figures>,
    stopping: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

/// Why a local system cannot begin.
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
    /// A fake of a service cannot be served.
    #[error("a fake of a service cannot be served: {0}")]
    Fake(std::io::Error),
    /// Traces cannot be sent.
    #[error(transparent)]
    Traces(#[from] UnusableEndpoint),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

impl System {
    /// Opens the store and begins to run what is due.
    ///
    /// # Errors
    /// The data folder or the store cannot be used.
    pub async fn open(catalog: Current, options: Options) -> Result<Self, Error> {
        make_folder(&options.data)?;
        let store = Store::open(&options.data).await?;
        let sealer = Sealer::load_or_create(&options.data.join("sealing.key"))?;
        let ids = WorkspaceIds {
            public_url: options.public_url,
            ..WorkspaceIds::default()
        };
        let desk = Desk::new(store.clone(), ids);
        let fakes = match options.fakes {
            FakeMode::Never => None,
            FakeMode::WhereAsked => Some(Fakes::new(catalog.clone(), false)),
            FakeMode::Always => Some(Fakes::new(catalog.clone(), true)),
        };
        // Before the engine begins: runs of the last process go on at once and need their services.
        if let Some(fakes) = &fakes {
            fakes.refresh().await.map_err(Error::Fake)?;
        }
        let connections: Arc<dyn Connections> = match &fakes {
            Some(fakes) => Arc::new(fakes.clone()),
            None => Arc::new(catalog.clone()),
        };
        let real = ConnectorServices::new(connections, Client::new(options.egress), desk.clone());
        let services: Arc<dyn Services> = match options.mocks {
            Some(mocks) => Arc::new(Mocked::new(mocks, real, catalog.clone())),
            None => Arc::new(real),
        };
        let figures = Arc::new(Figures::default());
        let services = Arc::new(Metered::new(services, figures.clone()));
        let engine = Engine::new(store.clone(), sealer, services, Arc::new(catalog.clone()), desk.clone());
        let exporter = options.traces.as_deref().map(Exporter::new).transpose()?;
        let stopping = CancellationToken::new();
        let serving = tokio::spawn({
            let (engine, stopping, figures) = (engine.clone(), stopping.clone(), figures.clone());
            async move {
                let keeping = async {
                    if options.schedules {
                        engine.keep_schedules(stopping.clone()).await;
                    }
                };
                let tracing = async {
                    if let Some(exporter) = exporter {
                        exporter.follow(&engine, &stopping).await;
                    }
                };
                tokio::join!(
                    engine.serve(stopping.clone()),
                    keeping,
                    tracing,
                    figures.follow(&engine, &stopping)
                );
            }
        });
        Ok(Self {
            store,
            desk,
            engine,
            catalog,
            fakes,
            figures,
            stopping,
            serving,
        })
    }

    /// Stops taking up runs and lets the commits under way finish; what is not done goes on at the next start.
    pub async fn stop(self) {
        self.stopping.cancel();
        // The task ends by itself; that it was cancelled is no failure.
        let _ = self.serving.await;
    }
}

/// Makes the data folder, readable by its owner alone: it holds keys and security data.
fn make_folder(folder: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let failed = |reason| Error::Folder {
        folder: folder.display().to_string(),
        reason,
    };
    builder.create(folder).map_err(failed)?;
    // Nothing in it belongs into a repository.
    std::fs::write(folder.join(".gitignore"), "*\n").map_err(failed)
}
