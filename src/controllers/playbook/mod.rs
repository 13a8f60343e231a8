//! Playbooks: whether the definition can run, what starts it, which connections it needs and how they are.

mod dereference;
mod update_status;
mod validate;

use super::context::Context;
use super::progress::{Kind, Progress, Seen};
use crate::cluster::resource::{PLAYBOOK, Resource};

/// Playbooks.
pub(super) struct Playbook;

impl Kind for Playbook {
    const NAME: &'static str = "playbook";
    const RESOURCE: Resource = PLAYBOOK;
    const OWNED: &'static [&'static str] = &[
        "trigger",
        "triggerKind",
        "entityType",
        "definitionDigest",
        "requiredConnections",
        "requiredPermissions",
    ];

    async fn reconcile(seen: &Seen<'_>, context: &Context) -> Progress {
        // Of a broken playbook the catalog may have the last good version: the fields are about what runs.
        let dereferenced = dereference::dereference(seen, context);
        let sound = seen.sound("InvalidDefinition");
        let validated = sound.and_then(|()| validate::validate(&dereferenced));
        update_status::update_status(&dereferenced, validated)
    }
}
