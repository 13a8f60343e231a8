//! The calls of a subscription as the store keeps them: whole, because the playbook may be gone when it is taken back.

use serde::{Deserialize, Serialize};

use crate::definition::Limits;
use crate::engine::actions::call::attempt_timeout;
use crate::engine::call::{Call, Target};
use crate::expression::Value;
use crate::store::{Error as StoreError, Sealer, SubscriptionKey};

/// The header by which a service knows a call that it had before.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The calls that are left to make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calls {
    /// The one that makes it, until it was answered well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<KeptCall>,
    /// The one that takes it back, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<KeptCall>,
}

/// A call without what its place says.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptCall {
    /// The ApiConnection; `None` means that `path` is a URI.
    connection: Option<String>,
    method: String,
    path: String,
    queries: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    authentication: Option<Value>,
}

impl std::fmt::Debug for KeptCall {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Everything else may be secret.
        let mut shown = formatter.debug_struct("KeptCall");
        shown.field("method", &self.method).finish_non_exhaustive()
    }
}

impl KeptCall {
    /// What is kept of a call.
    pub fn of(call: Call) -> Self {
        let connection = match call.target {
            Target::Connection(connection) => Some(connection),
            // Triggers call nothing else.
            Target::Http
            | Target::Operation { .. }
            | Target::Playbook(_)
            | Target::Batch { .. }
            | Target::Script { .. } => None,
        };
        Self {
            connection,
            method: call.method,
            path: call.path,
            queries: call.queries,
            headers: call.headers,
            body: call.body,
            authentication: call.authentication,
        }
    }

    /// The call that forgets what a connection's service made at a location of its own.
    pub fn forgetting(&self, location: &str) -> Option<Self> {
        self.connection.as_ref()?;
        Some(Self {
            connection: self.connection.clone(),
            method: "DELETE".to_owned(),
            path: location.to_owned(),
            queries: Vec::new(),
            headers: Vec::new(),
            body: None,
            authentication: None,
        })
    }

    /// The call again, with the key of its repetitions.
    pub fn call(&self, key: &SubscriptionKey, id: &str, idempotency_key: String) -> Call {
        let mut headers = self.headers.clone();
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(IDEMPOTENCY_KEY))
        {
            headers.push((IDEMPOTENCY_KEY.to_owned(), idempotency_key.clone()));
        }
        Call {
            idempotency_key,
            run: id.to_owned(),
            depth: 0,
            namespace: key.namespace.clone(),
            playbook: key.playbook.clone(),
            action: key.trigger.clone(),
            target: self.connection.clone().map_or(Target::Http, Target::Connection),
            method: self.method.clone(),
            path: self.path.clone(),
            queries: self.queries.clone(),
            headers,
            body: self.body.clone(),
            authentication: self.authentication.clone(),
            minimum_items: None,
            chunked: false,
            callback: None,
            timeout: attempt_timeout(&Limits::default()),
            traceparent: String::new(),
        }
    }
}

impl Calls {
    /// The calls as the store holds them.
    pub fn seal(&self, sealer: &Sealer, key: &SubscriptionKey) -> Vec<u8> {
        // Texts and values always have a JSON form.
        let plain = serde_json::to_vec(self).unwrap_or_default();
        sealer.seal(&key.path(), &plain)
    }

    /// The calls that the store holds.
    ///
    /// # Errors
    /// They were sealed with another key, or for another subscription.
    pub fn open(sealer: &Sealer, key: &SubscriptionKey, sealed: &[u8]) -> Result<Self, StoreError> {
        let plain = sealer.open(&key.path(), sealed)?;
        serde_json::from_slice(&plain).map_err(|error| StoreError::Database(error.to_string()))
    }
}
