//! The commands of the program as people and other tools call them: output, its form, and exit codes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{self, Finished};

/// A playbook that asks a service and says what it learned.
const PLAYBOOK: &str = "\
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {name: ask}
spec:
  definition:
    triggers:
      manual: {type: Request, kind: Http, inputs: {}}
    actions:
      Remember:
        type: InitializeVariable
        inputs: {variables: [{name: count, type: integer, value: 3}]}
      Ask:
        type: Http
        runAfter: {Remember: [Succeeded]}
        inputs: {method: GET, uri: 'https://api.example.com/@{triggerBody()?[''who'']}', retryPolicy: {type: none}}
      Say:
        type: Compose
        runAfter: {Ask: [Succeeded]}
        inputs: \"@{triggerBody()?['who']} is @{body('Ask')?['name']}\"
    outputs:
      said: {type: String, value: \"@outputs('Say')\"}
";

struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        program::run(self.0.path(), arguments)
    }

    /// Runs the program, and checks its exit code.
    fn ends(&self, code: i32, arguments: &[&str]) -> Finished {
        let finished = self.run(arguments);
        assert_eq!(finished.code, code, "{arguments:?}: {finished:#?}");
        finished
    }
}

fn playbook() -> Folder {
    Folder::new(&[
        ("playbook.yaml", PLAYBOOK),
        ("body.json", r#"{"who": "it"}"#),
        ("good.yaml", "Ask: {statusCode: 200, body: {name: well}}\n"),
        (
            "bad.json",
            r#"{"Ask": {"statusCode": 503, "body": {"reason": "asleep"}}}"#,
        ),
    ])
}

const RUN: &[&str] = &["run", "playbook.yaml", "--body", "body.json"];

fn run_with(folder: &Folder, code: i32, more: &[&str]) -> Finished {
    folder.ends(code, &[RUN, more].concat())
}

#[test]
fn a_run_is_a_tree_for_people() {
    let folder = playbook();
    let tree = run_with(&folder, 0, &["--mocks", "good.yaml"]).stdout;
    let lines: Vec<&str> = tree.lines().collect();
    assert!(lines[0].starts_with("✓ playbook default/ask Succeeded"), "{tree}");
    for (line, name) in lines[1..].iter().zip(["Remember", "Ask", "Say"]) {
        assert!(line.starts_with(&format!("   ✓ {name}")), "{tree}");
    }
    assert_eq!(lines.len(), 4, "{tree}");

    let tree = run_with(&folder, 1, &["--mocks", "bad.json"]).stdout;
    assert!(tree.contains("✗ playbook default/ask Failed"), "{tree}");
    assert!(tree.contains("   ✗ Ask") && tree.contains("   – Say"), "{tree}");
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_run_is_json_for_tools() {
    let folder = playbook();
    let run = run_with(&folder, 0, &["--mocks", "good.yaml", "-o", "json"]).json();
    assert_eq!(keys(&run), ["status", "actions", "variables", "outputs"]);
    assert_eq!(run["status"], "Succeeded");
    assert_eq!(keys(&run["actions"]), ["Remember", "Ask", "Say"]);
    let ask = &run["actions"]["Ask"];
    assert_eq!(
        keys(ask),
        ["status", "code", "inputs", "outputs", "startTime", "endTime"]
    );
    assert_eq!((&ask["status"], &ask["code"]), (&json!("Succeeded"), &json!("OK")));
    assert_eq!(ask["inputs"]["uri"], "https://api.example.com/it");
    assert_eq!(ask["outputs"]["statusCode"], 200);
    assert_eq!(ask["outputs"]["body"], json!({"name": "well"}));
    assert_eq!(run["actions"]["Say"]["outputs"], "it is well");
    assert_eq!(run["variables"], json!({"count": 3}));
    assert_eq!(run["outputs"], json!({"said": "it is well"}));

    let run = run_with(&folder, 1, &["--mocks", "bad.json", "-o", "json"]).json();
    assert_eq!(run["status"], "Failed");
    let ask = &run["actions"]["Ask"];
    assert_eq!(
        (&ask["status"], &ask["outputs"]["statusCode"]),
        (&json!("Failed"), &json!(503))
    );
    assert!(
        ask["error"]["code"].is_string() && ask["error"]["message"].is_string(),
        "{ask:#}"
    );
    assert_eq!(run["actions"]["Say"]["status"], "Skipped");
}

#[test]
fn every_call_can_be_mocked() {
    let folder = playbook();
    let run = run_with(&folder, 0, &["--mock-all", "-o", "json"]).json();
    assert_eq!(run["actions"]["Ask"]["outputs"]["body"], json!({"name": "example"}));
    // A mock by name comes before the mock of everything.
    let run = run_with(&folder, 0, &["--mock-all", "--mocks", "good.yaml", "-o", "json"]).json();
    assert_eq!(run["actions"]["Say"]["outputs"], "it is well");
}

#[test]
fn a_mock_of_a_webhook_is_what_its_service_calls_back_with() {
    let playbook = "\
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {name: approve}
spec:
  definition:
    triggers:
      manual: {type: Request, kind: Http, inputs: {}}
    actions:
      Approve:
        type: HttpWebhook
        inputs: {subscribe: {method: POST, uri: 'https://api.example.com/', body: {url: \"@listCallbackUrl()\"}}}
      Say: {type: Compose, runAfter: {Approve: [Succeeded]}, inputs: \"@body('Approve')?['by']\"}
";
    let mocks = "Approve: {body: {by: mira}}\n";
    let folder = Folder::new(&[("playbook.yaml", playbook), ("body.json", "{}"), ("mocks.yaml", mocks)]);
    for more in [
        &["--mocks", "mocks.yaml", "-o", "json"][..],
        &["--mocks", "mocks.yaml", "--mock-all", "-o", "json"],
    ] {
        let run = run_with(&folder, 0, more).json();
        assert_eq!(run["actions"]["Say"]["outputs"], "mira", "{more:?}");
    }
}

#[test]
fn an_incident_of_sentinel_starts_the_quickstart() {
    let quickstart = example("quickstart");
    let entity = json!({"kind": "Ip", "properties": {"address": "185.220.101.45"}});
    let properties = json!({"title": "Outbound connection", "severity": "High", "relatedEntities": [entity]});
    let folder = Folder::new(&[
        (
            "incident.json",
            &json!({"object": {"properties": properties}}).to_string(),
        ),
        ("entity.json", &entity.to_string()),
    ]);
    let arguments = [
        "run",
        &quickstart,
        "--incident",
        "incident.json",
        "--mock-all",
        "-o",
        "json",
    ];
    let run = folder.ends(0, &arguments).json();
    assert_eq!(run["status"], "Succeeded", "{run:#}");
    assert_eq!(run["actions"]["For_each_address"]["status"], "Succeeded", "{run:#}");
    assert_eq!(run["actions"]["Ask_VirusTotal"]["repetitionCount"], 1, "{run:#}");

    let refused = folder.ends(1, &["run", &quickstart, "--entity", "entity.json", "--mock-all"]);
    assert!(
        refused.stderr.contains("starts with an incident, not with an entity"),
        "{refused:?}"
    );
    assert!(
        !refused.stderr.contains("ERROR"),
        "a refused start ends quietly: {refused:?}"
    );
}

#[test]
fn what_cannot_run_is_said() {
    let folder = playbook();
    for (code, part, arguments) in [
        (1, "missing.yaml", ["run", "missing.yaml", "--mock-all"].as_slice()),
        (1, "missing.json", &["run", "playbook.yaml", "--body", "missing.json"]),
        (1, "no playbook", &["run", "good.yaml"]),
        (1, "statusCode", &["run", "playbook.yaml", "--mocks", "body.json"]),
        (2, "--no-such-option", &["run", "playbook.yaml", "--no-such-option"]),
        (
            2,
            "cannot be used with",
            &["run", "playbook.yaml", "--body", "a", "--alert", "b"],
        ),
        (2, "FILE", &["run"]),
        (2, "no-such-command", &["no-such-command"]),
    ] {
        let finished = folder.ends(code, arguments);
        assert!(finished.stderr.contains(part), "{arguments:?}: {finished:#?}");
        assert_eq!(finished.stdout, "", "{arguments:?}: no data, nothing on stdout");
    }
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn examples_are_valid() {
    let folder = Folder::new(&[]);
    for (name, files) in [
        ("quickstart", 4),
        ("kinds", 4),
        ("approval", 3),
        ("nested", 4),
        ("schedule", 2),
    ] {
        let report = folder.ends(0, &["validate", &example(name), "-o", "json"]).json();
        assert_eq!(report["summary"]["errors"], 0, "{report:#}");
        assert!(report["summary"]["files"].as_u64() >= Some(files), "{report:#}");
    }
}

/// A workflow with two faults.
const FAULTY: &str = r#"{
  "definition": {
    "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
    "actions": {
      "Say": {"type": "Compose", "inputs": "@nope(1)", "runAfter": {}},
      "Wave": {"type": "Compose", "inputs": 1, "runAfter": {"Nobody": ["Succeeded"]}}
    }
  }
}
"#;

#[test]
fn every_problem_has_its_place() {
    let folder = Folder::new(&[("faulty.json", FAULTY), ("torn.json", "{\n  \"definition\": {\n")]);
    let text = folder.ends(1, &["validate", "faulty.json"]);
    assert!(text.stdout.contains("faulty.json:5:46: error: "), "{text:?}");
    assert!(
        text.stdout.contains("nope") && text.stdout.contains("Nobody"),
        "{text:?}"
    );
    assert!(text.stderr.contains("errors: 2"), "{text:?}");

    let report = folder
        .ends(1, &["validate", "faulty.json", "torn.json", "-o", "json"])
        .json();
    assert_eq!(report["summary"]["errors"], 3, "{report:#}");
    let problem = &report["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"]),
        (&json!("faulty.json"), &json!(5), &json!(46))
    );
    assert_eq!(
        (&problem["severity"], &problem["code"]),
        (&json!("error"), &json!("UnknownFunction"))
    );
    let sarif = folder.ends(1, &["validate", "faulty.json", "-o", "sarif"]).json();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(
        sarif["runs"][0]["results"].as_array().map(Vec::len),
        Some(2),
        "{sarif:#}"
    );
    let missing = folder.ends(1, &["validate", "missing.json"]);
    assert!(missing.stdout.contains("missing.json:1:1: error: "), "{missing:?}");
}

#[test]
fn an_expression_is_evaluated() {
    let folder = Folder::new(&[(
        "context.json",
        r#"{"triggerBody": {"name": "it"}, "variables": {"n": 4}}"#,
    )]);
    let eval = |code: i32, arguments: &[&str]| folder.ends(code, &[&["eval"], arguments].concat());
    assert_eq!(eval(0, &["@add(1, 2)"]).stdout, "3\n");
    assert_eq!(eval(0, &["@concat('a', toUpper('b'))"]).stdout, "\"aB\"\n");
    let expression = "@{triggerBody()['name']} has @{variables('n')}";
    assert_eq!(
        eval(0, &[expression, "--context", "context.json"]).stdout,
        "\"it has 4\"\n"
    );

    let failed = eval(1, &["@div(1, 0)"]);
    assert!(
        failed.stdout.is_empty() && failed.stderr.starts_with("error: "),
        "{failed:?}"
    );
    let unread = eval(2, &["@add(1,"]);
    assert!(
        unread.stdout.is_empty() && unread.stderr.contains("@add(1,") && unread.stderr.contains('^'),
        "{unread:?}"
    );
    assert!(
        eval(1, &["@1", "--context", "missing.json"])
            .stderr
            .contains("missing.json")
    );
    eval(2, &[]);
}

#[test]
fn lines_are_answered_in_order() {
    let folder = Folder::new(&[]);
    let input = concat!(
        r#"{"id": 1, "expr": "@add(1, 2)"}"#,
        "\n\n",
        r#"{"id": "b", "expr": "@triggerBody()?['x']", "context": {"triggerBody": {"x": [1, null]}}}"#,
        "\n",
        r#"{"id": 3, "expr": "@div(1, 0)"}"#,
        "\nno JSON\n",
        r#"{"id": 5, "expr": "@utcNow()", "context": {"utcNow": "2026-03-02T08:00:00Z"}}"#,
    );
    let finished = program::finish(program::command(folder.0.path(), &["eval", "--stdin"]), input);
    assert_eq!(finished.code, 0, "{finished:?}");
    let answers: Vec<Value> = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 5, "{finished:?}");
    assert_eq!(answers[0], json!({"id": 1, "value": 3}));
    assert_eq!(answers[1], json!({"id": "b", "value": [1, null]}));
    assert_eq!(keys(&answers[2]), ["id", "error"]);
    assert_eq!(keys(&answers[2]["error"]), ["code", "message"]);
    assert_eq!(
        (&answers[3]["id"], &answers[3]["error"]["code"]),
        (&Value::Null, &json!("BadRequest"))
    );
    assert_eq!(answers[4], json!({"id": 5, "value": "2026-03-02T08:00:00.0000000Z"}));
}

/// A template with a workflow that can run and one that cannot.
const TEMPLATE: &str = r#"{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {"Name": {"type": "string", "defaultValue": "Good-One"}},
  "resources": [
    {"type": "Microsoft.Logic/workflows", "apiVersion": "2017-07-01", "name": "[parameters('Name')]",
     "location": "westeurope", "properties": {"definition": {
       "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
       "actions": {"Say": {"type": "Compose", "inputs": "hello", "runAfter": {}}}}}},
    {"type": "Microsoft.Logic/workflows", "apiVersion": "2017-07-01", "name": "Odd-One",
     "location": "westeurope", "properties": {"definition": {
       "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
       "actions": {"Do": {"type": "Xslt", "inputs": "hello", "runAfter": {}}}}}}
  ]
}"#;

#[test]
fn an_import_is_reported() {
    let folder = Folder::new(&[("azuredeploy.json", TEMPLATE)]);
    let arguments = ["import", "azuredeploy.json", "--out", "out", "--report", "report.json"];
    folder.ends(0, &arguments);
    let read = |name: &str| fs::read_to_string(folder.0.path().join(name)).unwrap();
    let report: Value = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!(report["total"], 2, "{report:#}");
    assert_eq!(report["summary"], json!({"runs": 1, "unsupported": 1}), "{report:#}");
    let files = report["files"].as_array().unwrap();
    for file in files {
        for key in ["path", "kind", "name", "verdict", "reasons", "connectors"] {
            assert!(file.get(key).is_some(), "`{key}` is missing in {file:#}");
        }
        assert_eq!(
            (&file["path"], &file["kind"]),
            (&json!("azuredeploy.json"), &json!("workflow"))
        );
    }
    assert_eq!(
        (&files[0]["verdict"], &files[0]["reasons"]),
        (&json!("runs"), &json!([]))
    );
    assert_eq!(files[1]["verdict"], "unsupported");
    assert!(files[1]["reasons"][0].as_str().unwrap().contains("Xslt"), "{report:#}");
    assert!(read("out/azuredeploy.yaml").contains("kind: Playbook"));
    // What was imported runs.
    let run = folder
        .ends(
            0,
            &["run", "out/azuredeploy.yaml", "--playbook", "good-one", "-o", "json"],
        )
        .json();
    assert_eq!(run["actions"]["Say"]["outputs"], "hello");

    let printed = folder.ends(0, &["import", "azuredeploy.json"]);
    assert!(
        printed.stdout.starts_with("apiVersion: riposte.dev/v1alpha1"),
        "{printed:?}"
    );
    assert!(printed.stderr.contains("2 in all: "), "{printed:?}");
    let missing = folder.ends(1, &["import", "missing.json"]);
    assert!(missing.stderr.contains("missing.json"), "{missing:?}");
}

const SETTINGS: &str = "\
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {name: settings}
spec:
  appSettings:
  - {name: ZONE, value: 7}
  - {name: KEY, valueFrom: {secretKeyRef: {name: keys, key: key}}}
  definition:
    triggers:
      manual: {type: Request, inputs: {}, conditions: [{expression: \"@equals(appsetting('zone'), '7')\"}]}
    actions:
      Check: {type: Compose, inputs: \"@if(equals(appsetting('KEY'), 'h1dden'), 1, int('none'))\"}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {key: h1dden}
";

#[test]
fn app_settings_come_from_the_playbook_and_its_secrets() {
    let folder = Folder::new(&[
        ("settings.yaml", SETTINGS),
        ("alone.yaml", SETTINGS.split("---").next().unwrap()),
    ]);
    let run = folder.ends(0, &["run", "settings.yaml", "-o", "json"]);
    assert!(!run.stdout.contains("h1dden"), "{}", run.stdout);
    let refused = folder.ends(1, &["run", "alone.yaml"]).stderr;
    assert!(
        refused.contains("app setting 'KEY' of playbook 'settings' needs key 'key' of Secret"),
        "{refused}"
    );
    let rehearsed = folder.ends(1, &["run", "alone.yaml", "--mock-all"]).stderr;
    assert!(rehearsed.contains("app setting 'KEY' has no value here"), "{rehearsed}");
}

const LOOP: &str = "\
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: {name: loop}
spec:
  definition:
    triggers: {manual: {type: Request, kind: Http, inputs: {}}}
    actions:
      Each:
        type: Foreach
        foreach: \"@range(0, 3)\"
        actions: {Do: {type: Compose, inputs: \"@item()\"}}
";

#[test]
fn playbooks_are_held_to_the_limits_that_are_set() {
    let folder = Folder::new(&[("loop.yaml", LOOP)]);
    let run = |code, limit: &str| folder.ends(code, &["run", "loop.yaml", "--mock-all", "--limit", limit]);
    run(0, "foreach-items=3");
    assert!(
        run(1, "foreach-items=2")
            .stdout
            .contains("more than the 2 that a loop takes")
    );
    let found = folder
        .ends(1, &["validate", "loop.yaml", "--limit", "actions=1"])
        .stdout;
    assert!(found.contains("the workflow has more than 1 actions"), "{found}");
    for (limit, told) in [
        ("action=9", "did you mean `actions`?"),
        ("actions", "write NAME=VALUE"),
        ("actions=many", "a number from 1 to 5000"),
        ("actions=5001", "a number from 1 to 5000"),
    ] {
        let wrong = run(2, limit);
        assert!(wrong.stderr.contains(told), "{}", wrong.stderr);
    }
}

/// The commands that the first page of help names.
fn commands(help: &str) -> Vec<&str> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // Lines that go on with a description are indented further.
    let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.filter_map(|line| line.split_whitespace().next()).collect()
}

/// `UPDATE=1` writes the pages of `tests/cases/help` anew.
#[test]
fn help_is_as_written_down() {
    let folder = Folder::new(&[]);
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/help");
    let first = folder.ends(0, &["--help"]).stdout;
    let commands = commands(&first);
    assert!(commands.contains(&"dev") && commands.contains(&"run"), "{first}");
    let others = commands
        .iter()
        .map(|name| (*name, folder.ends(0, &[name, "--help"]).stdout));
    for (name, help) in std::iter::once(("riposte", first.clone())).chain(others) {
        let page = pages.join(format!("{name}.txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&pages).unwrap();
            fs::write(&page, &help).unwrap();
        }
        let known = fs::read_to_string(&page).unwrap_or_default();
        assert_eq!(
            help, known,
            "the help of '{name}' changed; if so meant, refresh it with UPDATE=1"
        );
    }
    let version = folder.ends(0, &["--version"]).stdout;
    assert_eq!(version, format!("riposte {}\n", env!("CARGO_PKG_VERSION")));
}

/// `UPDATE=1` writes the page anew.
#[test]
fn the_manual_of_functions_is_made_from_their_table() {
    let folder = Folder::new(&[]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/expression/functions.md");
    let page = folder.ends(0, &["functions", "-o", "markdown"]).stdout;
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(page == known, "the functions changed; refresh their page with UPDATE=1");

    let one = folder.ends(0, &["functions", "SUBSTRING"]).stdout;
    assert!(
        one.starts_with("substring(text: string, start: int, length?: int): string\n"),
        "{one}"
    );
    assert!(one.contains("\nsubstring('hello world', 6, 5) => \"world\"\n"), "{one}");
    let entry = &folder.ends(0, &["functions", "item", "-o", "json"]).json()[0];
    assert_eq!(entry["section"], "Collection functions");
    assert_eq!(
        entry["examples"][0],
        json!({"context": {"item": {"ip": "10.0.0.1"}}, "expression": "item()['ip']", "value": "10.0.0.1"})
    );
    let all = folder.ends(0, &["functions"]).stdout;
    assert!(
        all.lines().any(|line| line == "utcNow(format?: string): string"),
        "{all}"
    );
    let unknown = folder.ends(2, &["functions", "substrng"]).stderr;
    assert!(unknown.contains("did you mean `substring`?"), "{unknown}");
}
