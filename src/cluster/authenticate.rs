//! Callers in a cluster: their tokens are reviewed by the API server, and so is what they may. A sender needs the verb
//! `create` on the virtual resource `alerts` in the namespace of its workspace.
//!
//! While the API server cannot be asked, senders that it allowed a short time ago go on delivering: many send an alert
//! once. Nothing else is allowed then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
use crate::server::journal::{Attributes, GROUP as JOURNAL, Undecided, User};
use crate::server::{Access, Authenticate, Identity, Reach, Unchecked};

/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a reviewed token counts.
const FRESH: Duration = Duration::from_secs(10);
/// How long a sender goes on delivering by what was last decided, where nobody can decide.
const OUTAGE: Duration = Duration::from_secs(600);
/// How many reviewed tokens, and senders, are kept.
const KEPT_MAX: usize = 4_096;

/// Authenticates by the API server. Only digests of tokens are kept.
pub struct ClusterCallers {
    client: Client,
    reviews: Reviews,
    kept: Mutex<HashMap<Digested, Reviewed>>,
    senders: Mutex<HashMap<Sender, Instant>>,
}

/// SHA-256 of a token.
type Digested = [u8; 32];
/// When a token was reviewed, and whose it is.
type Reviewed = (Instant, Option<Identity>);
/// The name of a sender, and the workspace that it delivers to.
type Sender = (Arc<str>, Option<String>);

impl ClusterCallers {
    /// Callers of this cluster.
    pub fn new(client: Client, reviews: Reviews) -> Self {
        Self {
            client,
            reviews,
            kept: Mutex::default(),
            senders: Mutex::default(),
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

    /// What is decided on a sender; where nobody can decide, what was decided a short time ago.
    fn on_sender(&self, sender: Sender, decided: Result<bool, Undecided>) -> Result<bool, Undecided> {
        let mut senders = lock(&self.senders);
        let is_recent = |at: &Instant| at.elapsed() < OUTAGE;
        match decided {
            Err(_) if senders.get(&sender).is_some_and(is_recent) => return Ok(true),
            Err(_) => {}
            Ok(false) => drop(senders.remove(&sender)),
            Ok(true) => {
                if senders.len() >= KEPT_MAX {
                    senders.retain(|_, at| is_recent(at));
                }
                if senders.len() < KEPT_MAX || senders.contains_key(&sender) {
                    senders.insert(sender, Instant::now());
                }
            }
        }
        decided
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
        let known = lock(&self.kept).get(&digest).cloned();
        if let Some((at, identity)) = &known
            && at.elapsed() < FRESH
        {
            return Ok(identity.clone());
        }
        let identity = match (self.review(token).await, known) {
            (Ok(identity), _) => identity,
            (Err(_), Some((at, Some(identity)))) if at.elapsed() < OUTAGE => return Ok(Some(identity)),
            (Err(unchecked), _) => return Err(unchecked),
        };
        let mut kept = lock(&self.kept);
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
        let decided = self.reviews.reviewer().allows(&user, &what).await;
        let decided = match access {
            Access::Deliver => self.on_sender((identity.name.clone(), what.namespace), decided),
            _ => decided,
        };
        decided.map_err(|undecided| Unchecked(undecided.0))
    }
}

/// A poisoned lock is taken all the same: the maps behind it are valid after every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
