//! What is wrong with a file, and where: the one form in which every room reports problems of what users wrote.

use std::fmt;

use serde::Serialize;

use super::yaml::Position;

/// How bad a diagnostic is. The first is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The object is not used.
    Error,
    /// The object is used, perhaps not as meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One problem of a file. Prints as `file:line:column: error: message`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// Stable code, such as `UnknownField`.
    pub code: String,
    /// What is wrong; never a secret.
    pub message: String,
    /// What to do about it, where that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(file: &str, position: Position, code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, file, position, code, message)
    }

    /// A warning at a place.
    pub fn warning(file: &str, position: Position, code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, file, position, code, message)
    }

    /// A note at a place.
    pub fn note(file: &str, position: Position, code: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, file, position, code, message)
    }

    /// The same with a hint.
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    fn new(severity: Severity, file: &str, position: Position, code: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: position.line,
            column: position.column,
            severity,
            code: code.to_owned(),
            message: message.into(),
            hint: None,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            severity,
            message,
            ..
        } = self;
        write!(formatter, "{file}:{line}:{column}: {severity}: {message}")?;
        match &self.hint {
            Some(hint) => write!(formatter, "; {hint}"),
            None => Ok(()),
        }
    }
}
