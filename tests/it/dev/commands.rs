//! The day-to-day commands as real processes against a `riposte dev` that runs in the same folder, or is named.

use serde_json::{Value, json};

use super::process::{Dev, Home};
use crate::patience::settled;
use crate::program::{self, DEADLINE, Lines};

const PLAYBOOKS: &str = r#"
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: { name: greet, namespace: default }
spec:
  definition:
    $schema: https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#
    contentVersion: 1.0.0.0
    triggers: { manual: { type: Request, kind: Http } }
    actions:
      Greet: { type: Compose, inputs: "hello @{triggerBody()?['who']}" }
---
apiVersion: riposte.dev/v1alpha1
kind: Playbook
metadata: { name: wait, namespace: default }
spec:
  suspend: true
  definition:
    $schema: https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#
    contentVersion: 1.0.0.0
    triggers: { manual: { type: Request, kind: Http } }
    actions:
      Greet: { type: Compose, inputs: hello }
"#;

/// A folder with a server that commands find by themselves.
struct World {
    home: Home,
    dev: Dev,
}

impl World {
    async fn new() -> Self {
        let home = Home::new();
        home.write("playbooks.yaml", PLAYBOOKS);
        let dev = home.start_with_data(".riposte", &[]).await;
        Self { home, dev }
    }

    /// Starts the playbook `greet`, and gives its run.
    fn greet(&self) -> String {
        std::fs::write(self.home.path("body.json"), r#"{"who":"ada"}"#).unwrap();
        let started = self.home.out(&["start", "greet", "--body", "body.json", "-o", "name"]);
        let name = started.trim().strip_prefix("run.journal.riposte.dev/");
        name.unwrap_or_else(|| panic!("{started}")).to_owned()
    }
}

#[tokio::test]
async fn configuration_is_listed_and_described() {
    let world = World::new().await;
    let listed = world.home.run(&["get", "playbooks"]);
    let expected =
        "NAME    TRIGGER   SUSPENDED   READY\ngreet   Other     false       True\nwait    Other     true        True\n";
    assert_eq!(listed.stdout, expected);
    assert!(
        listed.stderr.contains("using the dev server http://127.0.0.1:"),
        "{listed:?}"
    );
    let names = world.home.out(&["get", "playbook", "-o", "name"]);
    assert_eq!(names, "playbook.riposte.dev/greet\nplaybook.riposte.dev/wait\n");
    let everywhere = world.home.out(&["get", "pbk", "-A", "--no-headers"]);
    assert_eq!(
        everywhere.lines().next(),
        Some("default   greet   Other   false   True")
    );
    let one: Value = serde_json::from_str(&world.home.out(&["get", "playbooks", "greet", "-o", "json"])).unwrap();
    assert_eq!(
        (&one["kind"], &one["metadata"]["name"]),
        (&json!("Playbook"), &json!("greet"))
    );
    let described = world.home.out(&["describe", "playbook", "wait"]);
    assert!(
        described.contains("Name:             wait") && described.contains("suspend: true"),
        "{described}"
    );
    let empty = world.home.run(&["get", "rules"]);
    assert_eq!((empty.code, &*empty.stdout), (0, ""));
    assert!(empty.stderr.contains("no automationrules found"), "{empty:?}");
}

#[tokio::test]
async fn a_run_is_started_followed_and_described() {
    let world = World::new().await;
    let run = world.greet();
    let log = world.home.out(&["logs", &run, "-f"]);
    assert!(
        log.contains("Greet Succeeded") && log.trim_end().ends_with("run Succeeded"),
        "{log}"
    );
    let listed = world.home.out(&["runs", "greet"]);
    assert!(
        listed.starts_with("NAME ") && listed.contains(&run) && listed.contains("Succeeded"),
        "{listed}"
    );
    assert_eq!(world.home.out(&["runs", "wait"]), "");
    let described = world.home.out(&["describe", "run", &run]);
    assert!(
        described.contains("Requester:        user/local") && described.contains("Greet"),
        "{described}"
    );
    let cancelled = world.home.out(&["cancel", &run]);
    assert_eq!(
        cancelled,
        format!("run.journal.riposte.dev/{run} has ended already: Succeeded\n")
    );
}

#[tokio::test]
async fn a_run_is_resubmitted_listed_by_its_status_and_deleted() {
    let world = World::new().await;
    let run = world.greet();
    world.home.out(&["logs", &run, "-f"]);
    let again = world.home.out(&["resubmit", &run, "--from", "Greet", "-o", "name"]);
    let again = again.trim().strip_prefix("run.journal.riposte.dev/").unwrap();
    let log = world.home.out(&["logs", again, "-f"]);
    assert!(
        log.contains(&format!("as run {run} was, from action Greet on")),
        "{log}"
    );
    let described = world.home.out(&["describe", "run", again]);
    assert!(
        described.contains(&format!("Resubmission of:  {run}")) && described.contains("ATTEMPTS"),
        "{described}"
    );
    let listed = |arguments: &[&str]| {
        world
            .home
            .out(&[&["runs", "--no-headers"], arguments].concat())
            .lines()
            .count()
    };
    assert_eq!(listed(&["--status", "Succeeded", "--since", "1h"]), 2);
    assert_eq!(listed(&["--playbook", "greet", "--since", "2026-01-01T00:00:00Z"]), 2);
    assert_eq!(listed(&["--failed"]), 0);
    let deleted = world.home.out(&["delete", "runs", &run]);
    assert_eq!(deleted, format!("run.journal.riposte.dev/{run} deleted\n"));
    world.home.out(&["delete", "runs", "--playbook", "greet"]);
    assert_eq!(listed(&[]), 0);
    for (command, value) in [("suspend", "true"), ("resume", "false")] {
        let refused = world.home.run(&[command, "greet"]);
        let hint = format!("write `suspend: {value}` into `spec` of 'greet'");
        assert!(refused.code == 1 && refused.stderr.contains(&hint), "{refused:?}");
    }
}

#[tokio::test]
async fn a_followed_log_goes_on_when_the_server_is_back() {
    let World { home, dev } = World::new().await;
    home.write("playbooks.yaml", &PLAYBOOKS.replace("Greet: {", "Wait: { type: Wait, inputs: { interval: { count: 5, unit: Second } } }\n      Greet: { runAfter: { Wait: [Succeeded] },"));
    let started = settled(DEADLINE, async || {
        let mut command = home.command(&["start", "greet", "--body", "body.json", "-o", "name"]);
        std::fs::write(home.path("body.json"), "{}").unwrap();
        command.env("KUBECONFIG", home.path("none"));
        let started = program::finish(command, "");
        let run = started.stdout.trim().rsplit('/').next().unwrap_or_default().to_owned();
        let (_, view) = dev.get(&format!("/v1/runs/{run}")).await;
        if view["actions"]["Wait"].is_object() {
            Ok(run)
        } else {
            Err(view)
        }
    });
    let run = started.await.unwrap();
    let mut command = home.command(&["logs", &run, "-f"]);
    command.env("KUBECONFIG", home.path("none"));
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut following = command.spawn().unwrap();
    let stderr = Lines::of(following.stderr.take().unwrap());
    let stdout = Lines::of(following.stdout.take().unwrap());
    stdout.find(0, "Wait waits until").await;
    dev.kill();
    stderr.find(0, "the log goes on when it is back").await;
    let _dev = home.start_with_data(".riposte", &[]).await;
    stdout.find(0, "run Succeeded").await;
    assert!(following.wait().unwrap().success());
    assert_eq!(
        stdout.find(0, "Wait waits until").await,
        stdout.find(0, "waits until").await
    );
}

#[tokio::test]
async fn incidents_are_listed_and_hostile_titles_are_harmless() {
    let world = World::new().await;
    let alert = json!({ "title": "Bad \u{1b}[2J\u{202e}title", "severity": "High", "id": "a" });
    let (status, answer) = world.dev.post("/v1/workspaces/default/alerts", &alert).await;
    assert_eq!(status, 202, "{answer}");
    let listed = world.home.out(&["incidents"]);
    assert!(
        listed.contains("\\u{1b}[2J\\u{202e}title") && !listed.contains('\u{1b}'),
        "{listed}"
    );
    let described = world.home.out(&["incidents", "1"]);
    assert!(
        described.contains("Severity:         High") && !described.contains(['\u{1b}', '\u{202e}']),
        "{described}"
    );
    let yaml = world.home.out(&["get", "incident", "1", "-o", "yaml"]);
    assert!(
        yaml.starts_with("apiVersion: journal.riposte.dev/v1alpha1\nkind: Incident\n"),
        "{yaml}"
    );
}

#[tokio::test]
async fn what_fails_says_why_and_how_it_ends() {
    let world = World::new().await;
    for (arguments, code, part) in [
        (
            &["get", "incidents", "9"][..],
            1,
            "incidents.journal.riposte.dev \"9\" not found",
        ),
        (&["logs", "none"], 1, "runs.journal.riposte.dev \"none\" not found"),
        (&["start", "wait", "--body", "body.json"], 1, "suspended"),
        (&["start", "greet", "--entity", "planet=mars"], 1, "no kind of entity"),
        (&["start", "greet"], 2, "--incident"),
        (&["get", "widgets"], 2, "possible values"),
        (&["runs", "-A", "-n", "soc"], 2, "cannot be used with"),
        (&["runs", "--server", "http://127.0.0.1:1"], 2, "--token-file"),
    ] {
        std::fs::write(world.home.path("body.json"), "{}").unwrap();
        let finished = world.home.run(arguments);
        assert_eq!(
            (finished.code, &*finished.stdout),
            (code, ""),
            "{arguments:?}: {finished:?}"
        );
        assert!(finished.stderr.contains(part), "{arguments:?}: {finished:?}");
    }
}

#[tokio::test]
async fn a_server_is_named_or_missing() {
    let world = World::new().await;
    let elsewhere = Home::new();
    let run = |arguments: &[&str]| {
        let mut command = elsewhere.command(arguments);
        command.env("KUBECONFIG", elsewhere.path("none"));
        program::finish(command, "")
    };
    let token = world.home.path(".riposte/token");
    let named = [
        "get",
        "playbooks",
        "-o",
        "name",
        "--server",
        &world.dev.url,
        "--token-file",
        token.to_str().unwrap(),
    ];
    let listed = run(&named);
    assert_eq!((listed.code, &*listed.stderr), (0, ""), "{listed:?}");
    assert!(listed.stdout.contains("playbook.riposte.dev/greet"), "{listed:?}");
    let missing = run(&["incidents"]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("start `riposte dev`, or name"), "{missing:?}");
    // A server that was killed leaves its address behind, which leads nowhere.
    world.dev.kill();
    let mut command = world.home.command(&["incidents"]);
    command.env("KUBECONFIG", world.home.path("none"));
    let gone = program::finish(command, "");
    assert_eq!(gone.code, 1);
    assert!(gone.stderr.contains("no dev server runs in .riposte/"), "{gone:?}");
}
