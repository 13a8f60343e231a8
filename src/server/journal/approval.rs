//! Approvals as objects of the aggregated API, and decisions on them. An approval is named by its run and the execution of
//! the action that waits: `RUN.FRAME-ACTION`. Invariant: links are a part of their own, for whoever holds them decides as
//! those whom they are for.

use axum::extract::Request;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::access::Asker;
use super::answer::{and_one, is_longer, row};
use super::metadata;
use super::query::{Field, Selection};
use super::request::{Attributes, Collection, GROUP, Place};
use super::status::Failure;
use crate::api::{GROUP as OBJECT_GROUP, VERSION};
use crate::engine::Asked;
use crate::engine::approval::{Decider, Decision, Vote};
use crate::engine::callback::{Link, parse_node};
use crate::engine::clock::round_trip;
use crate::server::body;
use crate::server::html::text_of;
use crate::server::page::approval::standing;
use crate::server::problem::Problem;
use crate::server::state::ServerState;
use crate::store::ApprovalFilter;

/// What is wanted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    /// Passed over: what every object of Kubernetes has.
    #[serde(default, rename = "apiVersion")]
    _api_version: Option<String>,
    #[serde(default, rename = "kind")]
    _kind: Option<String>,
    /// The execution of the action that waits, or the action's name. Absent: the only one.
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    option: Option<String>,
    #[serde(default)]
    comment: String,
    /// What is filled in: texts, or lists of texts.
    #[serde(default)]
    inputs: Map<String, Value>,
}

/// An approval as an object.
pub(super) fn object(asked: &Asked) -> Value {
    let (row, approval) = (&asked.row, &asked.approval.shown());
    let name = format!("{}.{}", row.run, row.node);
    let mut metadata = metadata(&row.namespace, &name, &name, row.created_at);
    metadata["labels"] = json!({ format!("{OBJECT_GROUP}/playbook"): row.playbook });
    metadata["resourceVersion"] = json!(row.version.to_string());
    let details = match approval.is_html {
        true => text_of(&approval.details),
        false => approval.details.clone(),
    };
    let options: Vec<&str> = approval.options.iter().map(|option| option.name.as_str()).collect();
    let asked_of = match approval.recipients.is_empty() {
        true => "whoever may approve".to_owned(),
        false => approval.recipients.join(", "),
    };
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "Approval",
        "metadata": metadata,
        "spec": {
            "run": row.run,
            "playbook": row.playbook,
            "action": approval.action,
            "title": approval.title,
            "details": details,
            "options": options,
            "inputs": approval.fields,
            "recipients": approval.recipients,
            "needed": approval.needed,
            "requesterMayNotApprove": approval.requester_may_not_approve,
            "signIn": approval.sign_in,
            "expires": round_trip(row.expires_at),
        },
        "status": {
            "status": standing(asked),
            "asked": asked_of,
            "count": format!("{}/{}", approval.decisions.len(), approval.needed),
            "outcome": approval.outcome,
            "endTime": row.closed_at.map(round_trip),
            "decisions": approval.decisions.iter().map(decision).collect::<Vec<_>>(),
        },
    })
}

fn decision(decision: &Decision) -> Value {
    json!({
        "by": decision.by.name,
        "signedIn": decision.by.signed_in,
        "option": decision.option,
        "comment": decision.comment,
        "inputs": decision.inputs.iter().map(|(id, value)| (id.clone(), json!(value))).collect::<Map<_, _>>(),
        "time": round_trip(decision.at),
    })
}

/// The links of those who are asked and have not decided; nobody reaches them where this Riposte has no public address.
pub(super) fn links(state: &ServerState, asked: &Asked) -> Value {
    let (row, approval) = (&asked.row, &asked.approval);
    let is_open = approval.outcome.is_none() && row.closed_at.is_none();
    let waiting = (0..)
        .zip(&approval.recipients)
        .filter(|(_, name)| approval.decision_of(name).is_none());
    let link = |(recipient, name): (usize, &String)| {
        let run = row.run.clone();
        let link = Link::Approval {
            run,
            node: parse_node(&row.node)?,
            recipient,
        };
        let url = state.engine.links().url(&link, Some(row.expires_at))?;
        Some(json!({ "recipient": name, "url": url }))
    };
    let links: Vec<Value> = waiting.filter(|_| is_open).filter_map(link).collect();
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "ApprovalLinks",
        "metadata": object(asked)["metadata"],
        "links": links,
    })
}

/// The approvals of a namespace or of all, the newest first, and whether there are more.
pub(super) async fn list(
    state: &ServerState,
    namespace: Option<String>,
    selection: &Selection,
) -> Result<(Vec<Value>, bool), Failure> {
    let status = selection.field(Field::Status);
    let filter = ApprovalFilter {
        namespace,
        run: None,
        open_only: status.as_deref() == Some("Pending"),
        limit: and_one(selection.limit),
    };
    let found = state.engine.approvals(&filter).await.map_err(Problem::from)?;
    let has_more = is_longer(found.len(), selection.limit);
    let is_wanted = |asked: &&Asked| status.as_deref().is_none_or(|wanted| wanted == standing(asked));
    Ok((found.iter().filter(is_wanted).map(object).collect(), has_more))
}

/// The approval of a name.
pub(super) async fn find(state: &ServerState, place: &Place) -> Result<Asked, Failure> {
    let missing = || Failure::missing(GROUP, Collection::Approvals.plural(), &place.name);
    let (run, node) = place.name.rsplit_once('.').ok_or_else(missing)?;
    let asked = state.engine.approval(run, node).await.map_err(Problem::from)?;
    asked
        .filter(|asked| asked.row.namespace == place.namespace)
        .ok_or_else(missing)
}

/// Records the decision of a request on what a run asks, for whoever may approve it.
pub(super) async fn decide(
    state: &ServerState,
    asker: &Asker,
    place: &Place,
    request: Request,
) -> Result<Asked, Failure> {
    // The verb that people know; the part of the API alone gives nothing.
    let attributes = Attributes {
        verb: "approve",
        group: OBJECT_GROUP,
        resource: "playbookruns",
        subresource: None,
        namespace: Some(place.namespace.clone()),
        name: Some(place.name.clone()),
    };
    asker.admit(state, &attributes).await?;
    row(state, place).await?;
    let text = body::read(request, &state.settings).await?;
    let wanted: Wanted = serde_json::from_slice(&text).map_err(|error| Failure::malformed(error.to_string()))?;
    let node = waiting(state, place, wanted.action.as_deref()).await?;
    let vote = Vote {
        option: wanted.option,
        comment: wanted.comment,
        inputs: wanted.inputs.iter().flat_map(|(id, value)| texts(id, value)).collect(),
    };
    let by = Decider {
        name: asker.requester(),
        signed_in: true,
    };
    let engine = state.engine.clone();
    let run = place.name.clone();
    // A task of its own: a sender that hangs up in the middle does not stop what follows the commit.
    let deciding = tokio::spawn(async move { engine.decide(&run, &node, &by, &vote).await });
    let decided = deciding.await.map_err(|error| Problem::internal(&error))?;
    Ok(decided.map_err(Problem::from)?)
}

/// The execution of the action that is meant: by its own name, by the action's, or the only one that waits.
async fn waiting(state: &ServerState, place: &Place, action: Option<&str>) -> Result<String, Failure> {
    if let Some(node) = action.filter(|action| parse_node(action).is_some()) {
        return Ok(node.to_owned());
    }
    let filter = ApprovalFilter {
        run: Some(place.name.clone()),
        open_only: action.is_none(),
        limit: 100,
        namespace: None,
    };
    let mut found = state.engine.approvals(&filter).await.map_err(Problem::from)?;
    if let Some(action) = action {
        found.retain(|asked| asked.approval.action.eq_ignore_ascii_case(action));
        // One that waits, if there is one; else the one whose outcome is told.
        found.sort_by_key(|asked| asked.row.closed_at.is_some());
        found.dedup_by_key(|asked| asked.row.closed_at.is_some());
        found.truncate(1);
    }
    let names = |found: &[Asked]| {
        let each = found
            .iter()
            .map(|asked| format!("{} ({})", asked.row.node, asked.approval.action));
        each.collect::<Vec<_>>().join(", ")
    };
    match found.as_slice() {
        [one] => Ok(one.row.node.clone()),
        [] => Err(Failure::new(
            StatusCode::CONFLICT,
            "the run does not wait for anybody to decide",
        )),
        several => {
            let message = format!("the run waits for several decisions; name one of: {}", names(several));
            Err(Failure::new(StatusCode::CONFLICT, message))
        }
    }
}

/// The texts of a value that is filled in.
fn texts(id: &str, value: &Value) -> Vec<(String, String)> {
    let one = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (id.to_owned(), text)
    };
    match value {
        Value::Array(items) => items.iter().map(one).collect(),
        other => vec![one(other)],
    }
}
