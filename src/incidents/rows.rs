//! Rows of the store and the documents in them. Invariant: number and version of an incident come from the row, never
//! from its document.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use crate::rules::{Activity, Alert, Comment, Incident, Task, Watchlist, WatchlistItem};
use crate::store::{ActivityRow, AlertRow, IncidentRow, NoteRow, WatchlistItemRow, WatchlistRow};

pub(super) fn read<T: DeserializeOwned>(what: &'static str, id: &str, document: &str) -> Result<T, Error> {
    let unreadable = |error: serde_json::Error| Error::Unreadable {
        what,
        id: id.to_owned(),
        reason: error.to_string(),
    };
    serde_json::from_str(document).map_err(unreadable)
}

pub(super) fn write<T: Serialize>(what: &'static str, id: &str, document: &T) -> Result<String, Error> {
    let unwritable = |error: serde_json::Error| Error::Unreadable {
        what,
        id: id.to_owned(),
        reason: error.to_string(),
    };
    serde_json::to_string(document).map_err(unwritable)
}

pub(super) fn incident(row: &IncidentRow) -> Result<Incident, Error> {
    let incident: Incident = read("incident", &row.id, &row.document)?;
    Ok(Incident {
        number: row.number,
        version: row.version,
        ..incident
    })
}

/// The row of an incident that is made or changed now.
pub(super) fn incident_row(incident: &Incident, created_at: i64, now: Timestamp) -> Result<IncidentRow, Error> {
    Ok(IncidentRow {
        id: incident.id.clone(),
        workspace: incident.workspace.clone(),
        number: incident.number,
        version: incident.version,
        status: incident.status.as_str().to_owned(),
        severity: incident.severity.as_str().to_owned(),
        created_at,
        updated_at: now.as_millisecond(),
        document: write("incident", &incident.id, incident)?,
    })
}

/// The row of what a change did to an incident of this version.
pub(super) fn activity_row(activity: &Activity, before: &IncidentRow) -> Result<ActivityRow, Error> {
    Ok(ActivityRow {
        incident: before.id.clone(),
        version: before.version.saturating_add(1),
        document: write("activity", &before.id, activity)?,
    })
}

pub(super) fn alert_row(alert: &Alert, now: Timestamp) -> Result<AlertRow, Error> {
    Ok(AlertRow {
        id: alert.id.clone(),
        workspace: alert.workspace.clone(),
        dedup_key: alert.dedup_key.clone(),
        created_at: now.as_millisecond(),
        document: write("alert", &alert.id, alert)?,
    })
}

pub(super) fn comment_row(comment: &Comment, now: Timestamp) -> Result<NoteRow, Error> {
    Ok(NoteRow {
        id: comment.id.clone(),
        incident: comment.incident.clone(),
        created_at: now.as_millisecond(),
        document: write("comment", &comment.id, comment)?,
    })
}

pub(super) fn task_row(task: &Task, created_at: i64) -> Result<NoteRow, Error> {
    Ok(NoteRow {
        id: task.id.clone(),
        incident: task.incident.clone(),
        created_at,
        document: write("task", &task.id, task)?,
    })
}

pub(super) fn watchlist(row: &WatchlistRow) -> Result<Watchlist, Error> {
    let watchlist: Watchlist = read("watchlist", &row.id, &row.document)?;
    Ok(Watchlist {
        version: row.version,
        ..watchlist
    })
}

pub(super) fn watchlist_row(watchlist: &Watchlist) -> Result<WatchlistRow, Error> {
    Ok(WatchlistRow {
        id: watchlist.id.clone(),
        workspace: watchlist.workspace.clone(),
        alias: watchlist.alias.clone(),
        version: watchlist.version,
        document: write("watchlist", &watchlist.id, watchlist)?,
    })
}

pub(super) fn watchlist_item(row: &WatchlistItemRow) -> Result<WatchlistItem, Error> {
    read("item", &row.id, &row.document)
}

pub(super) fn watchlist_item_row(item: &WatchlistItem) -> Result<WatchlistItemRow, Error> {
    Ok(WatchlistItemRow {
        position: 0,
        id: item.id.clone(),
        document: write("item", &item.id, item)?,
    })
}
