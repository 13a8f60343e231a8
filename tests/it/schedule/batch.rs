//! Batches: messages that playbooks send, and their release.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{Entry, Process, now, playbook, time};
use riposte::engine::status::RunStatus;

/// A playbook that collects.
fn collector(criteria: &Value) -> Entry {
    let trigger = json!({
        "type": "Batch",
        "inputs": {"mode": "Inline", "configurations": {"alerts": {"releaseCriteria": criteria}}},
    });
    playbook(
        "collect",
        &trigger,
        &json!({"Show": {"type": "Compose", "inputs": "@triggerBody()"}}),
    )
}

/// A playbook that sends each element of its body, with the element's id.
fn sender(batch: &str) -> Entry {
    let trigger = json!({"type": "Request", "kind": "Http", "inputs": {}});
    let send = json!({
        "type": "SendToBatch",
        "inputs": {
            "batchName": batch,
            "content": "@items('Each')",
            "messageId": "@{items('Each')['id']}",
            "host": {"triggerName": "start", "workflow": {"id": "collect"}},
        },
    });
    let each = json!({"type": "Foreach", "foreach": "@triggerBody()", "operationOptions": "Sequential", "actions": {"Send": send}});
    playbook("send", &trigger, &json!({"Each": each}))
}

fn messages(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({"id": id, "text": "canary-4410"})).collect()
}

fn ids(released: &Value) -> Vec<&str> {
    let items = released["items"].as_array().unwrap();
    items.iter().map(|item| item["messageId"].as_str().unwrap()).collect()
}

#[test]
fn a_batch_is_released_by_count_and_what_is_left_survives_a_crash() {
    let folder = TempDir::new().unwrap();
    let playbooks = || vec![collector(&json!({"messageCount": 2})), sender("ALERTS")];
    let process = Process::start(folder.path(), playbooks());
    let status = process.run("send", &messages(&["a", "b", "c", "c"]));
    assert_eq!(status, RunStatus::Succeeded);
    process.ended_runs("collect", 1);
    let released = process.outputs("collect", "Show");
    assert_eq!(
        released[0],
        json!({"batchName": "alerts", "partitionName": "DEFAULT", "items": [
            {"content": {"id": "a", "text": "canary-4410"}, "messageId": "a"},
            {"content": {"id": "b", "text": "canary-4410"}, "messageId": "b"},
        ]})
    );
    let run = &process.runs("collect")[0];
    let opened = process.opened(&run.id);
    assert_eq!((opened.requester.as_str(), opened.depth), ("batch", 1));
    process.kill();

    let process = Process::start(folder.path(), playbooks());
    process.run("send", &messages(&["d"]));
    process.ended_runs("collect", 2);
    let released = process.outputs("collect", "Show");
    assert_eq!(released.iter().map(ids).collect::<Vec<_>>(), [["a", "b"], ["c", "d"]]);
    assert!(process.within(process.store.partitions()).unwrap().is_empty());
}

#[test]
fn messages_wait_sealed_while_the_playbook_is_suspended() {
    let folder = TempDir::new().unwrap();
    let suspended = Entry {
        suspended: true,
        ..collector(&json!({"batchSize": 10}))
    };
    let process = Process::start(folder.path(), vec![suspended, sender("alerts")]);
    assert_eq!(process.run("send", &messages(&["a"])), RunStatus::Succeeded);
    let partitions = process.within(process.store.partitions()).unwrap();
    let stored = process.within(process.store.messages(&partitions[0], 10)).unwrap();
    assert!(stored[0].size > 10 && !stored[0].content.windows(6).any(|part| part == b"canary"));
    assert_eq!(process.runs("collect").len(), 0);
    process.publish(vec![collector(&json!({"batchSize": 10})), sender("alerts")]);
    process.ended_runs("collect", 1);
}

#[test]
fn a_schedule_releases_what_there_is_and_an_empty_batch_starts_nothing() {
    let folder = TempDir::new().unwrap();
    let start = time(now() + 1_000);
    let hourly = json!({"recurrence": {"frequency": "Second", "interval": 1, "startTime": start}, "messageCount": 100});
    let process = Process::start(folder.path(), vec![collector(&hourly), sender("alerts")]);
    process.run("send", &messages(&["a", "b", "c"]));
    process.runs_where("collect", |_| {
        process.within(process.store.partitions()).unwrap().is_empty()
    });
    let row = process.schedule_where("collect", |_| true);
    process.schedule_where("collect", |later| later.version > row.version + 1);
    let runs = process.runs("collect").len();
    process.ended_runs("collect", runs);
    let released = process.outputs("collect", "Show");
    let mut all: Vec<_> = released.iter().flat_map(ids).collect();
    all.sort_unstable();
    assert_eq!(all, ["a", "b", "c"]);
}

#[test]
fn a_message_for_nobody_fails_by_name() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(
        folder.path(),
        vec![collector(&json!({"messageCount": 1})), sender("incidents")],
    );
    assert_eq!(process.run("send", &messages(&["a"])), RunStatus::Failed);
    assert!(process.within(process.store.partitions()).unwrap().is_empty());
}
