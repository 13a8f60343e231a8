//! Between events and the rows of the store: large values go beside the journal, secure ones are sealed.
//! Invariant: the text of an event never holds a secure value.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Event, Payload};
use super::state::State;
use crate::definition::Workflow;
use crate::expression::Value;
use crate::store::{Error as StoreError, EventRow, PayloadRow, Sealer, Store};

/// A value heavier than this lies beside the journal, in bytes (roughly).
const INLINE_MAX: usize = 16 * 1024;

/// Why a run could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody can say whether a playbook may run.
    #[error(transparent)]
    Undecided(#[from] super::content::Undecided),
    /// Another replica drives the run now.
    #[error("the run '{0}' goes on in another replica")]
    Elsewhere(String),
    /// The journal holds something that this version cannot read.
    #[error("the journal of run '{run}' cannot be read: {reason}")]
    Unreadable {
        /// The run.
        run: String,
        /// What is wrong.
        reason: String,
    },
}

/// Turns values into payload rows where they must not stand in the text; `next` numbers the rows.
pub fn pack(payloads: Vec<&mut Payload>, sealer: &Sealer, run: &str, next: &mut i64) -> Vec<PayloadRow> {
    let mut rows = Vec::new();
    for payload in payloads {
        if payload.stored.is_some() || !(payload.secure || is_heavier(&payload.value, INLINE_MAX)) {
            continue;
        }
        let id = *next;
        *next += 1;
        payload.stored = Some(id);
        let plain = payload.value.to_json().into_bytes();
        let bytes = if payload.secure {
            sealer.seal(&context(run, id), &plain)
        } else {
            plain
        };
        rows.push(PayloadRow {
            id,
            sealed: payload.secure,
            bytes,
        });
    }
    rows
}

/// What a sealed value belongs to: it opens nowhere else.
fn context(run: &str, id: i64) -> String {
    format!("{run}/{id}")
}

/// Whether the JSON text of a value is longer than about `limit` bytes; stops counting there.
fn is_heavier(value: &Value, limit: usize) -> bool {
    let mut left = limit;
    let mut queue = vec![value];
    while let Some(value) = queue.pop() {
        let weight = match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.len(),
            Value::Object(members) => members.iter().map(|(name, _)| name.len() + 4).sum(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) => 4,
        };
        let Some(rest) = left.checked_sub(weight) else {
            return true;
        };
        left = rest;
        match value {
            Value::Array(items) => queue.extend(items.iter()),
            Value::Object(members) => queue.extend(members.iter().map(|(_, member)| member)),
            _ => {}
        }
    }
    false
}

/// The row of an event whose payloads are packed.
pub fn row(event: &Event) -> Result<EventRow, serde_json::Error> {
    Ok(EventRow {
        at: event.at(),
        body: serde_json::to_string(event)?,
    })
}

/// A run as the store has it.
pub struct Loaded {
    /// Its state.
    pub state: State,
    /// How many events the last snapshot covers.
    pub snapshot_seq: i64,
}

/// Reads the events of a run, with their values.
///
/// # Errors
/// A store that fails, or an event that this version cannot read.
pub async fn events(store: &Store, sealer: &Sealer, run: &str) -> Result<Vec<Event>, Error> {
    let payloads = Payloads::load(store, sealer, run).await?;
    read_events(store, &payloads, run, 0).await
}

/// What a run recorded, and what is left of it.
pub struct Recorded {
    /// Its events, with their values; an erased one is null.
    pub events: Vec<Event>,
    /// The payload rows that are there.
    known: BTreeSet<i64>,
}

impl Recorded {
    /// Whether a value was secure and is erased by now.
    pub fn is_erased(&self, payload: &Payload) -> bool {
        payload.secure && payload.stored.is_some_and(|id| !self.known.contains(&id))
    }
}

/// Reads the events of a run, and which of their values are there.
///
/// # Errors
/// A store that fails, or an event that this version cannot read.
pub async fn recorded(store: &Store, sealer: &Sealer, run: &str) -> Result<Recorded, Error> {
    let payloads = Payloads::load(store, sealer, run).await?;
    Ok(Recorded {
        events: read_events(store, &payloads, run, 0).await?,
        known: payloads.values.into_keys().collect(),
    })
}

/// Reads a run: the last snapshot, and the events after it folded in.
///
/// # Errors
/// A store that fails, or a journal that this version cannot read.
pub async fn load(store: &Store, sealer: &Sealer, workflow: &Workflow, run: &str) -> Result<Loaded, Error> {
    let payloads = Payloads::load(store, sealer, run).await?;
    let unreadable = |reason: String| Error::Unreadable {
        run: run.to_owned(),
        reason,
    };
    let snapshot = store.snapshot(run).await?;
    let mut loaded = match snapshot {
        Some((seq, text)) => {
            let mut state: State = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
            payloads.fill(state.payloads_mut());
            for event in read_events(store, &payloads, run, seq).await? {
                state
                    .apply(workflow, &event)
                    .map_err(|error| unreadable(error.to_string()))?;
            }
            Loaded {
                state,
                snapshot_seq: seq,
            }
        }
        None => {
            let events = read_events(store, &payloads, run, 0).await?;
            let state = State::fold(workflow, &events).map_err(|error| unreadable(error.to_string()))?;
            Loaded { state, snapshot_seq: 0 }
        }
    };
    loaded.state.next_payload = payloads.next;
    Ok(loaded)
}

async fn read_events(store: &Store, payloads: &Payloads, run: &str, after: i64) -> Result<Vec<Event>, Error> {
    let mut events = Vec::new();
    for row in store.journal(run, after).await? {
        let mut event: Event = serde_json::from_str(&row.body).map_err(|error| Error::Unreadable {
            run: run.to_owned(),
            reason: error.to_string(),
        })?;
        payloads.fill(event.payloads_mut());
        events.push(event);
    }
    Ok(events)
}

/// The values beside a journal. Sealed ones are erased some time after the run; they are then null.
struct Payloads {
    values: BTreeMap<i64, Value>,
    next: i64,
}

impl Payloads {
    async fn load(store: &Store, sealer: &Sealer, run: &str) -> Result<Self, Error> {
        let mut values = BTreeMap::new();
        for row in store.payloads(run).await? {
            let bytes = if row.sealed {
                sealer.open(&context(run, row.id), &row.bytes)?
            } else {
                row.bytes
            };
            let value = serde_json::from_slice(&bytes).map_err(|error| Error::Unreadable {
                run: run.to_owned(),
                reason: error.to_string(),
            })?;
            values.insert(row.id, value);
        }
        let next = values.last_key_value().map_or(0, |(id, _)| id + 1);
        Ok(Self { values, next })
    }

    fn fill(&self, payloads: Vec<&mut Payload>) {
        for payload in payloads {
            if let Some(value) = payload.stored.and_then(|id| self.values.get(&id)) {
                payload.value = value.clone();
            }
        }
    }
}
