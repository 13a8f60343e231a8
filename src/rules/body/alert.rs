//! Alerts as playbooks see them: an item of `Alerts`, and the flat body of the alert trigger.

use serde_json::Value as Json;

use super::entity::alert_entities;
use super::{optional, texts};
use crate::expression::{Object, Value};
use crate::rules::{Alert, EntityKind, Ids};

/// An alert as an item of `Alerts` of an incident.
pub fn alert_resource(alert: &Alert, ids: &Ids) -> Value {
    Value::object([
        ("id", Value::from(ids.arm_id("Entities", &alert.id))),
        ("name", Value::from(alert.id.as_str())),
        ("type", Value::from("Microsoft.SecurityInsights/Entities")),
        ("kind", Value::from("SecurityAlert")),
        ("properties", properties(alert, ids)),
    ])
}

fn properties(alert: &Alert, ids: &Ids) -> Value {
    Value::object([
        ("systemAlertId", Value::from(alert.id.as_str())),
        ("alertDisplayName", Value::from(alert.title.as_str())),
        ("friendlyName", Value::from(alert.title.as_str())),
        ("alertType", Value::from(alert.alert_type.as_str())),
        ("alertLink", optional(alert.link.as_ref())),
        ("description", Value::from(alert.description.as_str())),
        ("severity", Value::from(alert.severity.as_str())),
        ("status", Value::from(status(alert))),
        ("confidenceLevel", Value::from("Unknown")),
        ("compromisedEntity", Value::from(compromised_entity(alert))),
        (
            "intent",
            Value::from(alert.tactics.first().map_or("Unknown", String::as_str)),
        ),
        ("tactics", texts(&alert.tactics)),
        ("techniques", texts(&alert.techniques)),
        ("providerAlertId", Value::from(provider_alert_id(alert))),
        ("productName", Value::from(alert.product_name.as_str())),
        ("productComponentName", optional(alert.product_component_name.as_ref())),
        ("vendorName", Value::from(alert.vendor_name.as_str())),
        ("remediationSteps", texts(&alert.remediation_steps)),
        ("resourceIdentifiers", resource_identifiers(ids)),
        ("startTimeUtc", Value::from(alert.start_time.as_str())),
        ("endTimeUtc", Value::from(alert.end_time.as_str())),
        ("timeGenerated", Value::from(alert.time_generated.as_str())),
        ("processingEndTime", Value::from(alert.time_generated.as_str())),
        ("additionalData", extended_properties(alert, ids)),
    ])
}

/// Body of the alert trigger.
pub fn alert_trigger(alert: &Alert, ids: &Ids) -> Value {
    Value::object([
        ("WorkspaceSubscriptionId", Value::from(ids.subscription_id.as_str())),
        ("WorkspaceId", Value::from(ids.workspace_id.as_str())),
        ("WorkspaceResourceGroup", Value::from(ids.resource_group.as_str())),
        ("SystemAlertId", Value::from(alert.id.as_str())),
        ("AlertDisplayName", Value::from(alert.title.as_str())),
        ("AlertType", Value::from(alert.alert_type.as_str())),
        ("Description", Value::from(alert.description.as_str())),
        ("Severity", Value::from(alert.severity.as_str())),
        ("Status", Value::from(status(alert))),
        ("ProductName", Value::from(alert.product_name.as_str())),
        ("ProductComponentName", optional(alert.product_component_name.as_ref())),
        ("ProviderName", Value::from(alert.provider_name.as_str())),
        ("ProviderAlertId", Value::from(provider_alert_id(alert))),
        ("VendorName", Value::from(alert.vendor_name.as_str())),
        ("CompromisedEntity", Value::from(compromised_entity(alert))),
        ("StartTimeUtc", Value::from(alert.start_time.as_str())),
        ("EndTimeUtc", Value::from(alert.end_time.as_str())),
        ("TimeGenerated", Value::from(alert.time_generated.as_str())),
        ("ProcessingEndTime", Value::from(alert.time_generated.as_str())),
        ("Tactics", Value::from(alert.tactics.join(", "))),
        ("Techniques", Value::from(alert.techniques.join(", "))),
        ("RemediationSteps", texts(&alert.remediation_steps)),
        ("AlertUri", optional(alert.link.as_ref())),
        ("ExtendedLinks", Value::array([])),
        ("ExtendedProperties", extended_properties(alert, ids)),
        ("Entities", Value::from(alert_entities(&alert.entities).to_json())),
    ])
}

fn status(alert: &Alert) -> &'static str {
    if alert.resolved { "Resolved" } else { "New" }
}

fn provider_alert_id(alert: &Alert) -> &str {
    alert.provider_alert_id.as_ref().unwrap_or(&alert.id)
}

/// The host or else the account that the alert is about.
fn compromised_entity(alert: &Alert) -> String {
    let of_kind = |kind| alert.entities.iter().find(|entity| entity.kind == kind);
    let found = of_kind(EntityKind::Host).or_else(|| of_kind(EntityKind::Account));
    found.map(|entity| entity.friendly_name()).unwrap_or_default()
}

fn resource_identifiers(ids: &Ids) -> Value {
    Value::array([Value::object([
        ("type", "LogAnalytics"),
        ("workspaceId", &ids.workspace_id),
        ("workspaceSubscriptionId", &ids.subscription_id),
        ("workspaceResourceGroup", &ids.resource_group),
    ])])
}

/// The other facts of an alert: a table of texts, as the original has it, so structured facts are JSON text.
fn extended_properties(alert: &Alert, ids: &Ids) -> Value {
    let facts = alert.extended_properties.iter();
    let mut properties: Object = facts.map(|(name, value)| (name.as_str(), as_text(value))).collect();
    if let Some(rule) = &alert.analytics_rule {
        let id = texts([ids.arm_id("alertRules", rule)]).to_json();
        let facts = [
            ("Analytic Rule Ids", id.as_str()),
            ("Analytic Rule Name", rule),
            ("ProcessedBySentinel", "True"),
            ("Alert generation status", "Full alert created"),
        ];
        for (name, value) in facts {
            if properties.get_exact(name).is_none() {
                properties.insert(name, value);
            }
        }
    }
    if !alert.custom_details.is_empty() {
        let details = alert.custom_details.iter();
        let details = Value::object(details.map(|(key, values)| (key.as_str(), texts(values))));
        properties.insert("Custom Details", details.to_json());
    }
    Value::from(properties)
}

fn as_text(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::String(text) => Value::from(text.as_str()),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => Value::from(value.to_string()),
    }
}
