//! The playbooks that a rule runs: whether they are there, and whether its workspace may run them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::Diagnostic;
use crate::api::automation_rule::RuleAction;
use crate::catalog::Rule;
use crate::cluster::resource::PLAYBOOK;
use crate::cluster::source::Key;
use crate::controllers::context::Context;
use crate::controllers::progress::Seen;
use crate::engine::content::{Content as _, Undecided};
use crate::grants::Permission;

pub(super) struct Dereferenced {
    pub rule: Option<Arc<Rule>>,
    /// What it names and is not there, or does not fit.
    pub problems: Vec<Diagnostic>,
    /// The playbooks that are there but invalid, with no last good version, as `namespace/name`.
    pub invalid: Vec<String>,
    /// Whether a grant of the catalog covers every playbook: what RBAC gives beside may go unseen.
    pub covered: bool,
    /// Whether the workspace may run each playbook that is there.
    pub permissions: Vec<Result<Permission, Undecided>>,
}

pub(super) async fn dereference(seen: &Seen<'_>, context: &Context) -> Dereferenced {
    let catalog = &seen.snapshot.catalog;
    let (workspace, name) = (seen.namespace(), seen.name());
    let rule = catalog.rules(workspace).iter().find(|rule| rule.name == name).cloned();
    let targets = rule.as_deref().map(targets).unwrap_or_default();
    let mut permissions = Vec::new();
    let mut covered = true;
    let mut invalid = Vec::new();
    for (namespace, playbook) in &targets {
        let key = Key {
            kind: PLAYBOOK.kind,
            namespace: namespace.clone(),
            name: playbook.clone(),
        };
        match seen.snapshot.reading(&key) {
            Some(reading) if !reading.is_served() => invalid.push(format!("{namespace}/{playbook}")),
            Some(_) | None => {}
        }
        let given = context.catalog.permit(workspace, namespace, playbook).await;
        covered &= matches!(given, Ok(Permission::Granted));
        permissions.push(context.reviews.permit(workspace, namespace, playbook).await);
    }
    Dereferenced {
        problems: catalog.problems("AutomationRule", workspace, name).to_vec(),
        rule,
        invalid,
        covered,
        permissions,
    }
}

/// Namespace and name of each playbook that a rule runs, once.
fn targets(rule: &Rule) -> BTreeSet<(String, String)> {
    let targets = rule.spec.actions.iter().filter_map(|action| match action {
        RuleAction::RunPlaybook(target) => Some(target),
        RuleAction::ModifyProperties(_) | RuleAction::AddIncidentTask(_) => None,
    });
    targets
        .map(|target| {
            let namespace = target.namespace.as_ref().unwrap_or(&rule.namespace);
            (namespace.clone(), target.name.clone())
        })
        .collect()
}
