//! What every request shares: the desk, the engine, the store, the settings, and the room for deliveries under way.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::authenticate::Authenticate;
use super::metrics::Measures;
use super::token::Tokens;
use crate::catalog::Current;
use crate::engine::Engine;
use crate::engine::lanes::Lane;
use crate::incidents::Desk;
use crate::store::Store;

/// How the server treats its clients.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who may ask. Without a token nobody may, but for health and open pages.
    pub tokens: Tokens,
    /// The largest body, in bytes. Defaults to 1 MiB.
    pub max_body: usize,
    /// How many deliveries are taken in at once; more are told to come again. Defaults to 256.
    pub max_deliveries: usize,
    /// How long what was taken in may wait to be stored before more is told to come again. Defaults to 5 s.
    pub max_behind: Duration,
    /// How long runs may wait for a place before what would make more of them is told to come again. Defaults to 60 s.
    pub max_waiting: Duration,
    /// How long a caller of a playbook waits for its answer. Defaults to 120 s, as in Logic Apps.
    pub answer_timeout: Duration,
    /// How long a client may take to send the head of a request, and then its body. Defaults to 10 s.
    pub read_timeout: Duration,
    /// The port of a server that listens on loopback only: requests that name another host or port are refused, so that
    /// no web site reaches it by a name that leads to 127.0.0.1 (DNS rebinding). `None` accepts every name.
    pub loopback_port: Option<u16>,
    /// Whether pages open without a token. Holds only together with `loopback_port`.
    pub open_pages: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tokens: Tokens::default(),
            max_body: 1024 * 1024,
            max_deliveries: 256,
            max_behind: Duration::from_secs(5),
            max_waiting: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(120),
            read_timeout: Duration::from_secs(10),
            loopback_port: None,
            open_pages: false,
        }
    }
}

/// What the server works with; clones share it.
#[derive(Clone)]
pub struct ServerState {
    pub(super) desk: Desk,
    pub(super) engine: Engine,
    pub(super) store: Store,
    pub(super) catalog: Option<Current>,
    pub(super) settings: Arc<Settings>,
    pub(super) deliveries: Arc<Semaphore>,
    pub(super) authenticate: Arc<dyn Authenticate>,
    pub(super) measures: Option<Arc<dyn Measures>>,
    pub(super) readiness: Option<Arc<dyn Readiness>>,
}

/// What else must be so before the process can serve.
pub trait Readiness: Send + Sync {
    /// What is still missing; `None` if nothing.
    fn missing(&self) -> Option<String>;
}

/// Why nothing more is taken in at this moment.
#[derive(Debug, thiserror::Error)]
pub(super) enum Full {
    /// As many deliveries are under way as may be.
    #[error("too many deliveries are under way; deliver again")]
    Deliveries,
    /// What came before is not on the disk yet.
    #[error("what came before is not stored yet; deliver again")]
    Store,
    /// What came before has not begun.
    #[error("what came before waits to be worked on; deliver again")]
    Runs,
}

impl ServerState {
    /// Room for a delivery, which it holds until it is dropped. There is none while what came before is behind, to be
    /// stored or, if it is as urgent as this would be, to begin.
    pub(super) fn room(&self, lane: Lane) -> Result<OwnedSemaphorePermit, Full> {
        if self.store.behind() > self.settings.max_behind {
            return Err(Full::Store);
        }
        if self.engine.behind(lane) > self.settings.max_waiting {
            return Err(Full::Runs);
        }
        self.deliveries
            .clone()
            .try_acquire_owned()
            .map_err(|_| Full::Deliveries)
    }

    /// A state over the parts of a running Riposte.
    pub fn new(desk: Desk, engine: Engine, store: Store, settings: Settings) -> Self {
        let deliveries = settings.max_deliveries.min(Semaphore::MAX_PERMITS);
        let authenticate = Arc::new(settings.tokens.clone());
        Self {
            desk,
            engine,
            store,
            catalog: None,
            settings: Arc::new(settings),
            deliveries: Arc::new(Semaphore::new(deliveries)),
            authenticate,
            measures: None,
            readiness: None,
        }
    }

    /// Serves the aggregated API and the objects of a catalog to the holders of tokens: for a system that has no API
    /// server in front of it.
    #[must_use]
    pub fn with_catalog(mut self, catalog: Current) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// The same, but this tells who asks and what they may, instead of the tokens of the settings.
    #[must_use]
    pub fn with_authenticate(mut self, authenticate: Arc<dyn Authenticate>) -> Self {
        self.authenticate = authenticate;
        self
    }

    /// The same with measures at `/metrics`.
    #[must_use]
    pub fn with_measures(mut self, measures: Arc<dyn Measures>) -> Self {
        self.measures = Some(measures);
        self
    }

    /// The same, but not ready before this misses nothing.
    #[must_use]
    pub fn with_readiness(mut self, readiness: Arc<dyn Readiness>) -> Self {
        self.readiness = Some(readiness);
        self
    }
}
