//! Calls to services: what the core asks for and what comes back. The engine hands a [`Call`] to [`Services`],
//! whose implementation knows connectors, credentials and HTTP.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::expression::{Object, Value};
use crate::store::Operation;

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
    /// How long one attempt may take.
    pub timeout: Duration,
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("idempotency_key", &self.idempotency_key)
            .field("target", &self.target)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The URI itself (action type `Http`).
    Http,
    /// An ApiConnection of the playbook's namespace, by name (action type `ApiConnection`).
    Connection(String),
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
    /// Changes of Riposte's own incidents; they commit together with the end of the action, so they happen exactly once.
    pub writes: Vec<Operation>,
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

/// The outside world of a run.
#[async_trait]
pub trait Services: Send + Sync {
    /// Performs one attempt of a call.
    async fn call(&self, call: &Call) -> Result<Answer, CallError>;

    /// Whether the operation may be repeated after its outcome was lost: by its real HTTP method, or because
    /// the connector declares it.
    fn safe_to_repeat(&self, call: &Call) -> bool;
}
