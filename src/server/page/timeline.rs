//! What happened to an incident, in its order: alerts, changes, comments, tasks, runs and what rules did.

use jiff::Timestamp;

use super::{Page, span};
use crate::rules::{Activity, FieldChange};
use crate::server::html;
use crate::server::incidents::{ACTIVITIES_MAX, Dossier};
use crate::server::runs::RunAnswer;

/// How much of a comment stands in its line, in characters.
const EXCERPT: usize = 200;

/// One line.
struct Happening<'a> {
    at: &'a str,
    what: String,
    run: Option<&'a RunAnswer>,
}

impl<'a> Happening<'a> {
    fn new(at: &'a str, what: String) -> Self {
        Self { at, what, run: None }
    }
}

/// Adds the timeline of an incident to its page.
pub(super) fn show(page: &mut Page, dossier: &Dossier) {
    let happenings = collect(dossier);
    page.element("h2", "What happened");
    if dossier.activities.len() >= ACTIVITIES_MAX as usize {
        let text = format!("Of its changes the last {ACTIVITIES_MAX} are shown.");
        page.element("small", &text);
    }
    page.markup("<ol class=\"line\">");
    for happening in &happenings {
        page.markup("<li>").time(happening.at);
        page.text(&happening.what);
        if let Some(run) = happening.run {
            let name = format!("{}/{}", run.namespace, run.name);
            page.text(" ")
                .link(&["namespaces", &run.namespace, "runs", &run.id], &name);
            page.text(" ").state(&run.status);
            if let Some(took) = took(run) {
                page.text(" ").element("small", &took);
            }
        }
        page.markup("</li>");
    }
    page.markup("</ol>");
}

fn collect(dossier: &Dossier) -> Vec<Happening<'_>> {
    let (view, incident) = (&dossier.view, &dossier.view.incident);
    let mut happenings = vec![Happening::new(
        &incident.created_time,
        "The incident was created".to_owned(),
    )];
    let told = dossier.activities.iter().map(|activity| &activity.time);
    let is_told = std::iter::once(&incident.created_time)
        .chain(told)
        .any(|time| *time == incident.last_modified_time);
    if !is_told {
        let what = format!("The incident was last changed; it is {}", incident.status.as_str());
        happenings.push(Happening::new(&incident.last_modified_time, what));
    }
    for alert in &view.alerts {
        let what = format!("Alert of {}: {}", alert.product_name, alert.title);
        happenings.push(Happening::new(&alert.time_generated, what));
    }
    for activity in dossier.activities.iter().rev() {
        happenings.push(Happening::new(&activity.time, changed(activity)));
    }
    for comment in &view.comments {
        let text = html::text_of(&comment.message);
        let what = format!("{} commented: {}", comment.author, excerpt(&text));
        happenings.push(Happening::new(&comment.created_time, what));
    }
    for task in &view.tasks {
        let what = format!("{} added a task: {}", task.created_by, task.title);
        happenings.push(Happening::new(&task.created_time, what));
        if task.completed {
            let what = format!("Task completed: {}", task.title);
            happenings.push(Happening::new(&task.last_modified_time, what));
        }
    }
    for run in &dossier.runs {
        happenings.push(Happening {
            run: Some(run),
            ..Happening::new(&run.created_time, "Playbook started:".to_owned())
        });
    }
    for evaluation in &dossier.evaluations {
        let applied = evaluation
            .summary
            .rules
            .iter()
            .filter(|rule| rule.matched == Some(true));
        for rule in applied {
            let what = format!("Rule applied on {}: {}", evaluation.summary.occasion, rule.display_name);
            happenings.push(Happening::new(&evaluation.run.created_time, what));
        }
    }
    // What is no time comes first; the order of the same times stays.
    // Runs know their times in milliseconds; the beginning is not after what it caused.
    let time = |happening: &Happening| happening.at.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    happenings.sort_by_key(time);
    happenings
}

/// Who changed what from what to what.
fn changed(activity: &Activity) -> String {
    let changes: Vec<String> = activity.changes.iter().map(change).collect();
    format!("{} {}", activity.author, changes.join("; "))
}

fn change(change: &FieldChange) -> String {
    let (field, from, to) = (change.field.title(), change.from.as_str(), change.to.as_str());
    match (change.field.is_list(), from.is_empty(), to.is_empty()) {
        (true, true, _) => format!("added {field}: {to}"),
        (true, false, true) => format!("removed {field}: {from}"),
        (true, false, false) => format!("changed {field}: added {to}, removed {from}"),
        (false, true, _) => format!("set {field} to {to}"),
        (false, false, true) => format!("cleared {field}, which was {from}"),
        (false, false, false) => format!("changed {field} from {from} to {to}"),
    }
}

fn took(run: &RunAnswer) -> Option<String> {
    let time = |text: &str| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    Some(span(time(run.end_time.as_deref()?)? - time(&run.created_time)?))
}

/// The beginning of a text, on one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
