//! `riposte validate`: every problem of files at once, with line and column. What a problem is, the catalog knows, which
//! all files make together; here they are found, read, and their problems printed for people, programs and scanners.

mod sarif;

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use super::FAILED;
use super::limits::LimitArguments;
use crate::api::diagnostic::{Diagnostic, Severity};
use crate::api::yaml::{MAX_TEXT, Position};
use crate::catalog::{Catalog, Source};
use crate::definition::Limits;

/// Deepest folder in a folder that is looked into.
const MAX_FOLDERS: usize = 32;

/// Finds every problem of manifests, ARM templates and workflow definitions at once.
#[derive(clap::Args)]
pub struct Arguments {
    /// Files, folders of *.json, *.yaml and *.yml, or - for standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How problems are printed.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    #[command(flatten)]
    limits: LimitArguments,
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
    let mut files = Files {
        limits: arguments.limits.get(),
        ..Files::default()
    };
    for path in &arguments.paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("standard input cannot be read")?;
            files.sources.push(Source::read_within("-", &text, files.limits));
        } else {
            files.visit(path, 0);
        }
    }
    let report = files.report();
    let text = match arguments.output {
        Output::Text => report.lines(),
        Output::Json => serde_json::to_string_pretty(&report)? + "\n",
        Output::Sarif => serde_json::to_string_pretty(&sarif::log(&report.problems))? + "\n",
    };
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("the problems cannot be written")?;
    let Summary {
        files,
        errors,
        warnings,
    } = report.summary;
    eprintln!("files: {files}, errors: {errors}, warnings: {warnings}");
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

/// The files that were found.
#[derive(Default)]
struct Files {
    /// What was read.
    sources: Vec<Source>,
    /// Those that cannot be read.
    unreadable: Vec<Diagnostic>,
    /// The limits of playbooks.
    limits: Limits,
}

impl Files {
    /// Reads a file, or every file of a folder.
    fn visit(&mut self, path: &Path, depth: usize) {
        if !path.is_dir() {
            return self.read(path);
        }
        let entries = std::fs::read_dir(path).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.fail(path, &error.to_string()),
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
        match read_text(path) {
            Ok(text) => self
                .sources
                .push(Source::read_within(&path.display().to_string(), &text, self.limits)),
            Err(reason) => self.fail(path, &reason),
        }
    }

    fn fail(&mut self, path: &Path, reason: &str) {
        let message = format!("cannot be read: {reason}");
        let file = path.display().to_string();
        self.unreadable
            .push(Diagnostic::error(&file, Position::START, "UnreadableFile", message));
    }

    /// Every problem of the files, and of what they say about each other.
    fn report(self) -> Report {
        let mut report = Report::default();
        report.summary.files = self.sources.len();
        report.problems = self.unreadable;
        report.problems.extend(Catalog::build(&self.sources).diagnostics);
        for problem in &report.problems {
            match problem.severity {
                Severity::Error => report.summary.errors += 1,
                Severity::Warning => report.summary.warnings += 1,
                Severity::Note => {}
            }
        }
        report
    }
}

/// The text of a file, or why there is none.
fn read_text(path: &Path) -> Result<String, String> {
    let length = path.metadata().map_err(|error| error.to_string())?.len();
    if length > MAX_TEXT as u64 {
        return Err(format!("it has {length} bytes, at most {MAX_TEXT} are read; split it"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

impl Report {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn report(file: &str, text: &str) -> Report {
        let files = Files {
            sources: vec![Source::read(file, text)],
            ..Files::default()
        };
        files.report()
    }

    fn places(file: &str, text: &str) -> Vec<String> {
        let place = |problem: &Diagnostic| format!("{}:{} {}", problem.line, problem.column, problem.code);
        report(file, text).problems.iter().map(place).collect()
    }

    const DEFINITION: &str = r#"{
  "triggers": {"T": {"type": "Request"}},
  "actions": {
    "A": {
      "type": "Compose",
      "inputs": "x @{nope()} y"
    },
    "B": {"type": "Xslt"}
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
        assert_eq!(places("a.json", "[]"), ["1:1 ForeignObject"]);
        assert_eq!(places("a.json", "{")[0].split(' ').next_back(), Some("Syntax"));
    }

    #[test]
    fn hostile_names_do_not_reach_the_terminal() {
        let report = report("a.json", &DEFINITION.replace("Xslt", "W\\u001b[31m"));
        assert_eq!(report.summary.errors, 2);
        assert!(report.lines().contains("W\u{fffd}[31m"), "{}", report.lines());
    }

    #[test]
    fn sarif_names_rule_place_and_level() {
        let log = sarif::log(&report("dir with space/a.json", DEFINITION).problems);
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
