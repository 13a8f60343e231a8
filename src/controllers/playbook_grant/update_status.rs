//! What the status of a grant says.

use std::time::Duration;

use kube::ResourceExt as _;

use super::build::Resources;
use super::dereference::Dereferenced;
use crate::api::status::PlaybookGrantStatus;
use crate::controllers::condition::Shown;
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::Progress;

/// When to look whether somebody changed Role or RoleBinding: nothing watches them.
const AGAIN: Duration = Duration::from_mins(5);

pub(super) fn update_status(found: &Dereferenced, applied: Result<(Shown, Resources), ReconcileError>) -> Progress {
    let spec = &found.grant.spec;
    let status = PlaybookGrantStatus {
        role_name: applied.as_ref().ok().map(|(_, resources)| resources.role.name_any()),
        granted: match &applied {
            Ok(_) => spec.from.iter().map(|from| from.namespace.clone()).collect(),
            Err(_) => Vec::new(),
        },
        missing_playbooks: found.missing.clone(),
        ..PlaybookGrantStatus::default()
    };
    let mut progress = Progress::of(applied.map(|(shown, _)| shown)).with_status(&status);
    progress.again = AGAIN;
    progress
}
