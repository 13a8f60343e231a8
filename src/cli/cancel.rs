//! `riposte cancel`: ends a run now.

use std::process::ExitCode;

use serde_json::json;

use super::get::out;
use super::print::text;
use super::remote::{Remote, Target};
use super::resource::Resource;

/// Ends a run now. One that has ended stays as it is.
#[derive(clap::Args)]
pub struct Arguments {
    /// The run.
    #[arg(value_name = "RUN")]
    run: String,

    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let path = Resource::Runs.one(&remote.namespace, &arguments.run);
        let run = remote.post(&format!("{path}/cancel"), &json!({})).await?;
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
