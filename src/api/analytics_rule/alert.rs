//! What the alerts of an analytics rule are made of: rows of the query.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How rows become alerts.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventGroupingSettings {
    /// One alert for all rows, or one for each. Defaults to `SingleAlert`.
    #[serde(default)]
    pub aggregation_kind: AggregationKind,
}

/// How rows become alerts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum AggregationKind {
    /// One alert for all rows of a run.
    #[default]
    SingleAlert,
    /// One alert for each row, at most 150 a run; the last stands for the rest.
    AlertPerResult,
}

/// Which columns make an entity.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntityMapping {
    /// Type of the entity, such as `Account`, `Host`, `IP`.
    #[schemars(length(min = 1, max = 64), pattern("^[A-Za-z]+$"))]
    pub entity_type: String,
    /// Its identifiers, 1 to 3, each once.
    #[schemars(
        length(min = 1, max = 3),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["identifier"])
    )]
    pub field_mappings: Vec<FieldMapping>,
}

/// A column that gives an identifier.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldMapping {
    /// The identifier, such as `FullName` or `Address`.
    #[schemars(length(min = 1, max = 64), pattern("^[A-Za-z0-9]+$"))]
    pub identifier: String,
    /// The column.
    #[schemars(length(min = 1, max = 500), pattern(r"^[a-zA-Z_]+\w*$"))]
    pub column_name: String,
}

/// A column that holds entities already made.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SentinelEntityMapping {
    /// The column.
    #[schemars(length(min = 1, max = 500), pattern(r"^[a-zA-Z_]+\w*$"))]
    pub column_name: String,
}

/// Details of alerts that columns give. A column that is empty or wrong leaves the detail as the rule has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlertDetailsOverride {
    /// Name of the alert, at most 256 characters; `{{Column}}` stands for the value of a column, at most three times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub alert_display_name_format: Option<String>,
    /// Its description, at most 5000 characters, in the same way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5000))]
    pub alert_description_format: Option<String>,
    /// The column that holds the severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub alert_severity_column_name: Option<String>,
    /// The column that holds the tactics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub alert_tactics_column_name: Option<String>,
    /// Other properties, at most 10, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 10),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["alertProperty"])
    )]
    pub alert_dynamic_properties: Vec<DynamicProperty>,
}

/// A property of alerts that a column gives.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DynamicProperty {
    /// The property.
    pub alert_property: AlertProperty,
    /// The column.
    #[schemars(length(min = 1, max = 500))]
    pub value: String,
}

/// A property of alerts that a column can give.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum AlertProperty {
    /// Where to read more.
    AlertLink,
    /// How sure the detection is, as a word.
    ConfidenceLevel,
    /// How sure the detection is, 0 to 1.
    ConfidenceScore,
    /// More links.
    ExtendedLinks,
    /// Part of the product.
    ProductComponentName,
    /// The product.
    ProductName,
    /// Who delivers the alert.
    ProviderName,
    /// What to do.
    RemediationSteps,
    /// Techniques of MITRE ATT&CK.
    Techniques,
}
