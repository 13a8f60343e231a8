//! `riposte test`: rehearses playbooks as `PlaybookTest` files say and compares what came of it with what they expect.

mod case;
mod junit;
mod load;
mod print;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use self::case::{Case, Outcome};
use super::limits::LimitArguments;
use super::{FAILED, USAGE};

/// Tests playbooks: runs each as a test file says, with mocks and in virtual time, and compares the results.
#[derive(clap::Args)]
pub struct Arguments {
    /// Files and folders with tests (kind PlaybookTest) and what they test.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Only tests whose name, file or playbook has this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// How the results are printed.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    /// Write the results as JUnit XML too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    #[command(flatten)]
    limits: LimitArguments,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// Lines for people, with coverage.
    #[default]
    Text,
    /// JSON.
    Json,
    /// JUnit XML.
    Junit,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let suite = load::suite(&arguments.paths, arguments.filter.as_deref(), arguments.limits.get())?;
    for problem in &suite.problems {
        eprintln!("{}", super::output::clean(&problem.to_string()));
    }
    if suite.cases.is_empty() && suite.problems.is_empty() {
        eprintln!("error: there is no test (a file of kind PlaybookTest) that fits");
        return Ok(ExitCode::from(USAGE));
    }
    let outcomes = run_all(&suite.cases);
    let took = began.elapsed();
    if let Some(file) = &arguments.junit {
        let xml = junit::document(&suite.cases, &outcomes, took);
        std::fs::write(file, xml).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let text = match arguments.output {
        Output::Text => print::lines(&suite.cases, &outcomes, took),
        Output::Json => print::json(&suite.cases, &outcomes, took),
        Output::Junit => junit::document(&suite.cases, &outcomes, took),
    };
    print::out(&text)?;
    Ok(match outcomes.iter().all(Outcome::is_good) {
        _ if !suite.problems.is_empty() => ExitCode::from(USAGE),
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAILED),
    })
}

/// Runs every case, on as many threads as there are cores; the results are in the order of the cases.
fn run_all(cases: &[Case]) -> Vec<Outcome> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::with_capacity(cases.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads.min(cases.len()) {
            scope.spawn(|| {
                while let Some((index, case)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    cases.get(index).map(|case| (index, case))
                } {
                    let outcome = case.run();
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((index, outcome));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Milliseconds with a fraction.
fn millis(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}
