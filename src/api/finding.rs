//! A problem of a manifest before it has a place in a file: the checks know pointers, the document knows positions.

use super::diagnostic::Diagnostic;
use super::yaml::Document;

/// One problem of a manifest; always an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// JSON pointer to the value in the document.
    pub pointer: String,
    /// Whether the key is wrong rather than the value.
    pub at_key: bool,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong; never the value of a parameter or secret.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Finding {
    /// A problem of a value.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            at_key: false,
            code,
            message: message.into(),
            hint: None,
        }
    }

    /// A problem of a key.
    pub fn of_key(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            at_key: true,
            ..Self::new(pointer, code, message)
        }
    }

    /// The same with a hint.
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// The problem with its place.
    pub fn locate(self, document: &Document, file: &str) -> Diagnostic {
        let key = if self.at_key {
            document.key_position(&self.pointer)
        } else {
            None
        };
        let position = key.unwrap_or_else(|| document.nearest(&self.pointer));
        Diagnostic::error(file, position, self.code, self.message).with_hint(self.hint)
    }
}

/// The JSON pointer to a member.
pub(super) fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}
