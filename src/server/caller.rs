//! Who asks, and for which workspace: read from the token and the path before anything else of a request is looked at.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::authenticate::{Access, Identity};
use super::problem::{Kind, Problem};
use super::state::ServerState;
use super::token::is_dns_label;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) identity: Identity,
}

impl Caller {
    /// As runs name their requester.
    pub(super) fn requester(&self) -> String {
        format!("user/{}", self.identity.name)
    }

    /// Whether the caller may do this in a workspace, or in every one where none is named.
    pub(super) async fn may(
        &self,
        state: &ServerState,
        access: Access,
        workspace: Option<&str>,
    ) -> Result<bool, Problem> {
        Ok(state.authenticate.may(&self.identity, access, workspace).await?)
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
        let identity = state.authenticate.identify(token).await?;
        let identity = identity.ok_or_else(|| Problem::new(Kind::Unauthenticated, "the token is not known"))?;
        Ok(Self { identity })
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

/// What a route does in its workspace. Types, so that no handler can have a workspace without its access checked.
pub(super) trait Purpose: Send {
    const ACCESS: Access;
}

/// Delivers.
#[derive(Clone, Debug)]
pub(super) struct Deliver;

/// Reads.
#[derive(Clone, Debug)]
pub(super) struct Read;

/// Reads what went into the actions of runs and came out of them.
#[derive(Clone, Debug)]
pub(super) struct Inspect;

/// Starts a playbook.
#[derive(Clone, Debug)]
pub(super) struct Start;

impl Purpose for Deliver {
    const ACCESS: Access = Access::Deliver;
}

impl Purpose for Read {
    const ACCESS: Access = Access::Read;
}

impl Purpose for Inspect {
    const ACCESS: Access = Access::Inspect;
}

impl Purpose for Start {
    const ACCESS: Access = Access::Start;
}

/// The workspace of the path, in which the caller may do what the route does.
#[derive(Clone, Debug)]
pub(super) struct Workspace<P> {
    pub(super) name: String,
    pub(super) caller: Caller,
    purpose: PhantomData<P>,
}

impl<P: Purpose> FromRequestParts<ServerState> for Workspace<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let name = workspace(parts, state).await?;
        if !caller.may(state, P::ACCESS, Some(&name)).await? {
            let detail = if caller.identity.reach.includes(&name) {
                format!("the account has no permission for this in the workspace '{name}'")
            } else {
                format!("the token is for another workspace than '{name}'")
            };
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        Ok(Self {
            name,
            caller,
            purpose: PhantomData,
        })
    }
}

/// The workspace of a page, whose reader has a token or needs none.
#[derive(Clone, Debug)]
pub(super) struct OpenWorkspace<P> {
    pub(super) name: String,
    purpose: PhantomData<P>,
}

impl<P: Purpose> FromRequestParts<ServerState> for OpenWorkspace<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ServerState) -> Result<Self, Problem> {
        let name = match state.settings.open_pages && state.settings.loopback_port.is_some() {
            true => workspace(parts, state).await?,
            false => Workspace::<P>::from_request_parts(parts, state).await?.name,
        };
        let purpose = PhantomData;
        Ok(Self { name, purpose })
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
