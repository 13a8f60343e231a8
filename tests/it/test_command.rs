//! `riposte test`: what passes, what fails and where, and the forms in which it is told.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{self, Finished};

const PLAYBOOK: &str = "\
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {name: ask}
spec:
  definition:
    parameters:
      Who: {type: String}
    triggers:
      manual: {type: Request, kind: Http, inputs: {}, conditions: [{expression: \"@not(equals(triggerBody()?['skip'], true))\"}]}
    actions:
      Remember:
        type: InitializeVariable
        inputs: {variables: [{name: count, type: integer, value: 3}]}
      Ask:
        type: Http
        runAfter: {Remember: [Succeeded]}
        inputs: {method: POST, uri: 'https://api.example.com/ask', body: {who: \"@parameters('Who')\"}}
      Known:
        type: If
        runAfter: {Ask: [Succeeded]}
        expression: \"@equals(body('Ask')?['known'], true)\"
        actions:
          Say: {type: Compose, inputs: \"@{parameters('Who')} is known\"}
        else:
          actions:
            Ask_again: {type: Http, inputs: {method: GET, uri: 'https://api.example.com/more'}}
    outputs:
      who: {type: String, value: \"@parameters('Who')\"}
";

/// A test of the playbook whose spec ends so.
fn test(name: &str, spec: &str) -> String {
    let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "apiVersion: riposte.dev/v1alpha1\nkind: PlaybookTest\nmetadata: {{name: {name}}}\nspec:\n  playbook: ask.yaml\n{spec}"
    )
}

const GOOD: &str = "\
parameters: {Who: it}
mocks:
  POST https://api.example.com/*: {body: {known: true}}
unmocked: Fail
expect:
  actions:
    Say: {outputs: it is known}
    Ask_again: {status: Skipped}
  calls:
    - {call: Ask, count: 1, inputs: {method: POST, body: {who: it}}}
  callOrder: [Ask]
  notCalled: [Ask_again, GET https://api.example.com/more]
  variables: {count: 3}
  outputs: {who: it}
";

struct Folder(TempDir);

impl Folder {
    fn new(tests: &[String]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ask.yaml"), PLAYBOOK).unwrap();
        fs::write(folder.path().join("ask.test.yaml"), tests.join("---\n")).unwrap();
        Self(folder)
    }

    fn ends(&self, code: i32, arguments: &[&str]) -> Finished {
        let finished = program::run(self.0.path(), &[&["test"], arguments].concat());
        assert_eq!(finished.code, code, "{arguments:?}: {finished:#?}");
        finished
    }
}

#[test]
fn what_comes_as_expected_passes() {
    let skipped = "trigger: {body: {skip: true}}\nexpect: {refused: TriggerConditionFalse}\n";
    let asked_again =
        "mocks: {Ask: {body: {known: false}}}\nexpect: {calls: [{call: GET https://api.example.com/*}]}\n";
    let failed =
        "mocks: {Ask: {statusCode: 404}}\nexpect: {status: Failed, errorCode: NotFound, error: answered 404}\n";
    let folder = Folder::new(&[
        test("good", GOOD),
        test("skipped", skipped),
        test("again", asked_again),
        test("failed", failed),
    ]);
    let told = folder.ends(0, &["."]).stdout;
    assert!(
        told.contains("default/ask  5 of 5 actions, 2 of 2 branches\n"),
        "{told}"
    );
    assert!(told.contains("4 tests, 4 passed, 0 failed"), "{told}");
    let report = folder
        .ends(0, &["ask.test.yaml", "--filter", "aga", "-o", "json"])
        .json();
    assert_eq!(report["summary"]["tests"], 1);
    assert_eq!(report["tests"][0]["name"], "again");
    assert_eq!(report["coverage"][0]["branches"], json!({"reached": 1, "total": 2}));
    assert_eq!(report["coverage"][0]["notReached"], json!(["Say"]));
}

const SPLIT: &str = "\
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {name: split}
spec:
  definition:
    triggers:
      manual: {type: Request, inputs: {}, splitOn: \"@triggerBody()?['items']\"}
    actions:
      Ask: {type: Http, inputs: {method: GET, uri: \"https://api.example.com/@{triggerBody()?['id']}\"}}
    outputs:
      id: {type: Int, value: \"@triggerBody()?['id']\"}
";

#[test]
fn app_settings_of_a_test_go_before_those_of_the_playbook() {
    let playbook = "\
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {name: sited}
spec:
  appSettings: [{name: Site, value: plant}]
  definition:
    triggers: {manual: {type: Request, inputs: {}}}
    actions:
      Is_here:
        type: If
        expression: \"@equals(appsetting('SITE'), 'hq')\"
        actions: {Here: {type: Compose, inputs: yes}}
";
    let at = |name: &str, settings: &str, here: &str| {
        let spec = format!("appSettings: {settings}\nexpect: {{actions: {{Here: {{status: {here}}}}}}}\n");
        test(name, &spec).replace("ask.yaml", "sited.yaml")
    };
    let folder = Folder::new(&[at("given", "{}", "Skipped"), at("replaced", "{site: hq}", "Succeeded")]);
    fs::write(folder.0.path().join("sited.yaml"), playbook).unwrap();
    folder.ends(0, &["ask.test.yaml"]);
}

/// A test of the playbook that splits, started with two items.
fn split(name: &str, expect: &str) -> String {
    let spec = "trigger: {body: {items: [{id: 1}, {id: 2}]}}\nmocks: {Ask: [{body: {}}, {statusCode: 404}]}\n";
    test(name, &format!("{spec}expect: {expect}\n")).replace("ask.yaml", "split.yaml")
}

#[test]
fn each_run_of_a_split_body_is_rehearsed() {
    let each = "{runs: [{outputs: {id: 1}, calls: [{call: Ask, count: 1}]}, {status: Failed, errorCode: NotFound}]}";
    let folder = Folder::new(&[split("each", each)]);
    fs::write(folder.0.path().join("split.yaml"), SPLIT).unwrap();
    folder.ends(0, &["ask.test.yaml"]);
    let failing = [
        split("all", "{calls: [{call: Ask}]}"),
        split("few", "{runs: [{outputs: {id: 1}}]}"),
        split("wrong", "{runs: [{outputs: {id: 1}}, {}]}"),
    ];
    fs::write(folder.0.path().join("ask.test.yaml"), failing.join("---\n")).unwrap();
    let told = folder.ends(1, &["ask.test.yaml"]).stdout;
    for message in [
        "status: run 2 of 2: expected status Succeeded, got Failed",
        "runs: expected 1 runs, got 2",
        "runs/1/status: expected status Succeeded, got Failed",
    ] {
        assert!(told.contains(message), "{message}: {told}");
    }
    let contradicting = [
        split("beside", "{runs: [{}, {}], status: Failed}"),
        split("unknown", "{runs: [{actions: {Gone: {}}}, {refused: X}]}"),
    ];
    fs::write(folder.0.path().join("ask.test.yaml"), contradicting.join("---\n")).unwrap();
    let told = folder.ends(2, &["ask.test.yaml"]).stderr;
    for message in [
        "put what stands beside it into them",
        "has neither `refused` nor `runs`",
    ] {
        assert!(told.contains(message), "{message}: {told}");
    }
    fs::write(
        folder.0.path().join("items.json"),
        r#"{"items": [{"id": 1}, {"id": 2}]}"#,
    )
    .unwrap();
    let arguments = ["run", "split.yaml", "--mock-all", "--body", "items.json", "-o", "json"];
    let shown = program::run(folder.0.path(), &arguments);
    let runs = shown
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ids: Vec<Value> = runs.map(|run| run["outputs"]["id"].clone()).collect();
    assert_eq!(ids, [1, 2], "{shown:#?}");
}

#[test]
fn what_comes_otherwise_is_told_with_its_place() {
    let spec = "\
mocks: {Ask: {body: {known: false}}}
expect:
  actions:
    Say: {status: Succeeded}
    Ask: {outputs: {body: {known: true}}}
  calls:
    - {call: Ask, count: 2}
    - {call: Ask, inputs: {body: {who: somebody}}}
  callOrder: [Ask_again, Ask]
  notCalled: [Ask]
  variables: {count: 4}
  comments: [hello]
";
    let folder = Folder::new(&[test("wrong", spec)]);
    let report = folder.ends(1, &[".", "-o", "json", "--junit", "junit.xml"]).json();
    let failures = report["tests"][0]["failures"].as_array().unwrap();
    let told = |failure: &Value| format!("{} {}", failure["line"], failure["what"].as_str().unwrap());
    let mut told: Vec<String> = failures.iter().map(told).collect();
    told.sort();
    let expected = [
        "10 actions/Ask/outputs/body/known",
        "12 calls/0/count",
        "13 calls/1/inputs/body/who",
        "14 callOrder/1",
        "15 notCalled/0",
        "16 variables/count",
        "17 comments/0",
        "9 actions/Say/status",
    ];
    assert_eq!(told, expected, "{report:#}");
    let xml = fs::read_to_string(folder.0.path().join("junit.xml")).unwrap();
    assert!(
        xml.contains("tests=\"1\" failures=\"1\"") && xml.contains("ask.test.yaml:10:"),
        "{xml}"
    );
    let text = folder.ends(1, &["."]).stdout;
    assert!(
        text.contains("ask.test.yaml:16:24: variables/count: expected 4, got 3"),
        "{text}"
    );
}

#[test]
fn every_problem_of_a_test_has_its_place() {
    let folder = Folder::new(&[
        test("one", "mokcs: {}\nexpect: {status: Good}\n"),
        test(
            "two",
            "mocks: {Asc: {}, Ask: {statusCode: 1}}\nparameters: {What: 1}\nexpect: {actions: {Sai: {}}}\n",
        ),
        test("three", "trigger: {incident: missing.json}\n").replace("ask.yaml", "asc"),
    ]);
    let told = folder.ends(2, &["."]).stderr;
    for part in [
        "ask.test.yaml:6:3: error: unknown field `mokcs`; did you mean `mocks`?",
        "ask.test.yaml:7:20: error:",
        "ask.test.yaml:14:16: error: the playbook has no action 'Asc'; did you mean 'Ask'?",
        "`statusCode` must be an HTTP status",
        "the playbook has no parameter 'What'",
        "the playbook has no action 'Sai'; did you mean 'Say'?",
        "there is no playbook 'asc' in the paths that are tested; did you mean 'ask'?",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn nothing_to_test_is_wrong_usage() {
    let folder = Folder::new(&[test("good", GOOD)]);
    assert!(folder.ends(2, &["ask.yaml"]).stderr.contains("there is no test"));
    folder.ends(2, &[".", "--filter", "nothing"]);
    folder.ends(1, &["missing"]);
}

/// How many playbooks there are in a folder, those apart that are wrong on purpose.
fn playbooks(folder: &Path) -> usize {
    let count = |path: std::path::PathBuf| match path.is_dir() {
        true if path.ends_with("invalid") => 0,
        true => playbooks(&path),
        false => fs::read_to_string(&path).unwrap().matches("\nkind: Playbook\n").count(),
    };
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| count(entry.unwrap().path()))
        .sum()
}

#[test]
fn the_examples_pass_their_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let finished = program::run(root, &["test", "examples", "-o", "json"]);
    assert_eq!(finished.code, 0, "{finished:#?}");
    let report = finished.json();
    let coverage = report["coverage"].as_array().unwrap();
    assert_eq!(
        coverage.len(),
        playbooks(&root.join("examples")),
        "each has tests: {report:#}"
    );
    for coverage in coverage {
        assert_eq!(coverage["notReached"], json!([]), "{coverage:#}");
    }
}

#[test]
fn a_run_is_recorded_for_a_test() {
    let folder = Folder::new(&[test("replayed", "mocksFile: recorded.yaml\nunmocked: Fail\n")]);
    fs::write(folder.0.path().join("given.yaml"), "Ask: {body: {known: true}}\n").unwrap();
    let arguments = [
        "run",
        "ask.yaml",
        "--mock-all",
        "--mocks",
        "given.yaml",
        "--record",
        "recorded.yaml",
        "-o",
        "json",
    ];
    let run = program::run(folder.0.path(), &arguments);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(
        run.stderr
            .contains("parameter 'Who' has neither a value nor a default; a placeholder stands for it"),
        "{run:#?}"
    );
    folder.ends(0, &["."]);
}
