//! `PlaybookRun`: one execution of a playbook, made by a rule, by a person or by a schedule. Its spec does not change
//! but for the wish that it ends.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cel;
use super::reference::LocalRef;

/// What to run, and for what.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[kube(
    group = "riposte.dev",
    version = "v1alpha1",
    kind = "PlaybookRun",
    plural = "playbookruns"
)]
#[kube(shortname = "pbrun", namespaced)]
#[kube(
    status = "super::status::PlaybookRunStatus",
    derive = "PartialEq",
    category = "riposte"
)]
#[kube(
    doc = "A run: one execution of a playbook, or with `splitOn` one for each element. Runs are told apart by the UID of the object: one that is made anew under the same name, such as from a Git repository after its deletion, runs again. Deleting the object does nothing to its run, which goes on and stays in the store: set `spec.desiredState` to `Cancelled` to end it, and delete runs of journal.riposte.dev to forget it."
)]
#[kube(selectable = ".spec.playbookRef.name")]
#[kube(selectable = ".spec.desiredState")]
#[kube(selectable = ".status.phase")]
#[kube(selectable = ".status.runId")]
#[kube(printcolumn = r#"{"name": "PLAYBOOK", "type": "string", "jsonPath": ".spec.playbookRef.name"}"#)]
#[kube(printcolumn = r#"{"name": "PHASE", "type": "string", "jsonPath": ".status.phase"}"#)]
#[kube(
    printcolumn = r#"{"name": "REQUESTER", "type": "string", "jsonPath": ".spec.requestedBy.username", "priority": 1}"#
)]
#[kube(printcolumn = r#"{"name": "COMPLETED", "type": "date", "jsonPath": ".status.completionTime", "priority": 1}"#)]
#[kube(
    printcolumn = r#"{"name": "STATUS", "type": "string", "jsonPath": ".status.conditions[?(@.type==\"Succeeded\")].message"}"#
)]
#[kube(printcolumn = r#"{"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"}"#)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    cel::rule(
        "self.playbookRef == oldSelf.playbookRef && self.trigger == oldSelf.trigger && \
         has(self.requestedBy) == has(oldSelf.requestedBy) && \
         (!has(self.requestedBy) || self.requestedBy == oldSelf.requestedBy)",
        cel::RUN_IS_IMMUTABLE,
    ),
    cel::rule(
        "oldSelf.desiredState != 'Cancelled' || self.desiredState == 'Cancelled'",
        cel::STAYS_CANCELLED,
    ),
]))]
pub struct PlaybookRunSpec {
    /// The playbook, of this namespace.
    pub playbook_ref: LocalRef,
    /// What the run is started with; it must fit the trigger of the playbook.
    pub trigger: RunTrigger,
    /// Who asked for the run. Stamped when the object is created; what a person writes must be true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<Requester>,
    /// Whether the run goes on. The only field that can be changed, and only to `Cancelled`. Defaults to `Running`.
    #[serde(default)]
    pub desired_state: DesiredState,
}

/// What a run is started with. Exactly one field is set.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunTrigger {
    /// An incident, for a playbook with an incident trigger.
    Incident(ObjectReference),
    /// An alert, for a playbook with an alert trigger.
    Alert(ObjectReference),
    /// An entity, for a playbook with an entity trigger.
    Entity(EntityReference),
    /// The body of a request, for a playbook with another trigger.
    Payload(Payload),
    /// A time of a schedule, for a playbook with a recurrence.
    Schedule(ScheduledTime),
}

/// An incident or alert of a workspace.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectReference {
    /// The workspace: the namespace that it belongs to. Absent: the namespace of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// Its id, or the number of an incident.
    #[schemars(length(min = 1, max = 64), pattern("^[0-9A-Za-z]([-0-9A-Za-z]*[0-9A-Za-z])?$"))]
    pub id: String,
}

/// An entity of a workspace.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntityReference {
    /// The workspace: the namespace that it belongs to. Absent: the namespace of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// Its id, as `status.entities` of an incident shows it.
    #[schemars(length(min = 1, max = 64), pattern("^[0-9A-Za-z]([-0-9A-Za-z]*[0-9A-Za-z])?$"))]
    pub id: String,
    /// The id or number of the incident that it was chosen in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), pattern("^[0-9A-Za-z]([-0-9A-Za-z]*[0-9A-Za-z])?$"))]
    pub incident: Option<String>,
}

/// The body of a request.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Payload {
    /// JSON text, at most 262,144 characters. It holds no secret: whoever may read the run may read it.
    #[schemars(length(min = 1, max = 262_144))]
    pub body: String,
}

/// A time at which a schedule asks for a run.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduledTime {
    /// The time, as RFC 3339.
    #[schemars(length(min = 1, max = 64), extend("format" = "date-time"))]
    pub time: String,
}

/// A person or account of the cluster.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requester {
    /// The name that Kubernetes authenticated.
    #[schemars(length(min = 1, max = 1024))]
    pub username: String,
    /// The UID that goes with it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub uid: Option<String>,
    /// The groups of the account, at most 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500), inner(length(max = 1024)), extend("x-kubernetes-list-type" = "set"))]
    pub groups: Vec<String>,
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
pub enum DesiredState {
    /// It goes on to its end.
    #[default]
    Running,
    /// It ends: no action begins any more, calls that are under way end and are recorded, and nothing is undone. Runs of
    /// other playbooks that it started go on. `riposte cancel --now` does not wait for calls.
    Cancelled,
}
