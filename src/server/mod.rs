//! The HTTP server: intake for senders, views for people and programs. Everything in it is a thin shell over the desk of
//! incidents, the engine and the store. Invariants: an answer of success comes after the commit; a token reaches only its
//! workspace; text from outside is escaped wherever it is shown; no secret is logged or answered.

mod authenticate;
mod body;
mod callbacks;
mod caller;
mod evaluation;
mod gate;
mod health;
mod html;
mod incidents;
mod intake;
mod invoke;
pub mod journal;
mod listener;
mod metrics;
mod page;
mod params;
mod problem;
mod runs;
mod start;
mod state;
mod token;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};

pub use authenticate::{Access, Authenticate, Identity, Unchecked};
pub use listener::serve;
pub use metrics::Measures;
pub use state::{Readiness, ServerState, Settings};
pub use token::{Reach, Tokens, UnusableToken};

/// The routes of the server, with the gate that every request passes.
pub fn router(state: ServerState) -> Router {
    let max_body = state.settings.max_body;
    let gate = middleware::from_fn_with_state(state.clone(), gate::pass);
    // Behind an API server it has a listener of its own.
    let journal = match &state.catalog {
        Some(_) => journal::routes(state.clone()),
        None => Router::new(),
    };
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::text))
        .merge(intake::routes())
        .route("/v1/workspaces/{ws}/incidents", get(incidents::list))
        .route("/v1/workspaces/{ws}/incidents/{incident}", get(incidents::one))
        .route("/v1/workspaces/{ws}/playbooks/{playbook}/runs", post(start::playbook))
        .route(
            "/v1/namespaces/{ns}/playbooks/{playbook}/triggers/{trigger}/listCallbackUrl",
            post(invoke::link),
        )
        .route("/v1/runs", get(runs::list))
        .route("/v1/runs/{run}", get(runs::one))
        .route("/v1/runs/{run}/events", get(runs::events))
        .route("/v1/runs/{run}/cancel", post(runs::cancel))
        .route("/workspaces/{ws}/incidents/{incident}", get(page::incident::incident))
        .route("/namespaces/{ws}/runs/{run}", get(page::run::run))
        .fallback(nothing)
        .layer(middleware::map_response(gate::with_details))
        .merge(callbacks::routes())
        .merge(page::approval::routes())
        .with_state(state)
        .merge(journal)
        .layer(DefaultBodyLimit::max(max_body))
        .layer(gate)
}

/// No route leads to a path; the answer gets its details with all others.
async fn nothing() -> StatusCode {
    StatusCode::NOT_FOUND
}
