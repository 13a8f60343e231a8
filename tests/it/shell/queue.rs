//! Playbooks that run so many times at once: the others wait in the store, in order, across a restart.

use riposte::definition;
use riposte::engine::Haste;
use riposte::engine::content::Playbook;
use riposte::engine::shell::StartError;
use riposte::engine::status::RunStatus;
use riposte::expression::Value;
use riposte::store::{Error, Refusal};
use serde_json::json;
use tempfile::TempDir;

use super::{Process, Says, http, now, playbook, request, status_of};

/// One run at once, and two that wait.
pub(super) fn one_at_once() -> Playbook {
    let mut limited = playbook(&json!({}));
    let definition = json!({
        "triggers": {"manual": {"type": "Request", "runtimeConfiguration": {
            "concurrency": {"runs": 1, "maximumWaitingRuns": 2}}}},
        "actions": {"Get": http("GET", "/host", None)},
    });
    let (workflow, _) = definition::parse(&Value::from(&definition)).unwrap();
    limited.workflow = workflow.into();
    limited.definition = definition.to_string().into();
    limited
}

#[test]
fn runs_over_the_limit_wait_their_turn_across_a_restart() {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path(), &one_at_once(), &[("GET /host", Says::Nothing)]);
    let runs = [process.run(), process.run(), process.run()];
    assert_eq!(process.next_call().run, runs[0]);
    for run in &runs[1..] {
        process.row_where(run, |row| {
            row.seq == 1 && row.wake_at.is_some_and(|at| at > now() + 30_000)
        });
    }
    let full = process.within(process.engine.start(&request()));
    assert!(matches!(full, Err(StartError::Store(Error::Refused(Refusal::Full(_))))));
    assert_eq!(process.other_calls(), Vec::<String>::new());
    process.kill();

    let mut process = Process::start(folder.path(), &one_at_once(), &[("GET /host", Says::Nothing)]);
    assert_eq!(process.next_call().run, runs[0]);
    process
        .within(process.engine.cancel(&runs[1], "user/ada", Haste::Now))
        .unwrap();
    assert_eq!(process.ended(&runs[1]), RunStatus::Cancelled);
    assert_eq!(process.other_calls(), Vec::<String>::new());
    // When the first ends, the next begins at once.
    process
        .within(process.engine.cancel(&runs[0], "user/ada", Haste::Now))
        .unwrap();
    assert_eq!(process.next_call().run, runs[2]);
    assert_eq!(status_of(&process.view(&runs[2]), "Get"), "Running");
}

#[test]
fn a_burst_runs_one_after_the_other() {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path(), &one_at_once(), &[("GET /host", Says::Status(200))]);
    for _ in 0..20 {
        let mut runs = Vec::new();
        for _ in 0..3 {
            match process.within(process.engine.start(&request())) {
                Ok(mut ids) => runs.append(&mut ids),
                Err(error) => panic!("{error}"),
            }
        }
        for run in &runs {
            assert_eq!(process.ended(run), RunStatus::Succeeded);
        }
        let order: Vec<String> = std::iter::repeat_with(|| process.next_call().run).take(3).collect();
        assert_eq!(order, runs);
    }
}
