//! `ApiConnection`: an account on a service, and the hosts it may reach.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cel;
use super::reference::{NamedValue, ValueSource};

/// An account on a connector.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[kube(
    group = "riposte.dev",
    version = "v1alpha1",
    kind = "ApiConnection",
    plural = "apiconnections",
    shortname = "apiconn",
    namespaced
)]
#[kube(
    status = "super::status::ApiConnectionStatus",
    derive = "PartialEq",
    category = "all",
    category = "riposte"
)]
#[kube(doc = "An API connection: an account on a connector, and the hosts that calls through it may reach.")]
#[kube(selectable = ".spec.connector")]
#[kube(printcolumn = r#"{"name": "CONNECTOR", "type": "string", "jsonPath": ".spec.connector"}"#)]
#[kube(
    printcolumn = r#"{"name": "CONNECTED", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Connected\")].status"}"#
)]
#[kube(
    printcolumn = r#"{"name": "READY", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#
)]
#[kube(
    printcolumn = r#"{"name": "STATUS", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[kube(printcolumn = r#"{"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiConnectionSpec {
    /// Name of the connector: one of the built-in catalogue such as `virustotal`, or a Connector of this namespace.
    #[schemars(length(min = 1, max = 253), pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub connector: String,
    /// What people see, at most 253 characters. Absent: the name of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub display_name: Option<String>,
    /// The connection parameters that the connector declares, such as `api_key`; at most 50, each
    /// name once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub parameters: Vec<NamedValue>,
    /// How calls authenticate, where the connector leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Where the service is, instead of the connector's own address: scheme, host, port and base path, such as
    /// `https://misp.example.com/api`. `http` is for private networks only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048), pattern("^https?://"))]
    #[schemars(extend("x-kubernetes-validations" = [cel::rule("isURL(self) && url(self).getHost() != ''", cel::NO_ADDRESS)]))]
    pub base_url: Option<String>,
    /// The hosts that calls may reach, `host` or `host:port`, at most 20. Absent: the host of `baseUrl`, or of the
    /// connector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 261)))]
    #[schemars(extend("x-kubernetes-list-type" = "set", "x-kubernetes-validations" = [
        cel::rule("self.all(host, !host.matches('[/@?#]'))", cel::NO_HOST),
    ]))]
    pub hosts: Vec<String>,
    /// Networks in CIDR form that calls may reach although they are private, such as `10.20.0.0/16`; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 43)))]
    #[schemars(extend("x-kubernetes-list-type" = "set", "x-kubernetes-validations" = [
        cel::rule("self.all(network, isCIDR(network))", cel::NO_NETWORK),
    ]))]
    pub allowed_networks: Vec<String>,
    /// How much may be asked of the service through this connection. Calls above it wait for their turn; none fails of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<ConnectionLimits>,
    /// What holds calls through this connection that would change something outside: all but those of the methods GET, HEAD
    /// and OPTIONS. A call that is held waits; what its action's time-out is holds still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brakes: Option<Brakes>,
}

/// What holds calls that would change something.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Brakes {
    /// Whether all of them wait until this is false again. Defaults to false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pause_actions: bool,
    /// How often operations may be called, at most 20. What exceeds that waits until somebody lets it go on, with
    /// `riposte release RUN ACTION`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["operation"]))]
    pub limits: Vec<BrakeLimit>,
    /// Accounts, hosts and other things that are not to be touched, at most 100, each of 3 to 253 characters. A call whose
    /// path, query or body holds one, in whatever case, waits until somebody lets it go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 3, max = 253)))]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub protected: Vec<String>,
}

/// How often an operation may be called.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BrakeLimit {
    /// Id of the operation, as the OpenAPI document of the connector has it, such as `IsolateMachine`.
    #[schemars(length(min = 1, max = 253))]
    pub operation: String,
    /// Calls in any window, 0 to 10000.
    #[schemars(range(max = 10_000))]
    pub most: u32,
    /// Length of the window in seconds, 1 to 604800 (a week).
    #[schemars(range(min = 1, max = 604_800))]
    pub window_seconds: u32,
}

/// How much may be asked of a service. Where several replicas share the runs, each counts its own calls.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionLimits {
    /// Calls in any minute, 1 to 10000, such as 4 for a free key of VirusTotal. Absent: as many as runs make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub requests_per_minute: Option<u32>,
    /// Calls at the same time, 1 to 1000. Absent: as many as runs make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub concurrent: Option<u16>,
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
    /// User name, at most 256 characters.
    #[schemars(length(max = 256))]
    pub username: String,
    /// Password.
    pub password_from: ValueSource,
}

/// A header.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderAuthentication {
    /// Name of the header, such as `X-Api-Key`.
    #[schemars(length(min = 1, max = 256), pattern("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$"))]
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
    /// The token endpoint, such as `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`. Its host must be one
    /// that the connection may reach.
    #[schemars(length(min = 1, max = 2048), pattern("^https?://"))]
    pub token_url: String,
    /// Client id.
    #[schemars(length(min = 1, max = 256))]
    pub client_id: String,
    /// Client secret.
    pub client_secret_from: ValueSource,
    /// Requested scope, such as `https://api.example.com/.default`. Absent: none is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub scope: Option<String>,
}
