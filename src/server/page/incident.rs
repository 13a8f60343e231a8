//! The page of an incident, where `incidentUrl` leads: its facts, what happened in its order, and everything about it.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};

use super::{Page, moment, timeline};
use crate::rules::activity;
use crate::rules::evaluation::{ActionOutcome, ActionSummary, RuleSummary};
use crate::rules::{Alert, Comment, Entity, Incident, Task};
use crate::server::caller::{OpenWorkspace, Read};
use crate::server::evaluation::EvaluationAnswer;
use crate::server::html;
use crate::server::incidents::{Dossier, dossier};
use crate::server::problem::Problem;
use crate::server::runs::RunAnswer;
use crate::server::state::ServerState;

/// `GET /workspaces/{ws}/incidents/{incident}`.
pub(in crate::server) async fn incident(
    State(state): State<ServerState>,
    OpenWorkspace { name: workspace, .. }: OpenWorkspace<Read>,
    Path((_, incident)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let dossier = dossier(&state, &workspace, &incident).await?;
    Ok(render(&dossier).into_response())
}

fn render(dossier: &Dossier) -> Page {
    let incident = &dossier.view.incident;
    let title = format!("Incident {}: {}", incident.number, incident.title);
    let mut page = Page::new(&title);
    page.element("h1", &title);
    page.markup("<p>").state(incident.severity.as_str()).text(" ");
    page.state(incident.status.as_str()).markup("</p>");
    page.element("p", &incident.description);
    facts(&mut page, incident);
    let view = &dossier.view;
    timeline::show(&mut page, dossier);
    page.section("Playbook runs", &dossier.runs, run);
    page.section("Entities", &view.entities(), entity);
    page.section("Comments", &view.comments, comment);
    page.section("Tasks", &view.tasks, task);
    page.section("Alerts", &view.alerts, alert);
    page.section("Automation rules", &dossier.evaluations, evaluation);
    page
}

fn facts(page: &mut Page, incident: &Incident) {
    let owner = match activity::name(&incident.owner) {
        "" => "Unassigned",
        name => name,
    };
    let labels: Vec<&str> = incident.labels.iter().map(|label| label.label_name.as_str()).collect();
    let classification = incident
        .classification
        .map_or("", |classification| classification.as_str());
    let reason = incident.classification_reason.map_or("", |reason| reason.as_str());
    let remark = incident.classification_comment.as_deref().unwrap_or_default();
    let rows = [
        ("Owner", owner.to_owned()),
        (
            "Classification",
            [classification, reason, remark].join(" ").trim().to_owned(),
        ),
        ("Labels", labels.join(", ")),
        ("Products", incident.alert_product_names.join(", ")),
        ("Tactics", incident.tactics.join(", ")),
        ("Techniques", incident.techniques.join(", ")),
        ("First activity", moment(&incident.first_activity_time)),
        ("Last activity", moment(&incident.last_activity_time)),
        ("Created", moment(&incident.created_time)),
        ("Last modified", moment(&incident.last_modified_time)),
        ("Workspace", incident.workspace.clone()),
        ("Id", incident.id.clone()),
    ];
    page.markup("<table>");
    for (name, text) in &rows {
        page.row(name, text);
    }
    page.markup("</table>");
}

fn task(page: &mut Page, task: &Task) {
    let sign = if task.completed { "Completed" } else { "New" };
    page.state(sign).text(" ").text(&task.title);
    if !task.description.is_empty() {
        page.element("p", &html::text_of(&task.description));
    }
}

fn comment(page: &mut Page, comment: &Comment) {
    let when = moment(&comment.created_time);
    page.element("small", &format!("{}, {when}", comment.author));
    page.element("p", &html::text_of(&comment.message));
}

fn entity(page: &mut Page, entity: &Entity) {
    page.element("small", entity.kind.as_str())
        .text(" ")
        .text(&entity.friendly_name());
}

fn alert(page: &mut Page, alert: &Alert) {
    page.element("p", &alert.title);
    page.markup("<table>");
    let rows = [
        ("Severity", alert.severity.as_str()),
        ("Product", &alert.product_name),
        ("Rule", &alert.alert_type),
        ("From", &moment(&alert.start_time)),
        ("To", &moment(&alert.end_time)),
        ("Description", &alert.description),
        ("Link", alert.link.as_deref().unwrap_or_default()),
        ("Id", &alert.id),
    ];
    for (name, text) in rows {
        page.row(name, text);
    }
    page.markup("</table>");
}

fn run(page: &mut Page, run: &RunAnswer) {
    page.state(&run.status).text(" ");
    let name = format!("{}/{}", run.namespace, run.name);
    page.link(&["namespaces", &run.namespace, "runs", &run.id], &name)
        .text(" ");
    page.time(&run.created_time);
}

fn evaluation(page: &mut Page, evaluation: &EvaluationAnswer) {
    let summary = &evaluation.summary;
    let state = if summary.ended { "" } else { ", under way" };
    let when = moment(&evaluation.run.created_time);
    page.element("small", &format!("{} at {when}{state}", summary.occasion));
    if summary.ended && summary.rules.is_empty() {
        page.element("p", "No rule is for this occasion.");
    }
    for each in &summary.rules {
        rule(page, each);
    }
}

fn rule(page: &mut Page, rule: &RuleSummary) {
    let verdict = match (rule.matched, &rule.reason) {
        (None, _) => "not checked yet".to_owned(),
        (Some(true), _) => "applies".to_owned(),
        (Some(false), reason) => format!("does not apply: {}", reason.as_deref().unwrap_or_default()),
    };
    page.element("p", &format!("{}: {verdict}", rule.display_name));
    for each in &rule.actions {
        action(page, each);
    }
}

fn action(page: &mut Page, action: &ActionSummary) {
    match &action.outcome {
        None => {
            page.element("p", &format!("• {}: under way", action.action));
        }
        Some(ActionOutcome::Done) => {
            page.element("p", &format!("• {}: done", action.action));
        }
        Some(ActionOutcome::Failed { code, message, remedy }) => {
            page.element("p", &format!("• {}: failed ({code}), {message}", action.action));
            if let Some(remedy) = remedy {
                page.element("p", "This helps:");
                page.element("pre", remedy);
            }
        }
    }
}
