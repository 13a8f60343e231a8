//! The things that `get` and `describe` know: their names on the command line, and their paths. Pure.

use clap::builder::PossibleValue;

use crate::api::{GROUP as OBJECTS, VERSION};
use crate::server::journal::GROUP as JOURNAL;

/// A kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Playbooks.
    Playbooks,
    /// Automation rules.
    Rules,
    /// API connections.
    Connections,
    /// Incidents.
    Incidents,
    /// Runs of playbooks.
    Runs,
    /// What runs ask of people.
    Approvals,
}

impl clap::ValueEnum for Resource {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Playbooks,
            Self::Rules,
            Self::Connections,
            Self::Incidents,
            Self::Runs,
            Self::Approvals,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, aliases) = self.names();
        Some(PossibleValue::new(name).aliases(aliases))
    }
}

impl Resource {
    /// The name on the command line, and others that mean the same: singular, short name, resource in the API.
    fn names(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Playbooks => ("playbooks", &["playbook", "pbk"]),
            Self::Rules => ("rules", &["rule", "automationrules", "automationrule", "autorule"]),
            Self::Connections => (
                "connections",
                &["connection", "apiconnections", "apiconnection", "apiconn"],
            ),
            Self::Incidents => ("incidents", &["incident", "inc"]),
            Self::Runs => ("runs", &["run"]),
            Self::Approvals => ("approvals", &["approval"]),
        }
    }

    /// The name in the API.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Playbooks => "playbooks",
            Self::Rules => "automationrules",
            Self::Connections => "apiconnections",
            Self::Incidents => "incidents",
            Self::Runs => "runs",
            Self::Approvals => "approvals",
        }
    }

    /// One of it, as kubectl names it: `run.journal.riposte.dev`.
    pub fn singular(self) -> String {
        format!("{}.{}", self.plural().trim_end_matches('s'), self.group())
    }

    fn group(self) -> &'static str {
        match self {
            Self::Playbooks | Self::Rules | Self::Connections => OBJECTS,
            Self::Incidents | Self::Runs | Self::Approvals => JOURNAL,
        }
    }

    /// The path of the list, of one namespace or of all.
    pub fn list(self, namespace: Option<&str>) -> String {
        let base = format!("/apis/{}/{VERSION}", self.group());
        match namespace {
            Some(namespace) => format!("{base}/namespaces/{}/{}", escaped(namespace), self.plural()),
            None => format!("{base}/{}", self.plural()),
        }
    }

    /// The path of one.
    pub fn one(self, namespace: &str, name: &str) -> String {
        format!("{}/{}", self.list(Some(namespace)), escaped(name))
    }
}

/// The path on which a playbook is started.
pub fn start_path(namespace: &str, playbook: &str) -> String {
    let (namespace, playbook) = (escaped(namespace), escaped(playbook));
    format!("/apis/{JOURNAL}/{VERSION}/namespaces/{namespace}/playbooks/{playbook}/start")
}

/// The path on which actions are paused or let go on, of a namespace or of all.
pub fn brakes_path(namespace: Option<&str>, wish: &str) -> String {
    let place = namespace.map_or_else(String::new, |namespace| format!("namespaces/{}/", escaped(namespace)));
    format!("/apis/{JOURNAL}/{VERSION}/{place}brakes/actions/{wish}")
}

/// A segment of a path.
fn escaped(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2D", "-")
        .replace("%2E", ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api() {
        assert_eq!(Resource::Rules.list(None), "/apis/riposte.dev/v1alpha1/automationrules");
        let run = Resource::Runs.one("soc", "0190-a.b");
        assert_eq!(run, "/apis/journal.riposte.dev/v1alpha1/namespaces/soc/runs/0190-a.b");
        assert_eq!(
            Resource::Incidents.one("../x", "?"),
            Resource::Incidents.list(Some("../x")) + "/%3F"
        );
        assert!(!Resource::Incidents.list(Some("../x")).contains("../"));
        assert_eq!(Resource::Runs.singular(), "run.journal.riposte.dev");
    }
}
