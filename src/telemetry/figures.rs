//! The figures of runs, actions, calls and commits, in Prometheus' form. Names of playbooks and connections are labels,
//! so their number is limited ([`super::SERIES`]).

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::series::{OTHER, SERIES, Series};
use crate::engine::call::{Answer, Call, CallError};
use crate::engine::event::{Event, NodeId};
use crate::engine::shell::{EVALUATION, PLAYBOOK, now};
use crate::engine::{Engine, Notice};
use crate::store::{Error, Millis, Store};

/// Labels of an ended run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    kind: &'static str,
    status: String,
}

/// Labels of the ended runs of a playbook.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PlaybookOutcome {
    namespace: String,
    playbook: String,
    status: String,
}

/// Label of an ended action.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionStatus {
    status: &'static str,
}

/// Labels of calls: who calls through which connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Caller {
    namespace: String,
    playbook: String,
    connection: String,
}

/// Labels of an answered call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    namespace: String,
    playbook: String,
    connection: String,
    /// Class of its HTTP status, such as `2xx`, or `none` without an answer.
    answer: &'static str,
}

/// Label of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Bytes {
    namespace: String,
    playbook: String,
    connection: String,
    direction: &'static str,
}

/// When the actions of runs in memory began.
type Begun = HashMap<String, HashMap<NodeId, Millis>>;

/// The figures of one process.
#[derive(Debug)]
pub struct Figures {
    runs_ended: Family<Outcome, Counter>,
    run_time: Family<Outcome, Histogram, fn() -> Histogram>,
    playbook_runs: Family<PlaybookOutcome, Counter>,
    playbooks: Series<PlaybookOutcome>,
    actions_ended: Family<ActionStatus, Counter>,
    action_time: Family<ActionStatus, Histogram, fn() -> Histogram>,
    calls: Family<Answered, Counter>,
    call_bytes: Family<Bytes, Counter>,
    call_time: Histogram,
    callers: Series<Caller>,
    open_runs: Gauge,
    queue_age: Gauge<f64, AtomicU64>,
    overdue: Gauge<f64, AtomicU64>,
    commit_queue: Gauge,
}

/// From a millisecond to a month.
fn run_times() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 8.0, 11))
}

/// From a tenth of a millisecond to two minutes.
fn call_times() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 4.0, 11))
}

impl Default for Figures {
    fn default() -> Self {
        Self::new(SERIES)
    }
}

impl Figures {
    /// Figures with at most so many label sets each.
    pub fn new(series: usize) -> Self {
        Self {
            runs_ended: Family::default(),
            run_time: Family::new_with_constructor(run_times as fn() -> Histogram),
            playbook_runs: Family::default(),
            playbooks: Series::new(series),
            actions_ended: Family::default(),
            action_time: Family::new_with_constructor(run_times as fn() -> Histogram),
            calls: Family::default(),
            call_bytes: Family::default(),
            call_time: call_times(),
            callers: Series::new(series),
            open_runs: Gauge::default(),
            queue_age: Gauge::default(),
            overdue: Gauge::default(),
            commit_queue: Gauge::default(),
        }
    }

    /// Registers the figures, and those that the store keeps.
    pub fn register(&self, registry: &mut Registry, store: &Store) {
        self.register_runs(registry);
        self.register_calls(registry);
        self.register_store(registry, store);
    }

    fn register_runs(&self, registry: &mut Registry) {
        let help = "Runs that ended, by kind and status";
        registry.register("runs_ended", help, self.runs_ended.clone());
        let help = "Time from the acceptance of a run to its end, by kind and status";
        registry.register_with_unit("run_time", help, Unit::Seconds, self.run_time.clone());
        let help = "Runs that ended, by playbook and status";
        registry.register("playbook_runs_ended", help, self.playbook_runs.clone());
        let help = "Actions that ended, by status";
        registry.register("actions_ended", help, self.actions_ended.clone());
        let help = "Time of actions whose run did not leave the memory meanwhile, by status";
        registry.register_with_unit("action_time", help, Unit::Seconds, self.action_time.clone());
        let help = "Runs that have not ended";
        registry.register("open_runs", help, self.open_runs.clone());
        let help = "Age of the oldest run that waits to begin";
        registry.register_with_unit("queue_age", help, Unit::Seconds, self.queue_age.clone());
        let help = "How long the run that is due longest waits to be taken up";
        registry.register_with_unit("oldest_overdue_wake_up", help, Unit::Seconds, self.overdue.clone());
    }

    fn register_calls(&self, registry: &mut Registry) {
        let help = "Calls of services, by who called through which connection, and the class of the answer's status";
        registry.register("calls", help, self.calls.clone());
        let help = "Bytes of bodies sent and received by calls of services";
        registry.register_with_unit("call_body", help, Unit::Bytes, self.call_bytes.clone());
        let help = "Time of one attempt of a call of a service";
        registry.register_with_unit("call_time", help, Unit::Seconds, self.call_time.clone());
    }

    fn register_store(&self, registry: &mut Registry, store: &Store) {
        let timings = store.timings();
        let help = "Time of one commit of the store";
        registry.register_with_unit("commit_time", help, Unit::Seconds, timings.commit_time.clone());
        let help = "Transactions that shared one commit";
        registry.register("commit_batch", help, timings.batch.clone());
        let help = "Transactions that wait for the store's writer";
        registry.register("commit_queue", help, self.commit_queue.clone());
    }

    /// Counts what the engine tells, until told to stop.
    pub async fn follow(&self, engine: &Engine, stop: &CancellationToken) {
        let (mut notices, mut begun) = (engine.watch(), Begun::new());
        loop {
            let notice = tokio::select! {
                () = stop.cancelled() => return,
                notice = notices.recv() => notice,
            };
            match notice {
                Ok(notice) => self.count(&notice, &mut begun),
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "some events were not counted");
                    begun.clear();
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn count(&self, notice: &Notice, begun: &mut Begun) {
        match notice {
            Notice::Run { run, event, .. } => self.count_event(run, event, begun),
            Notice::Waiting { run } => drop(begun.remove(run)),
            Notice::Ended {
                run,
                kind,
                status,
                namespace,
                name,
                created_at,
            } => {
                begun.remove(run);
                let kind = if *kind == EVALUATION { EVALUATION } else { PLAYBOOK };
                let outcome = Outcome {
                    kind,
                    status: status.clone(),
                };
                self.runs_ended.get_or_create(&outcome).inc();
                let time = seconds(now().saturating_sub(*created_at));
                self.run_time.get_or_create(&outcome).observe(time);
                if kind == PLAYBOOK {
                    self.count_playbook(namespace, name, status);
                }
            }
        }
    }

    fn count_playbook(&self, namespace: &str, playbook: &str, status: &str) {
        let labels = PlaybookOutcome {
            namespace: namespace.to_owned(),
            playbook: playbook.to_owned(),
            status: status.to_owned(),
        };
        let labels = self.playbooks.admit(labels, |labels| PlaybookOutcome {
            namespace: OTHER.into(),
            playbook: OTHER.into(),
            ..labels
        });
        self.playbook_runs.get_or_create(&labels).inc();
    }

    fn count_event(&self, run: &str, event: &Event, begun: &mut Begun) {
        match event {
            Event::Entered { at, node, .. }
            | Event::Looped { at, node, .. }
            | Event::Called { at, node, .. }
            | Event::Paused { at, node, .. } => {
                begun.entry(run.to_owned()).or_default().entry(*node).or_insert(*at);
            }
            Event::Ended { at, node, status, .. } => {
                let labels = ActionStatus {
                    status: status.as_str(),
                };
                self.actions_ended.get_or_create(&labels).inc();
                if let Some(start) = begun.get_mut(run).and_then(|nodes| nodes.remove(node)) {
                    let times = self.action_time.get_or_create(&labels);
                    times.observe(seconds(at.saturating_sub(start)));
                }
            }
            Event::Opened(_)
            | Event::Retrying { .. }
            | Event::Held { .. }
            | Event::Released { .. }
            | Event::Repeated { .. }
            | Event::Cancelling { .. }
            | Event::Subscribed { .. }
            | Event::Polling { .. }
            | Event::Closed { .. } => {}
        }
    }

    /// One attempt of a call ended.
    pub(super) fn called(&self, call: &Call, outcome: &Result<Answer, CallError>, time: Duration) {
        let caller = Caller {
            namespace: call.namespace.clone(),
            playbook: call.playbook.clone(),
            connection: call.target.name().to_owned(),
        };
        let Caller {
            namespace,
            playbook,
            connection,
        } = self.callers.admit(caller, |_| Caller {
            namespace: OTHER.into(),
            playbook: OTHER.into(),
            connection: OTHER.into(),
        });
        self.call_time.observe(time.as_secs_f64());
        let traffic = outcome.as_ref().map(|answer| answer.traffic).unwrap_or_default();
        for (direction, count) in [("sent", traffic.sent), ("received", traffic.received)] {
            let labels = Bytes {
                namespace: namespace.clone(),
                playbook: playbook.clone(),
                connection: connection.clone(),
                direction,
            };
            self.call_bytes.get_or_create(&labels).inc_by(count);
        }
        let labels = Answered {
            namespace,
            playbook,
            connection,
            answer: class(outcome),
        };
        self.calls.get_or_create(&labels).inc();
    }

    /// Brings the figures up to date that are asked for, not counted.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn refresh(&self, store: &Store) -> Result<(), Error> {
        let age = |at: Option<Millis>| seconds(at.map_or(0, |at| now().saturating_sub(at)));
        self.open_runs.set(store.open_runs_count().await?);
        self.queue_age.set(age(store.oldest_queued().await?));
        self.overdue.set(age(store.next_wake().await?));
        self.commit_queue.set(i64::try_from(store.queued()).unwrap_or(i64::MAX));
        Ok(())
    }
}

/// Milliseconds of a lifetime are exact in a double.
fn seconds(millis: Millis) -> f64 {
    millis.max(0) as f64 / 1000.0
}

fn class(outcome: &Result<Answer, CallError>) -> &'static str {
    match outcome.as_ref().map(|answer| answer.status / 100) {
        Ok(1) => "1xx",
        Ok(2) => "2xx",
        Ok(3) => "3xx",
        Ok(4) => "4xx",
        Ok(5) => "5xx",
        Ok(_) => "invalid",
        Err(_) => "none",
    }
}
