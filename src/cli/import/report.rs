//! The report of an import: what became of each workflow, as JSON for tools and as a table for people.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::arm::{Entry, Verdict};

/// The report; other tools rely on its form.
#[derive(Serialize)]
pub(super) struct Report {
    total: usize,
    summary: BTreeMap<&'static str, usize>,
    /// How many entries that do not run have a reason of each code.
    codes: BTreeMap<&'static str, usize>,
    files: Vec<ReportEntry>,
}

/// One entry of the report.
#[derive(Serialize)]
pub(super) struct ReportEntry {
    /// Path of the file.
    pub path: String,
    /// What became of it.
    #[serde(flatten)]
    pub entry: Entry,
}

impl Report {
    /// The report of these entries.
    pub(super) fn of(files: Vec<ReportEntry>) -> Self {
        let mut summary = BTreeMap::new();
        let mut codes = BTreeMap::new();
        for ReportEntry { entry, .. } in &files {
            *summary.entry(entry.verdict.as_str()).or_insert(0) += 1;
            let reasons: BTreeSet<_> = entry.codes.iter().filter(|_| entry.verdict != Verdict::Runs).collect();
            reasons
                .into_iter()
                .for_each(|code| *codes.entry(*code).or_insert(0) += 1);
        }
        Self {
            total: files.len(),
            summary,
            codes,
            files,
        }
    }

    /// A line for each entry with its first reason, and the counts.
    pub(super) fn table(&self) -> String {
        let widest = |length: fn(&ReportEntry) -> usize| self.files.iter().map(length).max().unwrap_or(0);
        let (verdicts, names) = (
            widest(|file| file.entry.verdict.as_str().len()),
            widest(|file| file.entry.name.len()),
        );
        let mut lines: Vec<String> = Vec::new();
        for ReportEntry { path, entry } in &self.files {
            let reason = entry.reasons.first().map_or("", String::as_str);
            let line = format!("{:verdicts$}  {:names$}  {path}", entry.verdict.as_str(), entry.name);
            lines.push(if reason.is_empty() {
                line
            } else {
                format!("{line}: {reason}")
            });
        }
        let counts: Vec<String> = self
            .summary
            .iter()
            .map(|(verdict, count)| format!("{count} {verdict}"))
            .collect();
        lines.push(format!("{} in all: {}", self.total, counts.join(", ")));
        lines.iter().map(|line| shown(line) + "\n").collect()
    }
}

/// Text from outside on a terminal: without control characters.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
