//! The page of an incident, where `incidentUrl` leads: plain HTML without scripts. Everything on it may come from an
//! attacker, so every text passes [`html::push`].

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::caller::OpenWorkspace;
use super::evaluation::EvaluationAnswer;
use super::html;
use super::incidents::{Dossier, dossier};
use super::problem::Problem;
use super::runs::RunAnswer;
use super::state::ServerState;
use crate::rules::evaluation::{ActionOutcome, ActionSummary, RuleSummary};
use crate::rules::{Alert, Comment, Entity, Incident, Task};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#1c2024;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;\
width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;\
overflow-wrap:anywhere}pre,p{white-space:pre-wrap;overflow-wrap:anywhere}pre{background:#f3f4f6;padding:.6rem}\
small{color:#555}@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181b}pre{background:#24282d}\
th,td{border-color:#333}small{color:#aaa}}";

/// `GET /workspaces/{ws}/incidents/{incident}`.
pub(super) async fn incident(
    State(state): State<ServerState>,
    OpenWorkspace(workspace): OpenWorkspace,
    Path((_, incident)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let dossier = dossier(&state, &workspace, &incident).await?;
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy),
    ];
    Ok((headers, render(&dossier)).into_response())
}

fn render(dossier: &Dossier) -> String {
    let incident = &dossier.view.incident;
    let mut page = Page::default();
    page.markup("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.markup("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
    page.text(&format!("Incident {}: {}", incident.number, incident.title));
    page.markup("</title><style>")
        .markup(STYLE)
        .markup("</style></head><body><main>");
    page.element("h1", &format!("Incident {}: {}", incident.number, incident.title));
    facts(&mut page, incident);
    page.element("p", &incident.description);
    let view = &dossier.view;
    page.section("Tasks", &view.tasks, task);
    page.section("Comments", &view.comments, comment);
    page.section("Entities", &view.entities(), entity);
    page.section("Alerts", &view.alerts, alert);
    page.section("Playbook runs", &dossier.runs, run);
    page.section("Automation rules", &dossier.evaluations, evaluation);
    page.markup("</main></body></html>");
    page.0
}

/// A page as it grows. Markup is ours and constant; everything else is text.
#[derive(Default)]
struct Page(String);

impl Page {
    fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        html::push(&mut self.0, text);
        self
    }

    /// An element with a text in it.
    fn element(&mut self, name: &'static str, text: &str) {
        self.markup("<").markup(name).markup(">").text(text);
        self.markup("</").markup(name).markup(">");
    }

    /// A row of two cells.
    fn row(&mut self, name: &str, text: &str) {
        self.markup("<tr><th scope=\"row\">").text(name);
        self.markup("</th><td>").text(text).markup("</td></tr>");
    }

    /// A heading with what is under it, if there is anything.
    fn section<T>(&mut self, title: &str, items: &[T], show: impl Fn(&mut Self, &T)) {
        if items.is_empty() {
            return;
        }
        self.element("h2", &format!("{title} ({})", items.len()));
        for item in items {
            self.markup("<article>");
            show(self, item);
            self.markup("</article>");
        }
    }
}

fn facts(page: &mut Page, incident: &Incident) {
    let owner = &incident.owner;
    let names = [
        &owner.assigned_to,
        &owner.user_principal_name,
        &owner.email,
        &owner.object_id,
    ];
    let owner = names.into_iter().flatten().next().map_or("Unassigned", String::as_str);
    let labels: Vec<&str> = incident.labels.iter().map(|label| label.label_name.as_str()).collect();
    let classification = incident
        .classification
        .map_or("", |classification| classification.as_str());
    let reason = incident.classification_reason.map_or("", |reason| reason.as_str());
    let remark = incident.classification_comment.as_deref().unwrap_or_default();
    let rows = [
        ("Status", incident.status.as_str().to_owned()),
        ("Severity", incident.severity.as_str().to_owned()),
        ("Owner", owner.to_owned()),
        (
            "Classification",
            [classification, reason, remark].join(" ").trim().to_owned(),
        ),
        ("Labels", labels.join(", ")),
        ("Products", incident.alert_product_names.join(", ")),
        ("Tactics", incident.tactics.join(", ")),
        ("Techniques", incident.techniques.join(", ")),
        ("First activity", incident.first_activity_time.clone()),
        ("Last activity", incident.last_activity_time.clone()),
        ("Created", incident.created_time.clone()),
        ("Last modified", incident.last_modified_time.clone()),
        ("Workspace", incident.workspace.clone()),
        ("Id", incident.id.clone()),
    ];
    page.markup("<table>");
    for (name, text) in rows.iter().filter(|(_, text)| !text.is_empty()) {
        page.row(name, text);
    }
    page.markup("</table>");
}

fn task(page: &mut Page, task: &Task) {
    let sign = if task.completed { "Completed" } else { "New" };
    page.element("p", &format!("{sign}: {}", task.title));
    if !task.description.is_empty() {
        page.element("p", &html::text_of(&task.description));
    }
}

fn comment(page: &mut Page, comment: &Comment) {
    page.element("small", &format!("{}, {}", comment.author, comment.created_time));
    page.element("p", &html::text_of(&comment.message));
}

fn entity(page: &mut Page, entity: &Entity) {
    page.element("p", &format!("{}: {}", entity.kind.as_str(), entity.friendly_name()));
}

fn alert(page: &mut Page, alert: &Alert) {
    page.element("p", &alert.title);
    page.markup("<table>");
    let rows = [
        ("Severity", alert.severity.as_str()),
        ("Product", &alert.product_name),
        ("Rule", &alert.alert_type),
        ("From", &alert.start_time),
        ("To", &alert.end_time),
        ("Description", &alert.description),
        ("Link", alert.link.as_deref().unwrap_or_default()),
        ("Id", &alert.id),
    ];
    for (name, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
        page.row(name, text);
    }
    page.markup("</table>");
}

fn run(page: &mut Page, run: &RunAnswer) {
    let line = format!("{}: {}/{} at {}", run.status, run.namespace, run.name, run.created_time);
    page.element("p", &line);
    page.element("small", &format!("run {}", run.id));
}

fn evaluation(page: &mut Page, evaluation: &EvaluationAnswer) {
    let summary = &evaluation.summary;
    let state = if summary.ended { "" } else { ", under way" };
    page.element(
        "small",
        &format!("{} at {}{state}", summary.occasion, evaluation.run.created_time),
    );
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
        None => page.element("p", &format!("• {}: under way", action.action)),
        Some(ActionOutcome::Done) => page.element("p", &format!("• {}: done", action.action)),
        Some(ActionOutcome::Failed { code, message, remedy }) => {
            page.element("p", &format!("• {}: failed ({code}), {message}", action.action));
            if let Some(remedy) = remedy {
                page.element("p", "This helps:");
                page.element("pre", remedy);
            }
        }
    }
}
