//! Brakes on what runs change outside: pausing it, and letting go on what is held.

use axum::extract::Request;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::access::Asker;
use super::request::{GROUP, Wish};
use super::status::Failure;
use crate::api::VERSION;
use crate::server::body;
use crate::server::state::ServerState;
use crate::store::RunRow;

/// What is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Release {
    /// Passed over: what every object of Kubernetes has.
    #[serde(default, rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(default, rename = "kind")]
    _kind: Option<String>,
    /// Name of the action.
    action: String,
}

/// Lets the calls of an action of a run go on that brakes hold; when this returns, the wish is on the disk.
pub(super) async fn release(state: &ServerState, asker: &Asker, row: &RunRow, request: Request) -> Result<(), Failure> {
    let text = body::read(request, &state.settings).await?;
    let release: Release = serde_json::from_slice(&text).map_err(|error| Failure::malformed(error.to_string()))?;
    state
        .engine
        .release(&row.id, &release.action, &asker.requester())
        .await?;
    Ok(())
}

/// Pauses the actions of a namespace, or of all where none is named, or lets them go on.
pub(super) async fn pause(
    state: &ServerState,
    asker: &Asker,
    namespace: Option<String>,
    wish: Wish,
) -> Result<Json, Failure> {
    let by = asker.requester();
    match wish {
        Wish::Pause => state.engine.pause(namespace.as_deref(), &by).await?,
        Wish::Unpause => state.engine.unpause(namespace.as_deref(), &by).await?,
    }
    Ok(json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "Pause",
        "metadata": { "name": "actions", "namespace": namespace },
        "status": { "paused": wish == Wish::Pause, "by": by },
    }))
}
