//! `riposte logs`: what happened in a run, line by line.

use std::process::ExitCode;
use std::time::Duration;

use super::get::out;
use super::output::clean;
use super::remote::{JSON, Remote, Target};
use super::resource::Resource;

/// How often a followed log is looked at again.
const PERIOD: Duration = Duration::from_millis(500);

/// Prints what happened in a run.
#[derive(clap::Args)]
pub struct Arguments {
    /// The run.
    #[arg(value_name = "RUN")]
    run: String,

    /// Go on until the run ends.
    #[arg(short, long)]
    follow: bool,

    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let path = Resource::Runs.one(&remote.namespace, &arguments.run);
        let mut seen = 0;
        loop {
            // Asked for before the log, so that the last lines are in it.
            let has_ended = !arguments.follow || has_ended(&remote, &path).await?;
            let log = remote
                .text(&format!("{path}/log?after={seen}"), "text/plain, */*")
                .await?;
            seen += log.lines().count();
            out(&log.lines().map(|line| clean(line) + "\n").collect::<String>())?;
            if has_ended {
                return Ok(ExitCode::SUCCESS);
            }
            tokio::time::sleep(PERIOD).await;
        }
    })
}

async fn has_ended(remote: &Remote, path: &str) -> anyhow::Result<bool> {
    Ok(remote.get(path, JSON).await?["status"]["endTime"].is_string())
}
