//! Performs the calls of runs: finds connection and operation, then either asks Riposte's own incidents or sends a
//! guarded request. Invariant: a connection's credentials go only to its pinned hosts.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::client::{Bounds, Client};
use super::connection::{Connections, ResolvedAuthentication, ResolvedConnection};
use super::failure::Code;
use super::request::HttpRequest;
use super::sentinel::Performer;
use super::spec::{Connector, Match};
use super::tokens::Tokens;
use super::{guard, request};
use crate::engine::call::{Answer, Call, CallError, Services, Target};
use crate::incidents::Desk;

const REPEATABLE: &[&str] = &["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];

/// The outside world of runs, over connectors.
#[derive(Clone)]
pub struct ConnectorServices {
    connections: Arc<dyn Connections>,
    client: Client,
    incidents: Performer,
    tokens: Tokens,
}

impl ConnectorServices {
    /// Services over these connections, this client, and these incidents.
    pub fn new(connections: Arc<dyn Connections>, client: Client, desk: Desk) -> Self {
        Self {
            incidents: Performer::new(desk, connections.clone()),
            connections,
            client,
            tokens: Tokens::default(),
        }
    }

    fn connection(&self, call: &Call, name: &str) -> Result<ResolvedConnection, CallError> {
        let found = self.connections.connection(&call.namespace, name);
        found.map_err(|reason| Code::ConnectionNotFound.refusal(reason))
    }

    async fn call_connection(&self, call: &Call, name: &str) -> Result<Answer, CallError> {
        let connection = self.connection(call, name)?;
        let now = Timestamp::now();
        if request::is_poll(call) {
            return self
                .send(call, connection, now, |connection| request::poll(call, connection, now))
                .await;
        }
        let connector = connection.connector.clone();
        let found = find(&connector, call)?;
        match found.operation.native {
            Some(native) => self.incidents.perform(native, &found, call, now).await,
            None => {
                let build = |connection: &_| request::operation(call, &found, connection, now);
                self.send(call, connection, now, build).await
            }
        }
    }

    /// Sends what `build` makes, with a token in place of client credentials.
    async fn send(
        &self,
        call: &Call,
        mut connection: ResolvedConnection,
        now: Timestamp,
        build: impl Fn(&ResolvedConnection) -> Result<HttpRequest, CallError>,
    ) -> Result<Answer, CallError> {
        let hosts = match connection.hosts.as_slice() {
            [] => vec![guard::authority(&request::base_url(&connection)?)],
            hosts => hosts.to_vec(),
        };
        let credentials = match &connection.authentication {
            Some(ResolvedAuthentication::ClientCredentials(credentials)) => Some(credentials.clone()),
            Some(_) | None => None,
        };
        if let Some(credentials) = &credentials {
            let token = self
                .tokens
                .token(&self.client, &connection, credentials, now, call.timeout);
            connection.authentication = Some(ResolvedAuthentication::Bearer(token.await?));
        }
        let bounds = Bounds {
            hosts: Some(hosts),
            networks: connection.allowed_networks.clone(),
        };
        let answer = self.client.send(build(&connection)?, &bounds, call.timeout).await?;
        if let Some(credentials) = credentials.filter(|_| answer.status == 401) {
            self.tokens.forget(&credentials);
        }
        Ok(answer)
    }
}

/// The operation that a call names.
fn find<'c>(connector: &'c Connector, call: &Call) -> Result<Match<'c>, CallError> {
    let path = call.path.split('?').next().unwrap_or_default();
    connector.find(&call.method, path).ok_or_else(|| {
        let (name, method) = (&connector.name, &call.method);
        let nearest = connector.nearest(method, path).join("', '");
        let message = format!("connector '{name}' has no operation '{method} {path}'; the nearest are '{nearest}'");
        Code::OperationNotFound.refusal(message)
    })
}

#[async_trait]
impl Services for ConnectorServices {
    async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        match &call.target {
            Target::Http => {
                self.client
                    .send(request::http(call)?, &Bounds::default(), call.timeout)
                    .await
            }
            Target::Connection(name) => self.call_connection(call, name).await,
            Target::Operation { .. } | Target::Playbook(_) | Target::Batch { .. } | Target::Script { .. } => {
                let message = format!("no connector performs the action '{}'", call.action);
                Err(Code::OperationNotFound.refusal(message))
            }
        }
    }

    fn safe_to_repeat(&self, call: &Call) -> bool {
        match &call.target {
            _ if request::is_poll(call) => true,
            Target::Http => REPEATABLE.contains(&call.method.to_ascii_uppercase().as_str()),
            // What cannot be found now may have been there when the call was made.
            Target::Connection(name) => self
                .connection(call, name)
                .and_then(|connection| Ok(find(&connection.connector, call)?.operation.safe_to_repeat))
                .unwrap_or(false),
            Target::Operation { .. } | Target::Playbook(_) | Target::Batch { .. } | Target::Script { .. } => false,
        }
    }
}
