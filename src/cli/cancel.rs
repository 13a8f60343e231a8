//! `riposte cancel`: ends a run before its time.

use std::process::ExitCode;

use serde_json::json;

use super::get::out;
use super::print::text;
use super::remote::{Remote, Target};
use super::resource::Resource;

/// Ends a run: nothing begins any more, and the calls in flight end first. One that has ended stays as it is.
#[derive(clap::Args)]
pub struct Arguments {
    /// The run.
    #[arg(value_name = "RUN")]
    run: String,

    /// Do not wait for calls in flight; what they came to is then not known.
    #[arg(long)]
    now: bool,

    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let path = Resource::Runs.one(&remote.namespace, &arguments.run);
        let run = remote
            .post(&format!("{path}/cancel"), &json!({ "now": arguments.now }))
            .await?;
        let name = format!("{}/{}", Resource::Runs.singular(), text(&run["metadata"]["name"]));
        match run["status"]["endTime"].is_string() {
            true => out(&format!(
                "{name} has ended already: {}\n",
                text(&run["status"]["status"])
            )),
            false => out(&format!("{name} cancelled\n")),
        }
    })
}
