//! `riposte functions`: the manual of the expression language's functions, made from their table.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use super::USAGE;
use super::page::{self, Entry, Example, Outcome};
use crate::api::nearest;
use crate::expression::functions::{self, Function};

const INTRODUCTION: &str = "\
The functions of the expression language of playbooks, which is that of Azure Logic Apps. A string that begins with `@`
is an expression, `@{…}` in a string is replaced by the text of one; names of functions mind no case. In a signature `?`
marks a parameter that may be left out, `…` that more may follow. Below `given` an example sees that context, as
`riposte eval --context` takes it; of an error part of the message is shown. The page is made by
`riposte functions -o markdown`, and the tests execute every example.";

/// Describes the functions of the expression language.
#[derive(clap::Args)]
pub struct Arguments {
    /// A function; its case does not matter. None: all.
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// A form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// A line for each function; of one function all there is.
    #[default]
    Text,
    /// A list of objects.
    Json,
    /// A page in Markdown.
    Markdown,
}

/// Runs the command.
///
/// # Errors
/// Output that cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let entries = match &arguments.name {
        None => functions::all().map(entry).collect::<Result<Vec<_>, _>>()?,
        Some(name) => match functions::find(name) {
            Some(function) => vec![entry(function)?],
            None => {
                let known = functions::all().map(|function| function.name);
                let hint = nearest(name, known).map(|word| format!("; did you mean `{word}`?"));
                let name = super::output::clean(name);
                eprintln!("error: unknown function `{name}`{}", hint.unwrap_or_default());
                return Ok(ExitCode::from(USAGE));
            }
        },
    };
    let text = match arguments.output {
        Output::Text if arguments.name.is_some() => entries.iter().map(page::text).collect(),
        Output::Text => entries.iter().map(|entry| format!("{}\n", entry.signature)).collect(),
        Output::Json => serde_json::to_string_pretty(&entries)? + "\n",
        Output::Markdown => page::markdown("Functions", INTRODUCTION, &entries),
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("the functions cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

/// What the manual says of a function.
fn entry(function: &'static Function) -> Result<Entry, serde_json::Error> {
    let examples = function.examples().map(|example| {
        Ok(Example {
            context: example.context.map(serde_json::from_str).transpose()?,
            expression: example.expression.to_owned(),
            outcome: match example.outcome {
                functions::Outcome::Value(json) => Outcome::Value(serde_json::from_str::<Value>(json)?),
                functions::Outcome::Error(part) => Outcome::Error(part.to_owned()),
            },
        })
    });
    Ok(Entry {
        name: function.name,
        signature: format!("{}{}", function.name, function.signature),
        description: function.doc,
        section: function.source,
        examples: examples.collect::<Result<_, _>>()?,
    })
}
