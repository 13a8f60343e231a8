//! `riposte pause`, `unpause` and `release`: brakes on what runs change outside.

use std::process::ExitCode;

use serde_json::json;

use super::get::out;
use super::print::text;
use super::remote::{Remote, Target};
use super::resource::{Resource, brakes_path};

/// Lets everything wait that runs of a namespace would change outside, until `unpause`. Questions and Riposte's own
/// incidents go on.
#[derive(clap::Args)]
pub struct PauseArguments {
    #[command(flatten)]
    place: PlaceArguments,
}

/// Lets the actions of a namespace go on. With --all everything that is paused goes on.
#[derive(clap::Args)]
pub struct UnpauseArguments {
    #[command(flatten)]
    place: PlaceArguments,
}

/// Where.
#[derive(clap::Args)]
struct PlaceArguments {
    /// In all namespaces.
    #[arg(long, conflicts_with = "namespace")]
    all: bool,

    #[command(flatten)]
    target: Target,
}

/// Lets an action of a run go on that a pause, a limit or a protected value holds.
#[derive(clap::Args)]
pub struct ReleaseArguments {
    /// The run.
    #[arg(value_name = "RUN")]
    run: String,

    /// The action.
    #[arg(value_name = "ACTION")]
    action: String,

    #[command(flatten)]
    target: Target,
}

/// Runs `pause`.
pub fn pause(arguments: &PauseArguments) -> anyhow::Result<ExitCode> {
    change(&arguments.place, "pause", "are paused")
}

/// Runs `unpause`.
pub fn unpause(arguments: &UnpauseArguments) -> anyhow::Result<ExitCode> {
    change(&arguments.place, "unpause", "go on")
}

fn change(place: &PlaceArguments, wish: &str, told: &str) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let remote = Remote::of(&place.target).await?;
        let namespace = (!place.all).then_some(remote.namespace.as_str());
        remote.post(&brakes_path(namespace, wish), &json!({})).await?;
        match namespace {
            Some(namespace) => out(&format!("the actions of namespace {namespace} {told}\n")),
            None => out(&format!("the actions of all namespaces {told}\n")),
        }
    })
}

/// Runs `release`.
pub fn release(arguments: &ReleaseArguments) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let remote = Remote::of(&arguments.target).await?;
        let path = Resource::Runs.one(&remote.namespace, &arguments.run);
        let wish = json!({ "action": arguments.action });
        let run = remote.post(&format!("{path}/release"), &wish).await?;
        let name = format!("{}/{}", Resource::Runs.singular(), text(&run["metadata"]["name"]));
        out(&format!("{name}: action {} goes on\n", arguments.action))
    })
}
