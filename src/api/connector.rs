//! `Connector`: a kind of service, described by an OpenAPI document. The built-in catalogue has the same form.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reference::KeyRef;

/// A kind of service: its operations, its host, its authentication.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[kube(
    group = "riposte.dev",
    version = "v1alpha1",
    kind = "Connector",
    plural = "connectors",
    namespaced
)]
#[kube(
    status = "super::status::ConnectorStatus",
    derive = "PartialEq",
    category = "riposte"
)]
#[kube(doc = "A connector: a kind of service, described by an OpenAPI document.")]
#[kube(printcolumn = r#"{"name": "HOST", "type": "string", "jsonPath": ".status.host"}"#)]
#[kube(printcolumn = r#"{"name": "OPERATIONS", "type": "integer", "jsonPath": ".status.operations", "priority": 1}"#)]
#[kube(
    printcolumn = r#"{"name": "READY", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].status"}"#
)]
#[kube(
    printcolumn = r#"{"name": "STATUS", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Ready\")].message"}"#
)]
#[kube(printcolumn = r#"{"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectorSpec {
    /// What people see, at most 253 characters. Absent: the name of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub display_name: Option<String>,
    /// What the service is, at most 4096 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,
    /// The OpenAPI 2.0 or 3.x document.
    pub openapi: OpenApiSource,
    /// Where the service is, instead of the document's own address. `{name}` is replaced by that connection parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048), pattern(r"^(https?://|\{)"))]
    pub base_url: Option<String>,
    /// The parameters that a connection gives, at most 50, each name once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub parameters: Vec<ConnectionParameter>,
    /// How calls authenticate. Absent: as the document says, or as the connection says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<ConnectorAuthentication>,
}

/// Where the OpenAPI document is. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OpenApiSource {
    /// The document itself.
    Inline(#[schemars(schema_with = "super::playbook::free_form")] serde_json::Value),
    /// A key of a ConfigMap that holds the document as JSON or YAML.
    ConfigMapKeyRef(KeyRef),
}

/// A parameter that each connection gives.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConnectionParameter {
    /// Name, as Logic Apps has it: `api_key`. 1 to 80 characters.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// Whether it is a secret: then it is shown nowhere. Defaults to false.
    #[serde(default)]
    pub secure: bool,
    /// Whether a connection may leave it out. Defaults to false.
    #[serde(default)]
    pub optional: bool,
    /// What it is and where to get it, at most 4096 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
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
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// Its value, such as `Bearer {token}`.
    #[schemars(length(min = 1, max = 4096))]
    pub value: String,
}

/// The two connection parameters of HTTP Basic.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BasicTemplate {
    /// Name of the connection parameter that holds the user name.
    #[schemars(length(min = 1, max = 80))]
    pub username: String,
    /// Name of the connection parameter that holds the password.
    #[schemars(length(min = 1, max = 80))]
    pub password: String,
}

/// The two connection parameters of a shared-key signature.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedKeyTemplate {
    /// Name of the connection parameter that holds the account.
    #[schemars(length(min = 1, max = 80))]
    pub account: String,
    /// Name of the connection parameter that holds the base64 key.
    #[schemars(length(min = 1, max = 80))]
    pub key: String,
}
