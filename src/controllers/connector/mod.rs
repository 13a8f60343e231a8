//! Connectors: whether their OpenAPI document can be read, and what it offers.

mod dereference;
mod update_status;
mod validate;

use super::context::Context;
use super::progress::{Kind, Progress, Seen};
use crate::cluster::resource::{CONNECTOR, Resource};

/// Connectors.
pub(super) struct Connector;

impl Kind for Connector {
    const NAME: &'static str = "connector";
    const RESOURCE: Resource = CONNECTOR;
    const OWNED: &'static [&'static str] = &["host", "operations", "documentDigest"];

    async fn reconcile(seen: &Seen<'_>, _: &Context) -> Progress {
        if let Err(error) = seen.sound("InvalidOpenApi") {
            return Progress::of(Err(error));
        }
        let dereferenced = dereference::dereference(seen);
        let validated = validate::validate(seen, &dereferenced);
        update_status::update_status(&dereferenced, validated)
    }
}
