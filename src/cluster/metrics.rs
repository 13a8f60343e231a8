//! What the operator measures, in Prometheus' text form: the figures of runs, and those of its controllers.
//! Invariant: no secret and nothing from outside is ever a label.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::server::Measures;
use crate::store::Store;
use crate::telemetry::Figures;

/// Labels of a reconciliation, as controller-runtime names them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reconciled {
    controller: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Controller {
    controller: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Watch {
    resource: &'static str,
}

type Durations = Family<Controller, Histogram, fn() -> Histogram>;

/// The measures of one operator.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    figures: Arc<Figures>,
    reconciles: Family<Reconciled, Counter>,
    reconcile_time: Durations,
    status_writes: Family<Controller, Counter>,
    watch_failures: Family<Watch, Counter>,
    leader: Gauge,
}

fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 8))
}

impl Metrics {
    /// The measures of an operator with this store.
    pub fn new(store: &Store) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            figures: Arc::default(),
            reconciles: Family::default(),
            reconcile_time: Family::new_with_constructor(durations as fn() -> Histogram),
            status_writes: Family::default(),
            watch_failures: Family::default(),
            leader: Gauge::default(),
        };
        metrics.register(store);
        metrics
    }

    /// The figures of runs, actions and calls.
    pub fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }

    fn register(&mut self, store: &Store) {
        let registry = &mut self.registry;
        let sub = registry.sub_registry_with_prefix("riposte");
        self.figures.register(sub, store);
        sub.register(
            "status_writes",
            "Statuses written, by controller",
            self.status_writes.clone(),
        );
        sub.register(
            "watch_failures",
            "Watches that broke off, by resource",
            self.watch_failures.clone(),
        );
        sub.register("leader", "Whether this process writes statuses", self.leader.clone());
        let runtime = registry.sub_registry_with_prefix("controller_runtime");
        let help = "Reconciliations, by controller and result";
        runtime.register("reconcile", help, self.reconciles.clone());
        let help = "Time of reconciliations, by controller";
        runtime.register_with_unit("reconcile_time", help, Unit::Seconds, self.reconcile_time.clone());
    }

    /// A watch broke off.
    pub fn watch_failed(&self, resource: &'static str) {
        self.watch_failures.get_or_create(&Watch { resource }).inc();
    }

    /// A reconciliation ended.
    pub fn reconciled(&self, controller: &'static str, result: &'static str, time: Duration) {
        self.reconciles.get_or_create(&Reconciled { controller, result }).inc();
        let times = self.reconcile_time.get_or_create(&Controller { controller });
        times.observe(time.as_secs_f64());
    }

    /// A status was written.
    pub fn status_written(&self, controller: &'static str) {
        self.status_writes.get_or_create(&Controller { controller }).inc();
    }

    /// Whether this process holds the Lease.
    pub fn set_leader(&self, holds: bool) {
        self.leader.set(i64::from(holds));
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[async_trait]
impl Measures for Metrics {
    async fn text(&self, store: &Store) -> Result<String, String> {
        let failed = |error: crate::store::Error| error.to_string();
        self.figures.refresh(store).await.map_err(failed)?;
        Metrics::text(self).map_err(|error| error.to_string())
    }
}
