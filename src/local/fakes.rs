//! Fakes of services that have no credentials, for `riposte dev`: small real servers on loopback.
//! A connection is faked if its annotation `riposte.dev/fake` is `true`, or with `--fakes`; never if it has credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::api::SecretString;
use crate::api::api_connection::{Brakes, ConnectionLimits};
use crate::catalog::{Connection, Current};
use crate::connectors::fake::{self, Fake};
use crate::connectors::{Connections, Connector, ResolvedConnection};

/// Stands for each connection parameter of a fake: base64, because some parameters are keys.
const PARAMETER: &str = "ZmFrZQ==";
/// Where fakes are.
const LOOPBACK: &str = "127.0.0.0/8";
/// The annotation of an ApiConnection that asks for a fake while it has no credentials.
const ANNOTATION: &str = "riposte.dev/fake";

/// The connections of the catalog, and a fake service for each that lacks its credentials.
#[derive(Clone)]
pub struct Fakes {
    catalog: Current,
    all: bool,
    running: Arc<Mutex<HashMap<String, Fake>>>,
}

impl Fakes {
    /// Fakes for a catalog: for every connection if `all`, else for those that ask for one. None runs before
    /// [`Fakes::refresh`].
    pub fn new(catalog: Current, all: bool) -> Self {
        Self {
            catalog,
            all,
            running: Arc::default(),
        }
    }

    /// Starts the fakes that the catalog of the moment needs, and tells of each new one: connector and address.
    ///
    /// # Errors
    /// No port can be opened.
    pub async fn refresh(&self) -> std::io::Result<Vec<(String, String)>> {
        let mut started = Vec::new();
        for connector in self.needed() {
            let name = connector.name.clone();
            if self.address(&name).is_some() {
                continue;
            }
            let fake = fake::serve(connector).await?;
            started.push((name.clone(), fake.base_url.clone()));
            self.running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name, fake);
        }
        Ok(started)
    }

    /// The connectors of connections that are to be faked; Riposte's own operations need no credentials.
    fn needed(&self) -> Vec<Arc<Connector>> {
        let catalog = self.catalog.get();
        let faked = catalog.connections().filter(|connection| {
            self.may_fake(connection) && self.real(&connection.namespace, &connection.name).is_err()
        });
        faked
            .filter_map(|connection| catalog.connector_of(connection).ok())
            .collect()
    }

    fn may_fake(&self, connection: &Connection) -> bool {
        self.all
            || connection
                .annotations
                .get(ANNOTATION)
                .is_some_and(|value| value == "true")
    }

    /// The fakes that run: connector and address.
    pub fn addresses(&self) -> Vec<(String, String)> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut addresses: Vec<_> = running
            .iter()
            .map(|(name, fake)| (name.clone(), fake.base_url.clone()))
            .collect();
        addresses.sort();
        addresses
    }

    fn address(&self, connector: &str) -> Option<String> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(connector).map(|fake| fake.base_url.clone())
    }

    /// The connection as it is in the catalog, if it has all that its connector needs.
    fn real(&self, namespace: &str, name: &str) -> Result<ResolvedConnection, String> {
        let connection = self.catalog.connection(namespace, name)?;
        let required = connection
            .connector
            .parameters
            .iter()
            .filter(|parameter| !parameter.optional);
        let missing = required
            .map(|parameter| &parameter.name)
            .find(|name| connection.parameter(name).is_none());
        match missing {
            Some(parameter) if connection.authentication.is_none() => Err(format!("lacks parameter '{parameter}'")),
            _ => Ok(connection),
        }
    }
}

impl Connections for Fakes {
    fn identity(&self, playbook: (&str, &str), identity: &str) -> Result<ResolvedConnection, String> {
        self.catalog.identity(playbook, identity)
    }

    fn connection_limits(&self, namespace: &str, name: &str) -> Option<ConnectionLimits> {
        self.catalog.connection_limits(namespace, name)
    }

    fn brakes(&self, namespace: &str, name: &str) -> Option<Brakes> {
        self.catalog.brakes(namespace, name)
    }

    fn connection(&self, namespace: &str, name: &str) -> Result<ResolvedConnection, String> {
        let reason = match self.real(namespace, name) {
            Ok(connection) => return Ok(connection),
            Err(reason) => reason,
        };
        let catalog = self.catalog.get();
        let connection = catalog.connection(namespace, name).ok_or_else(|| reason.clone())?;
        if !self.may_fake(connection) {
            return Err(reason);
        }
        let connector = catalog.connector_of(connection)?;
        let base_url = self.address(&connector.name).ok_or(reason)?;
        let parameters = connector.parameters.iter();
        let parameters = parameters
            .map(|parameter| (parameter.name.clone(), SecretString::from(PARAMETER)))
            .collect();
        Ok(ResolvedConnection {
            name: name.to_owned(),
            base_url: Some(base_url),
            parameters,
            authentication: None,
            hosts: Vec::new(),
            allowed_networks: LOOPBACK.parse().into_iter().collect(),
            connector,
        })
    }
}
