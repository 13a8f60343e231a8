//! `riposte crds`: the CustomResourceDefinitions, for `kubectl apply --server-side -f -`.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::USAGE;
use crate::api::{Kind, nearest};

/// Prints the CustomResourceDefinitions of Riposte as YAML.
#[derive(clap::Args)]
pub struct Arguments {
    /// Kinds to print, such as Playbook or playbooks; case does not matter. None: all.
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// Output that cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut kinds = Vec::new();
    for name in &arguments.kinds {
        match Kind::named(name) {
            Some(kind) => kinds.push(kind),
            None => {
                let known = Kind::ALL.map(Kind::as_str);
                let hint = nearest(name, known).map(|word| format!("; did you mean `{word}`?"));
                let (name, known) = (super::output::clean(name), known.join(", "));
                eprintln!(
                    "error: unknown kind `{name}`; there are {known}{}",
                    hint.unwrap_or_default()
                );
                return Ok(ExitCode::from(USAGE));
            }
        }
    }
    if kinds.is_empty() {
        kinds.extend(Kind::ALL);
    }
    let texts: Vec<String> = kinds.into_iter().map(Kind::crd_yaml).collect();
    std::io::stdout()
        .write_all(texts.join("---\n").as_bytes())
        .context("the definitions cannot be written")?;
    Ok(ExitCode::SUCCESS)
}
