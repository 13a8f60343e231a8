//! Executions in the state of a run: of a block a frame, of an action a node.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{ActionError, FrameId, NodeId, Payload};
use super::status::Status;
use crate::definition::{ActionId, BlockId};
use crate::expression::Value;
use crate::store::Millis;

/// One execution of a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The block.
    pub block: BlockId,
    /// The container that it belongs to; `None` for the top level.
    pub parent: Option<NodeId>,
    /// Which iteration it is, from 0.
    pub index: u32,
    /// Its actions that have begun; boxed, because a map keeps room for many and most frames have few.
    #[serde(with = "node_list")]
    pub nodes: BTreeMap<ActionId, Box<Node>>,
    /// How many of its actions have not ended.
    pub left: u32,
    /// Whether nothing more happens in it.
    pub closed: bool,
}

/// One execution of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// When it began.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// What it is doing.
    pub phase: Phase,
    /// Its code, once it has ended.
    pub code: String,
    /// Its evaluated inputs; the elements of a Foreach.
    pub inputs: Option<Payload>,
    /// Credentials of its call: authentication object and secret headers.
    pub credentials: Option<Payload>,
    /// Inputs and credentials of the call that takes its subscription back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<Payload>,
    /// Its outputs.
    pub outputs: Option<Payload>,
    /// What failed.
    pub error: Option<ActionError>,
    /// Tracked properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracked: Option<Payload>,
    /// When it times out, if it may.
    pub deadline: Option<Millis>,
    /// Attempts of its call.
    pub attempts: u32,
    /// Whether somebody let it go on though brakes hold it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub freed: bool,
    /// Frames that it opened.
    pub frames: Vec<FrameId>,
}

/// What an action is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum Phase {
    /// A call is in flight.
    Calling,
    /// The next attempt is due later.
    Retrying {
        /// When.
        next_at: Millis,
    },
    /// A call waits before it is made.
    Held {
        /// What holds it.
        code: String,
        /// The same for people.
        message: String,
        /// When it asks whether it may go on.
        next_at: Millis,
    },
    /// The answer is fetched later.
    Polling {
        /// Where, a text.
        location: Payload,
        /// When.
        next_at: Millis,
    },
    /// It pauses.
    Paused {
        /// Until when.
        until: Millis,
    },
    /// It waits for a call of its callback URL.
    Subscribed,
    /// Its frames go on.
    Inside {
        /// Elements whose iteration has not begun, from this one on; only a Foreach has them.
        next_item: u32,
        /// Frames that have not ended.
        open: u32,
    },
    /// It has ended.
    Ended {
        /// How.
        status: Status,
    },
}

impl Node {
    /// The elements of a Foreach; empty for other actions.
    pub fn items(&self) -> &[Value] {
        self.inputs
            .as_ref()
            .and_then(|inputs| inputs.value.as_array())
            .unwrap_or_default()
    }

    /// How it ended, once it has.
    pub fn status(&self) -> Option<Status> {
        match self.phase {
            Phase::Ended { status } => Some(status),
            Phase::Calling
            | Phase::Retrying { .. }
            | Phase::Held { .. }
            | Phase::Polling { .. }
            | Phase::Paused { .. }
            | Phase::Subscribed
            | Phase::Inside { .. } => None,
        }
    }

    /// One that ended at once.
    pub fn ended(at: Millis, status: Status) -> Self {
        Self::new(at, Phase::Ended { status })
    }

    pub(super) fn new(at: Millis, phase: Phase) -> Self {
        Self {
            started_at: at,
            ended_at: None,
            phase,
            code: String::new(),
            inputs: None,
            credentials: None,
            unsubscribe: None,
            outputs: None,
            error: None,
            tracked: None,
            deadline: None,
            attempts: 0,
            freed: false,
            frames: Vec::new(),
        }
    }

    /// One that goes into a block.
    pub(super) fn inside(at: Millis, inputs: Option<Payload>, deadline: Option<Millis>) -> Self {
        Self {
            inputs,
            deadline,
            ..Self::new(at, Phase::Inside { next_item: 0, open: 0 })
        }
    }
}

/// JSON has no maps with numbers as keys: nodes are stored as a list of pairs.
mod node_list {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{ActionId, Node};

    pub fn serialize<S: Serializer>(nodes: &BTreeMap<ActionId, Box<Node>>, serializer: S) -> Result<S::Ok, S::Error> {
        nodes.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<ActionId, Box<Node>>, D::Error> {
        Ok(Vec::<(ActionId, Box<Node>)>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}
