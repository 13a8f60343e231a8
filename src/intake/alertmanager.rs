//! Prometheus Alertmanager's webhook, version 4: each member of `alerts` is one alert. Its key is fingerprint and start,
//! so repeated notifications and the one that says `resolved` are the same alert.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::node::Node;
use super::{DecodeError, Delivery, bounds, identity, time};
use crate::api::automation_rule::Severity;
use crate::rules::{Alert, Entity, EntityKind};

const SOURCE: &str = "alertmanager";

/// What a label's value names.
type Reading = fn(&str) -> Entity;

/// Labels that name what an alert is about, and how their values are read.
const LABELS: &[(&str, Reading)] = &[
    ("instance", endpoint),
    ("node", endpoint),
    ("nodename", endpoint),
    ("host", endpoint),
    ("hostname", endpoint),
    ("target", endpoint),
    ("url", endpoint),
    ("ip", address),
    ("pod_ip", address),
    ("host_ip", address),
    ("source_ip", address),
    ("src_ip", address),
    ("client_ip", address),
    ("destination_ip", address),
    ("domain", domain),
    ("user", account),
    ("username", account),
];

pub(super) fn read(body: &Node<'_>, delivery: Delivery<'_>) -> Result<Vec<Alert>, DecodeError> {
    if let Some(version) = body
        .get("version")
        .filter(|version| version.value.as_str() != Some("4"))
    {
        return Err(version.error("only version \"4\" of Alertmanager's webhook is known"));
    }
    let alerts = body
        .get("alerts")
        .ok_or_else(|| body.error("an Alertmanager body must have `alerts`"))?;
    alerts
        .items()?
        .iter()
        .map(|alert| read_one(alert, body, delivery))
        .collect()
}

fn read_one(alert: &Node<'_>, body: &Node<'_>, delivery: Delivery<'_>) -> Result<Alert, DecodeError> {
    let labels = texts(alert, "labels")?;
    let annotations = texts(alert, "annotations")?;
    let label = |name: &str| labels.get(name).cloned();
    let annotation = |names: &[&str]| names.iter().find_map(|name| annotations.get(*name).cloned());
    let rule = label("alertname").unwrap_or_else(|| "Alert".to_owned());
    let start = alert.time(&["startsAt"])?.unwrap_or_else(|| delivery.time());
    let fingerprint = alert.text(&["fingerprint"])?.unwrap_or_else(|| fingerprint(&labels));
    let key = identity::dedup_key(SOURCE, Some(&format!("{fingerprint}/{start}")), String::new);
    let entities = entities(&labels);
    let summary = annotation(&["summary", "title"]);
    Ok(Alert {
        id: identity::id(delivery.workspace, "alert", &key),
        workspace: delivery.workspace.to_owned(),
        group_key: identity::group_key(SOURCE, &rule, &entities),
        dedup_key: key,
        title: bounds::title(summary.as_deref().unwrap_or(&rule)),
        description: bounds::description(&annotation(&["description", "message"]).unwrap_or_default()),
        severity: severity(labels.get("severity").map(String::as_str)),
        end_time: end(alert)?.unwrap_or_else(|| start.clone()),
        start_time: start,
        time_generated: delivery.time(),
        product_name: "Prometheus Alertmanager".to_owned(),
        product_component_name: body.text(&["receiver"])?.map(|receiver| bounds::name(&receiver)),
        vendor_name: "Prometheus".to_owned(),
        provider_name: "Alertmanager".to_owned(),
        provider_alert_id: Some(bounds::name(&fingerprint)),
        alert_type: bounds::name(&rule),
        resolved: alert
            .text(&["status"])?
            .is_some_and(|status| status.eq_ignore_ascii_case("resolved")),
        tactics: bounds::names(label("tactic").iter()),
        techniques: bounds::names(label("technique").iter()),
        entities,
        extended_properties: extended(alert, body),
        link: alert.text(&["generatorURL"])?.map(|link| bounds::description(&link)),
        remediation_steps: bounds::names(annotation(&["runbook_url", "runbook"]).iter()),
        ..Alert::default()
    })
}

/// The members that are text and not blank.
fn texts(alert: &Node<'_>, name: &str) -> Result<IndexMap<String, String>, DecodeError> {
    let Some(node) = alert.get(name) else {
        return Ok(IndexMap::new());
    };
    let members = node.value.as_object().ok_or_else(|| node.expected("an object"))?;
    let text = |(key, value): (&String, &Value)| {
        let text = value.as_str().filter(|text| !text.trim().is_empty())?;
        Some((key.clone(), text.to_owned()))
    };
    Ok(members.iter().filter_map(text).collect())
}

/// Alertmanager always sends a fingerprint; others that speak its format may not.
fn fingerprint(labels: &IndexMap<String, String>) -> String {
    let mut pairs: Vec<(&String, &String)> = labels.iter().collect();
    pairs.sort();
    identity::hash(pairs.into_iter().flat_map(|(key, value)| [key, value]))
}

/// The end, if there is one: a firing alert has the year 1, or a time in the future at which it counts as resolved.
fn end(alert: &Node<'_>) -> Result<Option<String>, DecodeError> {
    let resolved = alert
        .text(&["status"])?
        .is_some_and(|status| status.eq_ignore_ascii_case("resolved"));
    let end = alert.time(&["endsAt"])?;
    Ok(end.filter(|end| resolved && time::instant(end).is_some_and(|end| end > Timestamp::UNIX_EPOCH)))
}

fn severity(label: Option<&str>) -> Severity {
    match label.unwrap_or_default().to_ascii_lowercase().as_str() {
        "critical" | "high" | "error" | "page" | "emergency" | "fatal" => Severity::High,
        "low" | "minor" | "notice" => Severity::Low,
        "info" | "informational" | "information" | "none" | "debug" => Severity::Informational,
        // Also what carries no severity, or one of its own: somebody configured it to notify.
        _ => Severity::Medium,
    }
}

fn entities(labels: &IndexMap<String, String>) -> Vec<Entity> {
    let mut entities: Vec<Entity> = pod(labels).into_iter().collect();
    for (label, read) in LABELS {
        let Some(value) = labels
            .get(*label)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
        else {
            continue;
        };
        let entity = read(value);
        if !entities.iter().any(|known| known.identity() == entity.identity()) {
            entities.push(entity);
        }
    }
    entities
}

fn pod(labels: &IndexMap<String, String>) -> Option<Entity> {
    let pod = labels.get("pod").filter(|pod| !pod.is_empty())?;
    let named = [
        ("namespace", "k8sNamespace"),
        ("container", "containerName"),
        ("image", "containerImage"),
    ];
    let facts = named
        .iter()
        .filter_map(|(label, property)| Some((*property, labels.get(*label)?.as_str())));
    Some(Entity::new(
        EntityKind::Host,
        [("hostName", pod.as_str())].into_iter().chain(facts),
    ))
}

fn address(value: &str) -> Entity {
    Entity::new(EntityKind::Ip, [("address", value)])
}

fn domain(value: &str) -> Entity {
    Entity::new(EntityKind::DnsResolution, [("domainName", value)])
}

fn account(value: &str) -> Entity {
    Entity::new(EntityKind::Account, [("accountName", value)])
}

/// What an instance names: an address, a host (either may carry a port), or the URL that a probe asked for.
fn endpoint(value: &str) -> Entity {
    if value.starts_with("http://") || value.starts_with("https://") {
        return Entity::new(EntityKind::Url, [("url", value)]);
    }
    let without_port = match value.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|digit| digit.is_ascii_digit()) => host,
        _ => value,
    };
    for candidate in [value, without_port, without_port.trim_matches(['[', ']'])] {
        if candidate.parse::<std::net::IpAddr>().is_ok() {
            return address(candidate);
        }
    }
    Entity::new(EntityKind::Host, [("hostName", without_port)])
}

fn extended(alert: &Node<'_>, body: &Node<'_>) -> IndexMap<String, Value> {
    let mut members = Map::new();
    for name in ["labels", "annotations", "status"] {
        if let Some(node) = alert.get(name) {
            members.insert(name.to_owned(), node.value.clone());
        }
    }
    for name in ["groupKey", "externalURL", "receiver", "truncatedAlerts"] {
        if let Some(node) = body.get(name) {
            members.insert(name.to_owned(), node.value.clone());
        }
    }
    bounds::properties(&members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_name_addresses_hosts_and_urls() {
        let cases = [
            ("10.1.2.3:9100", EntityKind::Ip, "10.1.2.3"),
            ("[2001:db8::1]:9100", EntityKind::Ip, "2001:db8::1"),
            ("2001:db8::1", EntityKind::Ip, "2001:db8::1"),
            ("node-1:9100", EntityKind::Host, "node-1"),
            ("node-1", EntityKind::Host, "node-1"),
            (
                "https://shop.example/health",
                EntityKind::Url,
                "https://shop.example/health",
            ),
        ];
        for (value, kind, name) in cases {
            let entity = endpoint(value);
            assert_eq!((entity.kind, entity.friendly_name().as_str()), (kind, name));
        }
    }

    #[test]
    fn severities() {
        let cases = [
            (Some("critical"), Severity::High),
            (Some("ERROR"), Severity::High),
            (Some("warning"), Severity::Medium),
            (Some("minor"), Severity::Low),
            (Some("info"), Severity::Informational),
            (Some("odd"), Severity::Medium),
            (None, Severity::Medium),
        ];
        for (label, expected) in cases {
            assert_eq!(severity(label), expected, "{label:?}");
        }
    }
}
