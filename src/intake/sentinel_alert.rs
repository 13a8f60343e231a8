//! Alerts as Microsoft Sentinel writes them: the flat body of the alert trigger, a row of the table `SecurityAlert`, and
//! the `properties` of an alert in an incident. They differ in a few names and in what is text and what is JSON.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::bounds::{self, MAX_ENTITIES};
use super::node::Node;
use super::{DecodeError, Delivery, identity};
use crate::api::automation_rule::Severity;
use crate::rules::{Alert, Entity, entity};

/// Where entities lie that no kind is known for, so that they are not lost.
const UNREAD: &str = "Unread Entities";

pub(super) fn recognises(body: &Node<'_>) -> bool {
    let properties = body.get("properties");
    let names = |node: &Node<'_>| node.has("SystemAlertId") || node.has("AlertDisplayName");
    names(body) || body.has("WorkspaceSubscriptionId") || properties.is_some_and(|properties| names(&properties))
}

pub(super) fn read(body: &Node<'_>, delivery: Delivery<'_>) -> Result<Alert, DecodeError> {
    if body.value.as_object().is_none() {
        return Err(body.expected("an alert, which is an object"));
    }
    let nested = body.get("properties").filter(|properties| properties.value.is_object());
    let alert = nested.as_ref().unwrap_or(body);
    let title = alert.text(&["AlertDisplayName", "DisplayName", "AlertName", "friendlyName"])?;
    let title = title.ok_or_else(|| alert.error("an alert must have `AlertDisplayName`"))?;
    let extended = json_object(alert, &["ExtendedProperties", "additionalData"])?;
    let system_id = alert
        .text(&["SystemAlertId"])?
        .or(body.text(&["name"])?.filter(|_| nested.is_some()));
    let provider_id = alert.text(&["ProviderAlertId", "VendorOriginalId"])?;
    let own_id = system_id.as_deref().or(provider_id.as_deref());
    let key = identity::dedup_key("sentinel", own_id, || identity::hash([alert.value.to_string()]));
    let (entities, unread) = entities(alert)?;
    let rule = text_member(&extended, "Analytic Rule Name");
    let alert_type = alert
        .text(&["AlertType"])?
        .or_else(|| rule.clone())
        .unwrap_or_else(|| title.clone());
    let product = alert
        .text(&["ProductName"])?
        .unwrap_or_else(|| "Microsoft Sentinel".to_owned());
    let start = alert
        .time(&["StartTimeUtc", "StartTime"])?
        .unwrap_or_else(|| delivery.time());
    let mut alert = Alert {
        id: identity::id(delivery.workspace, "alert", &key),
        workspace: delivery.workspace.to_owned(),
        group_key: identity::group_key(&product, rule.as_deref().unwrap_or(&alert_type), &entities),
        dedup_key: key,
        title: bounds::title(&title),
        severity: severity(alert)?,
        end_time: alert.time(&["EndTimeUtc", "EndTime"])?.unwrap_or_else(|| start.clone()),
        start_time: start,
        time_generated: alert.time(&["TimeGenerated"])?.unwrap_or_else(|| delivery.time()),
        product_name: bounds::name(&product),
        provider_alert_id: provider_id.or(system_id).map(|id| bounds::name(&id)),
        alert_type: bounds::name(&alert_type),
        analytics_rule: rule.map(|rule| bounds::name(&rule)),
        resolved: alert
            .text(&["Status"])?
            .is_some_and(|status| status.eq_ignore_ascii_case("Resolved")),
        entities,
        custom_details: custom_details(&extended),
        extended_properties: bounds::properties(&extended),
        ..describe(alert)?
    };
    if !unread.is_empty() {
        let unread = bounds::property(&Value::Array(unread));
        alert.extended_properties.insert(UNREAD.to_owned(), unread);
    }
    Ok(alert)
}

/// The texts that are taken as they are.
fn describe(alert: &Node<'_>) -> Result<Alert, DecodeError> {
    Ok(Alert {
        description: bounds::description(&alert.text(&["Description"])?.unwrap_or_default()),
        product_component_name: alert.text(&["ProductComponentName"])?.map(|name| bounds::name(&name)),
        vendor_name: bounds::name(&alert.text(&["VendorName"])?.unwrap_or_else(|| "Microsoft".to_owned())),
        provider_name: bounds::name(
            &alert
                .text(&["ProviderName"])?
                .unwrap_or_else(|| "ASI Scheduled Alerts".to_owned()),
        ),
        tactics: alert.names(&["Tactics"])?,
        techniques: alert.names(&["Techniques"])?,
        link: alert
            .text(&["AlertUri", "AlertLink"])?
            .map(|link| bounds::description(&link)),
        remediation_steps: alert.names(&["RemediationSteps"])?,
        ..Alert::default()
    })
}

/// A severity of Sentinel; an alert without one is the mildest, as is the old word `Unknown`.
pub(super) fn severity(node: &Node<'_>) -> Result<Severity, DecodeError> {
    let names = ["Severity", "AlertSeverity"];
    if node
        .text(&names)?
        .is_some_and(|text| text.eq_ignore_ascii_case("Unknown"))
    {
        return Ok(Severity::Informational);
    }
    Ok(node
        .one_of(&names, Severity::ALL, Severity::as_str)?
        .unwrap_or_default())
}

fn entities(alert: &Node<'_>) -> Result<(Vec<Entity>, Vec<Value>), DecodeError> {
    let Some(node) = alert.get("Entities") else {
        return Ok(Default::default());
    };
    match json_text(&node)? {
        Some(parsed) => read_entities(&node.with(&parsed)),
        None => read_entities(&node),
    }
}

/// The entities of an array, each once, and what was no entity of a known kind.
pub(super) fn read_entities(node: &Node<'_>) -> Result<(Vec<Entity>, Vec<Value>), DecodeError> {
    let Value::Array(items) = node.value else {
        return if node.value.as_str().is_some_and(|text| text.trim().is_empty()) {
            Ok(Default::default())
        } else {
            Err(node.expected("an array of entities"))
        };
    };
    let (read, unread) = entity::read_list(items);
    let mut known = std::collections::HashSet::new();
    let each_once = read.into_iter().filter(|entity| known.insert(entity.identity()));
    let bounded = each_once.take(MAX_ENTITIES).map(|entity| Entity {
        properties: bounds::properties(&entity.properties),
        kind: entity.kind,
    });
    Ok((bounded.collect(), unread.into_iter().map(|(value, _)| value).collect()))
}

/// JSON that lies in text; `None` if the node is no text or blank.
fn json_text(node: &Node<'_>) -> Result<Option<Value>, DecodeError> {
    let Some(text) = node.value.as_str().filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let parsed = serde_json::from_str(text);
    parsed
        .map(Some)
        .map_err(|error| node.error(format!("the text is no JSON: {error}")))
}

fn json_object(alert: &Node<'_>, names: &[&str]) -> Result<Map<String, Value>, DecodeError> {
    let Some(node) = alert.any(names) else {
        return Ok(Map::new());
    };
    let value = match json_text(&node)? {
        Some(parsed) => parsed,
        None if node.value.is_string() => return Ok(Map::new()),
        None => node.value.clone(),
    };
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(node.expected("an object, or one as JSON text")),
    }
}

fn text_member(members: &Map<String, Value>, name: &str) -> Option<String> {
    let (_, value) = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The member `Custom Details`: JSON text `{"key": ["value"]}`, or that object itself. What is neither stays an
/// extended property only.
fn custom_details(extended: &Map<String, Value>) -> IndexMap<String, Vec<String>> {
    let Some((_, details)) = extended
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("Custom Details"))
    else {
        return IndexMap::new();
    };
    let parsed = details
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let members = parsed
        .as_ref()
        .unwrap_or(details)
        .as_object()
        .cloned()
        .unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    bounds::details(members.iter().map(|(key, value)| match value {
        Value::Array(items) => (key, items.iter().map(text).collect::<Vec<_>>()),
        other => (key, vec![text(other)]),
    }))
}
