//! Pages of the manual that are made from the code: sections of entries, each with a signature, a description and
//! examples that tests execute. Pure.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

/// Something that the manual describes.
#[derive(Serialize)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub signature: String,
    /// What it does.
    pub description: &'static str,
    /// The section of the manual that it stands in.
    pub section: &'static str,
    /// Examples.
    pub examples: Vec<Example>,
}

/// An example: what is written, what it sees, and what comes of it.
#[derive(Serialize)]
pub struct Example {
    /// What it sees, if that matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// What is written.
    pub expression: String,
    /// What comes of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What comes of an example.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A value.
    Value(Value),
    /// An error with this in its message.
    Error(String),
}

/// A page in Markdown: a table of the sections, then every entry under its section, in their order.
pub fn markdown(title: &str, introduction: &str, entries: &[Entry]) -> String {
    let mut page = format!("# {title}\n\n{introduction}\n\n| Section | |\n|---|---|\n");
    let sections = sections(entries);
    for section in &sections {
        let names: Vec<String> = of(entries, section)
            .map(|entry| format!("[{}](#{})", entry.name, entry.name.to_lowercase()))
            .collect();
        let _ = writeln!(page, "| {section} | {} |", names.join(", "));
    }
    for section in &sections {
        let _ = write!(page, "\n## {section}\n");
        for entry in of(entries, section) {
            let Entry {
                name,
                signature,
                description,
                ..
            } = entry;
            let _ = write!(
                page,
                "\n### {name}\n\n`{signature}`\n\n{description}\n\n```text\n{}```\n",
                lines(entry)
            );
        }
    }
    page
}

/// An entry as plain text.
pub fn text(entry: &Entry) -> String {
    let Entry {
        signature,
        description,
        section,
        ..
    } = entry;
    format!("{signature}\n\n{description}\n({section})\n\n{}", lines(entry))
}

/// The sections, in the order in which they appear first.
fn sections(entries: &[Entry]) -> Vec<&'static str> {
    let mut sections = Vec::new();
    for entry in entries {
        if !sections.contains(&entry.section) {
            sections.push(entry.section);
        }
    }
    sections
}

fn of<'a>(entries: &'a [Entry], section: &'a str) -> impl Iterator<Item = &'a Entry> {
    entries.iter().filter(move |entry| entry.section == section)
}

/// The examples, one a line; what they see stands above those that see it.
fn lines(entry: &Entry) -> String {
    let mut lines = String::new();
    let mut seen = &None;
    for example in &entry.examples {
        if example.context != *seen {
            seen = &example.context;
            let _ = writeln!(lines, "given {}", seen.clone().unwrap_or_default());
        }
        let _ = match &example.outcome {
            Outcome::Value(value) => writeln!(lines, "{} => {value}", example.expression),
            Outcome::Error(part) => writeln!(lines, "{} => error: {part}", example.expression),
        };
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_stands_under_its_section() {
        let example = |context: Option<Value>, expression: &str, outcome| Example {
            context,
            expression: expression.to_owned(),
            outcome,
        };
        let entry = |name, section, examples| Entry {
            name,
            signature: format!("{name}()"),
            description: "It does.",
            section,
            examples,
        };
        let given = Some(json!({"item": 1}));
        let entries = [
            entry("One", "A", vec![example(None, "one()", Outcome::Value(json!(1)))]),
            entry("two", "B", vec![]),
            entry(
                "three",
                "A",
                vec![
                    example(given.clone(), "three()", Outcome::Value(json!("x"))),
                    example(given, "three(1)", Outcome::Error("no parameters".to_owned())),
                ],
            ),
        ];
        let page = markdown("All", "Words.", &entries);
        let expected = "# All\n\nWords.\n\n| Section | |\n|---|---|\n| A | [One](#one), [three](#three) |\n| B | [two](#two) |\n\
            \n## A\n\n### One\n\n`One()`\n\nIt does.\n\n```text\none() => 1\n```\n\
            \n### three\n\n`three()`\n\nIt does.\n\n```text\ngiven {\"item\":1}\nthree() => \"x\"\nthree(1) => error: no parameters\n```\n\
            \n## B\n\n### two\n\n`two()`\n\nIt does.\n\n```text\n```\n";
        assert_eq!(page, expected);
        assert_eq!(text(&entries[0]), "One()\n\nIt does.\n(A)\n\none() => 1\n");
    }
}
