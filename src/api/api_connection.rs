//! `ApiConnection`: an account on a service, and the hosts it may reach.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::{NamedValue, ValueSource};

/// An account on a connector.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiConnectionSpec {
    /// Name of the connector: one of the built-in catalogue, or a Connector of this namespace.
    pub connector: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The connection parameters that the connector declares, such as `api_key`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<NamedValue>,
    /// How calls authenticate, where the connector leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Where the service is, instead of the connector's own address: scheme, host, port and base path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The hosts that calls may reach, `host` or `host:port`. Absent: the host of `baseUrl`, or of the connector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Networks in CIDR form that calls may reach although they are private, such as `10.20.0.0/16`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_networks: Vec<String>,
}

/// How a call proves who it is. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Authentication {
    /// HTTP Basic.
    Basic(BasicAuthentication),
    /// A header with a secret value.
    Header(HeaderAuthentication),
    /// A bearer token.
    Bearer(BearerAuthentication),
    /// OAuth 2.0 client credentials.
    ClientCredentials(ClientCredentials),
}

/// User name and password.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BasicAuthentication {
    /// User name.
    pub username: String,
    /// Password.
    pub password_from: ValueSource,
}

/// A header.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderAuthentication {
    /// Name of the header.
    pub name: String,
    /// Its value.
    pub value_from: ValueSource,
}

/// A bearer token.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BearerAuthentication {
    /// The token.
    pub token_from: ValueSource,
}

/// OAuth 2.0 client credentials.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientCredentials {
    /// The token endpoint.
    pub token_url: String,
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret_from: ValueSource,
    /// Requested scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}
