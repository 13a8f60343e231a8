//! `riposte suspend` and `riposte resume`: whether a playbook takes new starts.

use std::process::ExitCode;

use serde_json::json;

use super::get::out;
use super::remote::{Remote, Target};
use super::resource::Resource;

/// Lets a playbook take no new starts: rules, schedules and people are refused. Runs that go on do so.
#[derive(clap::Args)]
pub struct SuspendArguments {
    #[command(flatten)]
    which: Which,
}

/// Lets a playbook take starts again. What it missed is not made up for.
#[derive(clap::Args)]
pub struct ResumeArguments {
    #[command(flatten)]
    which: Which,
}

#[derive(clap::Args)]
struct Which {
    /// The playbook.
    #[arg(value_name = "PLAYBOOK")]
    playbook: String,

    #[command(flatten)]
    target: Target,
}

/// `riposte suspend`.
pub fn suspend(arguments: &SuspendArguments) -> anyhow::Result<ExitCode> {
    set(&arguments.which, true)
}

/// `riposte resume`.
pub fn resume(arguments: &ResumeArguments) -> anyhow::Result<ExitCode> {
    set(&arguments.which, false)
}

fn set(which: &Which, is_suspended: bool) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let remote = Remote::of(&which.target).await?;
        let path = Resource::Playbooks.one(&remote.namespace, &which.playbook);
        if remote.is_server() {
            anyhow::bail!(
                "`riposte dev` has its playbooks from files: write `suspend: {is_suspended}` into `spec` of '{}', and it is \
                 read at once",
                which.playbook
            );
        }
        remote.merge(&path, &json!({ "spec": { "suspend": is_suspended } })).await?;
        let done = if is_suspended { "suspended" } else { "resumed" };
        out(&format!("{}/{} {done}\n", Resource::Playbooks.singular(), which.playbook))
    })
}
