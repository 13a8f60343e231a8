//! The kinds of Riposte as Rust types: what users write in manifests. Field documentation is the user's manual.

pub mod api_connection;
pub mod automation_rule;
pub mod connector;
pub mod diagnostic;
pub mod playbook;
pub mod playbook_grant;
pub mod reference;
pub mod yaml;

pub use api_connection::ApiConnectionSpec;
pub use automation_rule::AutomationRuleSpec;
pub use connector::ConnectorSpec;
pub use diagnostic::Diagnostic;
pub use playbook::PlaybookSpec;
pub use playbook_grant::PlaybookGrantSpec;

/// The API group of all kinds.
pub const GROUP: &str = "riposte.dev";
/// The served version of all kinds.
pub const VERSION: &str = "v1alpha1";
