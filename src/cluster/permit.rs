//! Permissions as the cluster gives them: access reviews for accounts, asked with the account's groups.

use std::sync::Arc;

use async_trait::async_trait;
use kube::Client;

use super::resource::PLAYBOOK;
use crate::api::api_connection::{Brakes, ConnectionLimits};
use crate::api::playbook::Priority;
use crate::api::{AutomationRuleSpec, GROUP};
use crate::catalog::Current;
use crate::connectors::{Connections, NoTriage, ResolvedConnection};
use crate::definition::Limits;
use crate::engine::content::{Changes, Content, Playbook, Undecided};
use crate::grants::{AUTOMATION_ACCOUNT, MissingGrant, Permission, RUN_VERB};
use crate::server::journal::{AccessReviews, Attributes, Reviewer, User};

/// The verb on incidents that lets an account change them, and their plural.
const TRIAGE_VERB: &str = "triage";
const INCIDENTS: &str = "incidents";

/// An account of a namespace, with its groups: a grant to a group counts only if the review names the group.
fn account(namespace: &str, name: &str) -> User {
    User {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        groups: groups(namespace),
        ..User::default()
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
pub struct Reviews(Arc<AccessReviews>);

impl Reviews {
    /// Reviews by this API server.
    pub fn new(client: Client) -> Self {
        Self(Arc::new(AccessReviews::new(client)))
    }

    /// As the aggregated API asks.
    pub fn reviewer(&self) -> Arc<dyn Reviewer> {
        self.0.clone()
    }

    /// Whether the cluster allows a verb on a resource of the group `riposte.dev`, in a namespace or in all, on an object
    /// or on all.
    ///
    /// # Errors
    /// The API server does not answer, or does not let the operator ask.
    pub async fn allows(
        &self,
        user: &User,
        (verb, resource): (&'static str, &'static str),
        (namespace, name): (Option<&str>, Option<&str>),
    ) -> Result<bool, Undecided> {
        let what = Attributes {
            verb,
            group: GROUP,
            resource,
            subresource: None,
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
        };
        let allowed = self.0.allows(user, &what).await;
        allowed.map_err(|undecided| Undecided(undecided.0))
    }

    /// Whether the automation of a workspace may run a playbook.
    ///
    /// # Errors
    /// The API server does not answer.
    pub async fn permit(&self, workspace: &str, namespace: &str, playbook: &str) -> Result<Permission, Undecided> {
        let user = account(workspace, AUTOMATION_ACCOUNT);
        let place = (Some(namespace), Some(playbook));
        let allowed = self.allows(&user, (RUN_VERB, PLAYBOOK.plural), place).await?;
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

    fn kept(&self) -> Vec<Playbook> {
        self.catalog.kept()
    }

    fn destination(&self, namespace: &str, connection: &str) -> Option<String> {
        self.catalog.destination(namespace, connection)
    }

    fn limits(&self) -> Limits {
        self.catalog.limits()
    }

    fn priority(&self, namespace: &str, name: &str) -> Option<Priority> {
        self.catalog.priority(namespace, name)
    }

    fn changes(&self) -> Box<dyn Changes> {
        self.catalog.changes()
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

    fn identity(&self, playbook: (&str, &str), identity: &str) -> Result<ResolvedConnection, String> {
        self.catalog.identity(playbook, identity)
    }

    fn connection_limits(&self, namespace: &str, name: &str) -> Option<ConnectionLimits> {
        self.catalog.connection_limits(namespace, name)
    }

    fn brakes(&self, namespace: &str, name: &str) -> Option<Brakes> {
        self.catalog.brakes(namespace, name)
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
        let user = self::account(namespace, account);
        let place = (Some(workspace), None);
        match self.reviews.allows(&user, (TRIAGE_VERB, INCIDENTS), place).await {
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
