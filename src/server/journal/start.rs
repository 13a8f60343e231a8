//! Starting a playbook: on an incident, an alert, an entity or a body of its own. Invariant: who starts a playbook on
//! the incident of another workspace may read incidents there.

use axum::extract::Request;
use serde::Deserialize;
use serde_json::Value as Json;

use super::access::Asker;
use super::answer::find_incident;
use super::incident::entity_id;
use super::request::{Attributes, Collection, GROUP, Place};
use super::status::Failure;
use crate::expression::Value;
use crate::rules::Entity;
use crate::server::body;
use crate::server::start::{Subject, wish};
use crate::server::state::ServerState;
use crate::store::RunRow;

/// What is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Start {
    /// Passed over: what every object of Kubernetes has.
    #[serde(default, rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(default, rename = "kind")]
    _kind: Option<String>,
    /// Where the incident or alert is. Absent: in the playbook's namespace.
    #[serde(default)]
    workspace: Option<String>,
    /// Number or id of an incident; with an entity the incident that it is of.
    #[serde(default)]
    incident: Option<Json>,
    /// Id of an alert.
    #[serde(default)]
    alert: Option<String>,
    /// An entity, or the id of one of the incident.
    #[serde(default)]
    entity: Option<Json>,
    /// The body of the trigger.
    #[serde(default)]
    body: Option<Json>,
}

/// Starts a playbook; when this returns, its runs are on the disk.
pub(super) async fn playbook(
    state: &ServerState,
    asker: &Asker,
    place: &Place,
    request: Request,
) -> Result<Vec<RunRow>, Failure> {
    let text = body::read(request, &state.settings).await?;
    let start: Start = serde_json::from_slice(&text).map_err(|error| Failure::malformed(error.to_string()))?;
    let workspace = start.workspace.clone().unwrap_or_else(|| place.namespace.clone());
    if start.body.is_none() && workspace != place.namespace {
        admit_reading(state, asker, &workspace).await?;
    }
    let subject = subject(state, &workspace, start).await?;
    let target = (place.namespace.clone(), place.name.clone());
    let wish = wish(state, &workspace, asker.requester(), target, subject).await?;
    let mut rows = Vec::new();
    for run in state.engine.start(&wish).await? {
        rows.extend(state.store.run(&run).await?);
    }
    Ok(rows)
}

async fn admit_reading(state: &ServerState, asker: &Asker, workspace: &str) -> Result<(), Failure> {
    let attributes = Attributes {
        verb: "get",
        group: GROUP,
        resource: Collection::Incidents.plural(),
        subresource: None,
        namespace: Some(workspace.to_owned()),
        name: None,
    };
    asker.admit(state, &attributes).await
}

async fn subject(state: &ServerState, workspace: &str, start: Start) -> Result<Subject, Failure> {
    match (start.incident, start.alert, start.entity, start.body) {
        (Some(incident), None, None, None) => Ok(Subject::Incident(named(&incident)?)),
        (None, Some(alert), None, None) => Ok(Subject::Alert(alert)),
        (None, None, None, Some(body)) => Ok(Subject::Body(Value::from(&body))),
        (incident, None, Some(entity), None) => {
            let incident = incident.as_ref().map(named).transpose()?;
            entity_subject(state, workspace, incident, &entity).await
        }
        _ => Err(Failure::malformed(
            "the body has exactly one of `incident` (number or id), `alert` (id), `entity` (an entity, or with `incident` \
             the id of one) and `body`",
        )),
    }
}

/// The number or the id of an incident.
fn named(incident: &Json) -> Result<String, Failure> {
    match incident {
        Json::Number(number) => Ok(number.to_string()),
        Json::String(id) => Ok(id.clone()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
            Err(Failure::malformed("`incident` must be a number or an id"))
        }
    }
}

async fn entity_subject(
    state: &ServerState,
    workspace: &str,
    incident: Option<String>,
    entity: &Json,
) -> Result<Subject, Failure> {
    let view = match &incident {
        Some(name) => Some(find_incident(state, workspace, name).await?),
        None => None,
    };
    let found = match (entity, &view) {
        (Json::String(id), Some(view)) => {
            let ids = state.desk.workspaces().ids(workspace);
            let mut entities = view.entities().into_iter();
            let found = entities.find(|entity| entity_id(entity, &ids) == *id);
            found.ok_or_else(|| Failure::missing(GROUP, "entities", id))?
        }
        (Json::String(_), None) => {
            return Err(Failure::malformed(
                "the id of an entity needs the `incident` that it is of",
            ));
        }
        (entity, _) => Entity::from_json(entity).map_err(|error| Failure::malformed(error.to_string()))?,
    };
    Ok(Subject::Entity(found, view.map(|view| view.incident.id)))
}
