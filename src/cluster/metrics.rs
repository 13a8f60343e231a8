//! What the operator measures, in Prometheus' text form. Invariant: a label has few values; no name of an object, no
//! secret and nothing from outside is ever one.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::engine::event::Event;
use crate::engine::shell::{EVALUATION, now};
use crate::engine::{Engine, Notice};
use crate::server::Measures;
use crate::store::Store;

/// Labels of an ended run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    kind: &'static str,
    status: String,
}

/// Label of an ended action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionStatus {
    status: &'static str,
}

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
    runs_ended: Family<Outcome, Counter>,
    actions_ended: Family<ActionStatus, Counter>,
    open_runs: Gauge,
    overdue: Gauge<f64, AtomicU64>,
    reconciles: Family<Reconciled, Counter>,
    reconcile_time: Durations,
    status_writes: Family<Controller, Counter>,
    watch_failures: Family<Watch, Counter>,
    leader: Gauge,
}

fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 8))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            runs_ended: Family::default(),
            actions_ended: Family::default(),
            open_runs: Gauge::default(),
            overdue: Gauge::default(),
            reconciles: Family::default(),
            reconcile_time: Family::new_with_constructor(durations as fn() -> Histogram),
            status_writes: Family::default(),
            watch_failures: Family::default(),
            leader: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let (registry, own) = (&mut self.registry, "riposte");
        let sub = registry.sub_registry_with_prefix(own);
        sub.register(
            "runs_ended",
            "Runs that ended, by kind and status",
            self.runs_ended.clone(),
        );
        sub.register(
            "actions_ended",
            "Actions that ended, by status",
            self.actions_ended.clone(),
        );
        sub.register("open_runs", "Runs that have not ended", self.open_runs.clone());
        sub.register_with_unit(
            "oldest_overdue_wake_up",
            "How long the run that is due longest waits to be taken up",
            Unit::Seconds,
            self.overdue.clone(),
        );
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

    /// Counts what the engine tells, until told to stop.
    pub async fn follow(&self, engine: &Engine, stop: &CancellationToken) {
        let mut notices = engine.watch();
        loop {
            let notice = tokio::select! {
                () = stop.cancelled() => return,
                notice = notices.recv() => notice,
            };
            match notice {
                Ok(notice) => self.count(&notice),
                Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "some events were not counted"),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn count(&self, notice: &Notice) {
        match notice {
            Notice::Run { event, .. } => {
                if let Event::Ended { status, .. } = &**event {
                    let status = status.as_str();
                    self.actions_ended.get_or_create(&ActionStatus { status }).inc();
                }
            }
            Notice::Waiting { .. } => {}
            Notice::Ended { kind, status, .. } => {
                let kind = if *kind == EVALUATION { EVALUATION } else { "playbook" };
                let status = status.clone();
                self.runs_ended.get_or_create(&Outcome { kind, status }).inc();
            }
        }
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
        self.open_runs.set(store.open_runs_count().await.map_err(failed)?);
        let next = store.next_wake().await.map_err(failed)?;
        let overdue = next.map_or(0, |at| now().saturating_sub(at).max(0));
        // Milliseconds of a lifetime are exact in a double.
        self.overdue.set(overdue as f64 / 1000.0);
        Metrics::text(self).map_err(|error| error.to_string())
    }
}
