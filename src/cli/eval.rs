//! `riposte eval`: expressions from the command line or, one JSON object a line, from standard input.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FAILED, USAGE};
use crate::expression::context::{Context, ContextScope};
use crate::expression::{EvalError, ParseError, Template, Value};

/// Evaluates the expression language of playbooks.
#[derive(clap::Args)]
pub struct Arguments {
    /// A template string: `@add(1, 2)`, or text with `@{…}` in it.
    #[arg(value_name = "EXPR", required_unless_present = "stdin", conflicts_with = "stdin")]
    expression: Option<String>,

    /// JSON file with what the expression sees: trigger, triggerBody, triggerOutputs, outputs, actions, action, results,
    /// variables, parameters, items, item, iterationIndexes, workflow, callbackUrl, appSettings, utcNow.
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,

    /// Read one JSON object a line, {"id", "expr", "context"?}, and answer {"id", "value"} or {"id", "error"}.
    #[arg(long)]
    stdin: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let context = match &arguments.context {
        Some(path) => read_context(path)?,
        None => Context::default(),
    };
    match &arguments.expression {
        Some(expression) => evaluate_one(expression, context),
        None => evaluate_lines(&context),
    }
}

fn read_context(path: &Path) -> anyhow::Result<Context> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a context", path.display()))
}

fn scope(context: Context) -> anyhow::Result<ContextScope> {
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(ContextScope::new(context, Timestamp::now(), seed))
}

fn evaluate_one(expression: &str, context: Context) -> anyhow::Result<ExitCode> {
    let template = match Template::parse_text(expression) {
        Ok(template) => template,
        Err(error) => {
            eprintln!("{}", pointed(expression, &error));
            return Ok(ExitCode::from(USAGE));
        }
    };
    match template.evaluate(&scope(context)?) {
        Ok(value) => {
            println!("{}", value.to_json());
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("error: {}: {error}", error.code);
            Ok(ExitCode::from(FAILED))
        }
    }
}

/// The error with the line that it is in and carets under its span.
fn pointed(text: &str, error: &ParseError) -> String {
    let start = error.span.start.min(text.len());
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let margin: String = text[line_start..start]
        .chars()
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    let end = error.span.end.clamp(start, line_start + line.len());
    let carets = "^".repeat(text.get(start..end).map_or(1, |part| part.chars().count().max(1)));
    format!("error: {error}\n  {line}\n  {margin}{carets}")
}

/// A line of the input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    id: serde_json::Value,
    expr: String,
    #[serde(default)]
    context: Option<serde_json::Value>,
}

/// A line of the output.
#[derive(Serialize)]
struct Answer {
    id: serde_json::Value,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Value(Value),
    Error { code: &'static str, message: String },
}

/// Code of the error that answers a line or context that is not one.
const BAD_REQUEST: &str = "BadRequest";

fn evaluate_lines(context: &Context) -> anyhow::Result<ExitCode> {
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line.context("cannot read standard input")?;
        if line.trim().is_empty() {
            continue;
        }
        serde_json::to_writer(&mut output, &answer(&line, context)?)?;
        output.write_all(b"\n")?;
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn answer(line: &str, context: &Context) -> anyhow::Result<Answer> {
    let refused = |id, error: serde_json::Error| Answer {
        id,
        outcome: Outcome::Error {
            code: BAD_REQUEST,
            message: error.to_string(),
        },
    };
    let Question { id, expr, context: own } = match serde_json::from_str(line) {
        Ok(question) => question,
        Err(error) => return Ok(refused(serde_json::Value::Null, error)),
    };
    let context = match own.map(serde_json::from_value).transpose() {
        Ok(own) => own.unwrap_or_else(|| context.clone()),
        Err(error) => return Ok(refused(id, error)),
    };
    let outcome = outcome(&expr, &scope(context)?);
    Ok(Answer { id, outcome })
}

fn outcome(expression: &str, scope: &ContextScope) -> Outcome {
    let value = match Template::parse_text(expression) {
        Ok(template) => template.evaluate(scope),
        Err(error) => Err(EvalError::new(error.to_string())),
    };
    match value {
        Ok(value) => Outcome::Value(value),
        Err(error) => Outcome::Error {
            code: error.code,
            message: error.message,
        },
    }
}
