//! From a request to its answer: known, allowed, read, and put into the wanted form.

use axum::Json;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderValue, WARNING};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::access::Asker;
use super::query::{Field, Form, Selection};
use super::request::{Asked, Attributes, Change, Collection, Place};
use super::status::Failure;
use super::{Journal, approval, brake, control, discovery, incident, log, objects, query, run, start, table};
use crate::api::{Kind, VERSION};
use crate::engine::shell::{PLAYBOOK, now};
use crate::engine::state::State;
use crate::rules::IncidentView;
use crate::server::incidents;
use crate::server::state::ServerState;
use crate::store::{IncidentFilter, RunFilter, RunRow};

/// Answers a request.
pub(super) async fn answer(journal: &Journal, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let asker = journal.door.asker(&mut parts, &journal.state).await?;
    let state = &journal.state;
    let with_objects = journal.door.shows_objects();
    let asked = Asked::read(&parts.method, parts.uri.path(), with_objects)?;
    if let Some(attributes) = asked.attributes() {
        asker.admit(state, &attributes).await?;
    }
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let form = |headers: &HeaderMap| query::form(headers, now());
    match asked {
        Asked::Groups => Ok(Json(discovery::groups(with_objects)).into_response()),
        Asked::Group(name) => Ok(Json(discovery::group(name)).into_response()),
        Asked::Resources(name) => Ok(Json(discovery::resources(name)).into_response()),
        Asked::List(collection, namespace) => {
            let selection = Selection::read(&query, collection)?;
            let form = form(&parts.headers)?;
            list(state, collection, namespace, &selection, form).await
        }
        Asked::One(collection, place) => {
            let form = form(&parts.headers)?;
            let one = one(state, collection, &place).await?;
            Ok(shaped(StatusCode::OK, collection, one, form))
        }
        Asked::Log(place) => text_log(state, &place, &query).await,
        Asked::Actions(place) => {
            let row = row(state, &place).await?;
            actions(state, &row).await
        }
        Asked::Links(place) => Ok(Json(approval::links(state, &approval::find(state, &place).await?)).into_response()),
        Asked::Change(wanted) => {
            query::refuse_dry_run(&query)?;
            change(state, &asker, wanted, Request::from_parts(parts, body)).await
        }
    }
}

/// Does what a request changes, and says what came of it.
async fn change(state: &ServerState, asker: &Asker, wanted: Change, request: Request) -> Result<Response, Failure> {
    match wanted {
        Change::Cancel(place) => {
            let row = row(state, &place).await?;
            let haste = control::haste(state, request).await?;
            if row.ended_at.is_none() {
                state.engine.cancel(&row.id, &asker.requester(), haste).await?;
            }
            created(state, &row).await
        }
        Change::Release(place) => {
            let row = row(state, &place).await?;
            brake::release(state, asker, &row, request).await?;
            created(state, &row).await
        }
        Change::Pause(namespace, wish) => {
            let pause = brake::pause(state, asker, namespace, wish).await?;
            Ok((StatusCode::CREATED, Json(pause)).into_response())
        }
        Change::Resubmit(place) => {
            let row = row(state, &place).await?;
            asker.admit(state, &run_playbook(&row.namespace, &row.name)).await?;
            created(state, &control::resubmit(state, asker, &row, request).await?).await
        }
        Change::Delete(place) => {
            let row = row(state, &place).await?;
            Ok(Json(control::delete(state, &row).await?).into_response())
        }
        Change::Approve(place) => {
            let decided = approval::decide(state, asker, &place, request).await?;
            Ok((StatusCode::CREATED, Json(approval::object(&decided))).into_response())
        }
        Change::Start(place) => {
            asker.admit(state, &run_playbook(&place.namespace, &place.name)).await?;
            let rows = start::playbook(state, asker, &place, request).await?;
            let number = numbers(state, &rows).await?;
            let runs = rows.iter().map(|row| run_summary(row, &number)).collect();
            Ok((StatusCode::CREATED, Json(list_of(Collection::Runs, runs))).into_response())
        }
    }
}

/// The actions of a run with inputs and outputs.
async fn actions(state: &ServerState, row: &RunRow) -> Result<Response, Failure> {
    let (workflow, events) = state.engine.history(&row.id).await?;
    let folded = State::fold(&workflow, &events).map_err(|error| unreadable(&error))?;
    Ok(Json(run::actions(row, &workflow, &folded)).into_response())
}

/// That something was done to a run, or that there is a new one.
async fn created(state: &ServerState, row: &RunRow) -> Result<Response, Failure> {
    let number = numbers(state, std::slice::from_ref(row)).await?;
    Ok((StatusCode::CREATED, Json(run_summary(row, &number))).into_response())
}

/// The same verb that admission asks for when a PlaybookRun is created.
fn run_playbook(namespace: &str, name: &str) -> Attributes {
    Attributes {
        verb: "run",
        group: crate::api::GROUP,
        resource: Collection::Objects(Kind::Playbook).plural(),
        subresource: None,
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
    }
}

async fn list(
    state: &ServerState,
    collection: Collection,
    namespace: Option<String>,
    selection: &Selection,
    form: Form,
) -> Result<Response, Failure> {
    let (mut items, has_more) = match collection {
        Collection::Runs => runs(state, namespace, selection).await?,
        Collection::Incidents => incidents(state, namespace, selection).await?,
        Collection::Approvals => approval::list(state, namespace, selection).await?,
        Collection::Objects(kind) => {
            let catalog = state.catalog.as_ref().map(|catalog| catalog.get()).unwrap_or_default();
            let mut items = objects::list(&catalog, kind, namespace.as_deref());
            if let Some(name) = selection.field(Field::Name) {
                items.retain(|item| item["metadata"]["name"] == *name);
            }
            (items, false)
        }
    };
    items.truncate(usize::try_from(selection.limit).unwrap_or(usize::MAX));
    let mut response = match form {
        Form::Json => Json(list_of(collection, items)).into_response(),
        Form::Table(now) => Json(table::table(collection, &items, now)).into_response(),
    };
    if has_more {
        // kubectl shows it to people.
        let warning = format!(
            "299 - \"only the newest {} are listed; ask for more with limit\"",
            selection.limit
        );
        if let Ok(warning) = HeaderValue::from_str(&warning) {
            response.headers_mut().insert(WARNING, warning);
        }
    }
    Ok(response)
}

fn list_of(collection: Collection, items: Vec<Value>) -> Value {
    json!({
        "apiVersion": format!("{}/{VERSION}", collection.group()),
        "kind": format!("{}List", collection.kind()),
        "metadata": { "resourceVersion": "0" },
        "items": items,
    })
}

fn shaped(status: StatusCode, collection: Collection, object: Value, form: Form) -> Response {
    match form {
        Form::Json => (status, Json(object)).into_response(),
        Form::Table(now) => (status, Json(table::table(collection, &[object], now))).into_response(),
    }
}

/// One more than a list may have, to know whether there is more.
pub(super) fn and_one(limit: u32) -> u32 {
    limit.saturating_add(1)
}

pub(super) fn is_longer(items: usize, limit: u32) -> bool {
    u32::try_from(items).is_ok_and(|items| items > limit)
}

async fn runs(
    state: &ServerState,
    namespace: Option<String>,
    selection: &Selection,
) -> Result<(Vec<Value>, bool), Failure> {
    let filter = RunFilter {
        kind: Some(PLAYBOOK.to_owned()),
        namespace,
        name: selection.field(Field::Playbook),
        incident: selection.field(Field::Incident),
        statuses: selection.statuses.clone(),
        since: selection.since,
        limit: and_one(selection.limit),
        ..RunFilter::default()
    };
    let rows = state.store.runs(&filter).await?;
    let numbers = numbers(state, &rows).await?;
    let items = rows.iter().map(|row| run_summary(row, &numbers)).collect();
    Ok((items, is_longer(rows.len(), selection.limit)))
}

/// The numbers of the incidents that runs are about, by their ids.
async fn numbers(state: &ServerState, rows: &[RunRow]) -> Result<BTreeMap<String, i64>, Failure> {
    let mut numbers = BTreeMap::new();
    for id in rows.iter().filter_map(|row| row.incident.as_ref()) {
        if !numbers.contains_key(id)
            && let Some(incident) = state.store.incident(id).await?
        {
            numbers.insert(id.clone(), incident.number);
        }
    }
    Ok(numbers)
}

fn run_summary(row: &RunRow, numbers: &BTreeMap<String, i64>) -> Value {
    run::summary(row, number_of(row, numbers))
}

fn number_of(row: &RunRow, numbers: &BTreeMap<String, i64>) -> Option<i64> {
    row.incident.as_ref().and_then(|id| numbers.get(id)).copied()
}

async fn incidents(
    state: &ServerState,
    namespace: Option<String>,
    selection: &Selection,
) -> Result<(Vec<Value>, bool), Failure> {
    let filter = IncidentFilter {
        workspace: namespace,
        status: selection.field(Field::Status),
        limit: and_one(selection.limit),
    };
    let found = state.desk.incidents(&filter).await?;
    let workspaces = state.desk.workspaces();
    let items = found
        .iter()
        .map(|one| incident::summary(one, &workspaces.ids(&one.workspace)))
        .collect();
    Ok((items, is_longer(found.len(), selection.limit)))
}

async fn one(state: &ServerState, collection: Collection, place: &Place) -> Result<Value, Failure> {
    let missing = || Failure::missing(collection.group(), collection.plural(), &place.name);
    match collection {
        Collection::Runs => {
            let row = row(state, place).await?;
            let (workflow, events) = state.engine.history(&row.id).await?;
            let folded = State::fold(&workflow, &events).map_err(|error| unreadable(&error))?;
            let numbers = numbers(state, std::slice::from_ref(&row)).await?;
            Ok(run::full(&row, number_of(&row, &numbers), &workflow, &folded))
        }
        Collection::Incidents => {
            find_incident(state, &place.namespace, &place.name).await?;
            let dossier = incidents::dossier(state, &place.namespace, &place.name).await?;
            Ok(incident::full(&dossier, &state.desk.workspaces().ids(&place.namespace)))
        }
        Collection::Approvals => Ok(approval::object(&approval::find(state, place).await?)),
        Collection::Objects(kind) => {
            let catalog = state.catalog.as_ref().map(|catalog| catalog.get()).unwrap_or_default();
            let objects = objects::list(&catalog, kind, Some(&place.namespace));
            let mut objects = objects.into_iter();
            objects
                .find(|object| object["metadata"]["name"] == *place.name)
                .ok_or_else(missing)
        }
    }
}

/// The incident of a workspace that has this number or id.
pub(super) async fn find_incident(state: &ServerState, workspace: &str, name: &str) -> Result<IncidentView, Failure> {
    incidents::find(state, workspace, name).await.map_err(|problem| {
        let failure = Failure::from(problem);
        match failure.code() {
            404 => Failure::missing(super::GROUP, Collection::Incidents.plural(), name),
            _ => failure,
        }
    })
}

/// The run of a playbook in a namespace.
pub(super) async fn row(state: &ServerState, place: &Place) -> Result<RunRow, Failure> {
    let row = state.store.run(&place.name).await?;
    row.filter(|row| row.namespace == place.namespace && row.kind == PLAYBOOK)
        .ok_or_else(|| Failure::missing(super::GROUP, Collection::Runs.plural(), &place.name))
}

/// The log from behind the first `after` lines on.
async fn text_log(state: &ServerState, place: &Place, query: &str) -> Result<Response, Failure> {
    let after = query::number(query, "after")?.unwrap_or(0);
    let row = row(state, place).await?;
    let (workflow, events) = state.engine.history(&row.id).await?;
    let lines = log::lines(&workflow, events.get(after..).unwrap_or_default());
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

fn unreadable(error: &dyn std::error::Error) -> Failure {
    Failure::from(crate::server::problem::Problem::internal(error))
}
