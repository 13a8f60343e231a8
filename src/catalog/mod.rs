//! The catalog: everything that users configure (playbooks, rules, connections, grants, their Secrets) as one
//! immutable snapshot that everything else reads. It is built of manifests without any input or output; a folder of
//! files gives the manifests in local mode. A snapshot never changes: who holds one sees one consistent state.

mod answers;
mod build;
mod connector;
mod content;
mod entry;
mod folder;
mod place;
mod playbook;
mod references;
mod snapshot;
mod source;
mod table;
mod template;
mod watch;

pub use content::Current;
pub use entry::{Connection, ConnectorEntry, Grant, Playbook, Rule};
pub use folder::{Folder, FolderError};
pub use snapshot::Catalog;
pub use source::Source;
pub use watch::Handle;

/// The namespace of objects that name none.
pub const DEFAULT_NAMESPACE: &str = "default";
