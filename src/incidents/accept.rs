//! Taking alerts in. An alert is stored, put in the incident of its like (or opens one) and announced to the rules, all
//! in one transaction. When others change the incident meanwhile, the store refuses and the place is found again.

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Cause, Desk, Error, accept_incident, aggregate, evaluation, rows};
use crate::intake::Intake;
use crate::rules::evaluation::Occasion;
use crate::rules::{Activity, ActivityField, Alert, Author, FieldChange, Incident, IncidentUpdates};
use crate::store::{self, IncidentRow, Operation, Refusal, Transaction};

/// How long like alerts join one incident, counted from its first alert (Sentinel's default).
pub const GROUP_WINDOW: SignedDuration = SignedDuration::from_hours(5);
/// How often a place is looked for while others change the incident. Others win several times in a row only while they
/// change it without a pause.
const ATTEMPTS: usize = 100;

/// What became of one thing that came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Id of the alert, unless an incident came.
    pub alert: Option<String>,
    /// Id and number of the incident.
    pub incident: Option<(String, i64)>,
    /// Whether it was known already, so that nothing was made.
    pub duplicate: bool,
    /// Whether the alert joined an incident that was there.
    pub joined: bool,
}

/// Accepts all in order of their like; each lane of like alerts goes on by itself.
pub(super) async fn all(desk: &Desk, intake: Vec<Intake>, now: Timestamp) -> Result<Vec<Accepted>, Error> {
    let mut accepted = vec![Accepted::default(); intake.len()];
    let mut lanes: IndexMap<String, Vec<(usize, Intake)>> = IndexMap::new();
    for (index, item) in intake.into_iter().enumerate() {
        lanes.entry(lane_of(&item)).or_default().push((index, item));
    }
    let mut tasks = JoinSet::new();
    for lane in lanes.into_values() {
        tasks.spawn(work_off(desk.clone(), lane, now));
    }
    while let Some(done) = tasks.join_next().await {
        let stopped = |error| Error::Store(store::Error::Database(format!("accepting was stopped: {error}")));
        for (index, outcome) in done.map_err(stopped)?? {
            accepted[index] = outcome;
        }
    }
    Ok(accepted)
}

fn lane_of(item: &Intake) -> String {
    match item {
        Intake::Alert(alert) => format!("alert/{}/{}", alert.workspace, alert.group_key),
        Intake::Incident(incident) => format!("incident/{}", incident.incident.id),
    }
}

async fn work_off(desk: Desk, lane: Vec<(usize, Intake)>, now: Timestamp) -> Result<Vec<(usize, Accepted)>, Error> {
    let mut accepted = Vec::with_capacity(lane.len());
    for (index, item) in lane {
        let outcome = match item {
            Intake::Alert(item) => alert(&desk, &item, now).await?,
            Intake::Incident(item) => accept_incident::incident(&desk, *item, now).await?,
        };
        accepted.push((index, outcome));
    }
    Ok(accepted)
}

/// Where an alert goes, and the operations that bring it there.
struct Place {
    incident: String,
    number: Option<i64>,
    operations: Vec<Operation>,
}

async fn alert(desk: &Desk, alert: &Alert, now: Timestamp) -> Result<Accepted, Error> {
    let _turn = desk.lock(&alert.workspace, &alert.group_key).await;
    for _ in 0..ATTEMPTS {
        let place = place(desk, alert, now).await?;
        let transaction = Transaction {
            operations: place.operations,
        };
        match desk.store.commit(transaction).await {
            Ok(committed) => {
                let given = committed.incident_numbers.first().map(|(_, number)| *number);
                return Ok(Accepted {
                    alert: Some(alert.id.clone()),
                    incident: Some((place.incident, place.number.or(given).unwrap_or_default())),
                    duplicate: false,
                    joined: place.number.is_some(),
                });
            }
            Err(store::Error::Refused(Refusal::DuplicateAlert(known))) => {
                return duplicate(desk, alert, known, now).await;
            }
            Err(store::Error::Refused(Refusal::StaleIncident(_) | Refusal::GroupTaken(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Busy(alert.id.clone()))
}

async fn place(desk: &Desk, alert: &Alert, now: Timestamp) -> Result<Place, Error> {
    let holder = desk
        .store
        .group_holder(&alert.workspace, &alert.group_key, now.as_millisecond())
        .await?;
    let Some(holder) = holder else {
        return open(alert, None, now);
    };
    let (row, incident) = desk.stored_incident(&holder).await?;
    if aggregate::has_room(&incident) {
        join(alert, &row, incident, now)
    } else {
        open(alert, Some(holder), now)
    }
}

/// A new incident for the alert; `full` is the incident that held the grouping key but takes no more.
fn open(alert: &Alert, full: Option<String>, now: Timestamp) -> Result<Place, Error> {
    let time = now.to_string();
    let id = Uuid::new_v4().to_string();
    let mut incident = aggregate::opened_by(alert, id.clone(), &time);
    aggregate::add(&mut incident, alert, &time);
    let mut operations = vec![
        Operation::InsertAlert(rows::alert_row(alert, now)?),
        Operation::InsertIncident(rows::incident_row(&incident, now.as_millisecond(), now)?),
    ];
    operations.extend(full.map(|incident| Operation::ReleaseGroup { incident }));
    operations.push(claim(alert, &id, now));
    operations.push(Operation::LinkAlert {
        alert: alert.id.clone(),
        incident: id.clone(),
    });
    operations.push(evaluation::order(
        &alert.workspace,
        Occasion::IncidentCreated { incident: id.clone() },
        0,
        now,
    )?);
    operations.push(announce(alert, &id, now)?);
    Ok(Place {
        incident: id,
        number: None,
        operations,
    })
}

fn join(alert: &Alert, row: &IncidentRow, incident: Incident, now: Timestamp) -> Result<Place, Error> {
    let mut operations = vec![
        Operation::InsertAlert(rows::alert_row(alert, now)?),
        claim(alert, &row.id, now),
    ];
    operations.extend(joining(alert, row, incident, (&Author::AlertGrouping).into(), now)?);
    operations.push(announce(alert, &row.id, now)?);
    Ok(Place {
        incident: row.id.clone(),
        number: Some(row.number),
        operations,
    })
}

/// The operations by which a stored alert becomes part of a stored incident.
pub(super) fn joining(
    alert: &Alert,
    row: &IncidentRow,
    mut incident: Incident,
    cause: Cause<'_>,
    now: Timestamp,
) -> Result<Vec<Operation>, Error> {
    let time = now.to_string();
    let tactics = aggregate::add(&mut incident, alert, &time);
    let updates = IncidentUpdates {
        alerts: vec![alert.id.clone()],
        tactics,
        ..IncidentUpdates::new(cause.author.clone(), time)
    };
    let occasion = Occasion::IncidentUpdated {
        incident: row.id.clone(),
        updates,
    };
    let added = FieldChange::new(ActivityField::Alerts, "", &alert.title);
    let activity = Activity::of(vec![added], &cause.author.to_string(), &now.to_string());
    let mut operations = vec![Operation::UpdateIncident {
        expected_version: row.version,
        row: rows::incident_row(&incident, row.created_at, now)?,
    }];
    // That like alerts join by themselves is what incidents are for, and each alert says it.
    if let Some(activity) = activity.filter(|_| *cause.author != Author::AlertGrouping) {
        operations.push(Operation::InsertActivity(rows::activity_row(&activity, row)?));
    }
    operations.extend([
        Operation::LinkAlert {
            alert: alert.id.clone(),
            incident: row.id.clone(),
        },
        evaluation::order(&row.workspace, occasion, cause.depth, now)?,
    ]);
    Ok(operations)
}

/// Every alert takes the key in the name of its incident: should the key have changed hands since it was read, the store
/// refuses.
fn claim(alert: &Alert, incident: &str, now: Timestamp) -> Operation {
    Operation::ClaimGroup {
        workspace: alert.workspace.clone(),
        key: alert.group_key.clone(),
        incident: incident.to_owned(),
        now: now.as_millisecond(),
        expires_at: now.as_millisecond().saturating_add(GROUP_WINDOW.as_millis() as i64),
    }
}

pub(super) fn announce(alert: &Alert, incident: &str, now: Timestamp) -> Result<Operation, Error> {
    let occasion = Occasion::AlertCreated {
        alert: alert.id.clone(),
        incident: Some(incident.to_owned()),
    };
    evaluation::order(&alert.workspace, occasion, 0, now)
}

/// A known alert makes nothing new, but that it has ended at its source is written into its incident once.
async fn duplicate(desk: &Desk, alert: &Alert, known: String, now: Timestamp) -> Result<Accepted, Error> {
    let Some(incident) = desk.store.incident_of_alert(&known).await? else {
        return Ok(Accepted {
            alert: Some(known),
            duplicate: true,
            ..Accepted::default()
        });
    };
    let (row, _) = desk.stored_incident(&incident).await?;
    if alert.resolved && !was_resolved(desk, &known).await? {
        note_end(desk, alert, &known, &incident, now).await?;
    }
    let incident = Some((incident, row.number));
    Ok(Accepted {
        alert: Some(known),
        incident,
        duplicate: true,
        joined: false,
    })
}

async fn was_resolved(desk: &Desk, alert: &str) -> Result<bool, Error> {
    let Some(row) = desk.store.alert(alert).await? else {
        return Ok(false);
    };
    Ok(rows::read::<Alert>("alert", &row.id, &row.document)?.resolved)
}

async fn note_end(desk: &Desk, alert: &Alert, known: &str, incident: &str, now: Timestamp) -> Result<(), Error> {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("resolved/{incident}/{known}").as_bytes()).to_string();
    let message = format!(
        "The alert {} has ended at its source at {}.",
        escaped(&alert.title),
        alert.end_time
    );
    let author = Author::Application(alert.product_name.clone());
    match desk.plan_comment(incident, &message, &author, now, &id).await {
        Ok(planned) if planned.operations.is_empty() => Ok(()),
        Ok(planned) => {
            desk.store
                .commit(Transaction {
                    operations: planned.operations,
                })
                .await?;
            Ok(())
        }
        // The remark is a courtesy; an incident that is full of comments must not make its sender retry for ever.
        Err(Error::Full { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Comments are HTML, and a title is text from outside.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
