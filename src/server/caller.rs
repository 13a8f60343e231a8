//! Who asks, and for which workspace: read from the token and the path before anything else of a request is looked at.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::problem::{Kind, Problem};
use super::state::ServerState;
use super::token::{Reach, is_dns_label};

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    name: Arc<str>,
    pub(super) reach: Reach,
}

impl Caller {
    /// As runs name their requester.
    pub(super) fn requester(&self) -> String {
        format!("user/{}", self.name)
    }
}

impl FromRequestParts<ServerState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let token = bearer(parts).ok_or_else(|| {
            Problem::new(
                Kind::Unauthenticated,
                "send one header `Authorization: Bearer` with a token",
            )
        })?;
        let found = state.settings.tokens.find(token);
        let (name, reach) = found.ok_or_else(|| Problem::new(Kind::Unauthenticated, "the token is not known"))?;
        Ok(Self { name, reach })
    }
}

/// The token of the one `Authorization` header.
fn bearer(parts: &Parts) -> Option<&str> {
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let (header, None) = (headers.next()?, headers.next()) else {
        return None;
    };
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The workspace of the path, which the caller reaches.
#[derive(Clone, Debug)]
pub(super) struct Workspace {
    pub(super) name: String,
    pub(super) caller: Caller,
}

impl FromRequestParts<ServerState> for Workspace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let name = workspace(parts, state).await?;
        if !caller.reach.includes(&name) {
            let detail = format!("the token is for another workspace than '{name}'");
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        Ok(Self { name, caller })
    }
}

/// The workspace of a page, whose reader has a token or needs none.
#[derive(Clone, Debug)]
pub(super) struct OpenWorkspace(pub(super) String);

impl FromRequestParts<ServerState> for OpenWorkspace {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        if state.settings.open_pages && state.settings.loopback_port.is_some() {
            return Ok(Self(workspace(parts, state).await?));
        }
        Ok(Self(Workspace::from_request_parts(parts, state).await?.name))
    }
}

async fn workspace(parts: &mut Parts, state: &ServerState) -> Result<String, Problem> {
    let malformed = || Problem::new(Kind::Malformed, "the name of a workspace is a DNS label");
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| malformed())?;
    let name = params.iter().find(|(name, _)| *name == "ws").map(|(_, value)| value);
    name.filter(|name| is_dns_label(name))
        .map(str::to_owned)
        .ok_or_else(malformed)
}
