//! What the chart's account did and was refused, by the audit log of the API server: each permission of the program's
//! table is needed only if it was used, and is enough only if nothing was refused.

use riposte::cluster::rbac::{PERMISSIONS, Permission, Scope};

use crate::control_plane::{AuditEvent, ControlPlane};

/// A verb that the operator never asks for itself. Whether it holds it shows where it puts it into a Role: the API server
/// lets nobody put into a Role what they do not hold.
const HANDED_ON: &str = "run";

/// An account, and where its permissions hold.
pub struct Holder<'a> {
    /// The user name of the account.
    pub account: String,
    /// The operator's namespace.
    pub own: &'a str,
    /// The namespace that it watches, and whose Secrets it may get.
    pub watched: &'a str,
}

impl Holder<'_> {
    fn namespace(&self, scope: Scope) -> &str {
        match scope {
            Scope::Cluster => "",
            Scope::Watched | Scope::Credentials => self.watched,
            Scope::Own => self.own,
            Scope::KubeSystem => "kube-system",
        }
    }

    /// What the account was refused, each as `verb resource.group in namespace`.
    pub fn refused(&self, plane: &ControlPlane) -> Vec<String> {
        let mut refused: Vec<_> = plane
            .audit(|event| event.user.username == self.account && event.status.code == 403)
            .iter()
            .map(|event| {
                let (object, verb) = (&event.object, &event.verb);
                let resource = resource(event);
                format!("{verb} {resource}.{} in '{}'", object.api_group, object.namespace)
            })
            .collect();
        refused.sort();
        refused.dedup();
        refused
    }

    /// What the table grants and the account did not use, in the same form. A watch is used once it has ended.
    pub fn unused(&self, plane: &ControlPlane) -> Vec<String> {
        let used = plane.audit(|event| event.user.username == self.account && event.status.code < 400);
        let mut unused = Vec::new();
        for permission in PERMISSIONS {
            let namespace = self.namespace(permission.scope);
            for (resource, verb) in wanted(permission) {
                if !used
                    .iter()
                    .any(|event| uses(event, permission, namespace, resource, verb))
                {
                    unused.push(format!("{verb} {resource}.{} in '{namespace}'", permission.group));
                }
            }
        }
        unused
    }
}

/// What a rule allows to ask for.
fn wanted(permission: &Permission) -> impl Iterator<Item = (&'static str, &'static str)> {
    let Permission { resources, verbs, .. } = *permission;
    let all = resources
        .iter()
        .flat_map(|resource| verbs.iter().map(|verb| (*resource, *verb)));
    all.filter(|(_, verb)| *verb != HANDED_ON)
}

fn resource(event: &AuditEvent) -> String {
    match event.object.subresource.as_str() {
        "" => event.object.resource.clone(),
        subresource => format!("{}/{subresource}", event.object.resource),
    }
}

/// Whether a request could not have succeeded without this.
fn uses(event: &AuditEvent, permission: &Permission, namespace: &str, wanted: &str, verb: &str) -> bool {
    // An apply of something new is logged as a patch that created it; it needs both.
    let is_verb = event.verb == verb || (verb == "create" && event.verb == "patch" && event.status.code == 201);
    let is_named = permission.names.is_empty() || permission.names.contains(&event.object.name.as_str());
    is_verb
        && is_named
        && event.object.api_group == permission.group
        && resource(event) == wanted
        && event.object.namespace == namespace
}
