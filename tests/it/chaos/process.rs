//! A worker as the harness holds it: started, asked to run playbooks, stopped, killed.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;

use super::machine::Machine;
use super::worker::{NAMESPACE, ROLE, SERVES, TASK, TOKEN, Task};

/// How long a process may take to begin.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the wish to run a playbook comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    Run(String),
    /// Why not.
    Refused(u16, String),
    /// It is not known.
    Silence,
}

pub(super) struct Process {
    child: Child,
    pub(super) url: String,
    pub(super) life: u32,
}

impl Process {
    /// Starts a worker on a machine; what it says goes to a log.
    pub(super) async fn start(task: &Task, machine: &Machine, library: &Path, log: &Path) -> Self {
        let said = File::options().append(true).create(true).open(log).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", ROLE, "--ignored", "--nocapture"]);
        command.env(TASK, serde_json::to_string(task).unwrap());
        command.env("LD_PRELOAD", library).env("CHAOS_MACHINE", &machine.file);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said);
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (tell, told) = oneshot::channel();
        std::thread::spawn(move || {
            let mut tell = Some(tell);
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some((_, url)) = line.split_once(SERVES) {
                    let _ = tell.take().map(|tell| tell.send(url.to_owned()));
                }
            }
        });
        let told = tokio::time::timeout(DEADLINE, told).await;
        let url = told.ok().and_then(Result::ok);
        let url = url.unwrap_or_else(|| panic!("no worker: {}", std::fs::read_to_string(log).unwrap()));
        let life = task.life;
        Self { child, url, life }
    }

    /// Stops it where it is; only a kill follows.
    pub(super) fn stop(&self) {
        signal("STOP", &self.child.id().to_string());
    }

    /// Ends it with SIGKILL. When this returns, it is gone.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that is there for sure.
pub(super) fn signal(name: &str, process: &str) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status();
    assert!(sent.unwrap().success());
}

/// Asks a worker to run a playbook.
pub(super) async fn begin(client: &reqwest::Client, url: &str, playbook: &str) -> Begun {
    let request = client.post(format!("{url}/v1/workspaces/{NAMESPACE}/playbooks/{playbook}/runs"));
    let request = request
        .bearer_auth(TOKEN)
        .header("content-type", "application/json")
        .timeout(Duration::from_secs(30))
        .body(json!({"body": {}}).to_string());
    let Ok(response) = request.send().await else {
        return Begun::Silence;
    };
    let status = response.status().as_u16();
    let Ok(text) = response.text().await else {
        return Begun::Silence;
    };
    match (status, serde_json::from_str::<serde_json::Value>(&text)) {
        (202, Ok(answer)) => Begun::Run(answer["runs"][0].as_str().unwrap().to_owned()),
        (202, Err(_)) => Begun::Silence,
        _ => Begun::Refused(status, text),
    }
}
