//! What an incident says about its alerts together: times, tactics, products, rules, and their number. The severity is
//! none of it: it stays as the first alert, a rule or a person set it.

use jiff::Timestamp;

use crate::api::automation_rule::IncidentStatus;
use crate::intake::MAX_ALERTS_PER_INCIDENT;
use crate::rules::{Alert, Incident};

/// Whether a like alert may join: a closed incident is over, and a full one makes room for a second.
pub(super) fn has_room(incident: &Incident) -> bool {
    incident.status != IncidentStatus::Closed && incident.alerts_count < MAX_ALERTS_PER_INCIDENT as i64
}

/// A new incident that an alert opens; the alert is not counted yet.
pub fn opened_by(alert: &Alert, id: String, now: &str) -> Incident {
    Incident {
        id,
        workspace: alert.workspace.clone(),
        title: alert.title.clone(),
        description: alert.description.clone(),
        severity: alert.severity,
        first_activity_time: alert.start_time.clone(),
        last_activity_time: alert.end_time.clone(),
        created_time: now.to_owned(),
        last_modified_time: now.to_owned(),
        provider_name: alert.product_name.clone(),
        ..Incident::default()
    }
}

/// Counts an alert in, and answers the tactics that it added.
pub(super) fn add(incident: &mut Incident, alert: &Alert, now: &str) -> Vec<String> {
    if is_before(&alert.start_time, &incident.first_activity_time) {
        incident.first_activity_time.clone_from(&alert.start_time);
    }
    if is_before(&incident.last_activity_time, &alert.end_time) {
        incident.last_activity_time.clone_from(&alert.end_time);
    }
    incident.alerts_count += 1;
    now.clone_into(&mut incident.last_modified_time);
    add_names(&mut incident.techniques, &alert.techniques);
    add_names(&mut incident.alert_product_names, [&alert.product_name]);
    add_names(&mut incident.related_analytic_rules, &alert.analytics_rule);
    add_names(&mut incident.tactics, &alert.tactics)
}

/// Adds the names that are new, and answers them.
fn add_names<'a>(known: &mut Vec<String>, names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut added = Vec::new();
    for name in names {
        if !name.is_empty() && !known.contains(name) {
            known.push(name.clone());
            added.push(name.clone());
        }
    }
    added
}

/// Compares instants, because text with and without a fraction of a second does not sort by time.
fn is_before(earlier: &str, later: &str) -> bool {
    match (earlier.parse::<Timestamp>(), later.parse::<Timestamp>()) {
        (Ok(earlier), Ok(later)) => earlier < later,
        (Ok(_) | Err(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_widens_the_activity_and_adds_what_is_new() {
        let alert = Alert {
            start_time: "2026-03-01T10:00:00Z".into(),
            end_time: "2026-03-01T10:00:00.5Z".into(),
            tactics: vec!["Execution".into()],
            product_name: "Falco".into(),
            ..Alert::default()
        };
        let mut incident = opened_by(&alert, "i".into(), "2026-03-01T10:00:01Z");
        assert_eq!(add(&mut incident, &alert, "2026-03-01T10:00:01Z"), ["Execution"]);
        let later = Alert {
            start_time: "2026-03-01T09:00:00Z".into(),
            end_time: "2026-03-01T10:00:00.25Z".into(),
            tactics: vec!["Execution".into(), "Impact".into()],
            ..alert
        };
        assert_eq!(add(&mut incident, &later, "2026-03-01T11:00:00Z"), ["Impact"]);
        assert_eq!(incident.first_activity_time, "2026-03-01T09:00:00Z");
        assert_eq!(incident.last_activity_time, "2026-03-01T10:00:00.5Z");
        assert_eq!(incident.last_modified_time, "2026-03-01T11:00:00Z");
        assert_eq!(incident.alert_product_names, ["Falco"]);
        assert_eq!(incident.alerts_count, 2);
    }
}
