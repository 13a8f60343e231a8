//! What the catalog has of a grant, and the playbooks that it names.

use std::sync::Arc;

use crate::catalog::Grant;
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::{HOUSEKEEPING, Seen};

pub(super) struct Dereferenced {
    pub grant: Arc<Grant>,
    /// Playbooks that it names and that do not exist.
    pub missing: Vec<String>,
}

pub(super) fn dereference(seen: &Seen<'_>) -> Result<Dereferenced, ReconcileError> {
    seen.sound("InvalidSpec")?;
    let (namespace, name) = (seen.namespace(), seen.name());
    let catalog = &seen.snapshot.catalog;
    let grant = catalog.grants(namespace).iter().find(|grant| grant.name == name);
    let grant = grant.cloned().ok_or_else(|| ReconcileError::Waiting {
        reason: "Progressing",
        message: "the grant is not in the catalog yet".to_owned(),
        retry_after: HOUSEKEEPING,
    })?;
    let named = grant.spec.to.iter().map(|to| &to.name);
    let missing = named.filter(|playbook| catalog.playbook(namespace, playbook).is_none());
    Ok(Dereferenced {
        missing: missing.cloned().collect(),
        grant,
    })
}
