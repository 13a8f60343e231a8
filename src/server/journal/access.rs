//! Who asks and whether they may. On the plain listener a token tells both; behind the API server its headers tell who
//! asks, and RBAC tells whether they may. Invariant: a question that nobody answers is no permission.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use tokio::sync::watch;

use super::identity::User;
use super::request::Attributes;
use super::status::Failure;
use super::trust::Trust;
use crate::server::authenticate::Access;
use crate::server::caller::Caller;
use crate::server::state::ServerState;

/// Why nobody can say whether a user may do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("permissions cannot be asked for: {0}")]
pub struct Undecided(pub String);

/// Decides what a user may do.
#[async_trait]
pub trait Reviewer: Send + Sync {
    /// Whether the user may.
    ///
    /// # Errors
    /// Who decides does not answer.
    async fn allows(&self, user: &User, what: &Attributes) -> Result<bool, Undecided>;
}

/// How callers get in.
#[derive(Clone)]
pub(super) enum Door {
    /// By a token of the server.
    Token,
    /// By the API server, whose certificate was checked before its request was read.
    FrontProxy {
        trust: watch::Receiver<Arc<Trust>>,
        reviewer: Arc<dyn Reviewer>,
    },
}

/// Who asks, with what decides what they may do.
pub(super) enum Asker {
    Holder(Caller),
    User(User, Arc<dyn Reviewer>),
}

impl Door {
    /// Whether the objects of the catalog are served too: an API server has its own.
    pub(super) fn shows_objects(&self) -> bool {
        match self {
            Self::Token => true,
            Self::FrontProxy { .. } => false,
        }
    }

    /// Who asks.
    pub(super) async fn asker(&self, parts: &mut Parts, state: &ServerState) -> Result<Asker, Failure> {
        match self {
            Self::Token => {
                let caller = Caller::from_request_parts(parts, state).await?;
                Ok(Asker::Holder(caller))
            }
            Self::FrontProxy { trust, reviewer } => {
                let user = User::read(&parts.headers, &trust.borrow());
                let missing = || Failure::new(StatusCode::UNAUTHORIZED, "the API server names no user");
                Ok(Asker::User(user.ok_or_else(missing)?, reviewer.clone()))
            }
        }
    }
}

impl Asker {
    /// As runs name their requester.
    pub(super) fn requester(&self) -> String {
        match self {
            Self::Holder(caller) => caller.requester(),
            Self::User(user, _) => format!("user/{}", user.name),
        }
    }

    /// Lets pass what the asker may do.
    pub(super) async fn admit(&self, state: &ServerState, what: &Attributes) -> Result<(), Failure> {
        let (name, is_allowed) = match self {
            Self::Holder(caller) => {
                let may = caller.may(state, access(what), what.namespace.as_deref());
                (caller.requester(), may.await?)
            }
            Self::User(user, reviewer) => {
                let undecided = |error: Undecided| {
                    tracing::warn!(%error, "a request to the aggregated API cannot be decided");
                    Failure::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
                };
                (user.name.clone(), reviewer.allows(user, what).await.map_err(undecided)?)
            }
        };
        if is_allowed {
            Ok(())
        } else {
            Err(Failure::forbidden(&name, what))
        }
    }
}

/// What the attributes come to for the holder of a token.
fn access(what: &Attributes) -> Access {
    match (what.verb, what.subresource) {
        ("get", Some("links")) | ("approve", _) | (_, Some("approve")) => Access::Approve,
        ("get", Some("actions")) => Access::Inspect,
        ("get" | "list", _) => Access::Read,
        ("delete", _) | (_, Some("cancel")) => Access::Cancel,
        (_, Some("release" | "pause" | "unpause")) => Access::Brake,
        _ => Access::Start,
    }
}
