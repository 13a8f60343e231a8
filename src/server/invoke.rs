//! Triggers that are called over HTTP, and the answers of their runs (Logic Apps: the Request trigger and Response).
//! Whoever calls holds a signed link, or a token that may start playbooks in the namespace; never both.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::authenticate::Access;
use super::body;
use super::callbacks::{headers, text, ticket};
use super::caller::Caller;
use super::problem::{Kind, Problem};
use super::state::ServerState;
use super::token::is_dns_label;
use crate::definition::workflow::TriggerKind;
use crate::engine::answer::Reply;
use crate::engine::callback::Link;
use crate::engine::content::Playbook;
use crate::engine::incoming::{Incoming, Invocation, Rejected};
use crate::engine::invoke::{Answered, Invoked};
use crate::engine::lanes::Lane;
use crate::engine::shell::{StartError, now};
use crate::engine::start::{Refused, Request as Wish, StartKind};

/// How long the place of a promised answer is known.
const PROMISE: i64 = 24 * 3_600_000;
/// After how many seconds an answer that has not come is asked for again.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("5");
const RUN_ID: HeaderName = HeaderName::from_static("x-ms-workflow-run-id");
const WORKFLOW_NAME: HeaderName = HeaderName::from_static("x-ms-workflow-name");
const TRACKING_ID: HeaderName = HeaderName::from_static("x-ms-client-tracking-id");

/// A trigger as the path names it.
#[derive(Deserialize)]
pub(super) struct Named {
    ns: String,
    playbook: String,
    trigger: String,
}

impl Named {
    fn link(&self) -> Link {
        Link::Trigger {
            namespace: self.ns.clone(),
            playbook: self.playbook.clone(),
            trigger: self.trigger.clone(),
        }
    }
}

/// `…/triggers/{trigger}/invoke[/PATH]`: starts the playbook and answers as its definition says.
pub(super) async fn trigger(
    State(state): State<ServerState>,
    Path(named): Path<Named>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, content) = request.into_parts();
    let requester = admit(&state, &named, &mut parts).await?;
    let request = Request::from_parts(parts, content);
    let room = state
        .room(Lane::Enrichment)
        .map_err(|full| Problem::new(Kind::Overloaded, full.to_string()))?;
    let uri = request.uri().clone();
    let (method, headers) = (request.method().to_string(), headers(&request));
    let body = body::bytes(request, &state.settings).await?;
    let invocation = Invocation {
        method: &method,
        path: below(uri.path()),
        query: uri.query().unwrap_or_default(),
        incoming: Incoming {
            headers: &headers,
            body: &body,
        },
    };
    let found = find(&state, &named)?;
    let wish = match wish(&found, requester, invocation)? {
        Ok(wish) => wish,
        Err(rejected) => return Ok(rejection(&rejected)),
    };
    drop((room, body));
    // A task of its own: a caller that hangs up in the middle does not keep the run from its beginning.
    let tracking_id = wish.tracking_id.clone();
    let (engine, patience) = (state.engine.clone(), state.settings.answer_timeout);
    let invoking = tokio::spawn(async move { engine.invoke(&wish, patience).await });
    let invoked = invoking.await.map_err(|error| Problem::internal(&error))?;
    Ok(match invoked {
        Ok(invoked) => {
            let (run, mut response) = told(&state, invoked);
            if !found.suppresses_headers() {
                tell_run(response.headers_mut(), &named.playbook, run, tracking_id);
            }
            response
        }
        // The caller has done its part; the history of the trigger is no affair of his.
        Err(StartError::Refused(Refused::ConditionFalse(_))) => StatusCode::ACCEPTED.into_response(),
        Err(error) => return Err(error.into()),
    })
}

/// Who calls: the holder of a link, or of a token.
async fn admit(state: &ServerState, named: &Named, parts: &mut axum::http::request::Parts) -> Result<String, Problem> {
    let ticket = ticket(parts.uri.query());
    let has_token = parts.headers.contains_key(AUTHORIZATION);
    if ticket.signature.is_empty() {
        let caller = Caller::from_request_parts(parts, state).await?;
        may_start(state, &caller, &named.ns).await?;
        return Ok(caller.requester());
    }
    if has_token {
        let detail = "a request carries a signature or an `Authorization` header, not both";
        return Err(Problem::new(Kind::Unauthenticated, detail));
    }
    let checked = state.engine.links().check(&named.link(), &ticket, now());
    checked.map_err(|error| Problem::new(Kind::Unauthenticated, error.to_string()))?;
    Ok(format!("request/{}", named.trigger))
}

async fn may_start(state: &ServerState, caller: &Caller, namespace: &str) -> Result<(), Problem> {
    if is_dns_label(namespace) && caller.may(state, Access::Start, Some(namespace)).await? {
        return Ok(());
    }
    let detail = format!("the account may not start playbooks in the namespace '{namespace}'");
    Err(Problem::new(Kind::Forbidden, detail))
}

/// What follows the trigger's own path: `/v1/namespaces/N/playbooks/P/triggers/T/invoke` has nine parts.
fn below(path: &str) -> &str {
    path.splitn(10, '/').nth(9).unwrap_or_default()
}

/// A trigger that is called, with its playbook.
struct Found {
    playbook: Playbook,
    /// Its place among the triggers.
    trigger: usize,
}

impl Found {
    fn kind(&self) -> Option<&TriggerKind> {
        Some(&self.playbook.workflow.triggers.get(self.trigger)?.kind)
    }

    /// Whether answers leave out what the run is known by.
    fn suppresses_headers(&self) -> bool {
        matches!(self.kind(), Some(TriggerKind::Request(request)) if request.suppresses_headers)
    }
}

fn no_trigger() -> Problem {
    let detail = "the playbook has no such trigger that is called over HTTP";
    Problem::new(Kind::NotFound, detail)
}

/// The trigger that a path names.
fn find(state: &ServerState, named: &Named) -> Result<Found, Problem> {
    let missing = || Problem::from(Refused::NotFound(format!("{}/{}", named.ns, named.playbook)));
    let playbook = state.engine.playbook(&named.ns, &named.playbook).ok_or_else(missing)?;
    let mut triggers = playbook.workflow.triggers.iter();
    let trigger = triggers.position(|trigger| trigger.name.eq_ignore_ascii_case(&named.trigger));
    let trigger = trigger.ok_or_else(no_trigger)?;
    Ok(Found { playbook, trigger })
}

/// What the engine is asked for, or why the trigger does not take the request.
fn wish(found: &Found, requester: String, invocation: Invocation<'_>) -> Result<Result<Wish, Rejected>, Problem> {
    let outputs = match found.kind().ok_or_else(no_trigger)? {
        TriggerKind::Request(request) => invocation.outputs(request),
        TriggerKind::Webhook(_) if invocation.method == "POST" => Ok(invocation.incoming.outputs(false)),
        TriggerKind::Webhook(_) => Err(Rejected::Method("POST".to_owned())),
        _ => return Err(no_trigger()),
    };
    let tracking_id = invocation.incoming.header(TRACKING_ID.as_str()).map(str::to_owned);
    Ok(outputs.map(|outputs| Wish {
        tracking_id,
        namespace: found.playbook.namespace.clone(),
        playbook: found.playbook.name.clone(),
        requester,
        kind: StartKind::Body,
        outputs: Some(outputs),
        ..Wish::default()
    }))
}

/// The form of errors that callers of Logic Apps know.
fn failure(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response()
}

fn rejection(rejected: &Rejected) -> Response {
    let message = rejected.to_string();
    match rejected {
        Rejected::Method(method) => {
            let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, "TriggerRequestMethodNotValid", &message);
            if let Ok(method) = HeaderValue::from_str(method) {
                response.headers_mut().insert(ALLOW, method);
            }
            response
        }
        Rejected::Path(_) => failure(StatusCode::NOT_FOUND, "TriggerRelativePathNotMatching", &message),
        Rejected::Schema(_) => failure(StatusCode::BAD_REQUEST, "TriggerInputSchemaMismatch", &message),
    }
}

/// The run, if there is one, and what its caller is told.
fn told(state: &ServerState, invoked: Invoked) -> (Option<String>, Response) {
    match invoked {
        Invoked::Accepted(runs) => (runs.into_iter().next(), StatusCode::ACCEPTED.into_response()),
        Invoked::Promised(run) => {
            let response = promise(state, &run);
            (Some(run), response)
        }
        Invoked::Answered(run, reply) => (Some(run), sent(reply)),
        Invoked::Unanswered(run) => {
            let response = no_response(&run);
            (Some(run), response)
        }
        Invoked::Late(run) => {
            let message = format!("The playbook did not answer in time. Request tracking id '{run}'.");
            let response = failure(StatusCode::GATEWAY_TIMEOUT, "GatewayTimeout", &message);
            (Some(run), response)
        }
    }
}

/// Says by what the run is known.
fn tell_run(headers: &mut HeaderMap, playbook: &str, run: Option<String>, tracking_id: Option<String>) {
    if let Some(run) = run.and_then(|run| HeaderValue::from_str(&run).ok()) {
        let given = tracking_id.and_then(|id| HeaderValue::try_from(id).ok());
        headers.insert(TRACKING_ID, given.unwrap_or_else(|| run.clone()));
        headers.insert(RUN_ID, run);
    }
    if let Ok(name) = HeaderValue::from_str(playbook) {
        headers.insert(WORKFLOW_NAME, name);
    }
}

fn no_response(run: &str) -> Response {
    let message =
        format!("The server did not receive a response from an upstream server. Request tracking id '{run}'.");
    failure(StatusCode::BAD_GATEWAY, "NoResponse", &message)
}

/// 202 and where the answer will be.
fn promise(state: &ServerState, run: &str) -> Response {
    let (links, link) = (state.engine.links(), Link::Answer { run: run.to_owned() });
    let expires = Some(now() + PROMISE);
    let place = links.url(&link, expires).unwrap_or_else(|| links.path(&link, expires));
    let mut response = StatusCode::ACCEPTED.into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response.headers_mut().insert(RETRY_AFTER, ASK_AGAIN);
    response
}

/// The answer of a playbook as it goes out; headers that HTTP does not allow are left out.
fn sent(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut response = (status, reply.body).into_response();
    response.headers_mut().clear();
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// `GET /v1/answers/{run}?se&sig`: the answer that was promised.
pub(super) async fn answer(
    State(state): State<ServerState>,
    Path(run): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let ticket = ticket(request.uri().query());
    let link = Link::Answer { run: run.clone() };
    if let Err(error) = state.engine.links().check(&link, &ticket, now()) {
        return Ok(text(StatusCode::FORBIDDEN, &error.to_string()));
    }
    Ok(match state.engine.answer(&run).await? {
        Answered::Reply(reply) => sent(reply),
        Answered::NotYet => promise(&state, &run),
        Answered::Never => no_response(&run),
    })
}

/// What a link to a trigger is asked for with.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LinkWish {
    not_after: Option<jiff::Timestamp>,
}

/// `POST …/triggers/{trigger}/listCallbackUrl`: a signed link to the trigger, as Azure's management API gives it.
pub(super) async fn link(
    State(state): State<ServerState>,
    caller: Caller,
    Path(named): Path<Named>,
    request: Request,
) -> Result<Json<serde_json::Value>, Problem> {
    may_start(&state, &caller, &named.ns).await?;
    let body = body::bytes(request, &state.settings).await?;
    let wish: LinkWish = match body.is_empty() {
        true => LinkWish::default(),
        false => serde_json::from_slice(&body).map_err(|error| Problem::syntax(&error))?,
    };
    let method = match find(&state, &named)?.kind() {
        Some(TriggerKind::Request(request)) => request.method.clone(),
        Some(TriggerKind::Webhook(_)) => None,
        _ => return Err(no_trigger()),
    };
    let expires = wish.not_after.map(jiff::Timestamp::as_millisecond);
    let (links, link) = (state.engine.links(), named.link());
    let value = links.url(&link, expires).unwrap_or_else(|| links.path(&link, expires));
    let (base, query) = value.split_once('?').unwrap_or((&value, ""));
    let queries: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let method = method.unwrap_or_else(|| "POST".to_owned());
    Ok(Json(
        json!({ "value": value, "method": method, "basePath": base, "queries": queries }),
    ))
}
