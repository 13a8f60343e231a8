//! References from one object to another, and values that may come from a Secret or a ConfigMap.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cel;

/// An object of the same namespace, by name.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct LocalRef {
    /// Name of the object.
    #[schemars(length(min = 1, max = 253), pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
}

/// A key of a Secret or ConfigMap of the same namespace.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct KeyRef {
    /// Name of the Secret or ConfigMap.
    #[schemars(length(min = 1, max = 253), pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
    /// Key in its data, 1 to 253 letters, digits, `-`, `_` and `.`.
    #[schemars(length(min = 1, max = 253), pattern("^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

/// Where a value comes from. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValueSource {
    /// A key of a Secret; the value is treated as secret everywhere.
    SecretKeyRef(KeyRef),
    /// A key of a ConfigMap.
    ConfigMapKeyRef(KeyRef),
}

/// A named value: given here, or taken from a Secret or ConfigMap. Exactly one of `value` and `valueFrom` is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    cel::rule("has(dyn(self).value) != has(self.valueFrom)", cel::ONE_VALUE),
]))]
pub struct NamedValue {
    /// Name of the parameter or setting, 1 to 80 characters.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// The value itself, of any JSON type but `null`. Secrets belong into `valueFrom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub value: Option<serde_json::Value>,
    /// Where to read the value. Text that a parameter of another type needs is read as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueSource>,
}
