//! Writes Role and RoleBinding where they are not as they should be. What somebody else made under their name is left
//! alone.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PlaybookGrant;
use super::build::Resources;
use crate::controllers::context::Context;
use crate::controllers::error::ReconcileError;
use crate::controllers::progress::{Kind as _, Seen};

/// When to look again at a name that is taken.
const RETRY: Duration = Duration::from_mins(1);

pub(super) async fn apply(context: &Context, seen: &Seen<'_>, resources: &Resources) -> Result<(), ReconcileError> {
    let namespace = seen.namespace();
    let Resources { role, binding } = resources;
    let is_same = |found: &Role| found.rules == role.rules;
    one(&context.client, namespace, role, is_same).await?;
    let is_same = |found: &RoleBinding| found.subjects == binding.subjects && found.role_ref == binding.role_ref;
    one(&context.client, namespace, binding, is_same).await
}

async fn one<K>(
    client: &Client,
    namespace: &str,
    wanted: &K,
    is_same: impl Fn(&K) -> bool,
) -> Result<(), ReconcileError>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let name = wanted.name_any();
    if let Some(found) = api.get_opt(&name).await? {
        if found.owner_references() != wanted.owner_references() {
            return Err(taken::<K>(&name));
        }
        if is_same(&found)
            && wanted
                .labels()
                .iter()
                .all(|(key, value)| found.labels().get(key) == Some(value))
        {
            return Ok(());
        }
    }
    let parameters = PatchParams::apply(&format!("riposte/{}", PlaybookGrant::NAME)).force();
    api.patch(&name, &parameters, &Patch::Apply(wanted)).await?;
    Ok(())
}

fn taken<K: Resource<DynamicType = ()>>(name: &str) -> ReconcileError {
    let kind = K::kind(&());
    ReconcileError::Waiting {
        reason: "NameTaken",
        message: format!("{kind} `{name}` belongs to somebody else; rename the grant, or delete that {kind}"),
        retry_after: RETRY,
    }
}
