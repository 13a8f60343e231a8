//! What a call needs of an ApiConnection, with every reference read. The catalog makes these; this room only uses them.

use std::sync::Arc;

use async_trait::async_trait;
use ipnet::IpNet;

use super::spec::Connector;
use crate::api::SecretString;
use crate::api::api_connection::{Brakes, ConnectionLimits};

/// An ApiConnection whose values are at hand.
#[derive(Clone, Debug)]
pub struct ResolvedConnection {
    /// Name of the ApiConnection.
    pub name: String,
    /// What it connects to.
    pub connector: Arc<Connector>,
    /// Where the service is, instead of the connector's own address.
    pub base_url: Option<String>,
    /// The connection parameters; text that is no secret is treated as one too.
    pub parameters: Vec<(String, SecretString)>,
    /// How calls authenticate, instead of the connector's own way.
    pub authentication: Option<ResolvedAuthentication>,
    /// The hosts that calls may reach, `host` or `host:port`; empty means the host of the service's address.
    pub hosts: Vec<String>,
    /// Networks that calls may reach although they are private.
    pub allowed_networks: Vec<IpNet>,
}

impl ResolvedConnection {
    /// The value of a connection parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.expose())
    }
}

/// How a connection's calls prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolvedAuthentication {
    /// HTTP Basic.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: SecretString,
    },
    /// A header with a secret value.
    Header {
        /// Name of the header.
        name: String,
        /// Its value.
        value: SecretString,
    },
    /// A bearer token.
    Bearer(SecretString),
    /// OAuth 2.0 client credentials: a token is asked for, and sent as a bearer token.
    ClientCredentials(ClientCredentials),
}

/// OAuth 2.0 client credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientCredentials {
    /// The token endpoint.
    pub token_url: String,
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: SecretString,
    /// Requested scope.
    pub scope: Option<String>,
    /// The service that the token is for, as the first version of Microsoft's token endpoint wants it.
    pub resource: Option<String>,
}

/// Why a playbook may not change the incidents of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTriage {
    /// It lacks a permission: which one, and what gives it.
    #[error("{0}")]
    Missing(String),
    /// Who decides does not answer.
    #[error("the permission to change incidents of another workspace cannot be asked for: {0}")]
    Undecided(String),
}

/// Finds ApiConnections, and says what they let a playbook do.
#[async_trait]
pub trait Connections: Send + Sync {
    /// The ApiConnection of this name in this namespace.
    ///
    /// # Errors
    /// There is none, or something that it needs is missing: what, and what to do; never a secret.
    fn connection(&self, namespace: &str, name: &str) -> Result<ResolvedConnection, String>;

    /// The ApiConnection that a playbook, by namespace and name, binds under the name of a managed identity.
    ///
    /// # Errors
    /// As for [`Connections::connection`], or nothing is bound under this name.
    fn identity(&self, playbook: (&str, &str), identity: &str) -> Result<ResolvedConnection, String>;

    /// How much may be asked through the ApiConnection of this name in this namespace; `None` where nothing limits it.
    fn connection_limits(&self, _namespace: &str, _name: &str) -> Option<ConnectionLimits> {
        None
    }

    /// What holds calls through the ApiConnection of this name in this namespace.
    fn brakes(&self, _namespace: &str, _name: &str) -> Option<Brakes> {
        None
    }

    /// Whether a playbook, by namespace and name, may change incidents of a workspace that is not its namespace and did
    /// not start the run: a right that somebody must have given it. Outside of a cluster nobody can.
    ///
    /// # Errors
    /// It may not, or nobody can say.
    async fn may_triage(&self, playbook: (&str, &str), workspace: &str) -> Result<(), NoTriage> {
        let (namespace, _) = playbook;
        Err(NoTriage::Missing(format!(
            "no rule of the workspace '{workspace}' and no incident of it started this run, so a playbook of \
             '{namespace}' must not change its incidents or watchlists; start it from there"
        )))
    }
}
