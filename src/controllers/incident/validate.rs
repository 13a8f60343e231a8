//! Whether an object stands for an incident, and which wishes of it are settled. Pure.

use kube::ResourceExt;

use super::dereference::Found;
use crate::api::Incident;
use crate::projection::incident_status::Wishes;

/// An incident, and what became of the wishes of this object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) wishes: Wishes,
}

pub(super) fn known(object: &Incident, found: Found) -> Option<Known> {
    let uid = object.uid().unwrap_or_default();
    let own = found.wishes.filter(|wishes| wishes.uid == uid);
    Some(Known {
        id: found.id?,
        wishes: own.unwrap_or_else(|| Wishes {
            uid,
            ..Wishes::default()
        }),
    })
}
