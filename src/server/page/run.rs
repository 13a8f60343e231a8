//! The page of a run: its actions as a graph, and as a tree with what went in and out, when each ran and for how long.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};

use super::{Page, graph, hold, moment_at, span};
use crate::definition::{ActionId, Workflow};
use crate::engine::Asked;
use crate::engine::shell::{PLAYBOOK, now};
use crate::engine::state::State as Run;
use crate::engine::view::{self, Branch, Hold, Standing};
use crate::expression::{Object, Value};
use crate::rules::Incident;
use crate::server::caller::{Inspect, OpenWorkspace};
use crate::server::problem::{Kind, Problem};
use crate::server::state::ServerState;
use crate::store::{ApprovalFilter, Millis, RunFilter, RunRow};

/// How many actions a page shows.
const BRANCHES_MAX: usize = 2_000;
/// How much of a value a page shows, in characters.
const VALUE_MAX: usize = 10_000;
/// How many runs that it started, and approvals, a page shows.
const LISTED_MAX: u32 = 50;

/// What a page shows of a run.
struct Dossier {
    row: RunRow,
    run: Run,
    workflow: Arc<Workflow>,
    standings: Vec<Standing>,
    holds: Vec<Hold>,
    branches: Vec<Branch>,
    incident: Option<Incident>,
    children: Vec<RunRow>,
    approvals: Vec<Asked>,
    now: Millis,
}

/// `GET /namespaces/{ns}/runs/{run}`.
pub(in crate::server) async fn run(
    State(state): State<ServerState>,
    OpenWorkspace { name: namespace, .. }: OpenWorkspace<Inspect>,
    Path((_, run)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = state.store.run(&run).await?;
    let row = row.filter(|row| row.namespace == namespace && row.kind == PLAYBOOK);
    let row = row.ok_or_else(|| Problem::new(Kind::NotFound, "the namespace has no such run of a playbook"))?;
    Ok(render(&dossier(&state, row).await?).into_response())
}

async fn dossier(state: &ServerState, row: RunRow) -> Result<Dossier, Problem> {
    let (workflow, events) = state.engine.history(&row.id).await?;
    let run = Run::fold(&workflow, &events).map_err(|error| Problem::internal(&error))?;
    let view = match &row.incident {
        Some(incident) => state.desk.view(incident).await?,
        None => None,
    };
    let children = RunFilter {
        kind: Some(PLAYBOOK.to_owned()),
        parent: Some(row.id.clone()),
        limit: LISTED_MAX,
        ..RunFilter::default()
    };
    let approvals = ApprovalFilter {
        run: Some(row.id.clone()),
        limit: LISTED_MAX,
        ..ApprovalFilter::default()
    };
    Ok(Dossier {
        branches: view::outline(&workflow, &run, BRANCHES_MAX),
        standings: view::standings(&workflow, &run),
        holds: view::holds(&workflow, &run, &events),
        workflow,
        incident: view.map(|view| view.incident),
        children: state.store.runs(&children).await?,
        approvals: state.engine.approvals(&approvals).await?,
        now: now(),
        run,
        row,
    })
}

fn render(dossier: &Dossier) -> Page {
    let title = format!("Run of {}", dossier.row.name);
    let mut page = Page::new(&title);
    page.element("h1", &title);
    let status = view::status(&dossier.run).as_str();
    page.markup("<p>").state(status).text(" ");
    let end = dossier.row.ended_at.unwrap_or(dossier.now);
    page.element("small", &span(end - dossier.row.created_at))
        .markup("</p>");
    failure(&mut page, &dossier.run);
    hold::show(&mut page, &dossier.row, &dossier.holds, dossier.now);
    facts(&mut page, dossier);
    page.section("Approvals", &dossier.approvals, approval);
    page.section("Runs that it started", &dossier.children, child);
    page.element("h2", "Graph");
    let anchors = Anchors::of(&dossier.branches);
    graph::show(&mut page, &dossier.workflow, &dossier.standings, &|id| {
        anchors.0.contains_key(&id)
    });
    page.element("h2", "Actions");
    let window = Window {
        from: dossier.row.created_at,
        to: end.max(dossier.row.created_at + 1),
    };
    tree(&mut page, &dossier.branches, &window, &anchors);
    outputs(&mut page, &dossier.run);
    page
}

fn failure(page: &mut Page, run: &Run) {
    let error = run.closed.as_ref().and_then(|closed| closed.error.as_ref());
    if let Some(error) = error {
        page.markup("<p class=\"notice bad\">");
        page.text(&format!("{}: {}", error.code, error.message)).markup("</p>");
    }
}

fn facts(page: &mut Page, dossier: &Dossier) {
    let (row, opened) = (&dossier.row, &dossier.run.opened);
    page.markup("<table>");
    page.row("Playbook", &format!("{}/{}", row.namespace, row.name));
    page.row("Trigger", &opened.trigger);
    page.row("Requester", &opened.requester);
    if let Some(incident) = &dossier.incident {
        let shown = format!("{}: {}", incident.number, incident.title);
        page.row_to(
            "Incident",
            &["workspaces", &incident.workspace, "incidents", &incident.id],
            &shown,
        );
    }
    if let Some(parent) = &row.parent {
        page.row_to("Started by", &["namespaces", &row.namespace, "runs", parent], parent);
    }
    page.row("Started", &moment_at(row.created_at));
    page.row("Ended", &row.ended_at.map(moment_at).unwrap_or_default());
    page.row("Id", &row.id);
    page.markup("</table>");
}

fn approval(page: &mut Page, asked: &Asked) {
    let approval = &asked.approval.shown();
    page.state(super::approval::standing(asked))
        .text(" ")
        .text(&approval.title);
    super::approval::decisions(page, approval);
    if approval.outcome.is_none() && asked.row.closed_at.is_none() {
        page.element("small", &format!("until {}", moment_at(asked.row.expires_at)));
    }
}

fn child(page: &mut Page, row: &RunRow) {
    page.state(row.status.as_deref().unwrap_or("Running")).text(" ");
    let name = format!("{}/{}", row.namespace, row.name);
    page.link(&["namespaces", &row.namespace, "runs", &row.id], &name);
}

/// The time that the bars of actions are drawn in.
struct Window {
    from: Millis,
    to: Millis,
}

/// Of each action the execution whose details the graph leads to: the first that failed, else that goes on, else the first.
struct Anchors<'a>(HashMap<ActionId, &'a Branch>);

impl<'a> Anchors<'a> {
    fn of(branches: &'a [Branch]) -> Self {
        let mut chosen: HashMap<ActionId, &Branch> = HashMap::new();
        let mut open: Vec<&Branch> = branches.iter().rev().collect();
        while let Some(branch) = open.pop() {
            if let Some(id) = branch.action {
                let known = chosen.entry(id).or_insert(branch);
                if urgency(branch) < urgency(known) {
                    *known = branch;
                }
            }
            open.extend(branch.inside.iter().rev());
        }
        Self(chosen)
    }

    /// The action that an execution stands for in the graph.
    fn at(&self, branch: &Branch) -> Option<ActionId> {
        let is_chosen = |id: &ActionId| self.0.get(id).is_some_and(|chosen| std::ptr::eq(*chosen, branch));
        branch.action.filter(is_chosen)
    }
}

/// How soon somebody wants to see an execution; less is sooner.
fn urgency(branch: &Branch) -> u8 {
    let status = branch.facts.as_ref().and_then(|facts| facts.get("status"));
    match status.and_then(Value::as_str) {
        Some("Failed" | "TimedOut") => 0,
        Some("Running" | "Waiting") => 1,
        Some(_) | None => 2,
    }
}

fn tree(page: &mut Page, branches: &[Branch], window: &Window, anchors: &Anchors<'_>) {
    page.markup("<ol class=\"tree\">");
    for branch in branches {
        page.markup("<li>");
        match &branch.facts {
            None => {
                page.element("small", &branch.name);
                tree(page, &branch.inside, window, anchors);
            }
            Some(facts) => action(page, branch, facts, window, anchors),
        }
        page.markup("</li>");
    }
    page.markup("</ol>");
}

fn action(page: &mut Page, branch: &Branch, facts: &Object, window: &Window, anchors: &Anchors<'_>) {
    let text = |name: &str| facts.get(name).map(Value::to_text).unwrap_or_default();
    let status = text("status");
    let is_bad = matches!(status.as_str(), "Failed" | "TimedOut");
    page.markup(if is_bad { "<details open>" } else { "<details>" });
    page.markup("<summary><span class=\"name\">")
        .text(&branch.name)
        .markup("</span>")
        .state(&status);
    if let (Some(start), Some(end)) = branch.times {
        page.text(" ").element("small", &span(end - start));
    }
    bar(page, branch, &status, window);
    page.markup("</summary><div class=\"inner\"");
    // A browser that is led to what is folded unfolds it.
    if let Some(id) = anchors.at(branch) {
        page.markup(" id=\"a").text(&id.0.to_string()).markup("\"");
    }
    page.markup(">");
    page.markup("<table>");
    page.row("Code", &text("code"));
    page.row("Started", &branch.times.0.map(moment_at).unwrap_or_default());
    page.row("Ended", &branch.times.1.map(moment_at).unwrap_or_default());
    page.row("Attempts", &text("attempts"));
    page.row("Waits for", &branch.after.join(", "));
    page.markup("</table>");
    if let Some(error) = facts.get("error") {
        let shown = |name: &str| error.get(name).map(Value::to_text).unwrap_or_default();
        page.markup("<p class=\"notice bad\">");
        page.text(&format!("{}: {}", shown("code"), shown("message")))
            .markup("</p>");
    }
    value(page, "Inputs", facts.get("inputs"));
    value(page, "Outputs", facts.get("outputs"));
    value(page, "Tracked properties", facts.get("trackedProperties"));
    page.markup("</div></details>");
    if !branch.inside.is_empty() {
        tree(page, &branch.inside, window, anchors);
    }
}

/// When the action ran within the run, as a bar.
fn bar(page: &mut Page, branch: &Branch, status: &str, window: &Window) {
    let Some(start) = branch.times.0 else { return };
    let end = branch.times.1.unwrap_or(window.to);
    let length = window.to - window.from;
    // In thousandths of the run; the narrowest bar is still seen.
    let place = ((start - window.from).max(0) * 1_000 / length).clamp(0, 995);
    let width = ((end - start).max(0) * 1_000 / length).clamp(5, 1_000 - place);
    page.markup("<svg class=\"bar ").markup(super::colour(status));
    page.markup("\" viewBox=\"0 0 1000 5\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect x=\"");
    page.text(&place.to_string())
        .markup("\" width=\"")
        .text(&width.to_string());
    page.markup("\" height=\"5\"/></svg>");
}

fn outputs(page: &mut Page, run: &Run) {
    let closed = run.closed.as_ref();
    if let Some(outputs) = closed.and_then(|closed| closed.outputs.as_ref()) {
        let shown = view::shown(outputs);
        if shown.as_object().is_none_or(|members| !members.is_empty()) {
            page.element("h2", "Outputs");
            value(page, "Of the run", Some(&shown));
        }
    }
}

/// A value as indented JSON, cut where it is long.
fn value(page: &mut Page, title: &str, value: Option<&Value>) {
    let Some(value) = value else { return };
    let text = match value {
        Value::String(text) => text.to_string(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    page.element("small", title);
    match text.char_indices().nth(VALUE_MAX) {
        None => page.element("pre", &text),
        Some((at, _)) => {
            page.element("pre", &text[..at]);
            page.element("small", "… the rest is in the run's part `actions`")
        }
    };
}
