//! Who a bearer token is, and what its holder may do in a workspace: known tokens with their reach, or whatever the
//! house around the server asks, such as the API server of a cluster.

use std::sync::Arc;

use async_trait::async_trait;

use super::token::{Reach, Tokens};

/// What a request wants to do in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Deliver alerts and incidents.
    Deliver,
    /// Read incidents, and which runs there are.
    Read,
    /// Read what went into the actions of runs and came out of them.
    Inspect,
    /// Start a playbook.
    Start,
    /// End a run, or forget it.
    Cancel,
    /// Decide what a run asks.
    Approve,
    /// Pause actions, or let go on what brakes hold.
    Brake,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name, as runs name their requester.
    pub name: Arc<str>,
    /// The groups, where the house knows groups.
    pub groups: Vec<String>,
    /// The workspaces that the token can be for at all.
    pub reach: Reach,
}

/// Nobody can say who asks or what they may do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token cannot be checked: {0}")]
pub struct Unchecked(pub String);

/// Tells who asks, and what they may.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// Whose token it is; `None` if nobody's.
    ///
    /// # Errors
    /// Nobody can say at the moment.
    async fn identify(&self, token: &str) -> Result<Option<Identity>, Unchecked>;

    /// Whether they may do this in a workspace, or in every one where none is named.
    ///
    /// # Errors
    /// Nobody can say at the moment.
    async fn may(&self, identity: &Identity, access: Access, workspace: Option<&str>) -> Result<bool, Unchecked>;
}

/// A known token may do everything in the workspaces that it reaches.
#[async_trait]
impl Authenticate for Tokens {
    async fn identify(&self, token: &str) -> Result<Option<Identity>, Unchecked> {
        let found = self.find(token).map(|(name, reach)| Identity {
            name,
            groups: Vec::new(),
            reach,
        });
        Ok(found)
    }

    async fn may(&self, identity: &Identity, _: Access, workspace: Option<&str>) -> Result<bool, Unchecked> {
        Ok(match workspace {
            Some(workspace) => identity.reach.includes(workspace),
            None => identity.reach == Reach::All,
        })
    }
}
