//! The status of a PlaybookRun that asked for several runs: with `splitOn`, one for each element. The object shows the
//! first of them, and how all did. Pure.
//! Invariant: the object has ended exactly when all its runs have, and has failed if one of them has.

use super::run_status::{About, phase, shown, time};
use crate::api::status::PlaybookRunStatus;
use crate::controllers::condition::conditions;
use crate::engine::status::RunStatus;
use crate::store::RunRow;

/// How a stored run stands.
pub(super) fn standing(row: &RunRow) -> RunStatus {
    match (row.status.as_deref(), row.ended_at) {
        (Some(status), _) => RunStatus::parse(status).unwrap_or(RunStatus::Failed),
        (None, _) => RunStatus::Running,
    }
}

/// How all runs stand together.
pub(super) fn standing_of<'r>(rows: impl Iterator<Item = &'r RunRow> + Clone) -> RunStatus {
    let has = |wanted: fn(RunStatus) -> bool| rows.clone().any(|row| wanted(standing(row)));
    if has(is_open) {
        RunStatus::Running
    } else if has(has_failed) {
        RunStatus::Failed
    } else if has(|status| status == RunStatus::Cancelled) {
        RunStatus::Cancelled
    } else {
        RunStatus::Succeeded
    }
}

fn is_open(status: RunStatus) -> bool {
    matches!(status, RunStatus::Running | RunStatus::Waiting)
}

fn has_failed(status: RunStatus) -> bool {
    matches!(status, RunStatus::Failed | RunStatus::TimedOut)
}

/// The status of an object that shows the first run, of which `first` is the status, and stands for the others too.
pub fn together(first: PlaybookRunStatus, row: &RunRow, others: &[RunRow], about: About<'_>) -> PlaybookRunStatus {
    if others.is_empty() {
        return first;
    }
    let rows = std::iter::once(row).chain(others);
    let status = standing_of(rows.clone());
    let before = about.before.map_or(&[][..], |status| status.conditions.as_slice());
    let ended_at = rows.clone().filter_map(|row| row.ended_at).max();
    PlaybookRunStatus {
        conditions: conditions(before, &shown(status, &message(rows)), about.generation, about.now),
        phase: Some(phase(status)),
        completion_time: ended_at.filter(|_| !is_open(status)).map(time),
        error_code: (status == RunStatus::Failed)
            .then(|| first.error_code.unwrap_or_else(|| "SplitRunFailed".to_owned())),
        ..first
    }
}

/// How many runs there are and how they did; of those that failed, which is the first.
fn message<'r>(rows: impl Iterator<Item = &'r RunRow> + Clone) -> String {
    let count = |wanted: fn(RunStatus) -> bool| rows.clone().filter(|row| wanted(standing(row))).count();
    let all = rows.clone().count();
    let failed = rows.clone().find(|row| has_failed(standing(row)));
    let failed = failed.map_or_else(String::new, |row| format!("; the first that failed is {}", row.id));
    format!(
        "{all} runs, one for each element of `splitOn`: {} succeeded, {} failed, {} cancelled, {} not ended{failed}",
        count(|status| status == RunStatus::Succeeded),
        count(has_failed),
        count(|status| status == RunStatus::Cancelled),
        count(is_open),
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::api::status::RunPhase;
    use crate::projection::run_status::{SUCCEEDED, is_ended};

    fn row(id: &str, status: Option<&str>) -> RunRow {
        RunRow {
            id: id.into(),
            kind: "playbook".into(),
            namespace: "soc".into(),
            name: "split".into(),
            incident: None,
            parent: None,
            resubmit_of: None,
            definition: None,
            created_at: 0,
            seq: 1,
            lane: 3,
            wake_at: status.is_none().then_some(1),
            status: status.map(str::to_owned),
            ended_at: status.map(|_| 5_000),
        }
    }

    #[test]
    fn an_object_ends_with_its_last_run_and_fails_with_any() {
        let about = About {
            before: None,
            generation: Some(1),
            now: Timestamp::UNIX_EPOCH,
            playbook: None,
        };
        let (well, bad, cut) = (Some("Succeeded"), Some("Failed"), Some("Cancelled"));
        let cases = [
            (
                [well, well, None],
                RunPhase::Running,
                "Unknown",
                "2 succeeded, 0 failed, 0 cancelled, 1 not ended",
            ),
            (
                [well, bad, None],
                RunPhase::Running,
                "Unknown",
                "1 succeeded, 1 failed, 0 cancelled, 1 not ended",
            ),
            (
                [well, bad, cut],
                RunPhase::Failed,
                "False",
                "0 not ended; the first that failed is 1",
            ),
            (
                [well, cut, well],
                RunPhase::Cancelled,
                "False",
                "2 succeeded, 0 failed, 1 cancelled",
            ),
            (
                [well, well, well],
                RunPhase::Succeeded,
                "True",
                "3 runs, one for each element",
            ),
        ];
        for (statuses, phase, succeeded, says) in cases {
            let mut rows = statuses
                .iter()
                .enumerate()
                .map(|(index, status)| row(&index.to_string(), *status));
            let first = rows.next().unwrap();
            let others: Vec<_> = rows.collect();
            let status = together(PlaybookRunStatus::default(), &first, &others, about);
            assert_eq!(status.phase, Some(phase));
            let condition = status
                .conditions
                .iter()
                .find(|condition| condition.type_ == SUCCEEDED)
                .unwrap();
            assert_eq!(condition.status, succeeded, "{statuses:?}");
            assert!(condition.message.contains(says), "{}", condition.message);
            assert_eq!(is_ended(Some(&status)), succeeded != "Unknown");
            assert_eq!(status.completion_time.is_some(), succeeded != "Unknown");
            assert_eq!(status.error_code.is_some(), phase == RunPhase::Failed);
        }
    }
}
