//! What a call needs of an ApiConnection, with every reference read. The catalog makes these; this room only uses them.

use std::sync::Arc;

use ipnet::IpNet;

use super::spec::Connector;
use crate::api::SecretString;

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

/// Finds ApiConnections.
pub trait Connections: Send + Sync {
    /// The ApiConnection of this name in this namespace.
    ///
    /// # Errors
    /// There is none, or something that it needs is missing: what, and what to do; never a secret.
    fn connection(&self, namespace: &str, name: &str) -> Result<ResolvedConnection, String>;
}
