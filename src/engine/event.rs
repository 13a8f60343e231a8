//! Events: what a journal holds. They are the only truth about a run; their form is stable, because journals of older
//! versions are replayed. New fields get a default, nothing is renamed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::status::{RunStatus, Status};
use crate::definition::{ActionId, BlockId};
use crate::expression::Value;
use crate::store::Millis;

/// Index of a frame: one execution of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrameId(pub u32);

/// One execution of an action: the frame that it stands in, and the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub FrameId, pub ActionId);

/// A value in an event. A large or secure one lies beside the journal and the event holds its number.
#[derive(Clone, Default, PartialEq)]
pub struct Payload {
    /// The value.
    pub value: Value,
    /// Whether it is hidden everywhere and sealed in the store.
    pub secure: bool,
    /// Number of the payload row that holds it, if it lies beside the journal.
    pub stored: Option<i64>,
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Payload");
        if !self.secure {
            shown.field("value", &self.value);
        }
        shown
            .field("secure", &self.secure)
            .field("stored", &self.stored)
            .finish()
    }
}

impl Payload {
    /// A value that anyone who sees the run may see.
    pub fn open(value: Value) -> Self {
        Self {
            value,
            secure: false,
            stored: None,
        }
    }

    /// A value that is hidden if `secure`.
    pub fn hidden_if(secure: bool, value: Value) -> Self {
        Self {
            value,
            secure,
            stored: None,
        }
    }
}

/// How a payload stands in the text of an event or snapshot.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Slot {
    /// The value itself.
    Value(Value),
    /// Number of the payload row.
    Stored(i64),
    /// Number of the payload row, which is sealed.
    Sealed(i64),
}

impl Serialize for Payload {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.stored, self.secure) {
            (Some(id), true) => Slot::Sealed(id).serialize(serializer),
            (Some(id), false) => Slot::Stored(id).serialize(serializer),
            (None, false) => Slot::Value(self.value.clone()).serialize(serializer),
            (None, true) => Err(serde::ser::Error::custom("a secure value has not been sealed")),
        }
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Slot::deserialize(deserializer)? {
            Slot::Value(value) => Self::open(value),
            Slot::Stored(id) => Self {
                value: Value::Null,
                secure: false,
                stored: Some(id),
            },
            Slot::Sealed(id) => Self {
                value: Value::Null,
                secure: true,
                stored: Some(id),
            },
        })
    }
}

/// What happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Event {
    /// The run exists; always the first event.
    Opened(Box<Opened>),
    /// A container (If, Switch, Scope, Until) went into a block.
    Entered {
        /// When.
        at: Millis,
        /// The container.
        node: NodeId,
        /// The block.
        block: BlockId,
        /// What it decided on, for people: the condition's or expression's value.
        inputs: Option<Payload>,
        /// When the container times out, if it may.
        deadline: Option<Millis>,
    },
    /// A Foreach has its elements.
    Looped {
        /// When.
        at: Millis,
        /// The loop.
        node: NodeId,
        /// The elements, an array.
        items: Payload,
        /// When the loop times out, if it may.
        deadline: Option<Millis>,
    },
    /// A call is about to be made: the intent, on disk before the call.
    Called {
        /// When.
        at: Millis,
        /// The action.
        node: NodeId,
        /// Attempts so far in this group, from 1.
        attempt: u32,
        /// The evaluated inputs; only with the first attempt.
        inputs: Option<Payload>,
        /// Authentication object and secret headers, sealed; only with the first attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credentials: Option<Payload>,
        /// When the action times out, if it may.
        deadline: Option<Millis>,
    },
    /// An attempt failed; another follows.
    Retrying {
        /// When.
        at: Millis,
        /// The action.
        node: NodeId,
        /// Code of the failure.
        code: String,
        /// What failed.
        message: String,
        /// When the next attempt is due.
        next_at: Millis,
    },
    /// A call that was announced waits before it is made: a limit of its connection, the wish of its service, or a brake.
    Held {
        /// When.
        at: Millis,
        /// The action.
        node: NodeId,
        /// What holds it, such as `ConnectionLimit`.
        code: String,
        /// The same for people.
        message: String,
        /// When it asks whether it may go on; it may ask more often, which is no event.
        next_at: Millis,
    },
    /// A call that waited is about to be made: the intent, on disk before the call.
    Released {
        /// When.
        at: Millis,
        /// The action.
        node: NodeId,
        /// Who let it go on, where brakes hold it; no brake holds it again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// A loop goes into its next round.
    Repeated {
        /// When.
        at: Millis,
        /// The loop, an Until.
        node: NodeId,
    },
    /// A pause began.
    Paused {
        /// When.
        at: Millis,
        /// The action.
        node: NodeId,
        /// When it is over.
        until: Millis,
        /// The evaluated inputs.
        inputs: Payload,
    },
    /// A service took a subscription; its result comes to a callback URL.
    Subscribed {
        /// When.
        at: Millis,
        /// The action.
        node: NodeId,
        /// What the service answered, as outputs of the action.
        outputs: Payload,
        /// Inputs and credentials of the call that takes the subscription back, sealed; or `error`, why there are none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unsubscribe: Option<Payload>,
    },
    /// The service promised an answer at another place (202 with `Location`).
    Polling {
        /// When.
        at: Millis,
        /// The action.
        node: NodeId,
        /// Where the answer will be, a text.
        location: Payload,
        /// When to ask.
        next_at: Millis,
        /// Attempts at this question that failed, plus one.
        attempt: u32,
    },
    /// An action ended.
    Ended {
        /// When.
        at: Millis,
        /// The action.
        node: NodeId,
        /// How.
        status: Status,
        /// Its code, such as `OK` or `NotFound`.
        code: String,
        /// The evaluated inputs, where no earlier event has them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<Payload>,
        /// The outputs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outputs: Option<Payload>,
        /// What failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<ActionError>,
        /// The tracked properties.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tracked: Option<Payload>,
    },
    /// Somebody wishes the run to end: nothing begins any more, and it ends when the calls in flight have.
    Cancelling {
        /// When.
        at: Millis,
        /// Who.
        by: String,
    },
    /// The run ended; always the last event.
    Closed {
        /// When.
        at: Millis,
        /// The Terminate that ended it, if one did; it succeeds with this event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<NodeId>,
        /// How.
        status: RunStatus,
        /// What failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<ActionError>,
        /// The declared outputs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outputs: Option<Payload>,
    },
}

/// How a run began.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// When.
    pub at: Millis,
    /// Identity of the run.
    pub run: String,
    /// Namespace of the playbook.
    pub namespace: String,
    /// Name of the playbook.
    pub playbook: String,
    /// Hash of the definition that the run pins.
    pub definition: String,
    /// Name of the trigger.
    pub trigger: String,
    /// Outputs of the trigger: `{"headers"?, "body"?}` and others by its type.
    pub outputs: Payload,
    /// Code of the trigger: that of the answer of the service that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The time that the run was scheduled for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Millis>,
    /// Values of the parameters.
    pub parameters: Vec<(String, Payload)>,
    /// Values of the app settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(String, Payload)>,
    /// The connections: name in the definition, ApiConnection.
    pub connections: Vec<(String, String)>,
    /// Who or what asked for the run: `rule/NAME`, `user/NAME`, `schedule`.
    pub requester: String,
    /// The incident that the run is about, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// How many changes by automation led to the run; 0 for one that a person asked for.
    #[serde(default)]
    pub depth: u32,
    /// Until when the caller waits for an answer, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_by: Option<Millis>,
    /// The id that the caller knows the run by (`clientTrackingId`), where it is another than the run's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_id: Option<String>,
    /// The run that this one repeats, if it is a resubmission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmit_of: Option<String>,
    /// The action that a resubmission begins with, if it is not the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resubmit_from: Option<String>,
    /// What ended in the other run and does not run anew: its events, as those of this run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<Event>,
}

/// What failed in an action or a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionError {
    /// Stable code.
    pub code: String,
    /// What failed and what to do.
    pub message: String,
}

impl ActionError {
    /// An error of this code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

impl Opened {
    /// The id that the caller knows the run by (`clientTrackingId`).
    pub fn client_tracking_id(&self) -> &str {
        self.tracking_id.as_deref().unwrap_or(&self.run)
    }
}

impl Event {
    /// When it happened.
    pub fn at(&self) -> Millis {
        match self {
            Self::Opened(opened) => opened.at,
            Self::Entered { at, .. }
            | Self::Looped { at, .. }
            | Self::Called { at, .. }
            | Self::Retrying { at, .. }
            | Self::Polling { at, .. }
            | Self::Held { at, .. }
            | Self::Released { at, .. }
            | Self::Repeated { at, .. }
            | Self::Paused { at, .. }
            | Self::Subscribed { at, .. }
            | Self::Ended { at, .. }
            | Self::Cancelling { at, .. }
            | Self::Closed { at, .. } => *at,
        }
    }

    /// The execution of an action that it is about, if it is about one.
    pub fn node_mut(&mut self) -> Option<&mut NodeId> {
        match self {
            Self::Entered { node, .. }
            | Self::Looped { node, .. }
            | Self::Called { node, .. }
            | Self::Retrying { node, .. }
            | Self::Polling { node, .. }
            | Self::Held { node, .. }
            | Self::Released { node, .. }
            | Self::Repeated { node, .. }
            | Self::Paused { node, .. }
            | Self::Subscribed { node, .. }
            | Self::Ended { node, .. } => Some(node),
            Self::Closed { by, .. } => by.as_mut(),
            Self::Opened(_) | Self::Cancelling { .. } => None,
        }
    }

    /// Every payload of the event.
    pub fn payloads_mut(&mut self) -> Vec<&mut Payload> {
        match self {
            Self::Opened(opened) => {
                let mut all = vec![&mut opened.outputs];
                let given = opened.parameters.iter_mut().chain(&mut opened.settings);
                all.extend(given.map(|(_, payload)| payload));
                all.extend(opened.carried.iter_mut().flat_map(Event::payloads_mut));
                all
            }
            Self::Entered { inputs, .. } => inputs.iter_mut().collect(),
            Self::Called {
                inputs, credentials, ..
            } => inputs.iter_mut().chain(credentials.iter_mut()).collect(),
            Self::Looped { items, .. } => vec![items],
            Self::Ended {
                inputs,
                outputs,
                tracked,
                ..
            } => {
                let all = inputs.iter_mut().chain(outputs.iter_mut());
                all.chain(tracked.iter_mut()).collect()
            }
            Self::Closed { outputs, .. } => outputs.iter_mut().collect(),
            Self::Polling { location, .. } => vec![location],
            Self::Paused { inputs, .. } => vec![inputs],
            Self::Subscribed {
                outputs, unsubscribe, ..
            } => [outputs].into_iter().chain(unsubscribe).collect(),
            Self::Retrying { .. }
            | Self::Held { .. }
            | Self::Released { .. }
            | Self::Repeated { .. }
            | Self::Cancelling { .. } => Vec::new(),
        }
    }
}
