//! Links by which others reach a run or a trigger without an account: the callback URL of a webhook action, the URL of a
//! trigger, the place of an answer that is promised (Logic Apps: URLs with a shared access signature), the page of an
//! approval.
//! Invariant: a link leads to one thing, until one time, and only who holds the key can make it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;

use super::event::{FrameId, NodeId};
use crate::definition::ActionId;
use crate::store::Millis;

/// What the keys that sign links are derived for.
pub const LINKS: &str = "links";
/// What stands for a signature where people look.
const MASK: &str = "***";
/// What a segment of a path holds as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// An action that waits to be called back.
    Action {
        /// The run.
        run: String,
        /// The execution of the action.
        node: NodeId,
    },
    /// A trigger that is called.
    Trigger {
        /// Namespace of the playbook.
        namespace: String,
        /// Name of the playbook.
        playbook: String,
        /// Name of the trigger.
        trigger: String,
    },
    /// The answer of a run, which comes later.
    Answer {
        /// The run.
        run: String,
    },
    /// The page on which somebody decides what a run asks.
    Approval {
        /// The run.
        run: String,
        /// The execution of the action that waits.
        node: NodeId,
        /// Who is asked: the place among the recipients.
        recipient: usize,
    },
}

/// Why a link is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is none of ours, or was changed.
    #[error("the link is not valid")]
    Forged,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
}

/// What a link carries beside its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// When it expires, if it does.
    pub expires: Option<Millis>,
    /// Its signature.
    pub signature: String,
}

/// Makes links and checks them.
pub struct Links {
    /// What paths are added to; empty where nobody reaches this Riposte.
    base: String,
    /// The first signs, all of them check.
    keys: Vec<hmac::Key>,
}

impl Links {
    /// Links below a public URL. Without one, none but relative links are made.
    pub fn new(public_url: &str, keys: &[[u8; 32]]) -> Self {
        Self {
            base: public_url.trim_end_matches('/').to_owned(),
            keys: keys.iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key)).collect(),
        }
    }

    /// The whole URL; `None` where nobody reaches this Riposte.
    pub fn url(&self, link: &Link, expires: Option<Millis>) -> Option<String> {
        (!self.base.is_empty()).then(|| format!("{}{}", self.base, self.path(link, expires)))
    }

    /// Whether anybody outside reaches this Riposte.
    pub fn are_reachable(&self) -> bool {
        !self.base.is_empty()
    }

    /// Path and query.
    pub fn path(&self, link: &Link, expires: Option<Millis>) -> String {
        let mut path = link.path();
        path.push_str("?sv=1");
        if let Some(expires) = expires {
            // Writing to a text cannot fail.
            let _ = write!(path, "&se={expires}");
        }
        if let Some(key) = self.keys.first() {
            let signature = hmac::sign(key, link.signed(expires).as_bytes());
            let _ = write!(path, "&sig={}", URL_SAFE_NO_PAD.encode(signature));
        }
        path
    }

    /// Whether a ticket opens a link now.
    ///
    /// # Errors
    /// A signature that is not ours, or a time that is over.
    pub fn check(&self, link: &Link, ticket: &Ticket, now: Millis) -> Result<(), Invalid> {
        let signature = URL_SAFE_NO_PAD.decode(&ticket.signature).map_err(|_| Invalid::Forged)?;
        let signed = link.signed(ticket.expires);
        let holds = |key: &hmac::Key| hmac::verify(key, signed.as_bytes(), &signature).is_ok();
        if !self.keys.iter().any(holds) {
            return Err(Invalid::Forged);
        }
        match ticket.expires {
            Some(expires) if expires <= now => Err(Invalid::Expired),
            _ => Ok(()),
        }
    }
}

impl Link {
    /// The path, encoded.
    fn path(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
        match self {
            Self::Action { run, node } => format!("/v1/callbacks/{}/{}", encode(run), node_name(*node)),
            Self::Trigger {
                namespace,
                playbook,
                trigger,
            } => format!(
                "/v1/namespaces/{}/playbooks/{}/triggers/{}/invoke",
                encode(namespace),
                encode(playbook),
                encode(trigger)
            ),
            Self::Answer { run } => format!("/v1/answers/{}", encode(run)),
            Self::Approval { run, node, recipient } => {
                format!("/approvals/{}/{}/{recipient}", encode(run), node_name(*node))
            }
        }
    }

    fn signed(&self, expires: Option<Millis>) -> String {
        let expires = expires.map_or_else(|| "-".to_owned(), |expires| expires.to_string());
        format!("{}\n{expires}", self.path())
    }
}

/// The execution of an action as links name it: `FRAME-ACTION`.
pub fn node_name(node: NodeId) -> String {
    format!("{}-{}", node.0.0, node.1.0)
}

/// The execution that a link names.
pub fn parse_node(name: &str) -> Option<NodeId> {
    let (frame, action) = name.split_once('-')?;
    let node = NodeId(FrameId(frame.parse().ok()?), ActionId(action.parse().ok()?));
    (node_name(node) == name).then_some(node)
}

/// A text without the signature of a link.
pub fn masked(text: &str, url: &str) -> Option<String> {
    let (_, signature) = url.rsplit_once("sig=")?;
    text.contains(signature).then(|| text.replace(signature, MASK))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link::Action {
            run: "run-1".into(),
            node: NodeId(FrameId(2), ActionId(3)),
        }
    }

    fn ticket(url: &str) -> Ticket {
        let url = url::Url::parse(url).unwrap();
        let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
        Ticket {
            expires: query("se").map(|text| text.parse().unwrap()),
            signature: query("sig").unwrap().into_owned(),
        }
    }

    #[test]
    fn a_link_opens_only_what_it_names_until_its_time() {
        let links = Links::new("https://riposte.example/", &[[1; 32]]);
        let url = links.url(&link(), Some(1_000)).unwrap();
        assert!(url.starts_with("https://riposte.example/v1/callbacks/run-1/2-3?sv=1&se=1000&sig="));
        let good = ticket(&url);
        assert_eq!(links.check(&link(), &good, 999), Ok(()));
        assert_eq!(links.check(&link(), &good, 1_000), Err(Invalid::Expired));
        let other = Link::Answer { run: "run-1".into() };
        assert_eq!(links.check(&other, &good, 0), Err(Invalid::Forged));
        for (expires, signature) in [
            (Some(9_999), good.signature.as_str()),
            (None, good.signature.as_str()),
            (Some(1_000), ""),
            (Some(1_000), "no base64!"),
        ] {
            let signature = signature.to_owned();
            let forged = Ticket { expires, signature };
            assert_eq!(links.check(&link(), &forged, 0), Err(Invalid::Forged), "{forged:?}");
        }
    }

    #[test]
    fn an_older_key_still_opens_what_it_signed() {
        let before = ticket(&Links::new("http://a", &[[1; 32]]).url(&link(), None).unwrap());
        let rotated = Links::new("http://a", &[[2; 32], [1; 32]]);
        assert_eq!(rotated.check(&link(), &before, 0), Ok(()));
        let forgotten = Links::new("http://a", &[[2; 32]]);
        assert_eq!(forgotten.check(&link(), &before, 0), Err(Invalid::Forged));
    }

    #[test]
    fn names_with_slashes_lead_to_one_thing() {
        let trigger = |playbook: &str, trigger: &str| Link::Trigger {
            namespace: "soc".into(),
            playbook: playbook.into(),
            trigger: trigger.into(),
        };
        assert_ne!(trigger("a/triggers/b", "c").path(), trigger("a", "b/triggers/c").path());
        assert_eq!(
            Links::new("", &[[1; 32]]).url(&link(), None),
            None,
            "nobody reaches this one"
        );
    }

    #[test]
    fn a_shown_text_keeps_all_but_the_signature() {
        let url = "https://riposte.example/v1/callbacks/r/0-1?sv=1&sig=abc-_9";
        assert_eq!(
            masked(&format!("to {url}"), url).as_deref(),
            Some("to https://riposte.example/v1/callbacks/r/0-1?sv=1&sig=***")
        );
        assert_eq!(masked("nothing", url), None);
    }

    #[test]
    fn a_node_has_one_name() {
        assert_eq!(parse_node("2-3"), Some(NodeId(FrameId(2), ActionId(3))));
        for name in ["", "2", "2-", "-3", "02-3", "2-+3", "2-3-4", "99999999999-1"] {
            assert_eq!(parse_node(name), None, "{name}");
        }
    }
}
