//! Secret text that no log, error or debug output shows.

use std::fmt;
use std::sync::Arc;

/// A secret. Prints as `***`; the text itself is given only by [`SecretString::expose`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretString(Arc<str>);

impl SecretString {
    /// The text, for the one place that sends or compares it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretString {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}
