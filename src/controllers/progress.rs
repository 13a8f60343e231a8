//! What a controller is given, and what it gives back: the seam between the kinds and what drives them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kube::core::DynamicObject;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::condition::Shown;
use super::context::Context;
use super::error::ReconcileError;
use crate::cluster::resource::Resource;
use crate::cluster::source::{Key, Snapshot};

/// How many problems a message names.
const PROBLEMS_SHOWN: usize = 3;

/// An object as a controller sees it: its metadata and status, and the catalog that has its spec.
pub(super) struct Seen<'a> {
    pub object: &'a DynamicObject,
    pub key: Key,
    pub snapshot: Arc<Snapshot>,
}

impl Seen<'_> {
    pub fn namespace(&self) -> &str {
        &self.key.namespace
    }

    pub fn name(&self) -> &str {
        &self.key.name
    }

    /// That the object could be read; else what is wrong with it, and what counts instead.
    pub fn sound(&self, reason: &'static str) -> Result<(), ReconcileError> {
        match self.snapshot.reading(&self.key) {
            Some(reading) if !reading.errors.is_empty() => Err(ReconcileError::Stalled {
                reason,
                message: format!("{}; {}", together(&reading.errors), instead(reading.last_good)),
            }),
            Some(_) | None => Ok(()),
        }
    }
}

/// What counts instead of a version that could not be read.
fn instead(last_good: Option<i64>) -> String {
    match last_good {
        Some(generation) => format!("until it is mended, the last good version counts (generation {generation})"),
        None => "no good version of it is known, so nothing of it counts until it is mended".to_owned(),
    }
}

/// Several problems in one message.
pub(super) fn together(problems: &[String]) -> String {
    let mut message = problems[..problems.len().min(PROBLEMS_SHOWN)].join("; ");
    if problems.len() > PROBLEMS_SHOWN {
        message.push_str(&format!("; and {} more", problems.len() - PROBLEMS_SHOWN));
    }
    message
}

/// What became of an object.
pub(super) struct Progress {
    /// The status but for generation and conditions; only fields of [`Kind::OWNED`].
    pub fields: Map<String, Json>,
    /// Conditions beside `Ready`, such as `Granted`.
    pub beside: Vec<Shown>,
    /// The condition `Ready` where it is true, else why not.
    pub outcome: Result<Shown, ReconcileError>,
    /// When to look again although nothing changed.
    pub again: Duration,
}

impl Progress {
    /// An object that is fine or not, with nothing else to say.
    pub fn of(outcome: Result<Shown, ReconcileError>) -> Self {
        Self {
            fields: Map::new(),
            beside: Vec::new(),
            outcome,
            again: HOUSEKEEPING,
        }
    }

    /// The same with the fields of a status.
    pub fn with_status(mut self, status: &impl Serialize) -> Self {
        // A status is texts, numbers and lists, which always have a JSON form.
        if let Ok(Json::Object(fields)) = serde_json::to_value(status) {
            self.fields = fields;
        }
        self
    }
}

/// When an object is looked at although nothing tells of a change: watches are not perfect.
pub(super) const HOUSEKEEPING: Duration = Duration::from_mins(50);

/// A kind and how its objects are reconciled.
pub(super) trait Kind: Send + Sync + 'static {
    /// The controller's name; its field manager is `riposte/NAME`.
    const NAME: &'static str;
    /// What it reconciles.
    const RESOURCE: Resource;
    /// The fields of the status that it writes, beside `observedGeneration`, `conditions` and the handled request.
    const OWNED: &'static [&'static str];
    /// Whether its objects are in the catalog.
    const IN_CATALOG: bool = true;

    /// The five steps.
    fn reconcile(seen: &Seen<'_>, context: &Context) -> impl Future<Output = Progress> + Send;
}
