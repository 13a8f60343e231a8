//! Permissions as the cluster gives them: access reviews for accounts, asked with the account's groups, and kept for a
//! moment because a rule may ask for the same twenty times.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::Instant;

use super::resource::PLAYBOOK;
use crate::api::{AutomationRuleSpec, GROUP};
use crate::catalog::Current;
use crate::connectors::{Connections, NoTriage, ResolvedConnection};
use crate::engine::content::{Content, Playbook, Undecided};
use crate::grants::{AUTOMATION_ACCOUNT, MissingGrant, Permission, RUN_VERB};

/// The verb on incidents that lets an account change them, and their plural.
const TRIAGE_VERB: &str = "triage";
const INCIDENTS: &str = "incidents";
/// How long an answer counts.
const FRESH: Duration = Duration::from_secs(2);
/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many answers are kept.
const ANSWERS_MAX: usize = 4_096;

/// Whether an account may do something in the group `riposte.dev`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The account.
    pub user: String,
    /// Its groups: a grant to a group counts only if the review names the group.
    pub groups: Vec<String>,
    /// The verb.
    pub verb: &'static str,
    /// The resource, in its plural.
    pub resource: &'static str,
    /// The namespace; empty for all.
    pub namespace: String,
    /// The name; empty for all.
    pub name: String,
}

impl Question {
    /// Whether the automation of a workspace may run a playbook.
    pub fn run(workspace: &str, namespace: &str, playbook: &str) -> Self {
        Self {
            user: format!("system:serviceaccount:{workspace}:{AUTOMATION_ACCOUNT}"),
            groups: groups(workspace),
            verb: RUN_VERB,
            resource: PLAYBOOK.plural,
            namespace: namespace.to_owned(),
            name: playbook.to_owned(),
        }
    }

    /// Whether an account of a namespace may work on the incidents of a workspace.
    pub fn triage(namespace: &str, account: &str, workspace: &str) -> Self {
        Self {
            user: format!("system:serviceaccount:{namespace}:{account}"),
            groups: groups(namespace),
            verb: TRIAGE_VERB,
            resource: INCIDENTS,
            namespace: workspace.to_owned(),
            name: String::new(),
        }
    }

    fn review(&self) -> SubjectAccessReview {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let attributes = ResourceAttributes {
            group: Some(GROUP.to_owned()),
            resource: Some(self.resource.to_owned()),
            verb: Some(self.verb.to_owned()),
            namespace: some(&self.namespace),
            name: some(&self.name),
            ..ResourceAttributes::default()
        };
        SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(self.user.clone()),
                groups: Some(self.groups.clone()),
                resource_attributes: Some(attributes),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        }
    }
}

/// The groups of every account of a namespace.
fn groups(namespace: &str) -> Vec<String> {
    vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
        "system:authenticated".to_owned(),
    ]
}

/// Asks the API server; clones share what it answered.
#[derive(Clone)]
pub struct Reviews {
    client: Client,
    answers: Arc<Mutex<HashMap<Question, (Instant, bool)>>>,
}

impl Reviews {
    /// Reviews by this API server.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            answers: Arc::default(),
        }
    }

    /// Whether the cluster allows it.
    ///
    /// # Errors
    /// The API server does not answer, or does not let the operator ask.
    pub async fn allows(&self, question: &Question) -> Result<bool, Undecided> {
        if let Some(known) = self.known(question) {
            return Ok(known);
        }
        let api: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let (parameters, review) = (PostParams::default(), question.review());
        let asking = api.create(&parameters, &review);
        let answered = tokio::time::timeout(PATIENCE, asking).await;
        let answered = answered.map_err(|_| Undecided("the API server is too slow to answer".to_owned()))?;
        let answered = answered.map_err(|error| Undecided(error.to_string()))?;
        let allowed = answered.status.is_some_and(|status| status.allowed);
        self.keep(question, allowed);
        Ok(allowed)
    }

    fn known(&self, question: &Question) -> Option<bool> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, allowed) = answers.get(question)?;
        (at.elapsed() < FRESH).then_some(*allowed)
    }

    fn keep(&self, question: &Question, allowed: bool) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= ANSWERS_MAX {
            answers.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        if answers.len() < ANSWERS_MAX {
            answers.insert(question.clone(), (Instant::now(), allowed));
        }
    }

    /// Whether the automation of a workspace may run a playbook.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn permit(&self, workspace: &str, namespace: &str, playbook: &str) -> Result<Permission, Undecided> {
        let allowed = self.allows(&Question::run(workspace, namespace, playbook)).await?;
        Ok(if allowed {
            Permission::Granted
        } else {
            Permission::Missing(MissingGrant {
                workspace: workspace.to_owned(),
                namespace: namespace.to_owned(),
                playbook: playbook.to_owned(),
            })
        })
    }
}

/// The content of a cluster: the catalog for what there is, the API server for who may.
#[derive(Clone)]
pub struct ClusterContent {
    catalog: Current,
    reviews: Reviews,
}

impl ClusterContent {
    /// Content over a catalog and reviews.
    pub fn new(catalog: Current, reviews: Reviews) -> Self {
        Self { catalog, reviews }
    }
}

#[async_trait]
impl Content for ClusterContent {
    fn playbook(&self, namespace: &str, name: &str) -> Option<Playbook> {
        self.catalog.playbook(namespace, name)
    }

    fn rules(&self, workspace: &str) -> Vec<(String, AutomationRuleSpec)> {
        self.catalog.rules(workspace)
    }

    async fn permit(&self, workspace: &str, namespace: &str, playbook: &str) -> Result<Permission, Undecided> {
        self.reviews.permit(workspace, namespace, playbook).await
    }
}

/// The connections of a cluster: the catalog for what there is, the API server for what a playbook's account may.
#[derive(Clone)]
pub struct ClusterConnections {
    catalog: Current,
    reviews: Reviews,
}

impl ClusterConnections {
    /// Connections over a catalog and reviews.
    pub fn new(catalog: Current, reviews: Reviews) -> Self {
        Self { catalog, reviews }
    }
}

#[async_trait]
impl Connections for ClusterConnections {
    fn connection(&self, namespace: &str, name: &str) -> Result<ResolvedConnection, String> {
        self.catalog.connection(namespace, name)
    }

    async fn may_triage(&self, (namespace, name): (&str, &str), workspace: &str) -> Result<(), NoTriage> {
        let catalog = self.catalog.get();
        let playbook = catalog.playbook(namespace, name);
        let account = playbook.and_then(|playbook| playbook.spec.service_account_name.as_deref());
        let Some(account) = account else {
            return Err(NoTriage::Missing(format!(
                "the workspace '{workspace}' did not start this run, and the playbook {namespace}/{name} acts as no account \
                 that could have the right to change its incidents; set `spec.serviceAccountName`, and give that account \
                 the verb {TRIAGE_VERB} on incidents there"
            )));
        };
        match self
            .reviews
            .allows(&Question::triage(namespace, account, workspace))
            .await
        {
            Ok(true) => Ok(()),
            Ok(false) => Err(NoTriage::Missing(lacks_triage(namespace, account, workspace))),
            Err(Undecided(reason)) => Err(NoTriage::Undecided(reason)),
        }
    }
}

/// Who lacks what, with the command that gives that and nothing more.
fn lacks_triage(namespace: &str, account: &str, workspace: &str) -> String {
    let (role, binding) = ("riposte-triage", format!("{namespace}-{account}-triage"));
    format!(
        "the workspace '{workspace}' did not start this run, and system:serviceaccount:{namespace}:{account} may not \
         {TRIAGE_VERB} incidents in the namespace {workspace}; its owner gives that with\n\
         kubectl create role {role} -n {workspace} --verb={TRIAGE_VERB} --resource={INCIDENTS}.{GROUP}\n\
         kubectl create rolebinding {binding} -n {workspace} --role={role} --serviceaccount={namespace}:{account}"
    )
}
