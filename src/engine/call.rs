//! Calls to services: what the core asks for and what comes back. The engine hands a [`Call`] to [`Services`],
//! whose implementation knows connectors, credentials and HTTP.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::approval::Approval;
use crate::expression::{Object, Value};
use crate::store::{Millis, Operation};

/// One call to a service. Its debug text leaves out what may be secret.
#[derive(Clone, PartialEq)]
pub struct Call {
    /// The same for every repetition of this call: run, action, iteration, attempt group.
    pub idempotency_key: String,
    /// The run that asks.
    pub run: String,
    /// Namespace of the playbook.
    pub namespace: String,
    /// Name of the playbook.
    pub playbook: String,
    /// Name of the action.
    pub action: String,
    /// How many changes by automation led to the run: what it changes is one more.
    pub depth: u32,
    /// Whom to call.
    pub target: Target,
    /// `GET`, `POST` and so on, in capitals.
    pub method: String,
    /// Path of the connector's operation, or the whole URI.
    pub path: String,
    /// Query parameters, not yet encoded.
    pub queries: Vec<(String, String)>,
    /// Headers, as the action gives them.
    pub headers: Vec<(String, String)>,
    /// Body as the action gives it; `None` sends none.
    pub body: Option<Value>,
    /// The `authentication` object of the action, with its values.
    pub authentication: Option<Value>,
    /// Next pages are fetched until there are this many items.
    pub minimum_items: Option<u32>,
    /// Whether the body goes out in parts.
    pub chunked: bool,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// The action that waits to be called back, if it does.
    pub callback: Option<Callback>,
    /// The span that the call belongs to (W3C `traceparent`); empty for none.
    pub traceparent: String,
}

/// An action that waits to be called back: what its callback URL leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The execution of the action, as links name it.
    pub node: String,
    /// When the action stops waiting.
    pub expires: Millis,
    /// Whether services reach this Riposte at all. Without it only Riposte itself can call back.
    pub is_reachable: bool,
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("idempotency_key", &self.idempotency_key)
            .field("target", &self.target.name())
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Whom to call.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The URI itself (action type `Http`).
    Http,
    /// An ApiConnection of the playbook's namespace, by name (action types `ApiConnection` and `Function`).
    Connection(String),
    /// An operation of an ApiConnection by its id (action type `OpenApiConnection`); it gives method and path.
    Operation {
        /// The ApiConnection.
        connection: String,
        /// Id of the operation.
        operation: String,
        /// The operation's parameters by name; a member of an object parameter may be given as `parameter/member`.
        parameters: Object,
    },
    /// Another playbook, by ARM id or name (action type `Workflow`).
    Playbook(String),
    /// A playbook that collects messages (action type `SendToBatch`); the call's body is the message.
    Batch {
        /// The playbook, by ARM id or name.
        playbook: String,
        /// Name of the batch.
        batch: String,
        /// Partition of the batch.
        partition: String,
        /// Identity of the message.
        message_id: String,
    },
    /// JavaScript (action type `JavaScriptCode`).
    Script {
        /// Its text.
        code: String,
        /// What it sees as `workflowContext`.
        context: Value,
    },
}

impl Target {
    /// What it is, without what it carries.
    pub fn name(&self) -> &str {
        match self {
            Self::Http => "Http",
            Self::Connection(connection) | Self::Operation { connection, .. } => connection,
            Self::Playbook(playbook) | Self::Batch { playbook, .. } => playbook,
            Self::Script { .. } => "JavaScriptCode",
        }
    }
}

/// Bytes of bodies that went over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Sent to the service.
    pub sent: u64,
    /// Received from it, decompressed.
    pub received: u64,
}

impl std::ops::AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.sent = self.sent.saturating_add(other.sent);
        self.received = self.received.saturating_add(other.received);
    }
}

/// What a service answered: any HTTP status.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers; repeated ones joined by a comma.
    pub headers: Object,
    /// Body, typed by its content type; `None` when empty.
    pub body: Option<Value>,
    /// What went over the wire for it.
    pub traffic: Traffic,
    /// Changes of Riposte's own incidents; they commit together with the end of the action, so they happen exactly once.
    pub writes: Vec<Operation>,
    /// What people are asked; stored together with the event that says so.
    pub asks: Option<Box<Approval>>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// Stable code, such as `ServiceUnreachable`, `EgressDenied`, `ConnectionNotFound`, `OperationNotFound`.
    pub code: String,
    /// What failed, at which host, and what to do; never a secret.
    pub message: String,
    /// Whether the retry policy applies: connection failures and time-outs are retried, refusals are not.
    pub retryable: bool,
    /// Whether the service may have received the call.
    pub reached: bool,
}

/// A call that has to wait before it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Stable code, such as `ConnectionLimit` or `RetryAfter`.
    pub code: &'static str,
    /// Why, for people; never a secret.
    pub message: String,
    /// When to ask again.
    pub until: Millis,
}

/// What holds a call that would change something outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brake {
    /// The actions of its connection are paused.
    Paused {
        /// The ApiConnection.
        connection: String,
    },
    /// It names something that is not to be touched.
    Protected {
        /// The ApiConnection that says so.
        connection: String,
        /// What.
        value: String,
    },
    /// Its operation may be called so often only.
    Limit {
        /// The ApiConnection.
        connection: String,
        /// Id of the operation.
        operation: String,
        /// Calls in any window.
        most: u32,
        /// Length of the window.
        window_seconds: u32,
    },
}

/// What a call takes while it is under way, such as one of the places of a connection; dropping it gives that back.
pub type Place = Box<dyn Send>;

/// Whether a call may be made.
pub enum Admission {
    /// It may, with what it takes.
    Go(Option<Place>),
    /// Not yet.
    Wait(Hold),
}

/// The outside world of a run.
#[async_trait]
pub trait Services: Send + Sync {
    /// Performs one attempt of a call.
    async fn call(&self, call: &Call) -> Result<Answer, CallError>;

    /// Whether a call may be made at this time. Asked once before each attempt, and again when a wait is over.
    fn admit(&self, call: &Call, now: Millis) -> Admission;

    /// Whether a call would change something outside; Riposte's own incidents are not.
    fn changes(&self, call: &Call) -> bool;

    /// What holds a call that would change something, of its connection's brakes.
    fn brakes(&self, call: &Call) -> Vec<Brake>;

    /// Whether the operation may be repeated after its outcome was lost: by its real HTTP method, or because
    /// the connector declares it.
    fn safe_to_repeat(&self, call: &Call) -> bool;

    /// Whether an answer stands ready for a call that the engine would perform itself, of a playbook or a script: a
    /// mock.
    fn stands_in(&self, _call: &Call) -> bool {
        false
    }
}
