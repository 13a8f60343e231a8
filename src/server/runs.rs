//! Runs for people and programs: lists, one run, its journal, and its cancellation. Invariant: a run of a namespace that
//! the token does not reach is not told from one that does not exist, and nothing secure is shown.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::authenticate::Access;
use super::caller::Caller;
use super::evaluation;
use super::params::{self, Params};
use super::problem::{Kind, Problem};
use super::state::ServerState;
use super::token::Reach;
use crate::engine::Haste;
use crate::engine::clock::round_trip;
use crate::engine::event::{Event, Payload};
use crate::engine::shell::{EVALUATION, PLAYBOOK};
use crate::engine::state::State as Run;
use crate::engine::status::RunStatus;
use crate::engine::view;
use crate::expression::Value;
use crate::store::{RunFilter, RunRow};

/// A run in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunAnswer {
    pub(super) id: String,
    kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    incident: Option<String>,
    parent: Option<String>,
    resubmit_of: Option<String>,
    pub(super) status: String,
    pub(super) created_time: String,
    pub(super) end_time: Option<String>,
}

impl From<RunRow> for RunAnswer {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            namespace: row.namespace,
            name: row.name,
            incident: row.incident,
            parent: row.parent,
            resubmit_of: row.resubmit_of,
            status: row.status.unwrap_or_else(|| RunStatus::Running.as_str().to_owned()),
            created_time: round_trip(row.created_at),
            end_time: row.ended_at.map(round_trip),
        }
    }
}

/// Which runs are asked for; what is left out is not asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    namespace: Option<String>,
    playbook: Option<String>,
    incident: Option<String>,
    parent: Option<String>,
    #[serde(default)]
    open: bool,
    limit: Option<u32>,
}

/// A list of runs.
#[derive(Serialize)]
pub(super) struct Runs {
    runs: Vec<RunAnswer>,
}

/// `GET /v1/runs`: runs of playbooks, the newest first.
pub(super) async fn list(
    State(state): State<ServerState>,
    caller: Caller,
    Params(which): Params<Which>,
) -> Result<Json<Runs>, Problem> {
    let namespace = match (&caller.identity.reach, which.namespace) {
        (Reach::All, asked) => asked,
        (Reach::Workspace(own), None) => Some(own.clone()),
        (Reach::Workspace(_), asked) => asked,
    };
    if !caller.may(&state, Access::Read, namespace.as_deref()).await? {
        let detail = match namespace {
            Some(_) => "the token is for another workspace",
            None => "the account may not read all workspaces; name one with `namespace`",
        };
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    let filter = RunFilter {
        kind: Some(PLAYBOOK.to_owned()),
        namespace,
        name: which.playbook,
        incident: which.incident,
        parent: which.parent,
        open_only: which.open,
        limit: params::limit(which.limit),
        ..RunFilter::default()
    };
    let runs = state.engine.runs(&filter).await?.into_iter();
    Ok(Json(Runs {
        runs: runs.map(RunAnswer::from).collect(),
    }))
}

/// `GET /v1/runs/{run}`: what `riposte run -o json` shows, with the facts of the list beside it; of an evaluation its
/// summary.
pub(super) async fn one(
    State(state): State<ServerState>,
    caller: Caller,
    Path(run): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let row = find(&state, &caller, Access::Inspect, &run).await?;
    let answer = if row.kind == EVALUATION {
        serde_json::to_value(evaluation::read(&state.store, row).await?)
    } else {
        let (workflow, events) = state.engine.history(&row.id).await?;
        let folded = Run::fold(&workflow, &events).map_err(|error| Problem::internal(&error))?;
        with_view(RunAnswer::from(row), view::run(&workflow, &folded))
    };
    Ok(Json(answer.map_err(|error| Problem::internal(&error))?))
}

fn with_view(run: RunAnswer, view: Value) -> serde_json::Result<serde_json::Value> {
    let mut answer = serde_json::to_value(run)?;
    if let (Some(members), serde_json::Value::Object(view)) = (answer.as_object_mut(), serde_json::to_value(view)?) {
        members.extend(view);
    }
    Ok(answer)
}

/// From where on and how far the journal is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    #[serde(default)]
    after: usize,
    limit: Option<u32>,
}

/// A part of a journal.
#[derive(Serialize)]
pub(super) struct Events {
    events: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    seq: usize,
    event: serde_json::Value,
}

/// `GET /v1/runs/{run}/events`: the journal in order, from behind the first `after` events.
pub(super) async fn events(
    State(state): State<ServerState>,
    caller: Caller,
    Path(run): Path<String>,
    Params(part): Params<Part>,
) -> Result<Json<Events>, Problem> {
    let row = find(&state, &caller, Access::Inspect, &run).await?;
    let limit = usize::try_from(params::limit(part.limit)).unwrap_or(usize::MAX);
    let bodies: Vec<serde_json::Value> = if row.kind == EVALUATION {
        let rows = state.store.journal(&row.id, 0).await?;
        let rows = rows.iter().skip(part.after).take(limit);
        rows.map(|row| serde_json::from_str(&row.body))
            .collect::<Result<_, _>>()
    } else {
        let (_, events) = state.engine.history(&row.id).await?;
        let events = events.into_iter().skip(part.after).take(limit);
        events.map(shown).collect()
    }
    .map_err(|error| Problem::internal(&error))?;
    let numbers = part.after.saturating_add(1)..;
    let events = numbers.zip(bodies).map(|(seq, event)| Entry { seq, event }).collect();
    Ok(Json(Events { events }))
}

/// An event with its values in it, secure ones hidden.
fn shown(mut event: Event) -> serde_json::Result<serde_json::Value> {
    for payload in event.payloads_mut() {
        let value = if payload.secure {
            Value::from(view::HIDDEN)
        } else {
            std::mem::take(&mut payload.value)
        };
        *payload = Payload::open(value);
    }
    serde_json::to_value(event)
}

/// How soon a run is to end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ending {
    #[serde(default)]
    now: bool,
}

/// `POST /v1/runs/{run}/cancel`: asks the run to end when the calls in flight have, or with `now=true` at once. A run that
/// has ended stays as it is.
pub(super) async fn cancel(
    State(state): State<ServerState>,
    caller: Caller,
    Path(run): Path<String>,
    Params(ending): Params<Ending>,
) -> Result<(StatusCode, Json<RunAnswer>), Problem> {
    let row = find(&state, &caller, Access::Cancel, &run).await?;
    if row.kind == EVALUATION {
        return Err(Problem::new(
            Kind::Conflict,
            "an evaluation of rules cannot be cancelled",
        ));
    }
    if row.ended_at.is_some() {
        return Ok((StatusCode::OK, Json(row.into())));
    }
    let haste = if ending.now { Haste::Now } else { Haste::Gracefully };
    state.engine.cancel(&row.id, &caller.requester(), haste).await?;
    Ok((StatusCode::ACCEPTED, Json(row.into())))
}

async fn find(state: &ServerState, caller: &Caller, access: Access, run: &str) -> Result<RunRow, Problem> {
    let missing = || Problem::new(Kind::NotFound, "there is no such run in the reach of the token");
    let row = state.store.run(run).await?.ok_or_else(missing)?;
    if !caller.may(state, access, Some(&row.namespace)).await? {
        return Err(missing());
    }
    Ok(row)
}
