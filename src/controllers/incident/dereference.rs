//! The incident that an object stands for, and what became of its wishes, read from the store.

use kube::ResourceExt;

use crate::api::Incident;
use crate::controllers::error::ReconcileError;
use crate::controllers::live::{Context, store_failed};
use crate::projection::incident_status::Wishes;

/// What the store has.
pub(super) struct Found {
    /// Id of the incident, if there is one.
    pub(super) id: Option<String>,
    /// What became of wishes for it.
    pub(super) wishes: Option<Wishes>,
}

pub(super) async fn dereference(object: &Incident, context: &Context) -> Result<Found, ReconcileError> {
    let number = object
        .name_any()
        .strip_prefix("inc-")
        .and_then(|number| number.parse().ok());
    let workspace = object.namespace().unwrap_or_default();
    let id = match number {
        Some(number) => context
            .desk
            .incident_by_number(&workspace, number)
            .await
            .map_err(store_failed)?,
        None => None,
    };
    let wishes = match &id {
        Some(id) => context.setting(&Wishes::setting(id)).await?,
        None => None,
    };
    Ok(Found {
        id,
        wishes: wishes.and_then(|text| serde_json::from_str(&text).ok()),
    })
}
