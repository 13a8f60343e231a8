//! What the status of a connector says.

use sha2::{Digest, Sha256};

use super::dereference::Dereferenced;
use crate::api::status::ConnectorStatus;
use crate::connectors::Connector;
use crate::controllers::condition::Shown;
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::Progress;

pub(super) fn update_status(found: &Dereferenced, validated: Result<Shown, ReconcileError>) -> Progress {
    let status = found.connector.as_deref().map(status).unwrap_or_default();
    Progress::of(validated).with_status(&status)
}

fn status(connector: &Connector) -> ConnectorStatus {
    let digest = Sha256::digest(connector.document.to_string());
    ConnectorStatus {
        host: connector.base_url.as_deref().map(host),
        operations: i32::try_from(connector.operations.len()).ok(),
        document_digest: Some(digest.iter().map(|byte| format!("{byte:02x}")).collect()),
        ..ConnectorStatus::default()
    }
}

/// The host of an address that may have places for parameters in it.
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest).chars().take(253).collect()
}
