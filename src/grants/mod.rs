//! Permissions to run playbooks: which workspace may run which playbook, decided from the grants that exist. It is asked
//! again before each run. There is no implicit permission: a workspace needs a grant in its own namespace too.

use std::fmt;

use crate::api::playbook_grant::{GrantFrom, GrantTo, PlaybookGrantSpec};
use crate::api::{GROUP, VERSION, yaml};

/// The ServiceAccount as which the automation of a workspace acts.
pub const AUTOMATION_ACCOUNT: &str = "riposte-automation";
/// The verb on playbooks that a grant gives.
pub const RUN_VERB: &str = "run";
/// Characters that an object's name may have in Kubernetes.
const MAX_NAME: usize = 253;

/// Whether the workspace may run the playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Granted,
    /// It may not, for want of this.
    Missing(MissingGrant),
}

/// The grant that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingGrant {
    /// The workspace that wants to run the playbook.
    pub workspace: String,
    /// Namespace of the playbook.
    pub namespace: String,
    /// Name of the playbook.
    pub playbook: String,
}

/// Decides from the existing grants, each given with its namespace; only those in the playbook's namespace count.
pub fn permit<'a>(
    workspace: &str,
    playbook_namespace: &str,
    playbook: &str,
    grants: impl Iterator<Item = (&'a str, &'a PlaybookGrantSpec)>,
) -> Permission {
    let mut here = grants.filter(|(namespace, _)| *namespace == playbook_namespace);
    if here.any(|(_, grant)| covers(grant, workspace, playbook)) {
        return Permission::Granted;
    }
    Permission::Missing(MissingGrant {
        workspace: workspace.to_owned(),
        namespace: playbook_namespace.to_owned(),
        playbook: playbook.to_owned(),
    })
}

fn covers(grant: &PlaybookGrantSpec, workspace: &str, playbook: &str) -> bool {
    let from = grant.from.iter().any(|from| from.namespace == workspace);
    let to = grant.to.is_empty() || grant.to.iter().any(|to| to.name == playbook);
    from && to
}

impl MissingGrant {
    /// The account that needs the permission, as Kubernetes names it.
    pub fn account(&self) -> String {
        format!("system:serviceaccount:{}:{AUTOMATION_ACCOUNT}", self.workspace)
    }

    /// The manifest of the `PlaybookGrant` that gives the permission, and nothing more, as YAML.
    pub fn manifest(&self) -> String {
        let spec = PlaybookGrantSpec {
            from: vec![GrantFrom {
                namespace: self.workspace.clone(),
            }],
            to: vec![GrantTo {
                name: self.playbook.clone(),
            }],
        };
        let object = serde_json::json!({
            "apiVersion": format!("{GROUP}/{VERSION}"),
            "kind": "PlaybookGrant",
            "metadata": { "name": self.name(), "namespace": self.namespace },
            "spec": spec,
        });
        yaml::write(&object)
    }

    /// The command that gives the permission: a shell takes it as it is.
    pub fn command(&self) -> String {
        format!("kubectl apply -f - <<'EOF'\n{}EOF", self.manifest())
    }

    fn name(&self) -> String {
        let name: String = format!("{}-runs-{}", self.workspace, self.playbook)
            .chars()
            .take(MAX_NAME)
            .collect();
        name.trim_end_matches(['-', '.']).to_owned()
    }
}

/// Who lacks which verb on which playbook, and what to do.
impl fmt::Display for MissingGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (account, namespace, playbook) = (self.account(), &self.namespace, &self.playbook);
        write!(
            formatter,
            "{account} may not {RUN_VERB} the playbook {namespace}/{playbook}: no PlaybookGrant in the namespace \
             {namespace} gives it to the workspace {}; apply one",
            self.workspace
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(from: &[&str], to: &[&str]) -> PlaybookGrantSpec {
        let from = from.iter().map(|name| GrantFrom {
            namespace: (*name).to_owned(),
        });
        let to = to.iter().map(|name| GrantTo {
            name: (*name).to_owned(),
        });
        PlaybookGrantSpec {
            from: from.collect(),
            to: to.collect(),
        }
    }

    #[test]
    fn only_a_fitting_grant_in_the_namespace_of_the_playbook_counts() {
        let cases = [
            ("none", vec![], false),
            ("all playbooks", vec![("playbooks", grant(&["soc"], &[]))], true),
            (
                "this playbook",
                vec![("playbooks", grant(&["other", "soc"], &["close", "block-ip"]))],
                true,
            ),
            (
                "another playbook",
                vec![("playbooks", grant(&["soc"], &["close"]))],
                false,
            ),
            ("another workspace", vec![("playbooks", grant(&["other"], &[]))], false),
            ("another namespace", vec![("soc", grant(&["soc"], &[]))], false),
            (
                "the second grant",
                vec![("playbooks", grant(&["x"], &[])), ("playbooks", grant(&["soc"], &[]))],
                true,
            ),
        ];
        for (case, grants, expected) in cases {
            let grants = grants.iter().map(|(namespace, grant)| (*namespace, grant));
            let permission = permit("soc", "playbooks", "block-ip", grants);
            assert_eq!(permission == Permission::Granted, expected, "{case}");
        }
    }

    #[test]
    fn the_own_namespace_needs_a_grant_too() {
        assert_ne!(permit("soc", "soc", "close", std::iter::empty()), Permission::Granted);
    }

    #[test]
    fn the_manifest_gives_what_is_missing() {
        let Permission::Missing(missing) = permit("soc", "playbooks", "block-ip", std::iter::empty()) else {
            panic!("granted without a grant");
        };
        assert_eq!(missing.account(), "system:serviceaccount:soc:riposte-automation");
        let manifest = yaml::parse(&missing.manifest()).unwrap().remove(0).json;
        assert_eq!(manifest["apiVersion"], "riposte.dev/v1alpha1");
        assert_eq!(manifest["kind"], "PlaybookGrant");
        assert_eq!(manifest["metadata"]["namespace"], "playbooks");
        let spec: PlaybookGrantSpec = serde_json::from_value(manifest["spec"].clone()).unwrap();
        let granted = permit("soc", "playbooks", "block-ip", [("playbooks", &spec)].into_iter());
        assert_eq!(granted, Permission::Granted);
        assert_ne!(
            permit("soc", "playbooks", "other", [("playbooks", &spec)].into_iter()),
            Permission::Granted
        );
    }
}
