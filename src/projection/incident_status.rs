//! The status of an Incident: what people see of an incident with kubectl. Pure.
//! Invariants: bounded whatever happens to the incident; what a person wished is shown as it was applied.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use super::run_status::{cut, phase, time};
use crate::api::IncidentSpec;
use crate::api::status::{
    AlertSummary, AppliedSpec, CommentSummary, EntitySummary, IncidentProjection, IncidentRunSummary, RunPhase,
    TaskSummary,
};
use crate::controllers::condition::{READY, STALLED, Shown, conditions};
use crate::engine::status::RunStatus;
use crate::rules::body::entity_id;
use crate::rules::{Alert, Comment, Ids, IncidentView, Task};
use crate::store::RunRow;

/// Alerts that a status lists at most, the last ones.
const ALERTS_MAX: usize = 10;
/// Entities.
const ENTITIES_MAX: usize = 50;
/// Comments, the last ones, and characters of each.
const COMMENTS_MAX: (usize, usize) = (10, 1_000);
/// Tasks.
const TASKS_MAX: usize = 40;
/// Runs, the last ones.
pub const RUNS_MAX: usize = 10;

/// What became of the wishes of an Incident object, as the store keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Wishes {
    /// UID of the object: the wishes of another object are new ones.
    pub uid: String,
    /// Generation of its spec that was looked at last.
    pub generation: i64,
    /// What was applied.
    pub applied: IncidentSpec,
    /// Why the wishes of that generation were refused, if they were.
    pub refused: Option<String>,
}

impl Wishes {
    /// The name of the setting of the store that keeps the wishes for an incident.
    pub fn setting(incident: &str) -> String {
        format!("incident-wishes/{incident}")
    }
}

/// What is known of the object beside the incident.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The status that it has, for the times of its conditions.
    pub before: Option<&'a IncidentProjection>,
    /// Its UID and the generation of its spec, if there is one.
    pub object: Option<(&'a str, i64)>,
    /// Whether its spec wishes anything.
    pub has_wishes: bool,
    /// What became of its wishes.
    pub wishes: Option<&'a Wishes>,
    /// Now.
    pub now: Timestamp,
    /// How its workspace is named.
    pub ids: &'a Ids,
}

/// The status of an incident.
pub fn incident_status(view: &IncidentView, runs: &[RunRow], about: About<'_>) -> IncidentProjection {
    let incident = &view.incident;
    let own = about
        .object
        .and_then(|(uid, _)| about.wishes.filter(|wishes| wishes.uid == uid));
    // A spec that wishes something is seen only once the wishes are settled.
    let seen = match (own, about.has_wishes) {
        (Some(wishes), _) => Some(wishes.generation),
        (None, true) => about.before.and_then(|status| status.observed_generation),
        (None, false) => about.object.map(|(_, generation)| generation),
    };
    let before = about.before.map_or(&[][..], |status| status.conditions.as_slice());
    let some = |text: &str, most| (!text.is_empty()).then(|| cut(text, most));
    IncidentProjection {
        observed_generation: seen,
        conditions: conditions(before, &shown(own), seen, about.now),
        id: Some(incident.id.clone()),
        incident_number: Some(incident.number),
        title: some(&incident.title, 500),
        description: some(&incident.description, 5_000),
        severity: Some(incident.severity),
        status: Some(incident.status),
        classification: incident.classification,
        classification_reason: incident.classification_reason,
        classification_comment: incident.classification_comment.clone(),
        owner: Some(incident.owner.clone()),
        labels: first(incident.labels.iter().map(|label| label.label_name.as_str()), 100, 256),
        provider_name: some(&incident.provider_name, 253),
        incident_url: Some(cut(&about.ids.incident_url(incident), 2_048)),
        created_time: read_time(&incident.created_time),
        last_modified_time: read_time(&incident.last_modified_time),
        first_activity_time: read_time(&incident.first_activity_time),
        last_activity_time: read_time(&incident.last_activity_time),
        tactics: first(view.tactics(), 50, 64),
        techniques: first(view.techniques(), 100, 16),
        related_analytic_rules: first(view.analytics_rules(), 20, 1_024),
        alerts_count: Some(count(view.alerts.len())),
        alerts: last(&view.alerts, ALERTS_MAX).iter().map(alert).collect(),
        entities: view
            .entities()
            .iter()
            .take(ENTITIES_MAX)
            .map(|entity| EntitySummary {
                kind: entity.kind.as_str().to_owned(),
                friendly_name: cut(&entity.friendly_name(), 512),
                id: Some(entity_id(entity, about.ids)),
            })
            .collect(),
        comments_count: Some(count(view.comments.len())),
        comments: last(&view.comments, COMMENTS_MAX.0).iter().map(comment).collect(),
        tasks: view.tasks.iter().take(TASKS_MAX).map(task).collect(),
        runs: runs.iter().take(RUNS_MAX).map(run).collect(),
        applied_spec: own.map(|wishes| AppliedSpec {
            generation: wishes.generation,
            spec: wishes.applied.clone(),
        }),
    }
}

fn shown(wishes: Option<&Wishes>) -> Vec<Shown> {
    match wishes.and_then(|wishes| wishes.refused.as_ref()) {
        Some(refused) => vec![
            Shown::new(READY, false, "ChangeRefused", refused.clone()),
            Shown::new(STALLED, true, "ChangeRefused", refused.clone()),
        ],
        None => vec![Shown::ready("Succeeded", "what spec asks for is applied")],
    }
}

fn alert(alert: &Alert) -> AlertSummary {
    AlertSummary {
        id: alert.id.clone(),
        title: cut(&alert.title, 256),
        severity: alert.severity,
        product_name: (!alert.product_name.is_empty()).then(|| cut(&alert.product_name, 253)),
        time_generated: read_time(&alert.time_generated),
    }
}

fn comment(comment: &Comment) -> CommentSummary {
    CommentSummary {
        id: comment.id.clone(),
        author: cut(&comment.author, 320),
        message: cut(&without_markup(&comment.message), COMMENTS_MAX.1),
        created_time: read_time(&comment.created_time),
    }
}

fn task(task: &Task) -> TaskSummary {
    TaskSummary {
        id: task.id.clone(),
        title: cut(&task.title, 150),
        completed: task.completed,
        created_by: (!task.created_by.is_empty()).then(|| cut(&task.created_by, 320)),
    }
}

fn run(row: &RunRow) -> IncidentRunSummary {
    let phase = row
        .status
        .as_deref()
        .map_or(Some(RunStatus::Running), RunStatus::parse)
        .map_or(RunPhase::Pending, phase);
    IncidentRunSummary {
        namespace: row.namespace.clone(),
        playbook: row.name.clone(),
        id: row.id.clone(),
        phase,
        start_time: Some(time(row.created_at)),
    }
}

/// The text of a comment: tags and line ends become blanks, since a table shows it in one line.
fn without_markup(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        let is_tag = rest[open + 1..].starts_with(|next: char| next.is_ascii_alphabetic() || next == '/');
        match rest[open..].find('>').filter(|_| is_tag) {
            Some(close) => {
                text.push(' ');
                rest = &rest[open + close + 1..];
            }
            None => {
                text.push('<');
                rest = &rest[open + 1..];
            }
        }
    }
    text.push_str(rest);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first<'a>(texts: impl IntoIterator<Item = &'a str>, most: usize, length: usize) -> Vec<String> {
    texts.into_iter().take(most).map(|text| cut(text, length)).collect()
}

fn last<T>(items: &[T], most: usize) -> &[T] {
    &items[items.len().saturating_sub(most)..]
}

fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

fn read_time(text: &str) -> Option<Time> {
    let at: Timestamp = text.parse().ok()?;
    Some(time(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_one_line_of_text() {
        let html = "<p>IP <b>1.2.3.4</b><br/>\n is 3 < 5 and bad</p><script";
        assert_eq!(without_markup(html), "IP 1.2.3.4 is 3 < 5 and bad <script");
        assert_eq!(without_markup("a <- b"), "a <- b");
    }
}
