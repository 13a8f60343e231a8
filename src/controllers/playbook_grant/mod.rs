//! Grants: each becomes a Role and a RoleBinding, so that RBAC alone says who may run what. Both belong to the grant and
//! go with it.

mod apply;
mod build;
mod dereference;
mod update_status;
mod validate;

use super::context::Context;
use super::error::ReconcileError;
use super::progress::{Kind, Progress, Seen};
use crate::cluster::resource::{PLAYBOOK_GRANT, Resource};

/// Grants.
pub(super) struct PlaybookGrant;

impl Kind for PlaybookGrant {
    const NAME: &'static str = "playbookgrant";
    const RESOURCE: Resource = PLAYBOOK_GRANT;
    const OWNED: &'static [&'static str] = &["roleName", "granted", "missingPlaybooks"];

    async fn reconcile(seen: &Seen<'_>, context: &Context) -> Progress {
        let dereferenced = match dereference::dereference(seen) {
            Ok(dereferenced) => dereferenced,
            Err(error) => return Progress::of(Err(error)),
        };
        let validated = validate::validate(&dereferenced);
        let resources = build::build(seen.object, &dereferenced.grant);
        let applied: Result<(), ReconcileError> = apply::apply(context, seen, &resources).await;
        update_status::update_status(&dereferenced, applied.map(|()| (validated, resources)))
    }
}
