//! Bearer tokens and what they reach. Invariants: only SHA-256 digests are kept, so no token can be read out of memory,
//! a log or debug output; and every comparison takes the same time for every token.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The shortest token, in bytes: shorter ones are guessed.
const LENGTH_MIN: usize = 16;
/// The longest DNS label.
const LABEL_MAX: usize = 63;

/// Which workspaces a token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every one; written `*`.
    All,
    /// Only this one.
    Workspace(String),
}

/// Why a token or its reach cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableToken {
    /// The token is short enough to be guessed.
    #[error("a token must have at least {LENGTH_MIN} bytes; make one with `openssl rand -hex 32`")]
    Short,
    /// The reach names no workspace.
    #[error("a token reaches `*` or one workspace, whose name is a DNS label")]
    Reach,
}

impl Reach {
    /// Whether it includes a workspace.
    pub fn includes(&self, workspace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Workspace(own) => own == workspace,
        }
    }
}

impl FromStr for Reach {
    type Err = UnusableToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "*" => Ok(Self::All),
            name if is_dns_label(name) => Ok(Self::Workspace(name.to_owned())),
            _ => Err(UnusableToken::Reach),
        }
    }
}

/// Whether a text can be the name of a workspace: a DNS label, as every namespace has it.
pub(super) fn is_dns_label(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    let is_middle = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    bytes.len() <= LABEL_MAX && is_end(bytes.first()) && is_end(bytes.last()) && bytes.iter().all(is_middle)
}

/// Who holds a token.
#[derive(Clone)]
struct Holder {
    name: Arc<str>,
    digest: [u8; 32],
    reach: Reach,
}

/// The tokens that the server knows.
#[derive(Clone, Default)]
pub struct Tokens(Vec<Holder>);

impl Tokens {
    /// Adds a token. `name` says whose it is, and stands for the requester of the runs that it starts.
    ///
    /// # Errors
    /// The token is too short.
    pub fn add(&mut self, name: &str, token: &str, reach: Reach) -> Result<(), UnusableToken> {
        if token.len() < LENGTH_MIN {
            return Err(UnusableToken::Short);
        }
        self.0.push(Holder {
            name: name.into(),
            digest: Sha256::digest(token).into(),
            reach,
        });
        Ok(())
    }

    /// The name and the reach of a token; all known ones are compared, whichever fits.
    pub(super) fn find(&self, token: &str) -> Option<(Arc<str>, Reach)> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for holder in &self.0 {
            if bool::from(holder.digest.ct_eq(&digest)) {
                found = Some(holder);
            }
        }
        found.map(|holder| (holder.name.clone(), holder.reach.clone()))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holders = self.0.iter().map(|holder| (&holder.name, &holder.reach));
        formatter.debug_map().entries(holders).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_itself_only_and_never_shown() {
        let mut tokens = Tokens::default();
        tokens.add("falco", "0123456789abcdef", Reach::All).unwrap();
        assert!(tokens.find("0123456789abcdef").is_some());
        assert!(tokens.find("0123456789abcdeF").is_none());
        assert!(tokens.find("").is_none());
        assert_eq!(format!("{tokens:?}"), r#"{"falco": All}"#);
        assert_eq!(tokens.add("short", "0123456789", Reach::All), Err(UnusableToken::Short));
    }

    #[test]
    fn a_workspace_is_a_dns_label() {
        for name in ["soc", "a", "team-7", "0"] {
            assert_eq!(name.parse(), Ok(Reach::Workspace(name.to_owned())));
        }
        for name in ["", "-a", "a-", "A", "a.b", "a/b", "é", &"a".repeat(64)] {
            assert_eq!(name.parse::<Reach>(), Err(UnusableToken::Reach), "{name}");
        }
    }
}
