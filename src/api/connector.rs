//! `Connector`: a kind of service, described by an OpenAPI document. The built-in catalogue has the same form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::KeyRef;

/// A kind of service: its operations, its host, its authentication.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectorSpec {
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What the service is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The OpenAPI 2.0 or 3.x document.
    pub openapi: OpenApiSource,
    /// Where the service is, instead of the document's own address. `{name}` is replaced by that connection parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The parameters that a connection gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<ConnectionParameter>,
    /// How calls authenticate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<ConnectorAuthentication>,
}

/// Where the OpenAPI document is. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OpenApiSource {
    /// The document itself.
    Inline(serde_json::Value),
    /// A key of a ConfigMap that holds the document as JSON or YAML.
    ConfigMapKeyRef(KeyRef),
}

/// A parameter that each connection gives.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionParameter {
    /// Name, as Logic Apps has it: `api_key`.
    pub name: String,
    /// Whether it is a secret.
    #[serde(default)]
    pub secure: bool,
    /// Whether a connection may leave it out.
    #[serde(default)]
    pub optional: bool,
    /// What it is and where to get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// How a connector authenticates with the parameters of a connection. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConnectorAuthentication {
    /// A header: `{parameter}` in `value` is replaced by that connection parameter.
    Header(HeaderTemplate),
    /// A query parameter, in the same way.
    Query(HeaderTemplate),
    /// HTTP Basic with these two connection parameters.
    Basic(BasicTemplate),
    /// The shared-key signature of Azure Monitor's data collector.
    SharedKey(SharedKeyTemplate),
}

/// A name and a value with `{parameter}` places.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderTemplate {
    /// Name of the header or query parameter.
    pub name: String,
    /// Its value, such as `Bearer {token}`.
    pub value: String,
}

/// The two connection parameters of HTTP Basic.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BasicTemplate {
    /// Name of the connection parameter that holds the user name.
    pub username: String,
    /// Name of the connection parameter that holds the password.
    pub password: String,
}

/// The two connection parameters of a shared-key signature.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedKeyTemplate {
    /// Name of the connection parameter that holds the account.
    pub account: String,
    /// Name of the connection parameter that holds the base64 key.
    pub key: String,
}
