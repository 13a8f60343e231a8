//! Incidents for people and programs: the list of a workspace, and one with everything about it.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::caller::{Read, Workspace};
use super::evaluation::{self, EvaluationAnswer};
use super::params::{self, Params};
use super::problem::{Kind, Problem};
use super::runs::RunAnswer;
use super::state::ServerState;
use crate::api::automation_rule::IncidentStatus;
use crate::engine::shell::{EVALUATION, PLAYBOOK};
use crate::expression::Value;
use crate::rules::{Activity, IncidentView, body};
use crate::store::{IncidentFilter, RunFilter, RunRow};

/// How many runs, and how many evaluations, an incident shows: the newest.
const RUNS_MAX: u32 = 100;
/// How many changes an incident shows: the newest.
pub(super) const ACTIVITIES_MAX: u32 = 100;

/// Which incidents are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    status: Option<IncidentStatus>,
    limit: Option<u32>,
}

/// A list of incidents.
#[derive(Serialize)]
pub(super) struct Incidents {
    incidents: Vec<Value>,
}

/// `GET /v1/workspaces/{ws}/incidents`: the newest first, without what belongs to them.
pub(super) async fn list(
    State(state): State<ServerState>,
    workspace: Workspace<Read>,
    Params(which): Params<Which>,
) -> Result<Json<Incidents>, Problem> {
    let filter = IncidentFilter {
        status: which.status.map(|status| status.as_str().to_owned()),
        limit: params::limit(which.limit),
        workspace: Some(workspace.name.clone()),
    };
    let ids = state.desk.workspaces().ids(&workspace.name);
    let found = state.desk.incidents(&filter).await?.into_iter();
    let views = found.map(|incident| IncidentView {
        incident,
        ..IncidentView::default()
    });
    let incidents = views.map(|view| body::incident_resource(&view, &ids)).collect();
    Ok(Json(Incidents { incidents }))
}

/// An incident with its changes and the runs and evaluations about it.
pub(super) struct Dossier {
    pub(super) view: IncidentView,
    /// The last changes, the newest first.
    pub(super) activities: Vec<Activity>,
    pub(super) runs: Vec<RunAnswer>,
    pub(super) evaluations: Vec<EvaluationAnswer>,
}

/// The resource, with the changes, the runs and the evaluations beside its properties.
#[derive(Serialize)]
pub(super) struct IncidentAnswer {
    #[serde(flatten)]
    resource: Value,
    activities: Vec<Activity>,
    runs: Vec<RunAnswer>,
    evaluations: Vec<EvaluationAnswer>,
}

/// `GET /v1/workspaces/{ws}/incidents/{incident}`, by number or id.
pub(super) async fn one(
    State(state): State<ServerState>,
    workspace: Workspace<Read>,
    Path((_, incident)): Path<(String, String)>,
) -> Result<Json<IncidentAnswer>, Problem> {
    let dossier = dossier(&state, &workspace.name, &incident).await?;
    let ids = state.desk.workspaces().ids(&workspace.name);
    Ok(Json(IncidentAnswer {
        resource: body::incident_resource(&dossier.view, &ids),
        activities: dossier.activities,
        runs: dossier.runs,
        evaluations: dossier.evaluations,
    }))
}

/// Everything about an incident of a workspace.
pub(super) async fn dossier(state: &ServerState, workspace: &str, incident: &str) -> Result<Dossier, Problem> {
    let view = find(state, workspace, incident).await?;
    let id = &view.incident.id;
    let runs = about(state, id, PLAYBOOK).await?;
    let mut evaluations = Vec::new();
    for row in about(state, id, EVALUATION).await? {
        evaluations.push(evaluation::read(&state.store, row).await?);
    }
    Ok(Dossier {
        activities: state.desk.activities(id, ACTIVITIES_MAX).await?,
        view,
        runs: runs.into_iter().map(RunAnswer::from).collect(),
        evaluations,
    })
}

async fn about(state: &ServerState, incident: &str, kind: &str) -> Result<Vec<RunRow>, Problem> {
    let filter = RunFilter {
        kind: Some(kind.to_owned()),
        incident: Some(incident.to_owned()),
        limit: RUNS_MAX,
        ..RunFilter::default()
    };
    Ok(state.store.runs(&filter).await?)
}

/// The incident of a workspace that has this number or id.
pub(super) async fn find(state: &ServerState, workspace: &str, name: &str) -> Result<IncidentView, Problem> {
    let id = match (name.parse(), Uuid::try_parse(name)) {
        (Ok(number), _) => state.desk.incident_by_number(workspace, number).await?,
        (_, Ok(id)) => Some(id.to_string()),
        _ => None,
    };
    let view = match id {
        Some(id) => state.desk.view(&id).await?,
        None => None,
    };
    view.filter(|view| view.incident.workspace == workspace)
        .ok_or_else(|| Problem::new(Kind::NotFound, "the workspace has no incident with this number or id"))
}
