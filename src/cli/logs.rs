//! `riposte logs`: what happened in a run, line by line.

use std::process::ExitCode;
use std::time::Duration;

use super::get::out;
use super::output::clean;
use super::remote::{Away, JSON, Remote, Target};
use super::resource::Resource;

/// How often a followed log is looked at again.
const PERIOD: Duration = Duration::from_millis(500);

/// Prints what happened in a run. With --follow it waits for a server that is started anew, and goes on where it was.
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
        let mut remote = Remote::of(&arguments.target).await?;
        let path = Resource::Runs.one(&remote.namespace, &arguments.run);
        let (mut seen, mut is_away) = (0, false);
        loop {
            match next(&remote, &path, seen, arguments.follow).await {
                Ok((log, has_ended)) => {
                    seen += log.lines().count();
                    is_away = false;
                    out(&log.lines().map(|line| clean(line) + "\n").collect::<String>())?;
                    if has_ended {
                        return Ok(ExitCode::SUCCESS);
                    }
                }
                Err(error) if arguments.follow && seen > 0 && error.is::<Away>() => {
                    if !std::mem::replace(&mut is_away, true) {
                        eprintln!("{error}; the log goes on when it is back");
                    }
                    remote.find_again().await;
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PERIOD).await;
        }
    })
}

/// The log from behind the lines that were seen, and whether nothing will follow.
async fn next(remote: &Remote, path: &str, seen: usize, follow: bool) -> anyhow::Result<(String, bool)> {
    // Asked for before the log, so that the last lines are in it.
    let has_ended = !follow || has_ended(remote, path).await?;
    let log = format!("{path}/log?after={seen}");
    Ok((remote.text(&log, "text/plain, */*").await?, has_ended))
}

async fn has_ended(remote: &Remote, path: &str) -> anyhow::Result<bool> {
    Ok(remote.get(path, JSON).await?["status"]["endTime"].is_string())
}
