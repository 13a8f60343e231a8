//! The kinds of Riposte as Rust types: what users write in manifests, and how manifests are read. Field documentation
//! is the user's manual.

pub mod analytics_rule;
pub mod api_connection;
pub mod automation_rule;
mod cel;
mod checks;
pub mod connector;
pub mod content_repository;
pub mod crd;
pub mod diagnostic;
mod finding;
pub mod identity;
pub mod incident;
mod kind;
mod label;
pub mod manifest;
mod nearest;
pub mod playbook;
pub mod playbook_grant;
pub mod playbook_run;
pub mod playbook_test;
pub mod reference;
mod schema;
mod secret;
pub mod status;
pub mod yaml;

pub use analytics_rule::{AnalyticsRule, AnalyticsRuleSpec};
pub use api_connection::{ApiConnection, ApiConnectionSpec};
pub use automation_rule::{AutomationRule, AutomationRuleSpec};
pub use connector::{Connector, ConnectorSpec};
pub use content_repository::{ContentRepository, ContentRepositorySpec};
pub use diagnostic::Diagnostic;
pub use incident::{Incident, IncidentSpec};
pub use kind::Kind;
pub use label::dns_label;
pub use manifest::Manifest;
pub use nearest::nearest;
pub use playbook::{Playbook, PlaybookSpec};
pub use playbook_grant::{PlaybookGrant, PlaybookGrantSpec};
pub use playbook_run::{PlaybookRun, PlaybookRunSpec};
pub use playbook_test::PlaybookTestSpec;
pub use secret::SecretString;

/// The API group of all kinds.
pub const GROUP: &str = "riposte.dev";
/// The served version of all kinds.
pub const VERSION: &str = "v1alpha1";
