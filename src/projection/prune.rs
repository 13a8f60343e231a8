//! Deletes objects that history limits and ages no longer keep, a few at a time. Shell around [`super::history`].

use std::collections::BTreeMap;

use kube::ResourceExt;

use super::history::{Limits, Past, expired};
use super::objects::{Objects, Policy};
use super::run_object::{INCIDENT, RUN, is_ours};
use super::run_status::is_ended;
use crate::api::automation_rule::IncidentStatus;
use crate::api::status::RunPhase;
use crate::api::{Incident, PlaybookRun};
use crate::store::Millis;

/// Closed incidents that a workspace keeps as objects, and for how long: seven days.
const CLOSED: Limits = Limits {
    successful: 100,
    failed: 100,
};
const KEEP_CLOSED: Millis = 7 * 24 * 3_600_000;

/// What playbooks say about their runs, for some time; `None` for those that are gone.
#[derive(Default)]
pub(super) struct Policies(BTreeMap<(String, String), (Millis, Option<Policy>)>);

/// How long what a playbook says is taken for current, in milliseconds.
const CURRENT: Millis = 300_000;

impl Policies {
    /// What a playbook says, asked for now.
    pub(super) async fn fresh(
        &mut self,
        objects: &Objects,
        (namespace, playbook): (&str, &str),
        now: Millis,
    ) -> Result<Option<Policy>, kube::Error> {
        let policy = objects.policy(namespace, playbook).await?;
        self.0
            .insert((namespace.to_owned(), playbook.to_owned()), (now, policy.clone()));
        Ok(policy)
    }

    /// What a playbook said not long ago.
    fn known(&self, namespace: &str, playbook: &str) -> Option<&Policy> {
        self.0.get(&(namespace.to_owned(), playbook.to_owned()))?.1.as_ref()
    }

    /// Forgets what is old, and asks for what these runs need.
    async fn refresh(&mut self, objects: &Objects, ended: &[Past], now: Millis) -> Result<(), kube::Error> {
        self.0.retain(|_, (at, _)| at.saturating_add(CURRENT) > now);
        for past in ended {
            if !self.0.contains_key(&(past.namespace.clone(), past.group.clone())) {
                self.fresh(objects, (&past.namespace, &past.group), now).await?;
            }
        }
        Ok(())
    }
}

/// Deletes what is expired.
///
/// # Errors
/// The API server failed; the next time goes on.
pub(super) async fn prune(objects: &Objects, policies: &mut Policies, now: Millis) -> Result<(), kube::Error> {
    let ended: Vec<_> = objects.runs.iter().flat_map(|store| store.state()).collect();
    let ended: Vec<Past> = ended.iter().filter_map(|run| past_run(run)).collect();
    policies.refresh(objects, &ended, now).await?;
    let policy = |namespace: &str, playbook: &str| policies.known(namespace, playbook);
    let runs: Vec<Past> = ended
        .into_iter()
        .map(|past| Past {
            keep: policy(&past.namespace, &past.group).and_then(|policy| policy.keep),
            ..past
        })
        .collect();
    // The runs of a playbook that is gone go with it.
    let none = Limits {
        successful: 0,
        failed: 0,
    };
    let limits = |namespace: &str, playbook: &str| policy(namespace, playbook).map_or(none, |policy| policy.limits);
    for (namespace, keys) in expired(&runs, limits, now) {
        objects.delete_runs(&namespace, &keys).await?;
    }
    let closed: Vec<_> = objects.incidents.iter().flat_map(|store| store.state()).collect();
    let closed: Vec<Past> = closed.iter().filter_map(|incident| past_incident(incident)).collect();
    for (namespace, keys) in expired(&closed, |_, _| CLOSED, now) {
        objects.delete_incidents(&namespace, &keys).await?;
    }
    Ok(())
}

fn past_run(run: &PlaybookRun) -> Option<Past> {
    let status = run.status.as_ref().filter(|status| is_ended(Some(status)))?;
    let is_kept = !is_ours(run.metadata.labels.as_ref()) || run.metadata.deletion_timestamp.is_some();
    let key = run.labels().get(RUN).filter(|_| !is_kept)?;
    Some(Past {
        namespace: run.namespace()?,
        group: run.spec.playbook_ref.name.clone(),
        key: key.clone(),
        succeeded: status.phase == Some(RunPhase::Succeeded),
        ended_at: status.completion_time.as_ref()?.0.as_millisecond(),
        keep: None,
    })
}

fn past_incident(incident: &Incident) -> Option<Past> {
    let status = incident.status.as_ref()?;
    let is_kept = !is_ours(incident.metadata.labels.as_ref()) || incident.metadata.deletion_timestamp.is_some();
    let key = incident.labels().get(INCIDENT).filter(|_| !is_kept)?;
    (status.status == Some(IncidentStatus::Closed)).then_some(())?;
    Some(Past {
        namespace: incident.namespace()?,
        group: String::new(),
        key: key.clone(),
        succeeded: true,
        ended_at: status.last_modified_time.as_ref()?.0.as_millisecond(),
        keep: Some(KEEP_CLOSED),
    })
}
