//! `riposte validate`: every problem of files at once, with line and column. What a problem is, other rooms know;
//! here files are found, read, and their problems printed for people, programs and code scanners.

mod sarif;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use super::FAILED;
use crate::api::diagnostic::{Diagnostic, Severity};
use crate::api::yaml::{self, Document, Position};
use crate::definition;
use crate::expression::Value;

/// Deepest folder in a folder that is looked into.
const MAX_FOLDERS: usize = 32;

/// Finds every problem of playbooks at once.
#[derive(clap::Args)]
pub struct Arguments {
    /// Files, folders of *.json, *.yaml and *.yml, or - for standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How problems are printed.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// A form of output.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Output {
    /// One line a problem: file:line:column: severity: message.
    Text,
    /// One JSON document with a summary.
    Json,
    /// SARIF 2.1.0, which code scanners read.
    Sarif,
}

/// Runs the command. Exit code 1 where there is an error.
///
/// # Errors
/// Output that cannot be written. Files that cannot be read are problems among the others.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    for path in &arguments.paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("standard input cannot be read")?;
            report.add("-", &text);
        } else {
            report.visit(path, 0);
        }
    }
    let text = match arguments.output {
        Output::Text => report.lines(),
        Output::Json => serde_json::to_string_pretty(&report)? + "\n",
        Output::Sarif => serde_json::to_string_pretty(&sarif::log(&report.problems))? + "\n",
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("the problems cannot be written")?;
    if matches!(arguments.output, Output::Text) {
        let Summary {
            files,
            errors,
            warnings,
        } = report.summary;
        eprintln!("files: {files}, errors: {errors}, warnings: {warnings}");
    }
    Ok(if report.summary.errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

/// What was found in all files.
#[derive(Default, Serialize)]
struct Report {
    summary: Summary,
    problems: Vec<Diagnostic>,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Summary {
    files: usize,
    errors: usize,
    warnings: usize,
}

impl Report {
    /// Reads a file, or every file of a folder.
    fn visit(&mut self, path: &Path, depth: usize) {
        if !path.is_dir() {
            return self.read(path);
        }
        let entries = std::fs::read_dir(path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(path, &error),
        };
        let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
        paths.sort();
        for path in paths {
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if !hidden && (is_content(&path) || path.is_dir() && !path.is_symlink() && depth < MAX_FOLDERS) {
                self.visit(&path, depth + 1);
            }
        }
    }

    fn read(&mut self, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => self.add(&path.display().to_string(), &text),
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) {
        let message = format!("the file cannot be read: {error}");
        let problem = Diagnostic::error(&path.display().to_string(), Position::START, "Unreadable", message);
        self.count(vec![problem]);
    }

    fn add(&mut self, file: &str, text: &str) {
        self.summary.files += 1;
        self.count(problems_of(file, text));
    }

    fn count(&mut self, problems: Vec<Diagnostic>) {
        for problem in &problems {
            match problem.severity {
                Severity::Error => self.summary.errors += 1,
                Severity::Warning => self.summary.warnings += 1,
                Severity::Note => {}
            }
        }
        self.problems.extend(problems);
    }

    /// One line a problem; what comes from files cannot drive the terminal.
    fn lines(&self) -> String {
        let line = |problem: &Diagnostic| {
            let line = format!("{problem} [{}]", problem.code);
            let safe: String = line
                .chars()
                .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .collect();
            safe + "\n"
        };
        self.problems.iter().map(line).collect()
    }
}

fn is_content(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let known = |extension: &str| ["json", "yaml", "yml"].contains(&extension);
    path.is_file() && extension.is_some_and(|extension| known(&extension.to_lowercase()))
}

/// Every problem of a text, in the order of its places.
fn problems_of(file: &str, text: &str) -> Vec<Diagnostic> {
    let documents = if file.to_lowercase().ends_with(".json") {
        yaml::parse_json(text).map(|document| vec![document])
    } else {
        yaml::parse(text)
    };
    let mut problems: Vec<Diagnostic> = match documents {
        Ok(documents) => documents
            .iter()
            .flat_map(|document| problems_in(file, document))
            .collect(),
        Err(problem) => vec![problem.error(file)],
    };
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}

fn problems_in(file: &str, document: &Document) -> Vec<Diagnostic> {
    let mut problems: Vec<Diagnostic> = document.warnings.iter().map(|problem| problem.warning(file)).collect();
    let Some(prefix) = definition_in(&document.json) else {
        let message = "the file holds no workflow definition; nothing in it is checked";
        problems.push(Diagnostic::note(file, document.nearest(""), "NotChecked", message));
        return problems;
    };
    let definition = document.json.pointer(prefix).map(Value::from).unwrap_or_default();
    let found = match definition::parse(&definition) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    problems.extend(
        found
            .into_iter()
            .map(|problem| diagnostic(file, document, prefix, problem)),
    );
    problems
}

/// Where a document holds a definition: it is one, or it has one as Logic Apps exports it.
fn definition_in(json: &serde_json::Value) -> Option<&'static str> {
    let is_definition = |json: &serde_json::Value| json.get("triggers").is_some() && json.get("actions").is_some();
    if is_definition(json) {
        return Some("");
    }
    json.get("definition").is_some().then_some("/definition")
}

fn diagnostic(file: &str, document: &Document, prefix: &str, problem: definition::Problem) -> Diagnostic {
    let pointer = format!("{prefix}{}", problem.pointer);
    let position = match problem.span {
        Some(span) => document.position_in(&pointer, span.start),
        None => document.nearest(&pointer),
    };
    match problem.severity {
        definition::Severity::Error => Diagnostic::error(file, position, problem.code, problem.message),
        definition::Severity::Warning => Diagnostic::warning(file, position, problem.code, problem.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(file: &str, text: &str) -> Vec<String> {
        let place = |problem: Diagnostic| format!("{}:{} {}", problem.line, problem.column, problem.code);
        problems_of(file, text).into_iter().map(place).collect()
    }

    const DEFINITION: &str = r#"{
  "triggers": {"T": {"type": "Request"}},
  "actions": {
    "A": {
      "type": "Compose",
      "inputs": "x @{nope()} y"
    },
    "B": {"type": "Wait"}
  }
}"#;

    #[test]
    fn problems_have_line_and_column() {
        let expected = ["6:22 UnknownFunction", "8:19 UnsupportedAction"];
        assert_eq!(places("a.json", DEFINITION), expected);
        let exported = format!("{{\n\"definition\": {DEFINITION}}}");
        assert_eq!(
            places("a.json", &exported),
            ["7:22 UnknownFunction", "9:19 UnsupportedAction"]
        );
        let yaml = "triggers: {T: {type: Request}}\nactions:\n  A:\n    type: Compose\n    inputs: \"@nope()\"\n";
        assert_eq!(places("a.yaml", yaml), ["5:15 UnknownFunction"]);
    }

    #[test]
    fn other_files_are_named() {
        assert_eq!(places("a.json", "[]"), ["1:1 NotChecked"]);
        assert_eq!(places("a.json", "{")[0].split(' ').next_back(), Some("Syntax"));
    }

    #[test]
    fn hostile_names_do_not_reach_the_terminal() {
        let mut report = Report::default();
        report.add("a.json", &DEFINITION.replace("Wait", "W\\u001b[31m"));
        assert_eq!(report.summary.errors, 2);
        assert!(report.lines().contains("W\u{fffd}[31m"), "{}", report.lines());
    }

    #[test]
    fn sarif_names_rule_place_and_level() {
        let log = sarif::log(&problems_of("dir with space/a.json", DEFINITION));
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "UnknownFunction");
        assert_eq!(result["level"], "error");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "dir%20with%20space/a.json");
        assert_eq!(place["region"]["startLine"], 6);
        assert_eq!(
            log["runs"][0]["tool"]["driver"]["rules"].as_array().map(Vec::len),
            Some(2)
        );
    }
}
