//! Callers in a cluster: their tokens are reviewed by the API server, and so is what they may. A sender needs the verb
//! `create` on the virtual resource `alerts` in the namespace of its workspace.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::permit::Reviews;
use super::resource::PLAYBOOK;
use crate::api::GROUP;
use crate::grants::RUN_VERB;
use crate::server::journal::{Attributes, GROUP as JOURNAL, User};
use crate::server::{Access, Authenticate, Identity, Reach, Unchecked};

/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a reviewed token counts.
const FRESH: Duration = Duration::from_secs(10);
/// How many reviewed tokens are kept.
const KEPT_MAX: usize = 4_096;

/// Authenticates by the API server. Only digests of tokens are kept.
pub struct ClusterCallers {
    client: Client,
    reviews: Reviews,
    kept: Mutex<HashMap<Digested, Reviewed>>,
}

/// SHA-256 of a token.
type Digested = [u8; 32];
/// When a token was reviewed, and whose it is.
type Reviewed = (Instant, Option<Identity>);

impl ClusterCallers {
    /// Callers of this cluster.
    pub fn new(client: Client, reviews: Reviews) -> Self {
        Self {
            client,
            reviews,
            kept: Mutex::default(),
        }
    }

    async fn review(&self, token: &str) -> Result<Option<Identity>, Unchecked> {
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: Some(token.to_owned()),
                audiences: None,
            },
            ..TokenReview::default()
        };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let parameters = PostParams::default();
        let answered = tokio::time::timeout(PATIENCE, api.create(&parameters, &review)).await;
        let answered = answered.map_err(|_| Unchecked("the API server is too slow to answer".to_owned()))?;
        let answered = answered.map_err(|error| Unchecked(error.to_string()))?;
        let status = answered.status.filter(|status| status.authenticated == Some(true));
        Ok(status.and_then(|status| status.user).map(|user| Identity {
            name: user.username.unwrap_or_default().into(),
            groups: user.groups.unwrap_or_default(),
            reach: Reach::All,
        }))
    }
}

/// The verb and the resource that an access needs.
fn needed(access: Access) -> Attributes {
    let (verb, resource) = match access {
        Access::Deliver => ("create", "alerts"),
        Access::Read => ("get", "incidents"),
        Access::Inspect => ("get", "runs"),
        Access::Start => (RUN_VERB, PLAYBOOK.plural),
        Access::Cancel => ("patch", "playbookruns"),
        Access::Approve | Access::Brake => ("approve", "playbookruns"),
    };
    let is_part = access == Access::Inspect;
    Attributes {
        verb,
        group: if is_part { JOURNAL } else { GROUP },
        resource,
        subresource: is_part.then_some("actions"),
        namespace: None,
        name: None,
    }
}

#[async_trait]
impl Authenticate for ClusterCallers {
    async fn identify(&self, token: &str) -> Result<Option<Identity>, Unchecked> {
        let digest: Digested = Sha256::digest(token).into();
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, identity)) = kept.get(&digest)
                && at.elapsed() < FRESH
            {
                return Ok(identity.clone());
            }
        }
        let identity = self.review(token).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        if kept.len() < KEPT_MAX {
            kept.insert(digest, (Instant::now(), identity.clone()));
        }
        Ok(identity)
    }

    async fn may(&self, identity: &Identity, access: Access, workspace: Option<&str>) -> Result<bool, Unchecked> {
        let what = Attributes {
            namespace: workspace.map(str::to_owned),
            ..needed(access)
        };
        let user = User {
            name: identity.name.to_string(),
            groups: identity.groups.clone(),
            ..User::default()
        };
        let allowed = self.reviews.reviewer().allows(&user, &what).await;
        allowed.map_err(|undecided| Unchecked(undecided.0))
    }
}
