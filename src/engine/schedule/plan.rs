//! The schedules of a playbook, and how each goes on: what is due, what comes next. Pure.

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Timetable;
use crate::definition::workflow::{BatchConfiguration, CallAction, Recurrence, Trigger, TriggerKind};
use crate::engine::clock::{round_trip, timestamp};
use crate::engine::content::Playbook;
use crate::expression::{Object, Value};
use crate::store::{Millis, ScheduleKey, ScheduleRow};

/// An occurrence that is found later than this, in milliseconds, is missed: five minutes.
const PATIENCE: Millis = 300_000;

/// A schedule of a playbook, as its definition has it.
#[derive(Debug)]
pub struct Schedule<'a> {
    /// Whose it is.
    pub key: ScheduleKey,
    /// What it does.
    pub kind: Kind<'a>,
    /// The trigger.
    pub trigger: &'a Trigger,
    recurrence: &'a Recurrence,
    /// Hash of what it follows from: a changed trigger makes it a new schedule.
    fingerprint: String,
}

/// What an occurrence does.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    /// It starts a run.
    Run,
    /// It starts a run for a window of time that is over, after a delay.
    Window(Duration),
    /// It asks a service.
    Poll(&'a CallAction),
    /// It releases what a batch has collected.
    Release(&'a BatchConfiguration),
}

/// How far a schedule is; JSON in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// When the recurrence was saved, or enabled again.
    pub saved_at: Millis,
    /// The next occurrence; of windows, where the next one begins.
    pub due: Millis,
    /// How often a service was asked in vain for this occurrence.
    #[serde(default)]
    pub attempts: u32,
}

/// An occurrence that is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// The time that it was scheduled for.
    pub at: Millis,
    /// Outputs of the trigger.
    pub outputs: Object,
}

/// The schedules of a playbook: one of a trigger that runs by time, or one for each batch that is released by time.
pub fn of<'p>(playbook: &'p Playbook) -> Vec<Schedule<'p>> {
    let Some(trigger) = playbook.workflow.triggers.first() else {
        return Vec::new();
    };
    let schedule = |recurrence: &'p Recurrence, kind, batch: &str, source: &[Option<&Value>]| Schedule {
        key: ScheduleKey {
            namespace: playbook.namespace.clone(),
            playbook: playbook.name.clone(),
            trigger: trigger.name.clone(),
            batch: batch.to_owned(),
        },
        kind,
        trigger,
        recurrence,
        fingerprint: fingerprint(recurrence, source),
    };
    let of_trigger = |recurrence, kind| {
        let members = ["type", "inputs"].map(|name| trigger.source.get(name));
        vec![schedule(recurrence, kind, "", &members)]
    };
    match &trigger.kind {
        TriggerKind::Recurrence(recurrence) => of_trigger(recurrence, Kind::Run),
        TriggerKind::SlidingWindow { recurrence, delay } => of_trigger(recurrence, Kind::Window(*delay)),
        TriggerKind::Poll { call, recurrence } => of_trigger(recurrence, Kind::Poll(call)),
        TriggerKind::Batch(configurations) => {
            let timed = configurations.iter().filter_map(|batch| {
                let recurrence = batch.recurrence.as_ref()?;
                Some(schedule(recurrence, Kind::Release(batch), &batch.name, &[]))
            });
            timed.collect()
        }
        TriggerKind::SentinelIncident
        | TriggerKind::SentinelAlert
        | TriggerKind::SentinelEntity(_)
        | TriggerKind::Request(_)
        | TriggerKind::Webhook(_)
        | TriggerKind::Other(_) => Vec::new(),
    }
}

/// A hash of the recurrence, whose values may come from parameters, and of what else a schedule follows from.
fn fingerprint(recurrence: &Recurrence, source: &[Option<&Value>]) -> String {
    let Recurrence {
        frequency,
        interval,
        start,
        time_zone,
        hours,
        minutes,
        week_days,
    } = recurrence;
    let start = start.map(|start| start.to_string()).unwrap_or_default();
    let zone = time_zone.as_deref().unwrap_or_default();
    let times = format!("{interval} {frequency:?} {start} {zone} {hours:?} {minutes:?} {week_days:?}");
    let source = source.iter().map(|part| part.map(Value::to_json).unwrap_or_default());
    let mut hash = Sha256::new();
    for part in std::iter::once(times).chain(source) {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Schedule<'_> {
    /// How far a stored row of this schedule is; `None` if it was computed from something else.
    pub fn standing(&self, row: &ScheduleRow) -> Option<Standing> {
        let same = row.key == self.key && row.fingerprint == self.fingerprint;
        same.then(|| serde_json::from_str(&row.state).ok()).flatten()
    }

    /// The row as it should be now; `None` where the stored one is. A changed recurrence begins anew, and so does one
    /// that is enabled again, except that windows go on where they were.
    pub fn reconciled(&self, stored: Option<&ScheduleRow>, suspended: bool, now: Millis) -> Option<ScheduleRow> {
        let known = stored.and_then(|row| Some((row, self.standing(row)?)));
        let version = stored.map_or(0, |row| row.version);
        let (standing, cursor) = match known {
            Some((row, _)) if suspended == row.next_at.is_none() => return None,
            Some((row, standing)) if suspended => (standing, row.cursor.clone()),
            Some((row, standing)) if matches!(self.kind, Kind::Window(_)) => (standing, row.cursor.clone()),
            Some((row, _)) => (self.opening(now), row.cursor.clone()),
            None => (self.opening(now), None),
        };
        let next_at = if suspended { None } else { self.wake(&standing) };
        // A schedule that never comes, and is known to, stays as it is.
        if stored.is_some_and(|row| row.next_at.is_none() && next_at.is_none() && row.fingerprint == self.fingerprint) {
            return None;
        }
        Some(self.row(version + 1, &standing, next_at, cursor))
    }

    /// The row that follows a stored one.
    pub fn row(
        &self,
        version: i64,
        standing: &Standing,
        next_at: Option<Millis>,
        cursor: Option<Vec<u8>>,
    ) -> ScheduleRow {
        ScheduleRow {
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            version,
            next_at,
            // Numbers always have a text.
            state: serde_json::to_string(standing).unwrap_or_default(),
            cursor,
        }
    }

    fn timetable(&self, saved_at: Millis) -> Timetable {
        Timetable::new(self.recurrence, timestamp(saved_at))
    }

    fn opening(&self, now: Millis) -> Standing {
        let timetable = self.timetable(now);
        let due = match self.kind {
            Kind::Window(_) => Some(timetable.origin()),
            Kind::Run | Kind::Poll(_) | Kind::Release(_) => timetable.first(),
        };
        Standing {
            saved_at: now,
            due: due.map_or(Millis::MAX, Timestamp::as_millisecond),
            attempts: 0,
        }
    }

    /// When the next occurrence is to be taken; of a window after its end. `None` if it never comes.
    pub fn wake(&self, standing: &Standing) -> Option<Millis> {
        let due = Timestamp::from_millisecond(standing.due).ok()?;
        let at = match self.kind {
            Kind::Window(delay) => {
                let delay = i64::try_from(delay.as_millis()).ok()?;
                self.timetable(standing.saved_at)
                    .next(due)?
                    .checked_add(delay.milliseconds())
                    .ok()?
            }
            Kind::Run | Kind::Poll(_) | Kind::Release(_) => due,
        };
        Some(at.as_millisecond())
    }

    /// What is to be taken now; `None` if it was missed. Missed windows are made up for, one after the other.
    pub fn occurrence(&self, standing: &Standing, now: Millis) -> Option<Occurrence> {
        let (timetable, due) = (self.timetable(standing.saved_at), timestamp(standing.due));
        if let Kind::Window(_) = self.kind {
            let end = timetable.next(due)?.as_millisecond();
            let outputs = [("windowStartTime", standing.due), ("windowEndTime", end)];
            return Some(Occurrence {
                at: end,
                outputs: outputs.into_iter().map(|(name, at)| (name, round_trip(at))).collect(),
            });
        }
        let latest = timetable.latest(due, timestamp(now), PATIENCE)?;
        Some(Occurrence {
            at: latest.as_millisecond(),
            outputs: Object::new(),
        })
    }

    /// How far it is once what was due has been taken.
    pub fn after(&self, standing: &Standing, now: Millis) -> Standing {
        let after = match self.kind {
            Kind::Window(_) => standing.due,
            Kind::Run | Kind::Poll(_) | Kind::Release(_) => standing.due.max(now),
        };
        let next = self.timetable(standing.saved_at).next(timestamp(after));
        Standing {
            saved_at: standing.saved_at,
            due: next.map_or(Millis::MAX, Timestamp::as_millisecond),
            attempts: 0,
        }
    }
}
