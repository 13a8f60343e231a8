//! The aggregated API `journal.riposte.dev`: runs and incidents in full, starting, cancelling and resubmitting, under the paths
//! and in the forms of a Kubernetes API. A cluster's API server calls it for people whom it has authenticated; `dev`
//! serves the same paths to the holder of its token. Invariant: nobody gets an answer before both who asks and whether
//! they may are known, and nothing secure is shown.

mod access;
mod answer;
mod approval;
mod brake;
mod certificate;
mod control;
mod discovery;
mod identity;
mod incident;
mod log;
mod objects;
mod proxy;
mod query;
mod request;
mod review;
mod run;
mod start;
mod status;
mod table;
mod trust;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use access::{Reviewer, Undecided};
pub use certificate::{Certificate, CertificateError};
pub use identity::User;
pub use proxy::serve;
pub use request::{Attributes, GROUP};
pub use review::{AccessReviews, publish, read_trust, watch_trust};
pub use trust::{Trust, TrustError};

use super::state::ServerState;
use crate::store::Millis;
use access::Door;

/// What a request to this API needs.
#[derive(Clone)]
struct Journal {
    state: ServerState,
    door: Door,
}

/// The routes on the plain listener, for the holder of a token.
pub(super) fn routes(state: ServerState) -> Router {
    of(Journal {
        state,
        door: Door::Token,
    })
}

fn of(journal: Journal) -> Router {
    Router::new()
        .route("/apis", any(answer))
        .route("/apis/{*rest}", any(answer))
        .with_state(journal)
}

async fn answer(State(journal): State<Journal>, request: Request) -> Response {
    match answer::answer(&journal, request).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    }
}

/// The metadata of an object.
fn metadata(namespace: &str, name: &str, uid: &str, created_at: Millis) -> Value {
    let created = Timestamp::from_second(created_at.div_euclid(1_000)).unwrap_or_default();
    json!({ "name": name, "namespace": namespace, "uid": uid, "creationTimestamp": created.to_string() })
}
