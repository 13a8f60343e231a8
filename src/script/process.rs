//! The outer side: starts the process of a script, gives it its task, and ends it if it takes too long.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{COMMAND, INPUT_MAX, OUTPUT_MAX, Outcome, TIME_MAX, Task, host};

/// How long a process may take beyond its script's time, to begin and to read its task.
const GRACE: Duration = Duration::from_secs(5);
/// How many scripts run at once; others wait. Their memory counts as that of this program where it has a limit.
const AT_ONCE: usize = 2;
/// What an answer holds beside the result.
const FRAME: u64 = 4_096;

/// Runs scripts; clones share the limit of how many run at once.
#[derive(Clone, Debug)]
pub struct Scripts {
    /// The program to start; `None` for the one that runs.
    program: Option<PathBuf>,
    places: Arc<Semaphore>,
}

impl Default for Scripts {
    fn default() -> Self {
        Self::new(None)
    }
}

/// Why a script was not executed, though nothing was wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The task is too large.
    #[error(
        "the script and what it reads are longer than {INPUT_MAX} bytes; name fewer actions in `explicitDependencies`"
    )]
    TooLarge,
    /// The process cannot be started or talked to.
    #[error("the process of the script failed: {0}")]
    Process(#[from] std::io::Error),
}

impl Scripts {
    /// Scripts in processes of this program, or of the one that runs.
    pub fn new(program: Option<PathBuf>) -> Self {
        Self {
            program,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Executes a script in a process of its own.
    ///
    /// # Errors
    /// The task is too large, or the process cannot be started.
    pub async fn run(&self, task: &Task) -> Result<Outcome, Error> {
        let text = serde_json::to_string(task).map_err(std::io::Error::other)?;
        if text.len() > INPUT_MAX {
            return Err(Error::TooLarge);
        }
        let _place = self.places.acquire().await.map_err(std::io::Error::other)?;
        let mut process = Process::start(self.program.as_deref())?;
        let mut exchange = tokio::task::spawn_blocking(process.exchange(text));
        match tokio::time::timeout(TIME_MAX + GRACE, &mut exchange).await {
            Ok(answered) => read(&answered.map_err(std::io::Error::other)??),
            Err(_) => Ok(Outcome::Failed(host::too_slow())),
        }
    }
}

/// A process without an answer was ended by what it did: its memory, mostly.
fn read(answer: &[u8]) -> Result<Outcome, Error> {
    let broken = || Outcome::Failed("the process of the script broke off".to_owned());
    Ok(serde_json::from_slice(answer).unwrap_or_else(|_| broken()))
}

/// A process; ended when dropped.
struct Process(Child);

impl Process {
    fn start(program: Option<&std::path::Path>) -> std::io::Result<Self> {
        let program = match program {
            Some(program) => program.to_owned(),
            None => std::env::current_exe()?,
        };
        let child = Command::new(program)
            .arg(COMMAND)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(child))
    }

    /// Gives the process its task and reads its answer; ends when the process does.
    fn exchange(&mut self, task: String) -> impl FnOnce() -> std::io::Result<Vec<u8>> + Send + 'static {
        let (stdin, stdout) = (self.0.stdin.take(), self.0.stdout.take());
        move || {
            // The process reads all of its task before it answers. That it ended before is seen by its answer.
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(task.as_bytes());
            }
            let mut answer = Vec::new();
            let most = 2 * u64::try_from(OUTPUT_MAX).unwrap_or(u64::MAX) + FRAME;
            if let Some(stdout) = stdout {
                stdout.take(most).read_to_end(&mut answer)?;
            }
            Ok(answer)
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is only waited for, so that it is no zombie.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
