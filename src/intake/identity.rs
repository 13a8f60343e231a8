//! Names that depend on content alone: ids from deduplication keys, keys from content. Invariant: equal deliveries give
//! equal names, in any process and version.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::rules::Entity;

/// The id of a thing of a workspace, a UUID v5 of its deduplication key. `kind` keeps alerts and incidents apart.
pub(super) fn id(workspace: &str, kind: &str, dedup_key: &str) -> String {
    let workspace = Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("https://riposte.dev/workspaces/{workspace}").as_bytes(),
    );
    Uuid::new_v5(&workspace, format!("{kind}:{dedup_key}").as_bytes()).to_string()
}

/// A hash of parts in order, in hex. The length of each part is hashed too, so that parts cannot flow together.
pub(super) fn hash<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The key by which like alerts join one incident: their source, rule and entities in any order.
pub(super) fn group_key(source: &str, rule: &str, entities: &[Entity]) -> String {
    let mut identities: Vec<String> = entities.iter().map(Entity::group_identity).collect();
    identities.sort();
    identities.dedup();
    hash([source, rule].into_iter().chain(identities.iter().map(String::as_str)))
}

/// A deduplication key: the sender's own id, or a hash of content if that id is missing or too long to be a key.
pub(super) fn dedup_key(source: &str, own: Option<&str>, content: impl FnOnce() -> String) -> String {
    match own.map(str::trim).filter(|own| !own.is_empty()) {
        Some(own) if own.len() <= 200 => format!("{source}/{own}"),
        Some(own) => format!("{source}/sha256-{}", hash([own])),
        None => format!("{source}/sha256-{}", content()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::EntityKind;

    #[test]
    fn parts_do_not_flow_together() {
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
    }

    #[test]
    fn ids_differ_by_workspace_and_kind() {
        assert_eq!(id("soc", "alert", "k"), id("soc", "alert", "k"));
        assert_ne!(id("soc", "alert", "k"), id("shop", "alert", "k"));
        assert_ne!(id("soc", "alert", "k"), id("soc", "incident", "k"));
    }

    #[test]
    fn groups_ignore_order_repetition_and_process_numbers() {
        let host = Entity::new(EntityKind::Host, [("hostName", "web-1")]);
        let process = |pid: &str| Entity::new(EntityKind::Process, [("commandLine", "sh"), ("processId", pid)]);
        let one = group_key("falco", "shell", &[host.clone(), process("1"), host.clone()]);
        let other = group_key("falco", "shell", &[process("2"), host.clone()]);
        assert_eq!(one, other);
        assert_ne!(one, group_key("falco", "shell", &[host]));
    }
}
