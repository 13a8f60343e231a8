//! The command line: arguments, output and exit codes. What it does lives in other rooms.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod eval;
mod import;
mod validate;

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
    Eval(eval::Arguments),
    Import(import::Arguments),
    Validate(validate::Arguments),
}

/// Runs the program on the arguments of the process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(FAILED)
    })
}
