//! Whether and how the alerts of an analytics rule become incidents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IS_DURATION;
use crate::api::cel;

/// Whether alerts become incidents.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IncidentConfiguration {
    /// Whether alerts become incidents. Defaults to true.
    #[serde(default = "super::yes")]
    pub create_incident: bool,
    /// Which alerts join one incident. Absent: each alert makes its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grouping_configuration: Option<GroupingConfiguration>,
}

/// Which alerts join one incident.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    cel::rule(
        "!self.enabled || self.matchingMethod != 'Selected' || \
         has(self.groupByEntities) && size(self.groupByEntities) > 0 || \
         has(self.groupByAlertDetails) && size(self.groupByAlertDetails) > 0 || \
         has(self.groupByCustomDetails) && size(self.groupByCustomDetails) > 0",
        cel::SELECTED_NEEDS_GROUPS,
    ),
]))]
pub struct GroupingConfiguration {
    /// Whether alerts join at all. Defaults to false.
    #[serde(default)]
    pub enabled: bool,
    /// Whether a new alert opens a closed incident again, rather than a new one. Defaults to false.
    #[serde(default)]
    pub reopen_closed_incident: bool,
    /// How long after the first alert others join, 5 minutes to 7 days. Absent: 5 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 32))]
    #[schemars(extend("x-kubernetes-validations" = [cel::rule(IS_DURATION, cel::NO_DURATION)]))]
    pub lookback_duration: Option<String>,
    /// What alerts must have in common. Defaults to `AllEntities`.
    #[serde(default)]
    pub matching_method: MatchingMethod,
    /// With `Selected`: types of entities that must be equal, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 64)))]
    pub group_by_entities: Vec<String>,
    /// With `Selected`: details of the alert that must be equal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2))]
    pub group_by_alert_details: Vec<AlertDetail>,
    /// With `Selected`: keys of custom details that must be equal, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 64)))]
    pub group_by_custom_details: Vec<String>,
}

/// What alerts must have in common to join one incident.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum MatchingMethod {
    /// The values of every mapped entity.
    #[default]
    AllEntities,
    /// Nothing: all alerts of the rule join.
    AnyAlert,
    /// What the rule selects.
    Selected,
}

/// A detail of an alert.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum AlertDetail {
    /// Its name.
    DisplayName,
    /// Its severity.
    Severity,
}
