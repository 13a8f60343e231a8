//! Taking incidents in that come as a whole, with alerts, comments and tasks. Invariant: an alert that is known already
//! is not made twice; the incident refers to the one that is there.

use std::collections::HashSet;

use jiff::Timestamp;

use super::accept::{self, Accepted};
use super::{Desk, Error, aggregate, evaluation, rows};
use crate::intake::NativeIncident;
use crate::rules::evaluation::Occasion;
use crate::rules::{Alert, Incident};
use crate::store::{self, Operation, Refusal, Transaction};

pub(super) async fn incident(desk: &Desk, mut item: NativeIncident, now: Timestamp) -> Result<Accepted, Error> {
    let id = item.incident.id.clone();
    let _turn = desk.lock(&item.incident.workspace, &id).await;
    if let Some(row) = desk.store.incident(&id).await? {
        return Ok(Accepted {
            incident: Some((id, row.number)),
            duplicate: true,
            ..Accepted::default()
        });
    }
    summarise(&mut item);
    let mut known = HashSet::new();
    // Each refusal names one alert that is known, so there are at most as many refusals as alerts.
    for _ in 0..=item.alerts.len() {
        let operations = operations(&item, &known, now)?;
        match desk.store.commit(Transaction { operations }).await {
            Ok(committed) => {
                let number = committed.incident_numbers.first().map(|(_, number)| *number);
                return Ok(Accepted {
                    incident: Some((id, number.unwrap_or_default())),
                    ..Accepted::default()
                });
            }
            Err(store::Error::Refused(Refusal::DuplicateAlert(alert))) => {
                known.insert(alert);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Busy(id))
}

/// Adds what the alerts say to what the sender said of the incident.
pub fn summarise(item: &mut NativeIncident) {
    let mut unique = HashSet::new();
    item.alerts.retain(|alert| unique.insert(alert.id.clone()));
    let incident = &mut item.incident;
    incident.alerts_count = 0;
    let modified = incident.last_modified_time.clone();
    for alert in &item.alerts {
        aggregate::add(incident, alert, &modified);
    }
}

fn operations(item: &NativeIncident, known: &HashSet<String>, now: Timestamp) -> Result<Vec<Operation>, Error> {
    let incident: &Incident = &item.incident;
    let mut operations = vec![Operation::InsertIncident(rows::incident_row(
        incident,
        now.as_millisecond(),
        now,
    )?)];
    let created = Occasion::IncidentCreated {
        incident: incident.id.clone(),
    };
    operations.push(evaluation::order(&incident.workspace, created, 0, now)?);
    for alert in &item.alerts {
        if !known.contains(&alert.id) {
            operations.extend(new_alert(alert, &incident.id, now)?);
        }
        operations.push(Operation::LinkAlert {
            alert: alert.id.clone(),
            incident: incident.id.clone(),
        });
    }
    for comment in &item.comments {
        operations.push(Operation::InsertComment(rows::comment_row(comment, now)?));
    }
    for task in &item.tasks {
        operations.push(Operation::InsertTask(rows::task_row(task, now.as_millisecond())?));
    }
    Ok(operations)
}

fn new_alert(alert: &Alert, incident: &str, now: Timestamp) -> Result<[Operation; 2], Error> {
    let insert = Operation::InsertAlert(rows::alert_row(alert, now)?);
    Ok([insert, accept::announce(alert, incident, now)?])
}
