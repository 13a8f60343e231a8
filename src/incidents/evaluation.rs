//! The order to evaluate the rules of a workspace: a run whose first event says why. It is due at once; whoever drives
//! runs finds it in the store, also after a crash.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Error, rows};
use crate::rules::evaluation::{Event, Occasion};
use crate::store::{EventRow, NewRun, Operation};

/// The kind of these runs in the store.
const KIND: &str = "evaluation";

/// How urgent they are, as `engine::lanes` numbers it.
const LANE: i64 = 1;

/// An order; `depth` is how many changes by automation led to it.
pub(super) fn order(workspace: &str, occasion: Occasion, depth: u32, now: Timestamp) -> Result<Operation, Error> {
    // Ids that are made later in this process sort later, so evaluations of one incident keep their order.
    let id = Uuid::now_v7().to_string();
    let (name, incident) = (occasion.name().to_owned(), occasion.incident().map(str::to_owned));
    let opened = Event::Opened { occasion, depth };
    let at = now.as_millisecond();
    Ok(Operation::CreateRun(NewRun {
        kind: KIND.to_owned(),
        namespace: workspace.to_owned(),
        name,
        incident,
        parent: None,
        resubmit_of: None,
        definition: None,
        created_at: at,
        wake_at: at,
        lane: LANE,
        events: vec![EventRow {
            at,
            body: rows::write("evaluation", &id, &opened)?,
        }],
        payloads: Vec::new(),
        id,
    }))
}
