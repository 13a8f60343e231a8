//! Tests of connections: whether a service answers. A connection is tested when it changed, and again after a while;
//! what was found is kept in between. Tests send no credentials.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::context::Memory;
use crate::connectors::{Client, Reached, ResolvedConnection, probe};

/// How long a service may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a good result counts.
pub(super) const GOOD: Duration = Duration::from_mins(10);
/// How long a bad result counts.
pub(super) const BAD: Duration = Duration::from_mins(1);

/// What a test found: that the service answers, or the code and the reason why it does not.
pub(super) type Found = Result<Reached, (String, String)>;

#[derive(Clone, Debug)]
struct Kept {
    fingerprint: u64,
    until: Instant,
    found: Found,
}

/// The tests of all connections, by namespace and name.
pub(super) struct Tests {
    client: Client,
    kept: Memory<Kept, (String, String)>,
    changes: watch::Sender<()>,
}

impl Tests {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            kept: Memory::default(),
            changes: watch::Sender::new(()),
        }
    }

    /// Tells when a service begins or ceases to answer.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Whether the service of a connection answered last time; `None` if it was not tested.
    pub fn last(&self, namespace: &str, name: &str) -> Option<bool> {
        let kept = self.kept.get(&(namespace.to_owned(), name.to_owned()));
        kept.map(|kept| kept.found.is_ok())
    }

    /// What is wrong or right with a connection, tested now if the last result is too old.
    pub async fn test(&self, namespace: &str, connection: &ResolvedConnection) -> Found {
        let key = (namespace.to_owned(), connection.name.clone());
        let fingerprint = fingerprint(connection);
        let before = self.kept.get(&key);
        if let Some(kept) = &before
            && kept.fingerprint == fingerprint
            && kept.until > Instant::now()
        {
            return kept.found.clone();
        }
        let found = probe(&self.client, connection, PATIENCE).await;
        let found = found.map_err(|error| (error.code, error.message));
        let until = Instant::now() + if found.is_ok() { GOOD } else { BAD };
        self.kept.put(
            key,
            Kept {
                fingerprint,
                until,
                found: found.clone(),
            },
        );
        if before.is_none_or(|before| before.found.is_ok() != found.is_ok()) {
            self.changes.send_replace(());
        }
        found
    }
}

/// Changes with everything that decides where a request goes.
fn fingerprint(connection: &ResolvedConnection) -> u64 {
    let mut hasher = DefaultHasher::new();
    connection.base_url.hash(&mut hasher);
    connection.connector.base_url.hash(&mut hasher);
    connection.parameters.hash(&mut hasher);
    connection.hosts.hash(&mut hasher);
    connection.allowed_networks.hash(&mut hasher);
    hasher.finish()
}
