//! The page of an approval, where the link of somebody who is asked leads. Invariants: looking at it decides nothing, so
//! programs that open links in mails do no harm; only its form decides, and the answer comes after the commit.

use axum::Router;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Form, Page, moment_at};
use crate::engine::approval::{Approval, COMMENT_MAX, Decider, Field, FieldKind, Rejected, Vote};
use crate::engine::callback::{Invalid, Link, parse_node};
use crate::engine::shell::now;
use crate::engine::{Asked, NotRecorded};
use crate::server::authenticate::Access;
use crate::server::callbacks::ticket;
use crate::server::caller::Caller;
use crate::server::problem::Problem;
use crate::server::state::ServerState;
use crate::server::{body, html};

/// What the names of inputs begin with, so that none is taken for another part of the form.
const INPUT: &str = "input.";

/// The routes that are opened by the link of somebody who is asked.
pub(in crate::server) fn routes() -> Router<ServerState> {
    Router::new().route("/approvals/{run}/{node}/{recipient}", get(show).post(decide))
}

/// What a link leads to.
struct Opened {
    asked: Asked,
    /// Whom the link is for.
    recipient: String,
}

/// `GET /approvals/{run}/{node}/{recipient}?se&sig`.
async fn show(
    State(state): State<ServerState>,
    Path(place): Path<(String, String, usize)>,
    request: Request,
) -> Result<Response, Problem> {
    Ok(match open(&state, place, request.uri().query()).await? {
        Ok(opened) => render(&opened, None, StatusCode::OK).into_response(),
        Err(page) => page.into_response(),
    })
}

/// `POST /approvals/{run}/{node}/{recipient}?se&sig`, with the form of the page.
async fn decide(
    State(state): State<ServerState>,
    Path(place): Path<(String, String, usize)>,
    request: Request,
) -> Result<Response, Problem> {
    let opened = match open(&state, place, request.uri().query()).await? {
        Ok(opened) => opened,
        Err(page) => return Ok(page.into_response()),
    };
    let (mut parts, content) = request.into_parts();
    let by = match decider(&state, &opened, &mut parts).await? {
        Ok(by) => by,
        Err(rejected) => return again(&state, &opened, &rejected).await,
    };
    let here = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let text = body::bytes(Request::from_parts(parts, content), &state.settings).await?;
    let vote = vote(&text);
    let (run, node) = (opened.asked.row.run.clone(), opened.asked.row.node.clone());
    let engine = state.engine.clone();
    // A task of its own: a sender that hangs up in the middle does not stop what follows the commit.
    let deciding = tokio::spawn(async move { engine.decide(&run, &node, &by, &vote).await });
    match deciding.await.map_err(|error| Problem::internal(&error))? {
        Ok(_) => {
            let here = HeaderValue::from_str(&here).map_err(|error| Problem::internal(&error))?;
            Ok((StatusCode::SEE_OTHER, [(LOCATION, here)]).into_response())
        }
        Err(NotRecorded::Rejected(rejected)) => again(&state, &opened, &rejected).await,
        Err(error) => Err(error.into()),
    }
}

/// Opens a link; else the page that says why it does not open.
async fn open(
    state: &ServerState,
    (run, node, recipient): (String, String, usize),
    query: Option<&str>,
) -> Result<Result<Opened, Page>, Problem> {
    let forged = || {
        message(
            StatusCode::FORBIDDEN,
            "This link is not valid",
            "Open it exactly as you got it.",
        )
    };
    let Some(id) = parse_node(&node) else {
        return Ok(Err(forged()));
    };
    let link = Link::Approval {
        run: run.clone(),
        node: id,
        recipient,
    };
    match state.engine.links().check(&link, &ticket(query), now()) {
        Err(Invalid::Forged) => return Ok(Err(forged())),
        Err(Invalid::Expired) => {
            let text = "The time to decide is over.";
            return Ok(Err(message(StatusCode::GONE, "This link has expired", text)));
        }
        Ok(()) => {}
    }
    let asked = state.engine.approval(&run, &node).await?;
    let recipient = asked
        .as_ref()
        .and_then(|asked| asked.approval.recipients.get(recipient).cloned());
    Ok(match asked.zip(recipient) {
        Some((asked, recipient)) => Ok(Opened { asked, recipient }),
        None => {
            let text = "The run is about to ask, or its records are gone. Open the link again in a moment.";
            Err(message(StatusCode::NOT_FOUND, "There is nothing to decide here", text))
        }
    })
}

/// Who decides: whom the link is for, or where a sign-in is demanded, who is signed in and may approve runs.
async fn decider(
    state: &ServerState,
    opened: &Opened,
    parts: &mut Parts,
) -> Result<Result<Decider, Rejected>, Problem> {
    if !opened.asked.approval.sign_in {
        return Ok(Ok(Decider {
            name: opened.recipient.clone(),
            signed_in: false,
        }));
    }
    let Ok(caller) = Caller::from_request_parts(parts, state).await else {
        return Ok(Err(Rejected::SignIn));
    };
    let namespace = Some(opened.asked.row.namespace.as_str());
    if !caller.may(state, Access::Approve, namespace).await? {
        return Ok(Err(Rejected::SignIn));
    }
    Ok(Ok(Decider {
        name: caller.requester(),
        signed_in: true,
    }))
}

/// The form of the page.
fn vote(text: &[u8]) -> Vote {
    let mut vote = Vote::default();
    for (name, value) in url::form_urlencoded::parse(text).into_owned() {
        match (name.as_str(), name.strip_prefix(INPUT)) {
            ("option", _) => vote.option = Some(value),
            ("comment", _) => vote.comment = value.replace("\r\n", "\n"),
            (_, Some(id)) => vote.inputs.push((id.to_owned(), value)),
            (_, None) => {}
        }
    }
    // A form without a button that was pressed chooses nothing.
    vote.option.get_or_insert_default();
    vote
}

/// The page after a decision that does not count, as things stand now.
async fn again(state: &ServerState, opened: &Opened, rejected: &Rejected) -> Result<Response, Problem> {
    let status = match rejected {
        Rejected::Decided(_) | Rejected::Twice(_) => StatusCode::CONFLICT,
        Rejected::Closed => StatusCode::GONE,
        Rejected::Requester | Rejected::SignIn => StatusCode::FORBIDDEN,
        Rejected::Option { .. } | Rejected::Input { .. } | Rejected::Comment => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let row = &opened.asked.row;
    let asked = state.engine.approval(&row.run, &row.node).await?;
    let opened = Opened {
        asked: asked.unwrap_or_else(|| opened.asked.clone()),
        recipient: opened.recipient.clone(),
    };
    Ok(render(&opened, Some(rejected), status).into_response())
}

fn message(status: StatusCode, title: &str, text: &str) -> Page {
    let mut page = Page::new(title);
    page.status = status;
    page.element("h1", title);
    page.element("p", text);
    page
}

/// Where an approval stands.
pub(in crate::server) fn standing(asked: &Asked) -> &'static str {
    match (&asked.approval.outcome, asked.row.closed_at) {
        (Some(_), _) => "Decided",
        (None, Some(at)) if at < asked.row.expires_at => "Withdrawn",
        (None, Some(_)) => "Expired",
        (None, None) => "Pending",
    }
}

fn render(opened: &Opened, rejected: Option<&Rejected>, status: StatusCode) -> Page {
    let Opened { asked, recipient } = opened;
    let approval = &asked.approval;
    let mut page = Page::new(&approval.title);
    page.status = status;
    page.element("h1", &approval.title);
    page.markup("<p>").state(standing(asked)).markup("</p>");
    if let Some(rejected) = rejected {
        page.markup("<p class=\"notice bad\" role=\"alert\">");
        page.text(&sentence(&rejected.to_string())).markup("</p>");
    }
    outcome(&mut page, asked, recipient);
    let details = match approval.is_html {
        true => html::text_of(&approval.details),
        false => approval.details.clone(),
    };
    if !details.is_empty() {
        page.element("p", &details);
    }
    let is_open = approval.outcome.is_none() && asked.row.closed_at.is_none();
    if is_open && approval.decision_of(recipient).is_none() {
        if approval.sign_in {
            sign_in(&mut page, asked);
        } else {
            form(&mut page, approval);
        }
    }
    if !approval.decisions.is_empty() {
        page.element("h2", "Decisions");
        decisions(&mut page, approval);
    }
    page.element("h2", "About this");
    facts(&mut page, opened);
    page
}

/// What has come of it so far.
fn outcome(page: &mut Page, asked: &Asked, recipient: &str) {
    let approval = &asked.approval;
    let own = approval.decision_of(recipient);
    let text = match (&approval.outcome, own) {
        (Some(outcome), _) => format!("This is decided: {outcome}"),
        (None, _) if asked.row.closed_at.is_some() => "The run does not wait for this any more.".to_owned(),
        (None, Some(own)) => format!("You chose {}. The run waits for others.", own.option),
        (None, None) => return,
    };
    page.markup("<p class=\"notice calm\" role=\"status\">")
        .text(&text)
        .markup("</p>");
}

/// Who decided what, and when.
pub(super) fn decisions(page: &mut Page, approval: &Approval) {
    page.markup("<ol class=\"line\">");
    for decision in &approval.decisions {
        page.markup("<li><time>")
            .text(&moment_at(decision.at))
            .markup("</time>");
        page.element("strong", &decision.option)
            .text(", by ")
            .text(&decision.by.name);
        page.element(
            "small",
            if decision.by.signed_in {
                " (signed in)"
            } else {
                " (by link)"
            },
        );
        if !decision.comment.is_empty() {
            page.element("p", &decision.comment);
        }
        page.markup("</li>");
    }
    page.markup("</ol>");
}

fn facts(page: &mut Page, opened: &Opened) {
    let Opened { asked, recipient } = opened;
    let (row, approval) = (&asked.row, &asked.approval);
    page.markup("<table>");
    page.row("You are asked as", recipient);
    page.row("Everybody asked", &approval.recipients.join(", "));
    if approval.needed > 1 {
        let needed = format!("{} people must choose the same", approval.needed);
        page.row("Needed", &needed);
    }
    page.row("Playbook", &format!("{}/{}", row.namespace, row.playbook));
    page.row("Action", &approval.action);
    page.row("Asked", &moment_at(row.created_at));
    page.row("Waits until", &moment_at(row.expires_at));
    page.row("Run", &row.run);
    page.markup("</table>");
}

fn sign_in(page: &mut Page, asked: &Asked) {
    page.element(
        "p",
        "A link is not enough to decide this. Who decides signs in and may approve runs:",
    );
    let (namespace, run) = (&asked.row.namespace, &asked.row.run);
    page.element(
        "pre",
        &format!("riposte approve {run} --namespace {namespace} --option OPTION"),
    );
}

fn form(page: &mut Page, approval: &Approval) {
    page.form = Form::Own;
    page.markup("<form method=\"post\">");
    for field in &approval.fields {
        input(page, field);
    }
    page.markup(
        "<label for=\"comment\">Comment</label><textarea id=\"comment\" name=\"comment\" rows=\"3\" maxlength=\"",
    );
    page.text(&COMMENT_MAX.to_string()).markup("\"></textarea>");
    for (place, option) in approval.options.iter().enumerate() {
        page.markup(if place == 0 {
            "<button class=\"first\""
        } else {
            "<button"
        });
        page.markup(" name=\"option\" value=\"")
            .text(&option.name)
            .markup("\">");
        page.text(&option.name).markup("</button>");
    }
    page.markup("</form>");
}

fn input(page: &mut Page, field: &Field) {
    match &field.kind {
        FieldKind::Choices { choices, many: true } => return boxes(page, field, choices),
        FieldKind::Toggle { on, .. } => {
            page.markup("<label class=\"one\"><input type=\"checkbox\"");
            named(page, field).markup(" value=\"").text(on).markup("\"");
            page.markup(if field.value == *on { " checked>" } else { ">" });
            page.text(&field.label).markup("</label>");
            return;
        }
        FieldKind::Choices { .. }
        | FieldKind::Text
        | FieldKind::Lines
        | FieldKind::Number
        | FieldKind::Date
        | FieldKind::Time => {}
    }
    page.markup("<label>").text(&field.label);
    match &field.kind {
        FieldKind::Choices { choices, .. } => {
            page.markup("<select");
            named(page, field).markup("><option value=\"\"></option>");
            for (title, value) in choices {
                page.markup("<option value=\"").text(value);
                page.markup(if field.value == *value { "\" selected>" } else { "\">" });
                page.text(title).markup("</option>");
            }
            page.markup("</select>");
        }
        FieldKind::Lines => {
            page.markup("<textarea rows=\"3\"");
            named(page, field).markup(">").text(&field.value).markup("</textarea>");
        }
        kind => {
            page.markup("<input type=\"").markup(input_type(kind)).markup("\"");
            named(page, field).markup(" value=\"").text(&field.value).markup("\">");
        }
    }
    page.markup("</label>");
}

/// Several of several.
fn boxes(page: &mut Page, field: &Field, choices: &[(String, String)]) {
    page.markup("<fieldset><legend>").text(&field.label).markup("</legend>");
    for (title, value) in choices {
        page.markup("<label class=\"one\"><input type=\"checkbox\" name=\"")
            .text(INPUT)
            .text(&field.id);
        page.markup("\" value=\"").text(value);
        let is_set = field.value.split(',').any(|set| set == value);
        page.markup(if is_set { "\" checked>" } else { "\">" });
        page.text(title).markup("</label>");
    }
    page.markup("</fieldset>");
}

/// The attributes that each input has.
fn named<'p>(page: &'p mut Page, field: &Field) -> &'p mut Page {
    page.markup(" name=\"").text(INPUT).text(&field.id).markup("\"");
    page.markup(if field.required { " required" } else { "" })
}

fn input_type(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Number => "number\" step=\"any",
        FieldKind::Date => "date",
        FieldKind::Time => "time",
        FieldKind::Toggle { .. } => "checkbox",
        FieldKind::Text | FieldKind::Lines | FieldKind::Choices { .. } => "text",
    }
}

/// A message as a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
