//! Scripts, in real processes of this program.

use std::time::{Duration, Instant};

use riposte::expression::Value;
use riposte::script::{Outcome, Scripts, Task};
use serde_json::json;
use tempfile::TempDir;

use super::{Process, playbook, text};

fn scripts() -> Scripts {
    Scripts::new(Some(env!("CARGO_BIN_EXE_riposte").into()))
}

fn task(code: &str) -> Task {
    Task {
        code: code.to_owned(),
        context: Value::object::<&str, Value>([]),
    }
}

#[test]
fn a_script_reads_actions_and_gives_a_body() {
    let folder = TempDir::new().unwrap();
    let script = "const ips = workflowContext.actions.Ips.outputs.map(ip => ip.trim());
        return {first: ips[0], from: workflowContext.trigger.outputs.body.name, by: workflowContext.workflow.name};";
    let actions = json!({
        "Ips": {"type": "Compose", "inputs": [" 192.0.2.1 ", "192.0.2.2"]},
        "Script": {"type": "JavaScriptCode", "runAfter": {"Ips": ["Succeeded"]}, "inputs": {
            "code": script, "explicitDependencies": {"actions": ["Ips"], "includeTrigger": true}}},
        "Use": {"type": "Compose", "runAfter": {"Script": ["Succeeded"]}, "inputs": "@outputs('Script')"},
    });
    let process = Process::start(folder.path(), &[playbook("soc", "parent", &actions)], Duration::ZERO);
    let used = process.action(&json!({"name": "test"}), "Use");
    assert_eq!(
        used.at(&["outputs"]).unwrap().to_json(),
        r#"{"body":{"first":"192.0.2.1","from":"test","by":"parent"}}"#
    );
}

#[test]
fn a_script_that_fails_fails_its_action_with_its_own_words() {
    let folder = TempDir::new().unwrap();
    let failing = |secure: bool| {
        let secured = json!({"secureData": {"properties": if secure { json!(["inputs"]) } else { json!([]) }}});
        json!({"type": "JavaScriptCode", "runtimeConfiguration": secured, "inputs": {
            "code": "throw new RangeError('canary-77')"}})
    };
    let actions = json!({"Open": failing(false), "Secure": failing(true)});
    let process = Process::start(folder.path(), &[playbook("soc", "parent", &actions)], Duration::ZERO);
    let run = process.run(&json!({}));
    process.ended(&run);
    let view = process.view(&run);
    let open = view.at(&["actions", "Open"]).unwrap();
    assert_eq!(text(open, &["error", "code"]), "InlineCodeScriptRuntimeFailure");
    assert!(
        text(open, &["error", "message"]).contains("RangeError: canary-77"),
        "{open:?}"
    );
    let secure = view.at(&["actions", "Secure"]).unwrap();
    assert_eq!(text(secure, &["error", "code"]), "InlineCodeScriptRuntimeFailure");
    assert!(!secure.to_json().contains("canary"), "{secure:?}");
}

#[tokio::test]
async fn a_script_cannot_outlive_its_limits() {
    let cases = [
        ("while (true) {}", "longer than 5 seconds"),
        ("/(a+)+b/.test('a'.repeat(64))", "longer than 5 seconds"),
        (
            "const a = []; while (true) a.push(new Array(100000).fill(1))",
            "out of memory",
        ),
        ("return 'x'.repeat(1024 * 1024 + 1)", "longer than 1048576 bytes"),
        ("return (", "SyntaxError"),
    ];
    let scripts = scripts();
    let began = Instant::now();
    let outcomes = cases.map(|(code, _)| {
        let scripts = scripts.clone();
        tokio::spawn(async move { scripts.run(&task(code)).await })
    });
    for (outcome, (code, expected)) in outcomes.into_iter().zip(cases) {
        match outcome.await.unwrap().unwrap() {
            Outcome::Failed(message) => assert!(message.contains(expected), "{code}: {message}"),
            Outcome::Result(result) => panic!("{code}: {result:?}"),
        }
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let large = Task {
        context: Value::from("x".repeat(riposte::script::INPUT_MAX)),
        ..task("return 1")
    };
    assert!(scripts.run(&large).await.is_err());
    assert_eq!(
        scripts.run(&task("return 7")).await.unwrap(),
        Outcome::Result(Value::from(7))
    );
}
