//! Managed identities of Azure: how actions name them. For each stands an ApiConnection that the playbook binds.

/// The type of authentication by which Azure's services prove who they are to each other.
pub const MANAGED_IDENTITY: &str = "ManagedServiceIdentity";

/// The connector of the connections that stand for managed identities.
pub const IDENTITY_CONNECTOR: &str = "managedidentity";

/// The name under which `spec.connections` binds a managed identity: `managedIdentity` for that of the workflow itself,
/// which no ARM id names, else the last part of its id.
pub fn identity_name(id: Option<&str>) -> String {
    let last = id.and_then(|id| id.trim_end_matches('/').rsplit('/').next());
    last.filter(|name| !name.is_empty())
        .unwrap_or("managedIdentity")
        .to_owned()
}
