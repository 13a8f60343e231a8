//! What the engine asks of the catalog: playbooks, rules, permissions. Implemented over the catalog of the process.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::api::AutomationRuleSpec;
use crate::api::playbook::Priority;
use crate::definition::{Limits, Workflow};
use crate::expression::Value;
use crate::grants::Permission;

/// A playbook as a run needs it.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The definition as text, which runs pin.
    pub definition: Arc<str>,
    /// SHA-256 of that text, in hex.
    pub hash: String,
    /// The checked definition.
    pub workflow: Arc<Workflow>,
    /// Given parameters.
    pub parameters: Vec<GivenParameter>,
    /// Given app settings.
    pub settings: Vec<GivenParameter>,
    /// Name in the definition, ApiConnection.
    pub connections: Vec<Connection>,
    /// Whether new runs are refused.
    pub suspended: bool,
}

/// A parameter or app setting that the playbook gives a value. Its debug text leaves the value out.
#[derive(Clone, PartialEq)]
pub struct GivenParameter {
    /// Name.
    pub name: String,
    /// Its value, or what is missing.
    pub value: Result<Value, String>,
    /// Whether the value came from a Secret.
    pub secret: bool,
}

impl fmt::Debug for GivenParameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GivenParameter")
            .field("name", &self.name)
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

/// A connection that the playbook binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Name in the definition.
    pub alias: String,
    /// Name of the ApiConnection.
    pub name: String,
    /// Name of its connector, if the connection exists.
    pub connector: Option<String>,
}

/// Why nobody can say whether a workspace may run a playbook: who decides does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the permission to run a playbook cannot be asked for: {0}")]
pub struct Undecided(pub String);

/// Tells that playbooks may have changed.
#[async_trait]
pub trait Changes: Send {
    /// Waits for the next change; for ever where nothing changes.
    async fn changed(&mut self);
}

/// Nothing ever changes.
struct NoChanges;

#[async_trait]
impl Changes for NoChanges {
    async fn changed(&mut self) {
        std::future::pending().await
    }
}

/// The catalog, as far as the engine needs it.
#[async_trait]
pub trait Content: Send + Sync {
    /// A playbook.
    fn playbook(&self, namespace: &str, name: &str) -> Option<Playbook>;

    /// The limits that runs are held to.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// How urgent the playbook says that its runs are; `None` where it says nothing.
    fn priority(&self, _namespace: &str, _name: &str) -> Option<Priority> {
        None
    }

    /// The playbooks whose triggers run by time, are subscribed at a service or collect messages; see [`TriggerKind::is_kept`].
    ///
    /// [`TriggerKind::is_kept`]: crate::definition::workflow::TriggerKind::is_kept
    fn kept(&self) -> Vec<Playbook> {
        Vec::new()
    }

    /// What a connection leads to, as a text that changes when it leads elsewhere; `None` if there is no such connection.
    fn destination(&self, _namespace: &str, _connection: &str) -> Option<String> {
        None
    }

    /// Tells of changes of the playbooks from now on.
    fn changes(&self) -> Box<dyn Changes> {
        Box::new(NoChanges)
    }

    /// The automation rules of a workspace.
    fn rules(&self, workspace: &str) -> Vec<(String, AutomationRuleSpec)>;

    /// Whether a workspace may run a playbook.
    ///
    /// # Errors
    /// Nobody can say at the moment; the question is asked again later.
    async fn permit(&self, workspace: &str, namespace: &str, playbook: &str) -> Result<Permission, Undecided>;
}
