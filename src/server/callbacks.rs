//! Callback URLs: whoever holds one ends the action that waits for it, once. Invariant: looking at a link decides nothing;
//! an answer of success comes after the commit.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

use super::body;
use super::invoke;
use super::problem::Problem;
use super::state::ServerState;
use crate::engine::Undelivered;
use crate::engine::callback::{Invalid, Link, Ticket, parse_node};
use crate::engine::incoming::Incoming;

/// The routes that are opened by a signed link. Their errors keep their own form: they are for people and services that
/// know nothing of Riposte.
pub(super) fn routes() -> Router<ServerState> {
    let trigger = "/v1/namespaces/{ns}/playbooks/{playbook}/triggers/{trigger}";
    Router::new()
        .route("/v1/callbacks/{run}/{node}", post(deliver).fallback(only_post))
        .route("/v1/answers/{run}", get(invoke::answer))
        .route(&format!("{trigger}/invoke"), any(invoke::trigger))
        .route(&format!("{trigger}/invoke/{{*path}}"), any(invoke::trigger))
}

/// `POST /v1/callbacks/{run}/{node}?se&sig`.
async fn deliver(
    State(state): State<ServerState>,
    Path((run, node)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let Some(node) = parse_node(&node) else {
        return Ok(said(&Undelivered::Invalid(Invalid::Forged)));
    };
    let Ok(room) = state.deliveries.clone().try_acquire_owned() else {
        return Ok(text(
            StatusCode::TOO_MANY_REQUESTS,
            "too many deliveries are under way; deliver again",
        ));
    };
    let (link, ticket) = (Link::Action { run, node }, ticket(request.uri().query()));
    let headers = headers(&request);
    let body = body::bytes(request, &state.settings).await?;
    // A task of its own: a sender that hangs up in the middle does not stop what follows the commit.
    let delivering = tokio::spawn(async move {
        let incoming = Incoming {
            headers: &headers,
            body: &body,
        };
        let delivered = state.engine.deliver(&link, &ticket, incoming).await;
        drop(room);
        delivered
    });
    match delivering.await {
        Ok(Ok(())) => Ok(text(StatusCode::ACCEPTED, "accepted")),
        Ok(Err(Undelivered::Store(error))) => Err(error.into()),
        Ok(Err(error)) => Ok(said(&error)),
        Err(error) => Err(Problem::internal(&error)),
    }
}

fn said(error: &Undelivered) -> Response {
    let status = match error {
        Undelivered::Invalid(Invalid::Forged) => StatusCode::FORBIDDEN,
        Undelivered::Invalid(Invalid::Expired) | Undelivered::Ended => StatusCode::GONE,
        Undelivered::Used => StatusCode::CONFLICT,
        Undelivered::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    text(status, &error.to_string())
}

/// Links are opened by programs that look for danger in mails; that must decide nothing.
async fn only_post() -> Response {
    let detail = "this address takes the answer of a service by POST; opening it decides nothing";
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, detail);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// An answer in plain text.
pub(super) fn text(status: StatusCode, detail: &str) -> Response {
    let media = HeaderValue::from_static("text/plain; charset=utf-8");
    (status, [(CONTENT_TYPE, media)], format!("{detail}\n")).into_response()
}

/// What opens a link, from the query.
pub(super) fn ticket(query: Option<&str>) -> Ticket {
    let mut ticket = Ticket::default();
    for (name, value) in form_urlencoded(query) {
        match name.as_str() {
            "se" => ticket.expires = value.parse().ok(),
            "sig" => ticket.signature = value,
            _ => {}
        }
    }
    ticket
}

fn form_urlencoded(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned()
}

/// The headers of a request as texts; those that are none are left out.
pub(super) fn headers(request: &Request) -> Vec<(String, String)> {
    let texts = request.headers().iter();
    texts
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}
