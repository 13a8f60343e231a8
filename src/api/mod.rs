//! The kinds of Riposte as Rust types: what users write in manifests, and how manifests are read. Field documentation
//! is the user's manual.

pub mod api_connection;
pub mod automation_rule;
mod checks;
pub mod connector;
pub mod diagnostic;
mod finding;
mod kind;
pub mod manifest;
mod nearest;
pub mod playbook;
pub mod playbook_grant;
pub mod reference;
mod schema;
mod secret;
pub mod yaml;

pub use api_connection::ApiConnectionSpec;
pub use automation_rule::AutomationRuleSpec;
pub use connector::ConnectorSpec;
pub use diagnostic::Diagnostic;
pub use kind::Kind;
pub use manifest::Manifest;
pub use nearest::nearest;
pub use playbook::PlaybookSpec;
pub use playbook_grant::PlaybookGrantSpec;
pub use secret::SecretString;

/// The API group of all kinds.
pub const GROUP: &str = "riposte.dev";
/// The served version of all kinds.
pub const VERSION: &str = "v1alpha1";
