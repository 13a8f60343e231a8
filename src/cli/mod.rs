//! The command line: arguments, output and exit codes. What it does lives in other rooms.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::api::diagnostic::Severity;
use crate::catalog::Catalog;

mod actions;
mod approve;
mod brake;
mod cancel;
mod crds;
mod delete;
mod describe;
mod dev;
mod eval;
mod export;
mod functions;
mod get;
mod import;
mod keep;
mod limits;
mod logs;
mod measures;
mod operator;
mod output;
mod page;
mod print;
mod remote;
mod resource;
mod resubmit;
mod run;
mod schema;
mod script_host;
mod start;
mod suspend;
mod test;
mod validate;
mod watch;

/// Exit code of a command that did not reach its aim.
pub const FAILED: u8 = 1;
/// Exit code of wrong usage.
pub const USAGE: u8 = 2;

/// Security automation as code: Microsoft Sentinel playbooks and rules, run anywhere.
#[derive(Parser)]
#[command(name = "riposte", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Dev(dev::Arguments),
    Operator(operator::Arguments),
    Run(run::Arguments),
    Test(test::Arguments),
    Validate(validate::Arguments),
    Eval(eval::Arguments),
    Functions(functions::Arguments),
    Actions(actions::Arguments),
    Import(import::Arguments),
    Export(export::Arguments),
    Crds(crds::Arguments),
    Schema(schema::Arguments),
    Get(get::Arguments),
    Describe(describe::Arguments),
    Incidents(get::IncidentsArguments),
    Runs(get::RunsArguments),
    Logs(logs::Arguments),
    Start(start::Arguments),
    Cancel(cancel::Arguments),
    Resubmit(resubmit::Arguments),
    Delete(delete::Arguments),
    Suspend(suspend::SuspendArguments),
    Resume(suspend::ResumeArguments),
    Approve(approve::Arguments),
    Pause(brake::PauseArguments),
    Unpause(brake::UnpauseArguments),
    Release(brake::ReleaseArguments),
    #[command(name = crate::script::COMMAND, hide = true)]
    ScriptHost(script_host::Arguments),
}

/// Runs the program on the arguments of the process.
pub fn main() -> ExitCode {
    let arguments = arguments();
    logging();
    let outcome = match arguments.command {
        Command::Dev(arguments) => dev::run(&arguments),
        Command::Operator(arguments) => operator::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Functions(arguments) => functions::run(&arguments),
        Command::Actions(arguments) => actions::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Crds(arguments) => crds::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Get(arguments) => get::run(&arguments),
        Command::Describe(arguments) => describe::run(&arguments),
        Command::Incidents(arguments) => get::incidents(&arguments),
        Command::Runs(arguments) => get::runs(&arguments),
        Command::Logs(arguments) => logs::run(&arguments),
        Command::Start(arguments) => start::run(&arguments),
        Command::Cancel(arguments) => cancel::run(&arguments),
        Command::Resubmit(arguments) => resubmit::run(&arguments),
        Command::Delete(arguments) => delete::run(&arguments),
        Command::Suspend(arguments) => suspend::suspend(&arguments),
        Command::Resume(arguments) => suspend::resume(&arguments),
        Command::Approve(arguments) => approve::run(&arguments),
        Command::Pause(arguments) => brake::pause(&arguments),
        Command::Unpause(arguments) => brake::unpause(&arguments),
        Command::Release(arguments) => brake::release(&arguments),
        Command::ScriptHost(arguments) => script_host::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(FAILED)
    })
}

/// The arguments of the process. Called through a link named `kubectl-riposte` it is a plugin: `kubectl riposte`.
fn arguments() -> Arguments {
    let program = std::env::args_os().next().map(std::path::PathBuf::from);
    let name = program.as_deref().and_then(std::path::Path::file_stem);
    let is_plugin = name.is_some_and(|name| name == "kubectl-riposte");
    let command = if is_plugin {
        Arguments::command().bin_name("kubectl riposte")
    } else {
        Arguments::command()
    };
    Arguments::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

/// Warnings and errors go to standard error; `RIPOSTE_LOG` asks for more, such as `riposte=debug`.
fn logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("RIPOSTE_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::Style::stderr().color)
        .with_target(false)
        .init();
}

/// The runtime of commands that serve or call; one TLS provider for the whole process.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    // A provider that is installed already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Where the traces of runs are sent: what the flag says, else the variable that every program with OpenTelemetry reads.
fn otlp_endpoint(given: Option<&str>) -> Option<String> {
    let endpoint = given.map(str::to_owned);
    let endpoint = endpoint.or_else(|| std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok());
    endpoint.filter(|endpoint| !endpoint.is_empty())
}

/// Waits for Ctrl-C, or for the signal that supervisors send.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => stopped,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Prints the problems of a catalog to standard error, and says how many are errors.
fn report(catalog: &Catalog) -> usize {
    let shown = catalog
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity != Severity::Note);
    shown.for_each(|diagnostic| eprintln!("{}", output::clean(&diagnostic.to_string())));
    catalog
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .count()
}
