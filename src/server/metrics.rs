//! What the process measures, for Prometheus. It names no object and needs no token.

use async_trait::async_trait;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

use super::problem::{Kind, Problem};
use super::state::ServerState;
use crate::store::Store;

/// The type of the text.
const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Measures of a process.
#[async_trait]
pub trait Measures: Send + Sync {
    /// Their text in the OpenMetrics form.
    ///
    /// # Errors
    /// The store does not answer.
    async fn text(&self, store: &Store) -> Result<String, String>;
}

/// `GET /metrics`.
pub(super) async fn text(
    State(state): State<ServerState>,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let measures = state.measures.as_ref();
    let measures = measures.ok_or_else(|| Problem::new(Kind::NotFound, "this process measures nothing"))?;
    let text = measures.text(&state.store).await;
    let text = text.map_err(|reason| {
        tracing::error!(reason, "the measures could not be read");
        Problem::new(Kind::Unavailable, "the store does not answer")
    })?;
    Ok(([(CONTENT_TYPE, CONTENT)], text))
}
