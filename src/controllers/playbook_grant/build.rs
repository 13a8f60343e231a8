//! The Role and the RoleBinding of a grant. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::ResourceExt as _;
use kube::core::DynamicObject;
use sha2::{Digest, Sha256};

use crate::api::{GROUP, VERSION};
use crate::catalog::Grant;
use crate::cluster::resource::{PLAYBOOK, PLAYBOOK_GRANT};
use crate::grants::{AUTOMATION_ACCOUNT, RUN_VERB};

/// What the names of Role and RoleBinding begin with.
const PREFIX: &str = "riposte-grant-";
/// The longest name of an object.
const NAME_MAX: usize = 253;
/// The group of roles.
const RBAC: &str = "rbac.authorization.k8s.io";

/// What a grant becomes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Resources {
    pub role: Role,
    pub binding: RoleBinding,
}

pub(super) fn build(object: &DynamicObject, grant: &Grant) -> Resources {
    let metadata = metadata(object, grant);
    let name = metadata.name.clone().unwrap_or_default();
    let names: Vec<String> = grant.spec.to.iter().map(|to| to.name.clone()).collect();
    let rule = PolicyRule {
        api_groups: Some(vec![GROUP.to_owned()]),
        resources: Some(vec![PLAYBOOK.plural.to_owned()]),
        resource_names: (!names.is_empty()).then_some(names),
        verbs: vec![RUN_VERB.to_owned()],
        ..PolicyRule::default()
    };
    let account = |workspace: &str| Subject {
        kind: "ServiceAccount".to_owned(),
        name: AUTOMATION_ACCOUNT.to_owned(),
        namespace: Some(workspace.to_owned()),
        api_group: None,
    };
    let subjects = grant.spec.from.iter().map(|from| account(&from.namespace));
    Resources {
        role: Role {
            metadata: metadata.clone(),
            rules: Some(vec![rule]),
        },
        binding: RoleBinding {
            metadata,
            role_ref: RoleRef {
                api_group: RBAC.to_owned(),
                kind: "Role".to_owned(),
                name,
            },
            subjects: Some(subjects.collect()),
        },
    }
}

fn metadata(object: &DynamicObject, grant: &Grant) -> ObjectMeta {
    let labels = [
        ("app.kubernetes.io/managed-by", "riposte"),
        ("app.kubernetes.io/component", "grant"),
    ];
    let labels: BTreeMap<String, String> = labels
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let owner = OwnerReference {
        api_version: format!("{GROUP}/{VERSION}"),
        kind: PLAYBOOK_GRANT.kind.to_owned(),
        name: grant.name.clone(),
        uid: object.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    };
    ObjectMeta {
        name: Some(name(&grant.name)),
        namespace: Some(grant.namespace.clone()),
        labels: Some(labels),
        owner_references: Some(vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The name of both; of a long name its beginning and a digest, so that two never meet.
fn name(grant: &str) -> String {
    if PREFIX.len() + grant.len() <= NAME_MAX {
        return format!("{PREFIX}{grant}");
    }
    let digest: String = Sha256::digest(grant)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let room = NAME_MAX - PREFIX.len() - digest.len() - 1;
    let begin = grant[..grant.floor_char_boundary(room)].trim_end_matches(['-', '.']);
    format!("{PREFIX}{begin}-{digest}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn built(name: &str, to: &serde_json::Value) -> Resources {
        let object = serde_json::from_value(json!({
            "apiVersion": "riposte.dev/v1alpha1", "kind": "PlaybookGrant",
            "metadata": { "name": name, "namespace": "playbooks", "uid": "u" },
        }));
        let spec = json!({ "from": [{ "namespace": "soc" }], "to": to });
        let grant = Grant {
            namespace: "playbooks".into(),
            name: name.into(),
            spec: serde_json::from_value(spec).unwrap(),
            file: String::new(),
        };
        build(&object.unwrap(), &grant)
    }

    #[test]
    fn a_grant_gives_the_verb_on_its_playbooks_to_the_account_and_nothing_else() {
        let Resources { role, binding } = built("soc", &json!([{ "name": "close" }]));
        let expected = json!({
            "metadata": {
                "name": "riposte-grant-soc",
                "namespace": "playbooks",
                "labels": { "app.kubernetes.io/component": "grant", "app.kubernetes.io/managed-by": "riposte" },
                "ownerReferences": [{
                    "apiVersion": "riposte.dev/v1alpha1", "kind": "PlaybookGrant", "name": "soc", "uid": "u",
                    "controller": true,
                }],
            },
            "rules": [{
                "apiGroups": ["riposte.dev"], "resources": ["playbooks"], "resourceNames": ["close"], "verbs": ["run"],
            }],
        });
        let mut shown = serde_json::to_value(role).unwrap();
        let members = shown.as_object_mut().unwrap();
        members.retain(|name, _| expected.get(name).is_some());
        assert_eq!(shown, expected);
        assert_eq!(
            serde_json::to_value(&binding.subjects).unwrap(),
            json!([{ "kind": "ServiceAccount", "name": "riposte-automation", "namespace": "soc" }])
        );
        assert_eq!(binding.role_ref.name, "riposte-grant-soc");
    }

    #[test]
    fn no_names_are_every_playbook() {
        let Resources { role, .. } = built("all", &json!([]));
        assert_eq!(role.rules.unwrap()[0].resource_names, None);
    }

    #[test]
    fn long_names_stay_apart() {
        let (one, other) = (format!("{}a", "x".repeat(252)), format!("{}b", "x".repeat(252)));
        assert_ne!(name(&one), name(&other));
        assert_eq!(name(&one).len(), NAME_MAX);
    }
}
