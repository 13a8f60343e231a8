//! `riposte resubmit`: a new run with what the trigger of an earlier one gave.

use std::process::ExitCode;

use serde_json::json;

use super::get::out;
use super::print::{Output, objects, text};
use super::remote::{Remote, Target};
use super::resource::Resource;

/// Repeats a run: a new one with the same trigger, as a whole or from an action on.
#[derive(clap::Args)]
pub struct Arguments {
    /// The run that is repeated.
    #[arg(value_name = "RUN")]
    run: String,

    /// Begin with this action of the top level: what ended before it, or beside it, keeps its end and is not done again.
    #[arg(long, value_name = "ACTION")]
    from: Option<String>,

    /// Use the definition that the run had, not the one that the playbook has now.
    #[arg(long)]
    pinned: bool,

    /// A word of yours: the same command with the same key makes one run, however often it is given.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// How the new run is printed; a table says what was done.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let path = Resource::Runs.one(&remote.namespace, &arguments.run);
        let wish = json!({
            "pinned": arguments.pinned,
            "fromAction": arguments.from,
            "idempotencyKey": arguments.key,
        });
        let run = remote.post(&format!("{path}/resubmit"), &wish).await?;
        if !arguments.output.is_table() {
            return out(&objects(Resource::Runs, &run, arguments.output));
        }
        let name = text(&run["metadata"]["name"]);
        out(&format!("{}/{name} started\n", Resource::Runs.singular()))
    })
}
