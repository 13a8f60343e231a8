//! `riposte delete runs`: forgets runs that have ended, with their journals.

use std::process::ExitCode;

use serde_json::Value;

use super::get::out;
use super::print::text;
use super::remote::{JSON, Remote, Target};
use super::resource::Resource;

/// The runs that a list asks for at a time.
const STEP: u32 = 500;

/// Forgets runs that have ended, with their journals and values.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Forgets runs by name, or all that have ended of a playbook.
    #[command(visible_alias = "run")]
    Runs(Runs),
}

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["runs", "playbook"]))]
struct Runs {
    /// The runs. One that goes on must be cancelled first.
    #[arg(value_name = "RUN")]
    runs: Vec<String>,

    /// All runs of this playbook that have ended.
    #[arg(long, value_name = "PLAYBOOK")]
    playbook: Option<String>,

    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let What::Runs(runs) = &arguments.what;
    super::runtime()?.block_on(async {
        let remote = Remote::of(&runs.target).await?;
        match &runs.playbook {
            Some(playbook) => delete_all(&remote, playbook).await?,
            None => delete(&remote, runs.runs.iter().cloned()).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn delete(remote: &Remote, runs: impl Iterator<Item = String>) -> anyhow::Result<()> {
    for run in runs {
        remote.delete(&Resource::Runs.one(&remote.namespace, &run)).await?;
        out(&format!("{}/{run} deleted\n", Resource::Runs.singular()))?;
    }
    Ok(())
}

async fn delete_all(remote: &Remote, playbook: &str) -> anyhow::Result<()> {
    let list = Resource::Runs.list(Some(&remote.namespace));
    let selector: String =
        url::form_urlencoded::byte_serialize(format!("spec.playbook={playbook}").as_bytes()).collect();
    let path = format!("{list}?limit={STEP}&status=Succeeded,Failed,Cancelled,TimedOut&fieldSelector={selector}");
    loop {
        let found = remote.get(&path, JSON).await?;
        let names: Vec<String> = found["items"].as_array().into_iter().flatten().map(name).collect();
        if names.is_empty() {
            return Ok(());
        }
        delete(remote, names.into_iter()).await?;
    }
}

fn name(run: &Value) -> String {
    text(&run["metadata"]["name"])
}
