//! Falco's events, from Falco itself or through falcosidekick. Everything of `output_fields` is kept; what names a
//! thing (an address, a process, a pod) becomes an entity too.

mod entities;

use serde_json::{Map, Value};

use super::node::Node;
use super::{DecodeError, Delivery, bounds, identity, time};
use crate::api::automation_rule::Severity;
use crate::rules::Alert;

const SOURCE: &str = "falco";

/// The tactics of ATT&CK as Falco's tags name them (`mitre_` before), and as Sentinel does.
const TACTICS: &[(&str, &str)] = &[
    ("initial_access", "InitialAccess"),
    ("execution", "Execution"),
    ("persistence", "Persistence"),
    ("privilege_escalation", "PrivilegeEscalation"),
    ("defense_evasion", "DefenseEvasion"),
    ("credential_access", "CredentialAccess"),
    ("discovery", "Discovery"),
    ("lateral_movement", "LateralMovement"),
    ("collection", "Collection"),
    ("exfiltration", "Exfiltration"),
    ("command_and_control", "CommandAndControl"),
    ("impact", "Impact"),
    ("reconnaissance", "Reconnaissance"),
    ("resource_development", "ResourceDevelopment"),
];

pub(super) fn read(event: &Node<'_>, delivery: Delivery<'_>) -> Result<Alert, DecodeError> {
    let rule = event
        .text(&["rule"])?
        .ok_or_else(|| event.error("a Falco event must have a `rule`"))?;
    let output = event.text(&["output"])?.unwrap_or_default();
    let hostname = event.text(&["hostname"])?.unwrap_or_default();
    let sent = event.text(&["time"])?.unwrap_or_default();
    let no_fields = Map::new();
    let fields = match event.get("output_fields") {
        Some(node) => node.value.as_object().ok_or_else(|| node.expected("an object"))?,
        None => &no_fields,
    };
    // A time that cannot be read must not lose the event; it stays in the key and in the extended properties.
    let start = time::utc(&sent).unwrap_or_else(|| delivery.time());
    let uuid = event.text(&["uuid"])?;
    let key = identity::dedup_key(SOURCE, uuid.as_deref(), || {
        identity::hash([rule.as_str(), sent.as_str(), output.as_str(), hostname.as_str()])
    });
    let tags = event.names(&["tags"])?;
    let entities = entities::read(fields, &hostname);
    Ok(Alert {
        id: identity::id(delivery.workspace, "alert", &key),
        workspace: delivery.workspace.to_owned(),
        group_key: identity::group_key(SOURCE, &rule, &entities),
        dedup_key: key,
        title: bounds::title(&rule),
        description: bounds::description(&output),
        severity: severity(event)?,
        start_time: start.clone(),
        end_time: start,
        time_generated: delivery.time(),
        product_name: "Falco".to_owned(),
        product_component_name: event.text(&["source"])?.map(|source| bounds::name(&source)),
        vendor_name: "Falco".to_owned(),
        provider_name: "Falco".to_owned(),
        provider_alert_id: uuid.map(|uuid| bounds::name(&uuid)),
        alert_type: bounds::name(&rule),
        tactics: tactics(&tags),
        techniques: bounds::names(tags.iter().filter_map(|tag| technique(tag))),
        entities,
        extended_properties: extended(event, fields),
        ..Alert::default()
    })
}

fn severity(event: &Node<'_>) -> Result<Severity, DecodeError> {
    let priority = event.text(&["priority"])?.unwrap_or_default().to_ascii_lowercase();
    Ok(match priority.as_str() {
        "emergency" | "alert" | "critical" | "error" => Severity::High,
        "warning" => Severity::Medium,
        "notice" => Severity::Low,
        "" | "informational" | "info" | "debug" => Severity::Informational,
        _ => {
            let place = event.get("priority").unwrap_or_else(|| event.clone());
            return Err(place.error(format!("'{priority}' is no priority of Falco")));
        }
    })
}

fn tactics(tags: &[String]) -> Vec<String> {
    let name_of = |tag: &String| {
        let tag = tag.to_ascii_lowercase();
        let tactic = tag.strip_prefix("mitre_")?;
        TACTICS
            .iter()
            .find(|(falco, _)| *falco == tactic)
            .map(|(_, name)| *name)
    };
    bounds::names(tags.iter().filter_map(name_of))
}

/// The technique that a tag such as `T1059.004` or `mitre_T1059` names.
fn technique(tag: &str) -> Option<String> {
    let upper = tag.trim().to_ascii_uppercase();
    let name = upper.strip_prefix("MITRE_").unwrap_or(&upper);
    let (number, sub) = name
        .strip_prefix('T')?
        .split_once('.')
        .map_or((name.get(1..)?, None), |(a, b)| (a, Some(b)));
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(number, 4) && sub.is_none_or(|sub| digits(sub, 3))).then(|| name.to_owned())
}

fn extended(event: &Node<'_>, fields: &Map<String, Value>) -> indexmap::IndexMap<String, Value> {
    let mut members = Map::new();
    for name in ["priority", "source", "hostname", "time", "tags"] {
        if let Some(node) = event.get(name) {
            members.insert(name.to_owned(), node.value.clone());
        }
    }
    for (name, value) in fields {
        members.insert(name.clone(), value.clone());
    }
    bounds::properties(&members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn techniques_are_recognised() {
        let cases = [
            ("T1059", Some("T1059")),
            ("t1059.004", Some("T1059.004")),
            ("mitre_T1105", Some("T1105")),
            ("T105", None),
            ("T1059.4", None),
            ("TCP", None),
            ("T", None),
            ("é", None),
        ];
        for (tag, expected) in cases {
            assert_eq!(technique(tag).as_deref(), expected, "{tag}");
        }
    }
}
