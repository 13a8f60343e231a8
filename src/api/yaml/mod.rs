//! The one door for YAML: text -> tree with positions -> JSON value, and JSON value -> text. JSON text comes in by the
//! same door. Duplicate keys are refused, aliases and merge keys are resolved within bounds, and what kubectl would
//! read differently (YAML 1.1: `yes`, `0755`) is warned of. No input makes it panic or use memory without bound.

mod events;
mod json;
mod node;
mod place;
mod scalar;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::sync::Arc;

use node::{Budget, Node};

use super::diagnostic::Diagnostic;
pub use place::byte_offset;
pub use write::write;

/// Longest text that is read, in bytes.
pub const MAX_TEXT: usize = 8 << 20;
/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 128;
/// Most values of one text, copies made by aliases included.
pub const MAX_VALUES: usize = 1_000_000;
/// Most bytes of text in the values of one document, copies made by aliases included.
pub const MAX_EXPANDED: usize = 32 << 20;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// Something wrong in a text. Prints without its position, which is apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Where.
    pub position: Position,
    /// Stable code: `Syntax`, `DuplicateKey`, `TooDeep`, `TooLarge`, `UnsupportedYaml` or `AmbiguousScalar`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    fn new(position: Position, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            position,
            code,
            message: message.into(),
        }
    }

    /// The problem as an error of a file.
    pub fn error(&self, file: &str) -> Diagnostic {
        Diagnostic::error(file, self.position, self.code, self.message.clone())
    }

    /// The problem as a warning about a file.
    pub fn warning(&self, file: &str) -> Diagnostic {
        Diagnostic::warning(file, self.position, self.code, self.message.clone())
    }
}

/// One document of a text: its value, and where each part of it stands. It may be a Secret, so debug output shows
/// nothing of it.
#[derive(Clone)]
pub struct Document {
    /// The value.
    pub json: serde_json::Value,
    /// What kubectl would read differently.
    pub warnings: Vec<Problem>,
    root: Arc<Node>,
    text: Arc<str>,
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Document")
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

impl Document {
    /// The same without its value, where only places are asked for from now on: a null stands for it.
    #[must_use]
    pub fn without_value(mut self) -> Self {
        self.json = serde_json::Value::Null;
        self
    }

    /// Where the value at a JSON pointer begins: text, numbers and objects in braces at their first character, lists
    /// and blocks at their key. `None` where the document has no such value.
    pub fn position(&self, pointer: &str) -> Option<Position> {
        self.root.find(pointer).map(|found| found.value_position())
    }

    /// Where the key of the member at a JSON pointer stands; for an item of a list, where the item begins.
    pub fn key_position(&self, pointer: &str) -> Option<Position> {
        self.root.find(pointer).map(|found| found.key_position())
    }

    /// The place of a byte of the string at a pointer: exact for strings on one line and for literal blocks (`|`),
    /// else where the string begins. Where there is no such value, the nearest value around it.
    pub fn position_in(&self, pointer: &str, byte_offset: usize) -> Position {
        let Some(found) = self.root.find(pointer) else {
            return self.nearest(pointer);
        };
        place::inside(&self.text, found.node, byte_offset).unwrap_or_else(|| found.value_position())
    }

    /// The position of the value at a pointer, else of the nearest value around it.
    pub fn nearest(&self, pointer: &str) -> Position {
        let mut pointer = pointer;
        loop {
            if let Some(position) = self.position(pointer) {
                return position;
            }
            match pointer.rfind('/') {
                Some(end) => pointer = &pointer[..end],
                None => return self.root.position,
            }
        }
    }

    fn new(root: Node, text: &Arc<str>, warnings: Vec<Problem>) -> Result<Self, Problem> {
        let json = root.to_json(&mut Budget::default())?;
        Ok(Self {
            json,
            warnings,
            root: Arc::new(root),
            text: text.clone(),
        })
    }
}

/// Reads every document of a YAML or JSON text. Documents without content are left out.
///
/// # Errors
/// The first thing that makes the text unreadable: syntax, a duplicate key, a bound.
pub fn parse(text: &str) -> Result<Vec<Document>, Problem> {
    let source = source(text)?;
    if source.trim_start().starts_with(['{', '[']) {
        match json::parse(&source) {
            Ok(root) => return Ok(vec![Document::new(root, &source, Vec::new())?]),
            Err(problem) if problem.code != "Syntax" => return Err(problem),
            Err(problem) => {
                return events::parse(&source).map_err(|other| if other.code == "Syntax" { problem } else { other });
            }
        }
    }
    events::parse(&source)
}

/// Reads a JSON text, strictly.
///
/// # Errors
/// As [`parse`], and for everything that is YAML but not JSON.
pub fn parse_json(text: &str) -> Result<Document, Problem> {
    let source = source(text)?;
    Document::new(json::parse(&source)?, &source, Vec::new())
}

fn source(text: &str) -> Result<Arc<str>, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_TEXT {
        let message = format!(
            "the text has {} bytes, at most {MAX_TEXT} are read; split it",
            text.len()
        );
        return Err(Problem::new(Position::START, "TooLarge", message));
    }
    Ok(text.into())
}
