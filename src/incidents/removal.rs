//! Takes an alert out of an incident, as a plan. The incident keeps what the alert said of it: its times, tactics and
//! products. Rules are not told: Sentinel counts only an added alert as an update.

use jiff::Timestamp;

use super::{Desk, Error, Planned, rows};
use crate::rules::{Activity, ActivityField, Alert, Author, FieldChange};
use crate::store::Operation;

impl Desk {
    /// An alert is no part of an incident ("Remove alert from incident"); one that is not in it is no error.
    ///
    /// # Errors
    /// No such incident, or a failure of the store.
    pub async fn plan_alert_removal(
        &self,
        incident: &str,
        alert: &str,
        author: &Author,
        now: Timestamp,
    ) -> Result<Planned<()>, Error> {
        let (row, mut incident) = self.stored_incident(incident).await?;
        let members = self.store.alerts_of(&row.id).await?;
        let Some(member) = members.iter().find(|member| member.id == alert) else {
            return Ok(Planned {
                value: (),
                operations: Vec::new(),
            });
        };
        let title = rows::read::<Alert>("alert", &member.id, &member.document)?.title;
        let removed = FieldChange::new(ActivityField::Alerts, &title, "");
        let activity = Activity::of(vec![removed], &author.to_string(), &now.to_string());
        incident.alerts_count = incident.alerts_count.saturating_sub(1);
        incident.last_modified_time = now.to_string();
        let mut operations = vec![
            Operation::UpdateIncident {
                expected_version: row.version,
                row: rows::incident_row(&incident, row.created_at, now)?,
            },
            Operation::UnlinkAlert {
                alert: alert.to_owned(),
                incident: row.id.clone(),
            },
        ];
        if let Some(activity) = activity {
            operations.push(Operation::InsertActivity(rows::activity_row(&activity, &row)?));
        }
        Ok(Planned { value: (), operations })
    }
}
