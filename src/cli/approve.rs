//! `riposte approve`: decides what a run asks.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::get::out;
use super::print::text;
use super::remote::{Remote, Target};
use super::resource::Resource;

/// Decides what a run asks, as the account that is signed in.
///
/// `riposte get approvals` lists what is asked. Without --option the first option is chosen: the one that goes ahead.
#[derive(clap::Args)]
pub struct Arguments {
    /// The run, or the name of an approval: the run, a dot, and which of its actions waits.
    #[arg(value_name = "RUN")]
    run: String,

    /// What is chosen. Defaults to the first option.
    #[arg(short, long, value_name = "OPTION")]
    option: Option<String>,

    /// A remark; it stands in the run.
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    comment: String,

    /// The action that waits, where several do.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,

    /// Something that is filled in; can be given several times.
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    inputs: Vec<(String, String)>,

    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let (run, node) = match arguments.run.rsplit_once('.') {
            Some((run, node)) => (run, Some(node)),
            None => (arguments.run.as_str(), None),
        };
        let mut inputs = Map::new();
        for (name, value) in &arguments.inputs {
            let entry = inputs.entry(name.clone()).or_insert_with(|| json!([]));
            if let Some(values) = entry.as_array_mut() {
                values.push(json!(value));
            }
        }
        let wanted = json!({
            "action": arguments.action.as_deref().or(node),
            "option": arguments.option,
            "comment": arguments.comment,
            "inputs": inputs,
        });
        let path = Resource::Runs.one(&remote.namespace, run);
        let decided = remote.post(&format!("{path}/approve"), &wanted).await?;
        out(&said(&decided))
    })
}

/// What came of a decision.
fn said(approval: &Value) -> String {
    let status = &approval["status"];
    let name = format!(
        "{}/{}",
        Resource::Approvals.singular(),
        text(&approval["metadata"]["name"])
    );
    match status["outcome"].as_str() {
        Some(outcome) => format!("{name} decided: {}\n", super::output::clean(outcome)),
        None => format!("{name} recorded, {} of those that are needed\n", text(&status["count"])),
    }
}

fn input(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it must look like NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
