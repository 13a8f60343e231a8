//! The catalog as the engine and the connectors ask for it.

use std::sync::Arc;

use async_trait::async_trait;
use ipnet::IpNet;
use tokio::sync::watch;

use super::entry::{Connection, Playbook};
use super::snapshot::Catalog;
use crate::api::api_connection::{Authentication, Brakes, ConnectionLimits};
use crate::api::playbook::Priority;
use crate::api::reference::{KeyRef, NamedValue, ValueSource};
use crate::api::{AutomationRuleSpec, SecretString};
use crate::connectors::{
    ClientCredentials, Connections, Connector, ResolvedAuthentication, ResolvedConnection, catalog,
};
use crate::definition::Limits;
use crate::engine::content::{self, Changes, Content, GivenParameter, Undecided};
use crate::expression::Value;
use crate::grants::{Permission, permit};

impl Catalog {
    /// A playbook as a run needs it.
    fn runnable(&self, playbook: &Playbook) -> content::Playbook {
        let given = playbook
            .spec
            .parameters
            .iter()
            .map(|value| self.given(&playbook.namespace, value));
        let bound = playbook.spec.connections.iter().map(|binding| {
            let connection = self.connection(&playbook.namespace, &binding.connection_ref.name);
            content::Connection {
                alias: binding.name.clone(),
                name: binding.connection_ref.name.clone(),
                connector: connection.map(|connection| connection.spec.connector.clone()),
            }
        });
        let settings = playbook.spec.app_settings.iter();
        let settings = settings.map(|value| self.given(&playbook.namespace, value));
        content::Playbook {
            namespace: playbook.namespace.clone(),
            name: playbook.name.clone(),
            definition: playbook.definition_text.clone(),
            hash: playbook.hash.clone(),
            workflow: playbook.workflow.clone(),
            parameters: given.collect(),
            settings: settings.collect(),
            connections: bound.collect(),
            suspended: playbook.spec.suspend,
        }
    }

    fn given(&self, namespace: &str, given: &NamedValue) -> GivenParameter {
        let (value, secret) = match (&given.value, &given.value_from) {
            (Some(value), _) => (Ok(Value::from(value)), false),
            (None, Some(source)) => {
                let secret = matches!(source, ValueSource::SecretKeyRef(_));
                (self.referenced(namespace, source).map(Value::from), secret)
            }
            (None, None) => (Err("has neither `value` nor `valueFrom`".into()), false),
        };
        GivenParameter {
            name: given.name.clone(),
            value,
            secret,
        }
    }

    /// The text that a reference names, or what is missing.
    fn referenced(&self, namespace: &str, source: &ValueSource) -> Result<String, String> {
        let missing = |kind: &str, key: &KeyRef| {
            format!(
                "needs key '{}' of {kind} '{namespace}/{}', which is missing; create it",
                key.key, key.name
            )
        };
        match source {
            ValueSource::SecretKeyRef(key) => {
                let secret = self.secret(namespace, &key.name, &key.key);
                secret
                    .map(|secret| secret.expose().to_owned())
                    .ok_or_else(|| missing("Secret", key))
            }
            ValueSource::ConfigMapKeyRef(key) => {
                let text = self.config_map(namespace, &key.name, &key.key);
                text.map(str::to_owned).ok_or_else(|| missing("ConfigMap", key))
            }
        }
    }

    /// The connector that a connection names: one of its namespace, else a built-in one.
    pub fn connector_of(&self, connection: &Connection) -> Result<Arc<Connector>, String> {
        let name = &connection.spec.connector;
        let found = match self.connector(&connection.namespace, name) {
            Some(own) => own.connector.clone(),
            None => catalog::built_in(name),
        };
        found.ok_or_else(|| {
            let object = format!("{}/{}", connection.namespace, connection.name);
            format!("ApiConnection '{object}' names connector '{name}', which does not exist or cannot be read")
        })
    }

    /// A connection with every reference read.
    ///
    /// # Errors
    /// What is missing, and where.
    fn resolve(&self, connection: &Connection) -> Result<ResolvedConnection, String> {
        let (namespace, spec) = (&connection.namespace, &connection.spec);
        let mut parameters = Vec::new();
        for given in &spec.parameters {
            let value = self.given(namespace, given).value;
            let value = value.map_err(|reason| {
                format!(
                    "parameter '{}' of ApiConnection '{namespace}/{}' {reason}",
                    given.name, connection.name
                )
            })?;
            parameters.push((given.name.clone(), SecretString::from(value.to_text())));
        }
        let authentication = match &spec.authentication {
            Some(authentication) => Some(self.authentication(namespace, authentication)?),
            None => None,
        };
        Ok(ResolvedConnection {
            name: connection.name.clone(),
            connector: self.connector_of(connection)?,
            base_url: spec.base_url.clone(),
            parameters,
            authentication,
            hosts: spec.hosts.clone(),
            allowed_networks: spec
                .allowed_networks
                .iter()
                .filter_map(|network| network.parse::<IpNet>().ok())
                .collect(),
        })
    }

    fn authentication(&self, namespace: &str, given: &Authentication) -> Result<ResolvedAuthentication, String> {
        let secret = |source: &ValueSource| {
            let text = self.referenced(namespace, source);
            text.map(SecretString::from)
                .map_err(|reason| format!("authentication {reason}"))
        };
        Ok(match given {
            Authentication::Basic(basic) => ResolvedAuthentication::Basic {
                username: basic.username.clone(),
                password: secret(&basic.password_from)?,
            },
            Authentication::Header(header) => ResolvedAuthentication::Header {
                name: header.name.clone(),
                value: secret(&header.value_from)?,
            },
            Authentication::Bearer(bearer) => ResolvedAuthentication::Bearer(secret(&bearer.token_from)?),
            Authentication::ClientCredentials(client) => {
                let client_secret = secret(&client.client_secret_from)?;
                ResolvedAuthentication::ClientCredentials(ClientCredentials {
                    resource: None,
                    token_url: client.token_url.clone(),
                    client_id: client.client_id.clone(),
                    client_secret,
                    scope: client.scope.clone(),
                })
            }
        })
    }
}

/// The catalog of the moment, whatever its source: a folder that is watched, or a fixed one.
#[derive(Clone, Debug)]
pub struct Current(pub watch::Receiver<Arc<Catalog>>);

impl Current {
    /// A catalog that never changes.
    pub fn fixed(catalog: Catalog) -> Self {
        Self(watch::channel(Arc::new(catalog)).1)
    }

    /// The catalog as it is now.
    pub fn get(&self) -> Arc<Catalog> {
        self.0.borrow().clone()
    }
}

/// Waits for the next catalog.
struct NextCatalog(watch::Receiver<Arc<Catalog>>);

#[async_trait]
impl Changes for NextCatalog {
    async fn changed(&mut self) {
        // A catalog that is published no more never changes.
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

#[async_trait]
impl Content for Current {
    fn playbook(&self, namespace: &str, name: &str) -> Option<content::Playbook> {
        let catalog = self.get();
        catalog
            .playbook(namespace, name)
            .map(|playbook| catalog.runnable(playbook))
    }

    fn priority(&self, namespace: &str, name: &str) -> Option<Priority> {
        self.0.borrow().playbook(namespace, name)?.spec.priority
    }

    fn kept(&self) -> Vec<content::Playbook> {
        let catalog = self.get();
        let is_kept = |playbook: &Playbook| {
            let trigger = playbook.workflow.triggers.first();
            trigger.is_some_and(|trigger| trigger.kind.is_kept())
        };
        let kept = catalog.playbooks().filter(|playbook| is_kept(playbook));
        kept.map(|playbook| catalog.runnable(playbook)).collect()
    }

    fn destination(&self, namespace: &str, connection: &str) -> Option<String> {
        let catalog = self.get();
        let connection = catalog.connection(namespace, connection)?;
        let (spec, connector) = (&connection.spec, catalog.connector_of(connection).ok()?);
        let own = (&spec.connector, &spec.base_url, &spec.parameters, &spec.authentication);
        serde_json::to_string(&(own, &connector.base_url)).ok()
    }

    fn limits(&self) -> Limits {
        self.get().limits
    }

    fn changes(&self) -> Box<dyn Changes> {
        let mut receiver = self.0.clone();
        receiver.mark_unchanged();
        Box::new(NextCatalog(receiver))
    }

    fn rules(&self, workspace: &str) -> Vec<(String, AutomationRuleSpec)> {
        let catalog = self.get();
        catalog
            .rules(workspace)
            .iter()
            .map(|rule| (rule.name.clone(), rule.spec.clone()))
            .collect()
    }

    async fn permit(&self, workspace: &str, namespace: &str, playbook: &str) -> Result<Permission, Undecided> {
        let catalog = self.get();
        let grants = catalog
            .grants(namespace)
            .iter()
            .map(|grant| (grant.namespace.as_str(), &grant.spec));
        Ok(permit(workspace, namespace, playbook, grants))
    }
}

impl Connections for Current {
    fn connection(&self, namespace: &str, name: &str) -> Result<ResolvedConnection, String> {
        let catalog = self.get();
        let missing = || format!("there is no ApiConnection '{namespace}/{name}'; create it");
        catalog.resolve(catalog.connection(namespace, name).ok_or_else(missing)?)
    }

    fn connection_limits(&self, namespace: &str, name: &str) -> Option<ConnectionLimits> {
        self.0.borrow().connection(namespace, name)?.spec.limits
    }

    fn brakes(&self, namespace: &str, name: &str) -> Option<Brakes> {
        self.0.borrow().connection(namespace, name)?.spec.brakes.clone()
    }

    fn identity(&self, (namespace, name): (&str, &str), identity: &str) -> Result<ResolvedConnection, String> {
        let catalog = self.get();
        let playbook = catalog.playbook(namespace, name);
        let mut bindings = playbook.into_iter().flat_map(|playbook| &playbook.spec.connections);
        let binding = bindings.find(|binding| binding.name.eq_ignore_ascii_case(identity));
        let binding = binding.ok_or_else(|| {
            format!(
                "the playbook '{namespace}/{name}' has no identity: name an ApiConnection of connector `managedidentity` \
                 in its `spec.connections` as '{identity}'"
            )
        })?;
        self.connection(namespace, &binding.connection_ref.name)
    }
}
