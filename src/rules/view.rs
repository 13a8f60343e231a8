//! What rules and playbooks see of an incident: the incident with its alerts, comments and tasks, read at one moment.
//! It is a value, so a decision on it can be repeated.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Alert, Comment, Entity, Incident, Task};

/// An incident with everything that belongs to it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IncidentView {
    /// The incident.
    pub incident: Incident,
    /// Its alerts, oldest first.
    #[serde(default)]
    pub alerts: Vec<Alert>,
    /// Its comments, oldest first.
    #[serde(default)]
    pub comments: Vec<Comment>,
    /// Its tasks, oldest first.
    #[serde(default)]
    pub tasks: Vec<Task>,
}

impl IncidentView {
    /// The view of an alert that belongs to no incident.
    pub fn of_alert(alert: Alert) -> Self {
        let incident = Incident {
            workspace: alert.workspace.clone(),
            ..Incident::default()
        };
        Self {
            incident,
            alerts: vec![alert],
            ..Self::default()
        }
    }

    /// The entities of the incident and its alerts, each once by identity, in the order of their first appearance.
    /// Facts that only a later appearance has are added to the first.
    pub fn entities(&self) -> Vec<Entity> {
        let mut merged: Vec<Entity> = Vec::new();
        let mut positions = HashMap::new();
        let of_alerts = self.alerts.iter().flat_map(|alert| &alert.entities);
        for entity in self.incident.entities.iter().chain(of_alerts) {
            let position = *positions.entry(entity.identity()).or_insert(merged.len());
            match merged.get_mut(position) {
                Some(known) => add_facts(known, entity),
                None => merged.push(entity.clone()),
            }
        }
        merged
    }

    /// Names of the products behind the alerts, each once.
    pub fn product_names(&self) -> Vec<&str> {
        let of_incident = self.incident.alert_product_names.iter();
        let of_alerts = self.alerts.iter().map(|alert| &alert.product_name);
        unique(of_incident.chain(of_alerts))
    }

    /// Names of the analytics rules behind the alerts, each once.
    pub fn analytics_rules(&self) -> Vec<&str> {
        let of_incident = self.incident.related_analytic_rules.iter();
        let of_alerts = self.alerts.iter().filter_map(|alert| alert.analytics_rule.as_ref());
        unique(of_incident.chain(of_alerts))
    }

    /// ATT&CK tactics of the incident and its alerts, each once.
    pub fn tactics(&self) -> Vec<&str> {
        let of_alerts = self.alerts.iter().flat_map(|alert| &alert.tactics);
        unique(self.incident.tactics.iter().chain(of_alerts))
    }

    /// ATT&CK techniques of the incident and its alerts, each once.
    pub fn techniques(&self) -> Vec<&str> {
        let of_alerts = self.alerts.iter().flat_map(|alert| &alert.techniques);
        unique(self.incident.techniques.iter().chain(of_alerts))
    }
}

fn add_facts(known: &mut Entity, other: &Entity) {
    for (name, value) in &other.properties {
        known.properties.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    names
        .map(String::as_str)
        .filter(|name| !name.is_empty() && seen.insert(*name))
        .collect()
}
