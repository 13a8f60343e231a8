//! The query of a request as a type; what cannot be read is a problem that says so.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::{Kind, Problem};
use super::state::ServerState;

/// How many things a list has if nobody says.
const LIMIT_DEFAULT: u32 = 50;
/// How many things a list has at most.
const LIMIT_MAX: u32 = 1_000;

/// The query of a request.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<ServerState> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &ServerState) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri);
        query
            .map(|Query(query)| Self(query))
            .map_err(|error| Problem::new(Kind::Malformed, error.body_text()))
    }
}

/// The length of a list that asks for `limit`.
pub(super) fn limit(limit: Option<u32>) -> u32 {
    limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX)
}
