//! What only the cluster knows: whom to trust, and what its users may do. Invariant: a permission is asked for again
//! after two seconds at the latest, so giving it and taking it away take effect.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::access::{Reviewer, Undecided};
use super::identity::User;
use super::request::{Attributes, GROUP};
use super::trust::Trust;
use crate::api::VERSION;

/// How long an answer holds: a rule may ask for the same twenty times.
const FRESH: Duration = Duration::from_secs(2);
/// How many answers are kept.
const ANSWERS_MAX: usize = 4_096;
/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the trusted authorities are read again.
const TRUST_PERIOD: Duration = Duration::from_secs(60);

type Question = (User, Attributes);

/// Asks the API server what its users may do (SubjectAccessReview), and remembers the answers for
/// two seconds.
pub struct AccessReviews {
    client: Client,
    answers: Mutex<HashMap<Question, (Instant, bool)>>,
}

impl AccessReviews {
    /// Reviews by a client that may `create` SubjectAccessReviews.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            answers: Mutex::default(),
        }
    }

    fn known(&self, question: &Question) -> Option<bool> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, is_allowed) = answers.get(question)?;
        (at.elapsed() < FRESH).then_some(*is_allowed)
    }

    fn keep(&self, question: Question, is_allowed: bool) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS_MAX {
            answers.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        if answers.len() < ANSWERS_MAX {
            answers.insert(question, (Instant::now(), is_allowed));
        }
    }
}

#[async_trait]
impl Reviewer for AccessReviews {
    async fn allows(&self, user: &User, what: &Attributes) -> Result<bool, Undecided> {
        let question = (user.clone(), what.clone());
        if let Some(is_allowed) = self.known(&question) {
            return Ok(is_allowed);
        }
        let review = review(user, what);
        let parameters = PostParams::default();
        let reviews = Api::<SubjectAccessReview>::all(self.client.clone());
        let asking = tokio::time::timeout(PATIENCE, reviews.create(&parameters, &review));
        let answer = asking
            .await
            .map_err(|_| Undecided("the API server is too slow".into()))?;
        let answer = answer.map_err(|error| Undecided(error.to_string()))?;
        let status = answer
            .status
            .ok_or_else(|| Undecided("the review has no status".into()))?;
        let is_allowed = status.allowed && status.denied != Some(true);
        self.keep(question, is_allowed);
        Ok(is_allowed)
    }
}

fn review(user: &User, what: &Attributes) -> SubjectAccessReview {
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user.name.clone()),
            uid: user.uid.clone(),
            groups: Some(user.groups.clone()),
            extra: (!user.extra.is_empty()).then(|| user.extra.clone()),
            resource_attributes: Some(ResourceAttributes {
                verb: Some(what.verb.to_owned()),
                group: Some(what.group.to_owned()),
                version: Some(VERSION.to_owned()),
                resource: Some(what.resource.to_owned()),
                subresource: what.subresource.map(str::to_owned),
                namespace: what.namespace.clone(),
                name: what.name.clone(),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}

/// Whom the cluster trusts to speak for its users.
///
/// # Errors
/// The ConfigMap cannot be read, which the Role `kube-system/extension-apiserver-authentication-reader` allows, or says
/// nothing of use.
pub async fn read_trust(client: &Client) -> anyhow::Result<Trust> {
    let maps = Api::<ConfigMap>::namespaced(client.clone(), "kube-system");
    let map = maps.get("extension-apiserver-authentication").await?;
    Ok(Trust::read(&map.data.unwrap_or_default())?)
}

/// Reads it again each minute until told to stop, for authorities are rotated. What cannot be read changes nothing.
pub async fn watch_trust(client: Client, trust: watch::Sender<Arc<Trust>>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TRUST_PERIOD) => {}
        }
        match read_trust(&client).await {
            Ok(read) => drop(trust.send_if_modified(|known| {
                let is_new = **known != read;
                if is_new {
                    *known = Arc::new(read);
                }
                is_new
            })),
            Err(error) => tracing::warn!(%error, "the authorities of the API server cannot be read again"),
        }
    }
}

/// Tells the API server by which authority, in PEM, it knows our certificate: the `caBundle` of our APIService.
///
/// # Errors
/// The APIService does not exist or may not be patched.
pub async fn publish(client: &Client, authority: &str) -> kube::Result<()> {
    let services = Api::<APIService>::all(client.clone());
    let patch = json!({ "spec": { "caBundle": STANDARD.encode(authority), "insecureSkipTLSVerify": false } });
    let parameters = PatchParams::default();
    services
        .patch(&format!("{VERSION}.{GROUP}"), &parameters, &Patch::Merge(patch))
        .await?;
    Ok(())
}
