//! Alerts: what a detection saw once.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::entity::Entity;
use crate::api::automation_rule::Severity;

/// One alert of any source, in one form. Times are RFC 3339 in UTC.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Identity, a UUID.
    pub id: String,
    /// The workspace: the namespace that it belongs to.
    pub workspace: String,
    /// Two deliveries with the same key in a workspace are one alert.
    pub dedup_key: String,
    /// Alerts with the same key join one incident for some hours: source, rule and entities.
    pub group_key: String,
    /// What people see.
    pub title: String,
    /// What happened.
    #[serde(default)]
    pub description: String,
    /// How bad it is.
    pub severity: Severity,
    /// First event, RFC 3339.
    pub start_time: String,
    /// Last event, RFC 3339.
    pub end_time: String,
    /// When the alert was made, RFC 3339.
    pub time_generated: String,
    /// The product that saw it, such as `Falco`.
    pub product_name: String,
    /// Part of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_component_name: Option<String>,
    /// Who makes the product.
    pub vendor_name: String,
    /// Who delivered it.
    pub provider_name: String,
    /// The source's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_alert_id: Option<String>,
    /// The rule of the source, or the name of the analytics rule that made it.
    pub alert_type: String,
    /// The analytics rule that made it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analytics_rule: Option<String>,
    /// Whether it has ended at the source.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resolved: bool,
    /// ATT&CK tactics.
    #[serde(default)]
    pub tactics: Vec<String>,
    /// ATT&CK techniques.
    #[serde(default)]
    pub techniques: Vec<String>,
    /// What it is about.
    #[serde(default)]
    pub entities: Vec<Entity>,
    /// Custom details: a key, its values.
    #[serde(default)]
    pub custom_details: IndexMap<String, Vec<String>>,
    /// Other facts of the source.
    #[serde(default)]
    pub extended_properties: IndexMap<String, serde_json::Value>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What to do about it.
    #[serde(default)]
    pub remediation_steps: Vec<String>,
}
