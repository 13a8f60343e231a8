//! Why a body was refused, and where. Names and values of the body are hostile text, so control characters in the
//! message are escaped and its length is bounded.

use super::bounds;

/// A body that is not of its format; nothing of it was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", self.place())]
pub struct DecodeError {
    /// What is wrong, and what would be right.
    pub message: String,
    /// JSON pointer to the fault, where it is known.
    pub pointer: Option<String>,
    /// Line of the fault from 1, where it is known.
    pub line: Option<usize>,
    /// Column of the fault from 1, where it is known.
    pub column: Option<usize>,
}

impl DecodeError {
    pub(super) fn at(pointer: &str, message: impl Into<String>) -> Self {
        let pointer = Some(bounds::printable(pointer));
        Self {
            message: bounds::printable(&message.into()),
            pointer,
            line: None,
            column: None,
        }
    }

    /// The error of the JSON reader; its place moves from the message into fields.
    pub(super) fn syntax(error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let suffix = format!(" at line {} column {}", error.line(), error.column());
        let message = bounds::printable(text.strip_suffix(&suffix).unwrap_or(&text));
        let known = error.line() > 0;
        Self {
            message,
            pointer: None,
            line: known.then(|| error.line()),
            column: known.then(|| error.column()),
        }
    }

    fn place(&self) -> String {
        match (&self.pointer, self.line, self.column) {
            (Some(pointer), _, _) if !pointer.is_empty() => format!(" at {pointer}"),
            (_, Some(line), Some(column)) => format!(" at line {line} column {column}"),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_escaped_and_cut() {
        let error = DecodeError::at("/a\u{1b}[31m", format!("unknown field `{}`", "x".repeat(9_000)));
        let text = error.to_string();
        assert!(!text.contains('\u{1b}') && text.chars().count() < 1_100, "{text}");
    }

    #[test]
    fn syntax_errors_say_line_and_column() {
        let error = serde_json::from_str::<serde_json::Value>("{\n  \"a\": }").expect_err("no JSON");
        let error = DecodeError::syntax(&error);
        assert_eq!((error.line, error.column), (Some(2), Some(8)));
        assert_eq!(error.to_string(), "expected value at line 2 column 8");
    }
}
