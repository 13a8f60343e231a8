//! Triggers that nobody calls, over a real store and real HTTP: schedules, windows, polls and batches, also when the
//! process dies. A process is a runtime of its own; when it is dropped, every task of it is gone at once, as after
//! `kill -9`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod batch;
mod poll;
mod process;
mod subscribe;

use process::{Process, now, playbook, time};
use riposte::store::{Operation, ScheduleRow, Transaction};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A playbook with a trigger of time whose only action shows the trigger.
fn timed(name: &str, trigger: &Value) -> process::Entry {
    playbook(
        name,
        trigger,
        &json!({"Show": {"type": "Compose", "inputs": "@trigger()"}}),
    )
}

fn every(interval: u32, frequency: &str, start: Option<i64>) -> Value {
    let mut recurrence = json!({"frequency": frequency, "interval": interval});
    if let Some(start) = start {
        recurrence["startTime"] = json!(time(start));
    }
    json!({"type": "Recurrence", "recurrence": recurrence})
}

/// What the trigger showed in each run, the oldest first.
fn shown(process: &Process, playbook: &str) -> Vec<Value> {
    process.outputs(playbook, "Show")
}

fn scheduled(shown: &[Value]) -> Vec<String> {
    shown
        .iter()
        .map(|trigger| trigger["scheduledTime"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_recurrence_starts_at_once_and_goes_on_until_it_is_suspended_or_gone() {
    let folder = TempDir::new().unwrap();
    let clock = timed("clock", &every(1, "Second", None));
    let process = Process::start(folder.path(), vec![clock.clone()]);
    let runs = process.ended_runs("clock", 3);
    let shown = shown(&process, "clock");
    let mut times = scheduled(&shown);
    times.dedup();
    assert_eq!(times.len(), shown.len(), "each occurrence has one run: {times:?}");
    assert!(times.is_sorted());
    assert!(
        shown
            .iter()
            .all(|trigger| trigger["outputs"] == json!({}) && trigger["status"] == "Succeeded")
    );
    assert_eq!(process.opened(&runs[0].id).requester, "schedule");

    let suspended = process::Entry {
        suspended: true,
        ..clock.clone()
    };
    process.publish(vec![suspended]);
    let resting = process.schedule_where("clock", |row| row.next_at.is_none());
    process.publish(vec![clock]);
    let resumed = process.schedule_where("clock", |row| row.next_at.is_some());
    assert!(resumed.version > resting.version);
    process.publish(Vec::new());
    process.within(async {
        while !process.store.schedules().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_changed_recurrence_is_calculated_anew_and_another_change_is_not() {
    let folder = TempDir::new().unwrap();
    let hour = 3_600_000;
    let later = |hours: i64| timed("clock", &every(1, "Day", Some(now() + hours * hour)));
    let first = later(2);
    let process = Process::start(folder.path(), vec![first.clone()]);
    let begun = process.schedule_where("clock", |row| row.next_at.is_some());
    let other_actions = playbook(
        "clock",
        &first.trigger,
        &json!({"Other": {"type": "Compose", "inputs": 1}}),
    );
    process.publish(vec![
        other_actions,
        timed("marker", &every(1, "Day", Some(now() + hour))),
    ]);
    process.schedule_where("marker", |row| row.next_at.is_some());
    assert_eq!(process.schedule_where("clock", |_| true), begun);
    process.publish(vec![later(5)]);
    let changed = process.schedule_where("clock", |row| row.version > begun.version);
    assert!(changed.next_at.unwrap() > begun.next_at.unwrap() + 2 * hour);
}

/// Makes the schedule due at a time.
fn make_due(process: &Process, row: ScheduleRow, due: i64) {
    let mut state: Value = serde_json::from_str(&row.state).unwrap();
    state["due"] = json!(due);
    let row = ScheduleRow {
        version: row.version + 1,
        next_at: Some(due),
        state: state.to_string(),
        ..row
    };
    let operations = vec![Operation::PutSchedule(row)];
    process
        .within(process.store.commit(Transaction { operations }))
        .unwrap();
}

#[test]
fn an_occurrence_that_a_crash_fell_upon_starts_one_run_and_an_old_one_none() {
    let folder = TempDir::new().unwrap();
    let minute = 60_000;
    // Occurrences lie on whole seconds.
    let due = (now() / 1_000) * 1_000 - minute;
    let playbooks = || {
        vec![
            timed("fresh", &every(1, "Hour", Some(due))),
            timed("old", &every(24, "Hour", Some(due - 60 * minute))),
        ]
    };
    let process = Process::start(folder.path(), playbooks());
    let fresh = process.schedule_where("fresh", |_| true);
    let old = process.schedule_where("old", |_| true);
    process.kill();
    // Nobody looks after schedules in this one.
    let process = Process::idle(folder.path(), playbooks());
    make_due(&process, fresh, due);
    make_due(&process, old, due - 60 * minute);
    process.kill();

    let process = Process::start(folder.path(), playbooks());
    process.ended_runs("fresh", 1);
    process.schedule_where("fresh", |row| row.next_at.is_some_and(|at| at > now()));
    process.schedule_where("old", |row| row.next_at.is_some_and(|at| at > now()));
    process.kill();
    let process = Process::start(folder.path(), playbooks());
    process.schedule_where("fresh", |row| row.next_at.is_some_and(|at| at > now()));
    let shown = shown(&process, "fresh");
    assert_eq!(scheduled(&shown), [process::round_trip(due)]);
    assert_eq!(process.runs("old").len(), 0, "missed occurrences are not made up for");
}

#[test]
fn a_process_that_dies_again_and_again_starts_each_occurrence_once() {
    let folder = TempDir::new().unwrap();
    let start = (now() / 1_000) * 1_000;
    let playbooks = || vec![timed("clock", &every(1, "Second", Some(start)))];
    for count in 1..5 {
        let process = Process::start(folder.path(), playbooks());
        process.runs_where("clock", |runs| runs.len() >= count);
        process.kill();
    }
    let process = Process::start(folder.path(), playbooks());
    process.ended_runs("clock", 5);
    let times = scheduled(&shown(&process, "clock"));
    let mut once = times.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), times.len(), "{times:?}");
    assert!(times.iter().all(|time| time.ends_with(".0000000Z")), "{times:?}");
}

#[test]
fn windows_follow_each_other_from_the_start_on_and_missed_ones_are_made_up_for() {
    let folder = TempDir::new().unwrap();
    let start = (now() / 1_000) * 1_000 - 5_000;
    let trigger = json!({
        "type": "SlidingWindow",
        "recurrence": {"frequency": "Second", "interval": 1, "startTime": time(start)},
    });
    let playbooks = || vec![timed("windows", &trigger)];
    let process = Process::start(folder.path(), playbooks());
    process.runs_where("windows", |runs| !runs.is_empty());
    process.kill();
    let process = Process::start(folder.path(), playbooks());
    process.ended_runs("windows", 7);
    let mut windows: Vec<(String, String)> = shown(&process, "windows")
        .iter()
        .map(|trigger| {
            let end = |name: &str| trigger["outputs"][name].as_str().unwrap().to_owned();
            assert_eq!(trigger["scheduledTime"], trigger["outputs"]["windowEndTime"]);
            (end("windowStartTime"), end("windowEndTime"))
        })
        .collect();
    windows.sort();
    for (index, window) in windows.iter().enumerate() {
        let begin = start + 1_000 * i64::try_from(index).unwrap();
        let expected = (process::round_trip(begin), process::round_trip(begin + 1_000));
        assert_eq!(*window, expected, "{windows:?}");
    }
}

#[test]
fn a_thousand_schedules_are_kept_and_a_change_of_one_leaves_the_others_alone() {
    let folder = TempDir::new().unwrap();
    let later = now() + 3_600_000;
    let mut playbooks: Vec<_> = (0..1_000)
        .map(|index| timed(&format!("playbook-{index}"), &every(1, "Day", Some(later))))
        .collect();
    let process = Process::start(folder.path(), playbooks.clone());
    process.schedule_where("playbook-999", |_| true);
    playbooks[7] = timed("playbook-7", &every(1, "Second", Some(now())));
    process.publish(playbooks);
    process.ended_runs("playbook-7", 1);
    let rows = process.within(process.store.schedules()).unwrap();
    assert_eq!(rows.len(), 1_000);
    let changed = rows.iter().filter(|row| row.version > 1);
    assert_eq!(
        changed.map(|row| row.key.playbook.as_str()).collect::<Vec<_>>(),
        ["playbook-7"]
    );
}
