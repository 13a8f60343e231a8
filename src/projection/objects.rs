//! The objects of runs and incidents in the cluster: read from watches, written through the API server. Shell.
//! Invariants: a status is written only if it differs, and only on the object that it was made for.

use std::fmt::Debug;
use std::sync::Arc;

use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::discovery::ApiResource;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::history::Limits;
use super::run_object::{INCIDENT, Owner, RUN, incident_name, is_ours, run_name};
use crate::api::{AutomationRule, GROUP, Incident, Playbook, PlaybookRun, VERSION};
use crate::store::{Millis, RunRow};

/// The name under which all of this is written.
pub const MANAGER: &str = "riposte/projection";
/// Runs of a playbook that are kept as objects, where the playbook does not say.
const LIMITS: Limits = Limits {
    successful: 3,
    failed: 5,
};

/// The objects as the watches show them, and the way to write them.
#[derive(Clone)]
pub struct Objects {
    /// The API server.
    pub client: Client,
    /// Runs, a watch for each namespace or one for all.
    pub runs: Vec<Store<PlaybookRun>>,
    /// Incidents, likewise.
    pub incidents: Vec<Store<Incident>>,
}

/// What a playbook says about its runs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Policy {
    pub(super) owner: Owner,
    pub(super) limits: Limits,
    pub(super) keep: Option<Millis>,
}

/// The id of the run that an object asks for: the same for the same object, another for any other.
pub fn run_of(uid: &str) -> Uuid {
    let object = Uuid::try_parse(uid).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, uid.as_bytes()));
    Uuid::new_v5(&object, b"riposte.dev/run")
}

/// Whether an object asked for this run.
pub(super) fn is_from_object(run: &str) -> bool {
    Uuid::try_parse(run).is_ok_and(|id| id.get_version_num() == 5)
}

/// What follows from a failure of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is away or overloaded: nothing else can be written either.
    Away,
    /// This object cannot be written at the moment.
    Passing,
    /// It never can.
    Final,
}

/// What follows from a failure of the API server. What is forbidden may be granted soon.
pub(super) fn failure(error: &kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) => match status.code {
            401 | 408 | 429 => Failure::Away,
            409 if status.reason == "AlreadyExists" => Failure::Final,
            403 | 409 => Failure::Passing,
            400..=499 => Failure::Final,
            _ => Failure::Away,
        },
        _ => Failure::Away,
    }
}

impl Objects {
    /// The object of a run.
    pub(super) fn run(&self, row: &RunRow) -> Option<Arc<PlaybookRun>> {
        if is_from_object(&row.id) {
            let asked = |object: &PlaybookRun| {
                object.metadata.namespace.as_deref() == Some(&row.namespace)
                    && !is_ours(object.metadata.labels.as_ref())
                    && object.uid().is_some_and(|uid| run_of(&uid).to_string() == row.id)
            };
            return self.runs.iter().find_map(|store| store.find(asked));
        }
        let name = ObjectRef::new(&run_name(&row.name, &row.id)).within(&row.namespace);
        let found = self.runs.iter().find_map(|store| store.get(&name));
        found.filter(|object| object.labels().get(RUN) == Some(&row.id))
    }

    /// The namespace of the object that Riposte made for a run, whatever became of the run.
    pub(super) fn made_for(&self, run: &str) -> Option<String> {
        let is_it = |object: &PlaybookRun| {
            let labels = object.metadata.labels.as_ref();
            is_ours(labels) && labels.and_then(|labels| labels.get(RUN)).is_some_and(|of| of == run)
        };
        let found = self.runs.iter().find_map(|store| store.find(is_it));
        found.and_then(|object| object.namespace())
    }

    /// The object of an incident.
    pub(super) fn incident(&self, workspace: &str, number: i64) -> Option<Arc<Incident>> {
        let name = ObjectRef::new(&incident_name(number)).within(workspace);
        self.incidents.iter().find_map(|store| store.get(&name))
    }

    /// Makes an object, or finds the one that is there. The label of ours that names it must be the same.
    pub(super) async fn create<K>(&self, object: &K, label: &str) -> Result<K, kube::Error>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
    {
        let api: Api<K> = self.api(&object.namespace().unwrap_or_default());
        let parameters = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let failure = match api.create(&parameters, object).await {
            Ok(made) => return Ok(made),
            Err(error) => error,
        };
        let exists = matches!(&failure, kube::Error::Api(status) if status.code == 409);
        if exists
            && let Some(found) = named(&api, &object.name_any()).await?
            && found.labels().get(label) == object.labels().get(label)
        {
            return Ok(found);
        }
        Err(failure)
    }

    /// Writes a status; the object must be the one with this UID.
    ///
    /// # Errors
    /// The API server failed or refused.
    pub async fn write_status<K>(
        &self,
        namespace: &str,
        (name, uid): (&str, &str),
        status: &Value,
    ) -> Result<(), kube::Error>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        let api: Api<K> = self.api(namespace);
        let patch = json!({
            "apiVersion": format!("{GROUP}/{VERSION}"),
            "kind": K::kind(&()),
            "metadata": { "name": name, "uid": uid },
            "status": status,
        });
        let parameters = PatchParams::apply(MANAGER).force();
        api.patch_status(name, &parameters, &Patch::Apply(&patch)).await?;
        Ok(())
    }

    /// What a playbook says about its runs; `None` if it is gone.
    pub(super) async fn policy(&self, namespace: &str, playbook: &str) -> Result<Option<Policy>, kube::Error> {
        let kind = ApiResource::erase::<Playbook>(&());
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &kind);
        let Some(found) = api.get_opt(playbook).await? else {
            return Ok(None);
        };
        let spec = |name: &str| found.data.get("spec")?.get(name)?.as_u64();
        let limit = |name: &str, fallback: usize| {
            spec(name).map_or(fallback, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
        };
        let keep = spec("ttlSecondsAfterFinished").and_then(|seconds| Millis::try_from(seconds).ok());
        Ok(Some(Policy {
            owner: Owner {
                uid: found.uid().unwrap_or_default(),
                generation: found.metadata.generation.unwrap_or_default(),
            },
            limits: Limits {
                successful: limit("successfulRunsHistoryLimit", LIMITS.successful),
                failed: limit("failedRunsHistoryLimit", LIMITS.failed),
            },
            keep: keep.map(|seconds| seconds.saturating_mul(1_000)),
        }))
    }

    /// An automation rule as it is now; `None` if it is gone.
    pub(super) async fn rule(&self, workspace: &str, rule: &str) -> Result<Option<DynamicObject>, kube::Error> {
        let kind = ApiResource::erase::<AutomationRule>(&());
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), workspace, &kind);
        api.get_opt(rule).await
    }

    /// Deletes runs by their ids, in one request.
    pub(super) async fn delete_runs(&self, namespace: &str, runs: &[String]) -> Result<(), kube::Error> {
        self.delete::<PlaybookRun>(namespace, RUN, runs).await
    }

    /// Deletes incidents by their names, in one request.
    pub(super) async fn delete_incidents(&self, namespace: &str, names: &[String]) -> Result<(), kube::Error> {
        self.delete::<Incident>(namespace, INCIDENT, names).await
    }

    async fn delete<K>(&self, namespace: &str, label: &str, values: &[String]) -> Result<(), kube::Error>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
    {
        use super::run_object::{MANAGED_BY, RIPOSTE};
        let api: Api<K> = self.api(namespace);
        let selector = format!("{MANAGED_BY}={RIPOSTE},{label} in ({})", values.join(","));
        let which = ListParams::default().labels(&selector);
        api.delete_collection(&DeleteParams::default(), &which).await?;
        Ok(())
    }

    fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// The object of this name, by a list: who may list needs no permission to get.
async fn named<K>(api: &Api<K>, name: &str) -> Result<Option<K>, kube::Error>
where
    K: Clone + Debug + DeserializeOwned,
{
    let one = ListParams::default().fields(&format!("metadata.name={name}"));
    Ok(api.list(&one).await?.items.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_of_an_object_is_known_by_its_id() {
        let run = run_of("7b1e9a00-55aa-4c55-9a00-d1f2a3b4c5d6");
        assert_eq!(run, run_of("7b1e9a00-55aa-4c55-9a00-d1f2a3b4c5d6"));
        assert_ne!(run, run_of("7b1e9a00-55aa-4c55-9a00-d1f2a3b4c5d7"));
        assert!(is_from_object(&run.to_string()));
        assert!(!is_from_object("0199f3c2-7b1e-7c55-9a00-d1f2a3b4c5d6"));
    }
}
