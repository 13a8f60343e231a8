//! The program under test as a real process: run to its end, or followed by the lines that it prints. Every wait has a
//! deadline and awaits a condition.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// How long anything may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The program with arguments, in a folder.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_riposte"));
    command.args(arguments).current_dir(folder);
    command
        .env_remove("RIPOSTE_LOG")
        .env_remove("COLUMNS")
        .env("NO_COLOR", "1");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// The output on stdout as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON: {error}: {self:#?}"))
    }
}

/// Runs the program to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Finished {
    finish(command(folder, arguments), "")
}

/// Runs a command to its end with a text on its standard input.
pub(crate) fn finish(mut command: Command, input: &str) -> Finished {
    command.stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()).unwrap());
        let stdout = scope.spawn(move || all(&mut out));
        let stderr = scope.spawn(move || all(&mut err));
        let status = await_end(&mut child);
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        let code = status.and_then(|status| status.code());
        let code = code.unwrap_or_else(|| panic!("{command:?} did not end by itself\n{stdout}\n{stderr}"));
        Finished { code, stdout, stderr }
    })
}

fn all(stream: &mut impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// The status of a child; one that does not end in time is killed and has none.
fn await_end(child: &mut Child) -> Option<ExitStatus> {
    let (ended, wait) = mpsc::channel();
    let id = child.id();
    thread::scope(|scope| {
        scope.spawn(move || ended.send(child.wait().unwrap()));
        let status = wait.recv_timeout(DEADLINE).ok();
        if status.is_none() {
            signal("KILL", id);
        }
        status
    })
}

/// Sends a signal to a process that has not been waited for, so that its number is still its own.
fn signal(name: &str, process: u32) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status();
    assert!(sent.unwrap().success(), "kill -{name} {process}");
}

/// A server of the program that goes on; it is killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) stderr: Lines,
    /// Where it serves: `http://ADDRESS`.
    pub(crate) url: String,
}

impl Running {
    /// Starts a server, and waits until it serves.
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let stderr = Lines::of(child.stderr.take().unwrap());
        // Made at once, so that a server that never serves is killed too.
        let mut running = Self {
            child,
            stderr,
            url: String::new(),
        };
        let line = running.stderr.find(0, "server on http://").await;
        let start = line.find("http://").unwrap();
        line[start..].split(',').next().unwrap().clone_into(&mut running.url);
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        running
    }

    /// The port of the aggregated API that an operator serves.
    pub(crate) async fn journal(&self) -> u16 {
        let line = self.stderr.find(0, "aggregated API on ").await;
        line.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Ends the process with SIGKILL: nothing in it gets to run any more.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends the process as Kubernetes ends a pod, with SIGTERM; gives its exit code, and how long it took.
    pub(crate) fn terminate(mut self) -> (i32, Duration) {
        let begin = Instant::now();
        signal("TERM", self.child.id());
        let status = await_end(&mut self.child);
        let code = status.and_then(|status| status.code());
        let code = code.unwrap_or_else(|| panic!("it did not end by itself\n{}", self.stderr.all()));
        (code, begin.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, as they come.
pub(crate) struct Lines(watch::Receiver<Vec<String>>);

impl Lines {
    /// Reads a stream to its end.
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = watch::channel(Vec::new());
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                sender.send_modify(|lines| lines.push(line));
            }
        });
        Self(receiver)
    }

    /// How many lines have come.
    pub(crate) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// The first line from the `from`-th on that has a part; waits for it.
    pub(crate) async fn find(&self, from: usize, part: &str) -> String {
        let matching = |lines: &[String]| lines.iter().skip(from).find(|line| line.contains(part)).cloned();
        let mut receiver = self.0.clone();
        let found = tokio::time::timeout(DEADLINE, receiver.wait_for(|lines| matching(lines).is_some())).await;
        let found = found.ok().and_then(Result::ok).and_then(|lines| matching(&lines));
        found.unwrap_or_else(|| panic!("no line has '{part}' in\n{}", self.all()))
    }

    /// All lines that have come.
    pub(crate) fn all(&self) -> String {
        self.0.borrow().join("\n")
    }
}
