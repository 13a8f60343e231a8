//! The permissions that the operator holds in a cluster, as one table. The chart's Roles are generated from it, so what
//! is not here is not granted. Invariant: no `*`, no `impersonate`, no `escalate`, no `bind`, and Secrets only by `get` in
//! namespaces that an administrator names.

use std::fmt::Write as _;

use crate::api::GROUP;

/// The name of the Lease whose holder writes status.
pub const LEASE: &str = "riposte";
/// The aggregated API as the API server knows it.
pub const JOURNAL_API_SERVICE: &str = "v1alpha1.journal.riposte.dev";
/// The ConfigMap of `kube-system` that says whom the aggregation layer authenticates.
const FRONT_PROXY: &str = "extension-apiserver-authentication";

/// Where a permission holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In the whole cluster: a ClusterRole, for what has no namespace.
    Cluster,
    /// In the watched namespaces: all of them if none is named.
    Watched,
    /// In the namespaces whose Secrets the operator may get: a Role in each, never a ClusterRole.
    Credentials,
    /// In the operator's own namespace.
    Own,
    /// In `kube-system`.
    KubeSystem,
}

impl Scope {
    /// Every scope, in the order of the chart.
    pub const ALL: [Self; 5] = [
        Self::Cluster,
        Self::Watched,
        Self::Credentials,
        Self::Own,
        Self::KubeSystem,
    ];

    /// The name in the chart's data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Watched => "watched",
            Self::Credentials => "credentials",
            Self::Own => "own",
            Self::KubeSystem => "kubeSystem",
        }
    }
}

/// One rule of a Role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Where it holds.
    pub scope: Scope,
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Resources and subresources.
    pub resources: &'static [&'static str],
    /// The only objects that it is about; empty: all.
    pub names: &'static [&'static str],
    /// Verbs.
    pub verbs: &'static [&'static str],
    /// What the operator does with it.
    pub why: &'static str,
}

const fn rule(
    scope: Scope,
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    why: &'static str,
) -> Permission {
    Permission {
        scope,
        group,
        resources,
        names: &[],
        verbs,
        why,
    }
}

impl Permission {
    /// The same, only for objects of these names.
    const fn only(mut self, names: &'static [&'static str]) -> Self {
        self.names = names;
        self
    }
}

/// Everything that the operator may do. `tests/it/chart/job.rs` proves by the audit log of an API server that it uses each
/// and needs no other.
pub const PERMISSIONS: &[Permission] = &[
    rule(
        Scope::Cluster,
        "authentication.k8s.io",
        &["tokenreviews"],
        &["create"],
        "asks who sends alerts: their bearer is the token of a ServiceAccount",
    ),
    rule(
        Scope::Cluster,
        "authorization.k8s.io",
        &["subjectaccessreviews"],
        &["create"],
        "asks whether a workspace may run a playbook, a playbook may change incidents elsewhere, a sender may send alerts \
         and a caller may read a run",
    ),
    rule(
        Scope::Cluster,
        "apiregistration.k8s.io",
        &["apiservices"],
        &["patch"],
        "tells the API server the certificate that it serves the aggregated API with, made anew at each start",
    )
    .only(&[JOURNAL_API_SERVICE]),
    rule(
        Scope::Watched,
        GROUP,
        &[
            "analyticsrules",
            "apiconnections",
            "automationrules",
            "connectors",
            "contentrepositories",
            "incidents",
            "playbookgrants",
            "playbookruns",
            "playbooks",
        ],
        &["list", "watch"],
        "reads what users want",
    ),
    rule(
        Scope::Watched,
        GROUP,
        &["automationrules", "playbooks"],
        &["get"],
        "asks how many runs a playbook keeps when one of its runs is shown, and what the status of a rule shows",
    ),
    rule(
        Scope::Watched,
        GROUP,
        &[
            "analyticsrules/status",
            "apiconnections/status",
            "automationrules/status",
            "connectors/status",
            "contentrepositories/status",
            "incidents/status",
            "playbookgrants/status",
            "playbookruns/status",
            "playbooks/status",
        ],
        &["patch"],
        "says what came of it",
    ),
    rule(
        Scope::Watched,
        GROUP,
        &["incidents", "playbookruns"],
        &["create", "deletecollection"],
        "shows incidents and runs as objects, and removes the old ones",
    ),
    rule(
        Scope::Watched,
        GROUP,
        &["playbooks"],
        &["run"],
        "hands this verb on: nobody can put into a Role what they do not hold",
    ),
    rule(
        Scope::Watched,
        "rbac.authorization.k8s.io",
        &["rolebindings", "roles"],
        &["get", "create", "patch"],
        "turns a PlaybookGrant into a Role and a RoleBinding, which can give no more than the operator holds",
    ),
    rule(
        Scope::Watched,
        "events.k8s.io",
        &["events"],
        &["create", "patch"],
        "tells what happened to an object",
    ),
    rule(
        Scope::Credentials,
        "",
        &["configmaps", "secrets"],
        &["get"],
        "reads the values that connections, connectors and playbooks name",
    ),
    rule(
        Scope::Own,
        "coordination.k8s.io",
        &["leases"],
        &["create"],
        "takes the Lease of the one that writes status",
    ),
    rule(
        Scope::Own,
        "coordination.k8s.io",
        &["leases"],
        &["get", "update"],
        "keeps that Lease, and gives it back at the end",
    )
    .only(&[LEASE]),
    rule(
        Scope::KubeSystem,
        "",
        &["configmaps"],
        &["get"],
        "knows the API server when it hands on a call to the aggregated API",
    )
    .only(&[FRONT_PROXY]),
];

/// The table as the data file of the chart: for each scope its rules, in the form of a Role.
pub fn chart_data() -> String {
    let mut text =
        String::from("# Generated from src/cluster/rbac.rs by `UPDATE=1 cargo test chart`; change it there.\n");
    for scope in Scope::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}:", scope.as_str());
        for permission in PERMISSIONS.iter().filter(|permission| permission.scope == scope) {
            text.push_str(&rendered(permission));
        }
    }
    text
}

fn rendered(permission: &Permission) -> String {
    let list = |items: &[&str]| {
        let quoted: Vec<_> = items.iter().map(|item| format!("\"{item}\"")).collect();
        format!("[{}]", quoted.join(", "))
    };
    let names = match permission.names {
        [] => String::new(),
        names => format!("    resourceNames: {}\n", list(names)),
    };
    format!(
        "  # {}\n  - apiGroups: {}\n    resources: {}\n{names}    verbs: {}\n",
        permission.why,
        list(&[permission.group]),
        list(permission.resources),
        list(permission.verbs),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_holds_no_dangerous_permission() {
        for permission in PERMISSIONS {
            for word in ["*", "impersonate", "escalate", "bind"] {
                let words = permission.verbs.iter().chain(permission.resources);
                assert!(!words.copied().any(|known| known == word), "{permission:?}");
            }
            if permission.resources.contains(&"secrets") {
                assert_eq!((permission.scope, permission.verbs), (Scope::Credentials, &["get"][..]));
            }
        }
    }

    #[test]
    fn writes_outside_of_namespaces_are_reviews_or_by_name() {
        for permission in PERMISSIONS
            .iter()
            .filter(|permission| permission.scope == Scope::Cluster)
        {
            let asks = permission
                .resources
                .iter()
                .all(|resource| resource.ends_with("reviews"));
            assert!(asks || !permission.names.is_empty(), "{permission:?}");
        }
    }

    #[test]
    fn users_objects_are_never_written() {
        let kept = [
            "playbooks",
            "automationrules",
            "apiconnections",
            "connectors",
            "playbookgrants",
        ];
        for permission in PERMISSIONS {
            let writes = permission
                .verbs
                .iter()
                .any(|verb| ["create", "update", "patch", "delete", "deletecollection"].contains(verb));
            let touches = permission.resources.iter().any(|resource| kept.contains(resource));
            assert!(!(writes && touches), "{permission:?}");
        }
    }
}
