//! Whether a service answers at all: a request without credentials to its address, within the connection's own bounds.

use std::time::Duration;

use super::client::{Bounds, Client};
use super::connection::ResolvedConnection;
use super::guard;
use super::request::{self, HttpRequest};
use crate::engine::call::CallError;

/// What a test of a connection found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Riposte itself is the service.
    Itself,
    /// The service answered with this HTTP status.
    Service(u16),
}

/// Asks the service of a connection for the head of its address.
///
/// # Errors
/// It has no address, may not be reached, or does not answer in time.
pub async fn probe(client: &Client, connection: &ResolvedConnection, timeout: Duration) -> Result<Reached, CallError> {
    let operations = &connection.connector.operations;
    if !operations.is_empty() && operations.iter().all(|operation| operation.is_own()) {
        return Ok(Reached::Itself);
    }
    let url = request::base_url(connection)?;
    let hosts = match connection.hosts.as_slice() {
        [] => vec![guard::authority(&url)],
        hosts => hosts.to_vec(),
    };
    let bounds = Bounds {
        hosts: Some(hosts),
        networks: connection.allowed_networks.clone(),
    };
    let request = HttpRequest {
        method: "HEAD".to_owned(),
        url,
        headers: Vec::new(),
        credentials: Vec::new(),
        body: Vec::new(),
    };
    let answer = client.send(request, &bounds, timeout).await?;
    Ok(Reached::Service(answer.status))
}
