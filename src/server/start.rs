//! Starting a playbook by hand, on an incident, an alert, an entity or a body of its own, as "Run playbook" does.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

use super::caller::{Start, Workspace};
use super::problem::{Kind, Problem};
use super::state::ServerState;
use super::{body as text, incidents};
use crate::engine::start::{Request as Wish, StartKind};
use crate::expression::Value;
use crate::rules::Entity;
use crate::rules::body::{self, EventType};

/// The runs that were started: one, or with `splitOn` one for each element.
#[derive(Serialize)]
pub(super) struct Started {
    runs: Vec<String>,
}

/// What a run is started on.
pub(super) enum Subject {
    /// An incident, by number or id.
    Incident(String),
    /// An alert, by id.
    Alert(String),
    /// An entity, and the id of the incident that it is of.
    Entity(Entity, Option<String>),
    /// A body for any trigger.
    Body(Value),
}

/// `POST /v1/workspaces/{ws}/playbooks/{playbook}/runs`: answered when the runs are stored.
pub(super) async fn playbook(
    State(state): State<ServerState>,
    workspace: Workspace<Start>,
    Path((_, playbook)): Path<(String, String)>,
    request: Request,
) -> Result<(StatusCode, Json<Started>), Problem> {
    let body = text::read(request, &state.settings).await?;
    let subject = Subject::read(&body)?;
    let target = (workspace.name.clone(), playbook);
    let wish = wish(&state, &workspace.name, workspace.caller.requester(), target, subject).await?;
    let runs = state.engine.start(&wish).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { runs })))
}

impl Subject {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let expected = || {
            let detail = "the body has exactly one of `incident` (number or id), `alert` (id), `entity` and `body`";
            Problem::new(Kind::Malformed, detail)
        };
        let body: Value = serde_json::from_slice(body).map_err(|error| Problem::syntax(&error))?;
        let mut members = body.as_object().into_iter().flat_map(|object| object.iter());
        let (Some((name, value)), None) = (members.next(), members.next()) else {
            return Err(expected());
        };
        match (&**name, value) {
            ("incident", Value::Int(number)) => Ok(Self::Incident(number.to_string())),
            ("incident", Value::String(id)) => Ok(Self::Incident(id.to_string())),
            ("alert", Value::String(id)) => Ok(Self::Alert(id.to_string())),
            ("entity", value) => entity(value).map(|entity| Self::Entity(entity, None)),
            ("body", value) => Ok(Self::Body(value.clone())),
            _ => Err(expected()),
        }
    }
}

fn entity(value: &Value) -> Result<Entity, Problem> {
    let json = serde_json::to_value(value).map_err(|error| Problem::syntax(&error))?;
    Entity::from_json(&json).map_err(|error| Problem::new(Kind::Malformed, error.to_string()))
}

/// What the engine is asked for. `target` is the playbook by namespace and name; the subject is looked for in the
/// workspace.
pub(super) async fn wish(
    state: &ServerState,
    workspace: &str,
    requester: String,
    target: (String, String),
    subject: Subject,
) -> Result<Wish, Problem> {
    let ids = state.desk.workspaces().ids(workspace);
    let (namespace, playbook) = target;
    let wish = Wish {
        namespace,
        playbook,
        requester,
        ..Wish::default()
    };
    Ok(match subject {
        Subject::Incident(name) => {
            let view = incidents::find(state, workspace, &name).await?;
            let unique = Uuid::new_v4().to_string();
            Wish {
                kind: StartKind::Incident,
                body: body::incident_trigger(&view, None, &ids, EventType::Manual, &unique),
                incident: Some(view.incident.id),
                ..wish
            }
        }
        Subject::Alert(id) => {
            let (alert, incident) = alert(state, workspace, &id).await?;
            Wish {
                kind: StartKind::Alert,
                body: alert,
                incident,
                ..wish
            }
        }
        Subject::Entity(entity, incident) => {
            let arm_id = incident.as_deref().map(|id| ids.incident_arm_id(id));
            Wish {
                kind: StartKind::Entity,
                body: body::entity_trigger(&entity, arm_id.as_deref(), &ids),
                incident,
                ..wish
            }
        }
        Subject::Body(body) => Wish {
            kind: StartKind::Body,
            body,
            ..wish
        },
    })
}

/// The trigger's body for an alert of a workspace, and the incident that the alert joined.
async fn alert(state: &ServerState, workspace: &str, id: &str) -> Result<(Value, Option<String>), Problem> {
    let found = state.desk.alert(id).await?.filter(|alert| alert.workspace == workspace);
    let alert = found.ok_or_else(|| Problem::new(Kind::NotFound, "the workspace has no alert with this id"))?;
    let ids = state.desk.workspaces().ids(workspace);
    let incident = state.desk.incident_of_alert(&alert.id).await?;
    Ok((body::alert_trigger(&alert, &ids), incident))
}
