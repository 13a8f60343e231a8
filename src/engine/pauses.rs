//! Where actions are paused, and by whom: of all namespaces or of some. Pure; the engine keeps it in the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::store::Millis;

/// Where actions are paused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses {
    /// That of all namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all: Option<Pause>,
    /// Those of single ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    namespaces: BTreeMap<String, Pause>,
}

/// Who paused, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who, such as `user/ada`.
    pub by: String,
    /// When.
    pub at: Millis,
}

impl Pauses {
    /// The pause that holds the actions of a namespace, if one does.
    pub fn of(&self, namespace: &str) -> Option<&Pause> {
        self.all.as_ref().or_else(|| self.namespaces.get(namespace))
    }

    /// Pauses a namespace, or all where none is named; one that is paused stays as it is.
    pub fn pause(&mut self, namespace: Option<&str>, pause: Pause) {
        match namespace {
            None => drop(self.all.get_or_insert(pause)),
            Some(namespace) => drop(self.namespaces.entry(namespace.to_owned()).or_insert(pause)),
        }
    }

    /// Lets a namespace go on, or where none is named all that is paused.
    pub fn resume(&mut self, namespace: Option<&str>) {
        match namespace {
            None => *self = Self::default(),
            Some(namespace) => drop(self.namespaces.remove(namespace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(name: &str) -> Pause {
        Pause {
            by: name.to_owned(),
            at: 1,
        }
    }

    #[test]
    fn a_pause_of_all_holds_every_namespace_and_ends_all_pauses() {
        let mut pauses = Pauses::default();
        pauses.pause(Some("soc"), by("user/ada"));
        assert_eq!(pauses.of("soc"), Some(&by("user/ada")));
        assert_eq!(pauses.of("it"), None);
        pauses.pause(None, by("user/mira"));
        assert_eq!(pauses.of("it"), Some(&by("user/mira")));
        pauses.resume(Some("soc"));
        assert!(pauses.of("soc").is_some(), "all are paused still");
        pauses.resume(None);
        assert_eq!(pauses, Pauses::default());
    }
}
