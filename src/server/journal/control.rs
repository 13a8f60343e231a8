//! What is done with a run through this API: it is cancelled, repeated, forgotten.
//! Invariant: a run that goes on is never forgotten.

use axum::extract::Request;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::access::Asker;
use super::request::{Collection, GROUP};
use super::status::Failure;
use crate::engine::Haste;
use crate::engine::resubmit::Resubmission;
use crate::server::body;
use crate::server::state::ServerState;
use crate::store::{Error, Forget, Operation, Refusal, RunRow, Transaction};

/// The longest key of a wish.
const KEY_MAX: usize = 256;

/// How a run is cancelled; nothing at all means gracefully.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Cancellation {
    /// Passed over: what every object of Kubernetes has.
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    /// Whether calls in flight are broken off.
    now: bool,
}

/// How a run is repeated; nothing at all means as a whole, with the definition of today.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Wish {
    /// Passed over: what every object of Kubernetes has.
    #[serde(rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    /// Whether the new run has the definition of the other one.
    pinned: bool,
    /// The action that it begins with.
    from_action: Option<String>,
    /// The same wish with the same key makes one run.
    idempotency_key: Option<String>,
}

/// How soon a run is to end, by the body of the request.
pub(super) async fn haste(state: &ServerState, request: Request) -> Result<Haste, Failure> {
    let cancellation: Cancellation = read(state, request).await?;
    Ok(match cancellation.now {
        true => Haste::Now,
        false => Haste::Gracefully,
    })
}

/// Repeats a run; when this returns, the new one is on the disk.
pub(super) async fn resubmit(
    state: &ServerState,
    asker: &Asker,
    row: &RunRow,
    request: Request,
) -> Result<RunRow, Failure> {
    let wish: Wish = read(state, request).await?;
    let is_short = |key: &String| (1..=KEY_MAX).contains(&key.len());
    if !wish.idempotency_key.as_ref().is_none_or(is_short) {
        let message = format!("`idempotencyKey` has between 1 and {KEY_MAX} bytes");
        return Err(Failure::malformed(message));
    }
    let resubmission = Resubmission {
        run: row.id.clone(),
        requester: asker.requester(),
        is_pinned: wish.pinned,
        from: wish.from_action,
        key: wish.idempotency_key,
    };
    let made = state.engine.resubmit(&resubmission).await?;
    let row = state.store.run(&made).await?;
    row.ok_or_else(|| Failure::missing(GROUP, Collection::Runs.plural(), &made))
}

/// Forgets a run that has ended, with its journal and all values, and lets its object go.
pub(super) async fn delete(state: &ServerState, row: &RunRow) -> Result<Value, Failure> {
    let forget = Operation::Forget(Forget::Runs {
        runs: vec![row.id.clone()],
        is_told: true,
    });
    let operations = vec![forget];
    match state.store.commit(Transaction { operations }).await {
        Ok(_) => {}
        Err(Error::Refused(Refusal::StaleRun(_))) => {
            let message = format!("run \"{}\" goes on, or is forgotten already; cancel it first", row.id);
            return Err(Failure::new(StatusCode::CONFLICT, message));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": { "group": GROUP, "kind": Collection::Runs.plural(), "name": row.id, "uid": row.id },
    }))
}

/// The body of a request, which may be left out.
async fn read<T: Default + DeserializeOwned>(state: &ServerState, request: Request) -> Result<T, Failure> {
    let text = body::bytes(request, &state.settings).await?;
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    serde_json::from_slice(&text).map_err(|error| Failure::malformed(error.to_string()))
}
