//! Runs as objects of the aggregated API. Pure. Invariant: nothing secure is shown; inputs and outputs are only in the
//! part `actions`, for which RBAC has a name of its own.

use serde_json::{Map, Value, json};

use super::metadata;
use super::request::GROUP;
use crate::api::{GROUP as OBJECT_GROUP, VERSION};
use crate::definition::Workflow;
use crate::engine::clock::round_trip;
use crate::engine::state::State;
use crate::engine::status::RunStatus;
use crate::engine::view;
use crate::store::RunRow;

/// Members of an action that belong to the summary of a run.
const SUMMARY: &[&str] = &[
    "status",
    "code",
    "error",
    "startTime",
    "endTime",
    "attempts",
    "repetitionCount",
];

/// A run as lists have it. `incident` is the number of its incident.
pub(super) fn summary(row: &RunRow, incident: Option<i64>) -> Value {
    let mut labels = Map::new();
    labels.insert(format!("{OBJECT_GROUP}/playbook"), json!(row.name));
    if let Some(number) = incident {
        labels.insert(format!("{OBJECT_GROUP}/incident"), json!(number.to_string()));
    }
    let mut metadata = metadata(&row.namespace, &row.id, &row.id, row.created_at);
    metadata["labels"] = labels.into();
    metadata["resourceVersion"] = json!(row.seq.to_string());
    let mut spec = json!({ "playbook": row.name });
    set(&mut spec, "incident", row.incident.as_ref());
    set(&mut spec, "incidentNumber", incident.as_ref());
    set(&mut spec, "parent", row.parent.as_ref());
    set(&mut spec, "resubmitOf", row.resubmit_of.as_ref());
    let status = row.status.as_deref().unwrap_or(RunStatus::Running.as_str());
    let mut status = json!({ "status": status, "startTime": round_trip(row.created_at) });
    set(&mut status, "endTime", row.ended_at.map(round_trip).as_ref());
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "Run",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    })
}

/// A run with a summary of each action.
pub(super) fn full(row: &RunRow, incident: Option<i64>, workflow: &Workflow, state: &State) -> Value {
    let mut run = summary(row, incident);
    let opened = &state.opened;
    run["spec"]["requester"] = json!(opened.requester);
    run["spec"]["trigger"] = json!(opened.trigger);
    run["spec"]["definition"] = json!(opened.definition);
    set(&mut run["spec"], "resubmitFrom", opened.resubmit_from.as_ref());
    run["status"]["status"] = json!(view::status(state).as_str());
    set(&mut run["status"], "cancelledBy", state.cancelling.as_ref());
    if state.closed.is_none() {
        run["status"]["deadline"] = json!(round_trip(state.deadline()));
        run["status"]["waitsFor"] = view::waits(workflow, state)
            .into_iter()
            .map(|wait| {
                let until = round_trip(wait.until);
                json!({ "action": wait.action, "what": wait.what, "because": wait.because, "until": until })
            })
            .collect();
    }
    let shown = shown(workflow, state);
    if let Some(error) = shown.get("error") {
        run["status"]["error"] = error.clone();
    }
    let actions = shown.get("actions").and_then(Value::as_object);
    let actions = actions.into_iter().flatten().map(|(name, action)| {
        let mut summary = Map::new();
        summary.insert("name".into(), json!(name));
        let members = SUMMARY
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), action.get(*name)?.clone())));
        summary.extend(members);
        Value::Object(summary)
    });
    run["status"]["actions"] = actions.collect();
    run
}

/// The part `actions` of a run: everything that `riposte run -o json` shows.
pub(super) fn actions(row: &RunRow, workflow: &Workflow, state: &State) -> Value {
    let mut part = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "RunActions",
        "metadata": metadata(&row.namespace, &row.id, &row.id, row.created_at),
    });
    if let (Some(members), Value::Object(shown)) = (part.as_object_mut(), shown(workflow, state)) {
        members.extend(shown);
    }
    part
}

fn shown(workflow: &Workflow, state: &State) -> Value {
    // A value of the language always has a JSON form.
    serde_json::to_value(view::run(workflow, state)).unwrap_or_default()
}

/// Sets a member that may be absent.
fn set<T: serde::Serialize>(object: &mut Value, name: &str, value: Option<&T>) {
    if let Some(value) = value {
        object[name] = json!(value);
    }
}
