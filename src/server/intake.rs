//! Taking deliveries in: decoded by their format, stored, and only then answered. Invariant: what was accepted is on the
//! disk before its sender hears of it, and what a sender was refused leaves no trace.

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use serde::Serialize;

use super::body;
use super::caller::{Deliver, Workspace};
use super::problem::{Kind, Problem};
use super::state::ServerState;
use crate::engine::lanes::Lane;
use crate::incidents::{Accepted, Error};
use crate::intake::{Format, Intake, decode};

/// Paths below a workspace, and the format that is delivered there; `None` is told by the body.
const PATHS: &[(&str, Option<Format>)] = &[
    ("alerts", Some(Format::Alert)),
    ("incidents", Some(Format::Incident)),
    ("sentinel/incidents", Some(Format::SentinelIncident)),
    ("sentinel/alerts", Some(Format::SentinelAlert)),
    ("alertmanager", Some(Format::Alertmanager)),
    ("falco", Some(Format::Falco)),
    ("events", None),
];

/// What the sender hears.
#[derive(Serialize)]
struct Answer {
    accepted: Vec<Receipt>,
}

#[derive(Serialize)]
struct Receipt {
    alert: Option<String>,
    incident: Option<IncidentName>,
    duplicate: bool,
    joined: bool,
}

#[derive(Serialize)]
struct IncidentName {
    id: String,
    number: i64,
}

impl From<Accepted> for Receipt {
    fn from(accepted: Accepted) -> Self {
        Self {
            alert: accepted.alert,
            incident: accepted.incident.map(|(id, number)| IncidentName { id, number }),
            duplicate: accepted.duplicate,
            joined: accepted.joined,
        }
    }
}

/// The routes of the intake.
pub(super) fn routes() -> Router<ServerState> {
    PATHS.iter().fold(Router::new(), |router, (path, format)| {
        let take = move |State(state): State<ServerState>, workspace: Workspace<Deliver>, request: Request| {
            deliver(state, workspace, *format, request)
        };
        router.route(&format!("/v1/workspaces/{{ws}}/{path}"), post(take))
    })
}

async fn deliver(
    state: ServerState,
    workspace: Workspace<Deliver>,
    format: Option<Format>,
    request: Request,
) -> Result<Response, Problem> {
    let room = state
        .room(Lane::Response)
        .map_err(|full| overloaded(format, full.to_string()))?;
    let body = body::read(request, &state.settings).await?;
    let now = Timestamp::now();
    let intake = read(format, &body, &workspace.name, now)?;
    drop(body);
    // A task of its own: a sender that hangs up in the middle stops neither the commit nor the evaluation after it.
    let accepting = tokio::spawn(async move {
        let accepted = state.desk.accept(intake, now).await;
        state.engine.poke();
        drop(room);
        accepted
    });
    match accepting.await {
        Ok(Ok(accepted)) => Ok(answer(accepted)),
        Ok(Err(Error::Busy(id))) => Err(overloaded(format, Error::Busy(id).to_string())),
        Ok(Err(error)) => Err(error.into()),
        Err(error) => Err(Problem::internal(&error)),
    }
}

fn read(format: Option<Format>, body: &[u8], workspace: &str, now: Timestamp) -> Result<Vec<Intake>, Problem> {
    let format = match format {
        Some(format) => format,
        None => detect(body)?,
    };
    Ok(decode(format, body, workspace, now)?)
}

fn detect(body: &[u8]) -> Result<Format, Problem> {
    let json = serde_json::from_slice(body).map_err(|error| Problem::syntax(&error))?;
    Format::detect(&json).ok_or_else(|| {
        let paths: Vec<&str> = PATHS.iter().map(|(path, _)| *path).collect();
        let detail = format!(
            "the format of the event is not recognised; deliver it to the path of its format: {}",
            paths.join(", ")
        );
        Problem::new(Kind::Malformed, detail)
    })
}

/// What the sender's own retries understand: Alertmanager tries again after 5xx only.
fn overloaded(format: Option<Format>, detail: String) -> Problem {
    let kind = match format {
        Some(Format::Alertmanager) => Kind::Unavailable,
        Some(Format::Alert | Format::Incident | Format::SentinelIncident | Format::SentinelAlert | Format::Falco)
        | None => Kind::Overloaded,
    };
    Problem::new(kind, detail)
}

fn answer(accepted: Vec<Accepted>) -> Response {
    let is_new = accepted.iter().any(|accepted| !accepted.duplicate);
    let status = if is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    let accepted = accepted.into_iter().map(Receipt::from).collect();
    (status, Json(Answer { accepted })).into_response()
}
