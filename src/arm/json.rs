//! Reading JSON as templates have it: byte order mark, comments, trailing commas, single quotes, line breaks in strings
//! and duplicate names are tolerated, as Azure tolerates them. One pass cleans the text without moving a line, a strict reader reads.

use std::collections::HashSet;

use crate::expression::Value;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Reading {
    /// The tree, members in order; of duplicate names the last wins.
    pub value: Value,
    /// What was tolerated and may surprise.
    pub notes: Vec<String>,
}

/// Reads a template.
///
/// # Errors
/// What makes the text unreadable, with line and column.
pub(super) fn read(text: &str) -> Result<Reading, String> {
    let cleaner = Cleaner::of(text);
    let value = Value::from_json(&cleaner.output).map_err(|error| format!("not JSON: {error}"))?;
    Ok(Reading {
        value,
        notes: cleaner.notes,
    })
}

/// The text as strict JSON, if it is JSON at all; every line stays where it is.
pub(super) fn strict(text: &str) -> String {
    Cleaner::of(text).output
}

/// An open object (with the names seen so far) or array.
enum Container {
    Object(HashSet<String>),
    Array,
}

#[derive(Default)]
struct Cleaner {
    output: String,
    notes: Vec<String>,
    open: Vec<Container>,
    /// Position in the output of a comma after which nothing but blanks came.
    comma: Option<usize>,
    /// Whether the next string is the name of a member.
    name_next: bool,
}

impl Cleaner {
    fn of(text: &str) -> Self {
        let mut cleaner = Self::default();
        cleaner.run(text.strip_prefix('\u{feff}').unwrap_or(text));
        cleaner
    }

    fn run(&mut self, text: &str) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = match first {
                quote @ ('"' | '\'') => self.string(rest, quote),
                '/' if rest.starts_with("//") => self.blank(rest, rest.find('\n').unwrap_or(rest.len())),
                '/' if rest.starts_with("/*") => self.blank(rest, rest.find("*/").map_or(rest.len(), |end| end + 2)),
                _ => {
                    self.character(first);
                    &rest[first.len_utf8()..]
                }
            };
        }
    }

    /// Replaces a comment by blanks, keeping its line breaks.
    fn blank<'a>(&mut self, rest: &'a str, length: usize) -> &'a str {
        self.output
            .extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        &rest[length..]
    }

    fn character(&mut self, character: char) {
        match character {
            '{' => self.open.push(Container::Object(HashSet::new())),
            '[' => self.open.push(Container::Array),
            '}' | ']' => {
                self.open.pop();
                if let Some(at) = self.comma {
                    self.output.replace_range(at..=at, " ");
                }
            }
            _ => {}
        }
        if !character.is_whitespace() {
            self.comma = (character == ',').then_some(self.output.len());
            self.name_next = matches!(character, '{' | ',') && matches!(self.open.last(), Some(Container::Object(_)));
        }
        self.output.push(character);
    }

    /// Copies a string, escaping raw control characters, and notes a repeated name.
    fn string<'a>(&mut self, rest: &'a str, quote: char) -> &'a str {
        let mut escaped = false;
        let end = rest[1..]
            .find(|c| {
                let closes = c == quote && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            })
            .map_or(rest.len(), |end| end + 2);
        let inner = &rest[1..end];
        let closed = inner.strip_suffix(quote).filter(|_| end > 1);
        self.output.push('"');
        self.copy(closed.unwrap_or(inner), quote == '\'');
        if closed.is_some() {
            self.output.push('"');
        }
        if self.name_next
            && let Some(Container::Object(names)) = self.open.last_mut()
        {
            let name = closed.unwrap_or(inner);
            if !names.insert(name.to_owned()) {
                self.notes.push(format!(
                    "the name `{name}` stands twice in one object; the last one holds"
                ));
            }
        }
        self.comma = None;
        self.name_next = false;
        &rest[end..]
    }
}

impl Cleaner {
    /// Copies what stands between quotes.
    fn copy(&mut self, inner: &str, single: bool) {
        let mut characters = inner.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\n' => self.output.push_str("\\n"),
                '\r' => self.output.push_str("\\r"),
                '\t' => self.output.push_str("\\t"),
                control if control < ' ' => self.output.push_str(&format!("\\u{:04x}", u32::from(control))),
                '\\' if characters.peek() == Some(&'\'') => {}
                '\\' => {
                    self.output.push('\\');
                    self.output.extend(characters.next());
                }
                '"' if single => self.output.push_str("\\\""),
                other => self.output.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(text: &str) -> String {
        read(text).expect("readable").value.to_json()
    }

    #[test]
    fn tolerates_what_azure_tolerates() {
        assert_eq!(
            compact("\u{feff}{\"a\": 1, // one\n /* two, \" */ \"b\": [1, 2, ],\n}"),
            r#"{"a":1,"b":[1,2]}"#
        );
        assert_eq!(
            compact("{\"q\": \"a\n\tb // no comment, }\"}"),
            r#"{"q":"a\n\tb // no comment, }"}"#
        );
        assert_eq!(compact(r#"{"a": "x\\", "b": "\","}"#), r#"{"a":"x\\","b":"\","}"#);
        assert_eq!(
            compact(r#"{'a': 'it\'s "x"', "b": "it's"}"#),
            r#"{"a":"it's \"x\"","b":"it's"}"#
        );
        assert_eq!(compact("{\"a\": \"\u{1}\"}"), r#"{"a":"\u0001"}"#);
    }

    #[test]
    fn keeps_the_last_of_duplicate_names_and_says_so() {
        let reading = read(r#"{"a": {"x": 1, "x": 2}, "b": {"x": 3}}"#).expect("readable");
        assert_eq!(reading.value.to_json(), r#"{"a":{"x":2},"b":{"x":3}}"#);
        assert_eq!(reading.notes.len(), 1);
        assert!(reading.notes[0].contains("`x`"));
    }

    #[test]
    fn names_the_line_of_what_it_cannot_read() {
        let error = read("{\n/* a\nb */\n\"a\" 1}").expect_err("unreadable");
        assert!(error.contains("line 4"), "{error}");
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
