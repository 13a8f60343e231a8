//! `riposte dev` as a real process with a folder of its own, and a client of its server.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::patience::settled;
use crate::program::{self, DEADLINE, Lines, Running};

/// A folder with manifests and data, which outlives the processes that work in it.
pub(super) struct Home(TempDir);

impl Home {
    pub(super) fn new() -> Self {
        let home = Self(TempDir::new().unwrap());
        fs::create_dir(home.path("manifests")).unwrap();
        home
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a manifest at once, as careful editors do.
    pub(super) fn write(&self, name: &str, text: &str) {
        let draft = self.path("draft");
        fs::write(&draft, text).unwrap();
        fs::rename(draft, self.path("manifests").join(name)).unwrap();
    }

    /// The files of the data folder, with their bytes.
    pub(super) fn data(&self) -> Vec<(PathBuf, Vec<u8>)> {
        self.files("data")
    }

    /// The files of a folder, with their bytes.
    pub(super) fn files(&self, folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        program::command(self.0.path(), arguments)
    }

    /// Starts `riposte dev` here, and waits until it serves.
    pub(super) async fn start(&self, options: &[&str]) -> Dev {
        self.start_with_data("data", options).await
    }

    /// The same with another folder for data.
    pub(super) async fn start_with_data(&self, data: &str, options: &[&str]) -> Dev {
        let fixed = ["dev", "manifests", "--data", data, "--listen", "127.0.0.1:0"];
        let mut command = self.command(&fixed);
        command.args(options);
        let process = Running::start(command).await;
        Dev {
            url: process.url.clone(),
            process,
            token: fs::read_to_string(self.path(data).join("token")).unwrap(),
            client: reqwest::Client::new(),
        }
    }
}

/// A running `riposte dev`; it is killed when dropped.
pub(super) struct Dev {
    process: Running,
    pub(super) url: String,
    pub(super) token: String,
    pub(super) client: reqwest::Client,
}

impl Dev {
    /// What it says.
    pub(super) fn stderr(&self) -> &Lines {
        &self.process.stderr
    }

    /// Ends the process with SIGKILL: nothing in it gets to run any more.
    pub(super) fn kill(self) {
        self.process.kill();
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.url));
        answer(request.bearer_auth(&self.token)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).body(body.to_string());
        answer(
            request
                .header("content-type", "application/json")
                .bearer_auth(&self.token),
        )
        .await
    }

    /// Delivers an event of Falco; gives the number of its incident.
    pub(super) async fn deliver(&self, event: &Value) -> i64 {
        let (status, answer) = self.post("/v1/workspaces/default/falco", event).await;
        assert_eq!(status, 202, "{answer}");
        answer["accepted"][0]["incident"]["number"].as_i64().unwrap()
    }

    /// The view of an incident, as soon as it is as it should be.
    pub(super) async fn incident(&self, number: i64, fits: impl Fn(&Value) -> bool) -> Value {
        self.view(&format!("/v1/workspaces/default/incidents/{number}"), fits)
            .await
    }

    /// The view at a path, as soon as it is as it should be.
    pub(super) async fn view(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let attempt = async || {
            let (_, view) = self.get(path).await;
            if fits(&view) { Ok(view) } else { Err(view) }
        };
        let outcome = settled(DEADLINE, attempt).await;
        outcome.unwrap_or_else(|view| panic!("{path} stays at {view:#}"))
    }

    /// The incident and the evaluation of the rules about its creation, as soon as that has ended.
    pub(super) async fn evaluated(&self, number: i64) -> (Value, Value) {
        let evaluation = |view: &Value| {
            let all = view["evaluations"].as_array()?;
            let is_it = |one: &&Value| one["occasion"] == "IncidentCreated" && one["ended"] == true;
            all.iter().find(is_it).cloned()
        };
        let incident = self.incident(number, |view| evaluation(view).is_some()).await;
        let evaluation = evaluation(&incident).unwrap();
        (incident, evaluation)
    }

    /// The incident and its one run, as soon as the run has ended.
    pub(super) async fn ended(&self, number: i64) -> (Value, Value) {
        let has_ended = |view: &Value| view["runs"][0]["endTime"].is_string();
        let incident = self.incident(number, has_ended).await;
        assert_eq!(incident["runs"].as_array().map(Vec::len), Some(1), "{incident:#}");
        let id = incident["runs"][0]["id"].as_str().unwrap();
        let (status, run) = self.get(&format!("/v1/runs/{id}")).await;
        assert_eq!(status, 200, "{run}");
        (incident, run)
    }
}

/// Status and JSON of an answer.
pub(super) async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.timeout(DEADLINE).send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status} with no JSON: {error}: {text}"));
    (status, json)
}

/// The messages of an incident's comments.
pub(super) fn comments(incident: &Value) -> Vec<&str> {
    let comments = incident["properties"]["Comments"].as_array();
    let comments = comments.unwrap_or_else(|| panic!("no comments in {incident:#}"));
    let messages = comments.iter().map(|comment| comment["properties"]["message"].as_str());
    messages.map(Option::unwrap).collect()
}
