//! A playbook that runs by time, and goes on after a restart of the process.

use super::process::Home;
use crate::program;

const PLAYBOOK: &str = "\
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {name: clock}
spec:
  parameters:
  - {name: seconds, value: 1}
  definition:
    parameters:
      seconds: {type: Int}
    triggers:
      Every_second:
        type: Recurrence
        recurrence: {frequency: Second, interval: \"@parameters('seconds')\"}
    actions:
      Time: {type: Compose, inputs: \"@trigger()['scheduledTime']\"}
";

#[tokio::test]
async fn a_recurrence_runs_and_goes_on_after_a_kill() {
    let home = Home::new();
    home.write("clock.yaml", PLAYBOOK);
    let runs = "/v1/runs?playbook=clock&limit=1000";
    let count = |view: &serde_json::Value| view["runs"].as_array().map_or(0, Vec::len);
    let dev = home.start(&[]).await;
    let first = dev.view(runs, |view| count(view) >= 2).await;
    dev.kill();
    let dev = home.start(&[]).await;
    let view = dev.view(runs, |view| count(view) > count(&first)).await;
    let id = view["runs"][count(&view) - 1]["id"].as_str().unwrap();
    let run = dev
        .view(&format!("/v1/runs/{id}"), |run| run["status"] == "Succeeded")
        .await;
    let time = run["actions"]["Time"]["outputs"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.len() == 28, "{time}");
}

#[test]
fn once_waits_for_what_is_due_at_the_start() {
    let home = tempfile::TempDir::new().unwrap();
    let yearly = PLAYBOOK.replace("Second,", "Day,");
    std::fs::write(home.path().join("clock.yaml"), yearly).unwrap();
    let once = || program::run(home.path(), &["dev", ".", "--once", "--listen", "127.0.0.1:0"]);
    let first = once();
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.stdout.contains("✓ playbook default/clock Succeeded"), "{first:?}");
    let second = once();
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.stderr.contains("no schedule was due"), "{second:?}");
}

#[tokio::test]
async fn how_a_subscription_stands_is_said() {
    let home = Home::new();
    let hook = "{type: HttpWebhook, inputs: {subscribe: {method: POST, uri: 'http://127.0.0.1:9/', body: '@listCallbackUrl()'}}}";
    let manifest = format!(
        "apiVersion: riposte.dev/v1alpha1\nkind: Playbook\nmetadata: {{name: hook}}\nspec:\n  definition:\n    triggers:\n      \
         hook: {hook}\n    actions:\n      Say: {{type: Compose, inputs: hello}}\n"
    );
    home.write("hook.yaml", &manifest);
    let dev = home.start(&[]).await;
    let line = dev.stderr().find(0, "trigger of default/hook: not subscribed").await;
    assert!(line.contains("EgressDenied"), "{line}");
}
