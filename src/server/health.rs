//! Whether the process lives, and whether it can serve. Neither needs a token, neither says anything of the data.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::problem::{Kind, Problem};
use super::state::ServerState;

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`: depends on nothing.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: the store answers, and what else the house needs is there.
pub(super) async fn ready(State(state): State<ServerState>) -> Result<Json<Value>, Problem> {
    if let Some(missing) = state.readiness.as_ref().and_then(|readiness| readiness.missing()) {
        return Err(Problem::new(Kind::Unavailable, missing));
    }
    match tokio::time::timeout(PATIENCE, state.store.next_wake()).await {
        Ok(Ok(_)) => Ok(Json(json!({ "status": "ready" }))),
        Ok(Err(error)) => {
            tracing::error!(%error, "the store does not answer");
            Err(Problem::new(Kind::Unavailable, "the store does not answer"))
        }
        Err(_) => Err(Problem::new(Kind::Unavailable, "the store is too slow to answer")),
    }
}
