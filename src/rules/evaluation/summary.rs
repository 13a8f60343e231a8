//! An evaluation for people: per rule whether it matched, and what came of its actions.

use serde::Serialize;

use super::event::{ActionOutcome, RuleStatus};
use super::state::{ActionProgress, RuleProgress, State, Step, Verdict};
use crate::api::automation_rule::RuleAction;

/// An evaluation for people.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Why the rules were evaluated, such as `IncidentCreated`.
    pub occasion: &'static str,
    /// Whether the evaluation is over.
    pub ended: bool,
    /// The rules, in the order of their evaluation.
    pub rules: Vec<RuleSummary>,
}

/// What became of one rule.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RuleSummary {
    /// Name of the rule.
    pub name: String,
    /// What people see.
    pub display_name: String,
    /// Whether it applied, and was not stopped as part of a loop; `None` before it was checked.
    pub matched: Option<bool>,
    /// Why it did not apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What became of it, once its actions are over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RuleStatus>,
    /// Its actions, if it applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionSummary>,
}

/// What became of one action.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ActionSummary {
    /// What it does, such as `run playbook block-ip`.
    pub action: String,
    /// What came of it; `None` before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ActionOutcome>,
    /// The run that it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// The evaluation for people.
pub fn summary(state: &State) -> Summary {
    Summary {
        occasion: state.occasion().name(),
        ended: *state.next() == Step::Ended,
        rules: state.rules().iter().map(of_rule).collect(),
    }
}

fn of_rule(progress: &RuleProgress) -> RuleSummary {
    let spec = &progress.pinned.spec;
    let (matched, reason) = match &progress.verdict {
        Verdict::Pending => (None, None),
        Verdict::Skipped { reason } => (Some(false), Some(reason.clone())),
        Verdict::Stopped => (Some(false), Some(Verdict::LOOP.to_owned())),
        Verdict::Matched => (Some(true), None),
    };
    let actions = match matched {
        Some(true) => spec.actions.iter().zip(&progress.actions).map(of_action).collect(),
        Some(false) | None => Vec::new(),
    };
    RuleSummary {
        name: progress.pinned.name.clone(),
        display_name: spec.display_name.clone(),
        matched,
        reason,
        status: progress.status(),
        actions,
    }
}

fn of_action((action, progress): (&RuleAction, &ActionProgress)) -> ActionSummary {
    let text = match action {
        RuleAction::RunPlaybook(target) => match &target.namespace {
            Some(namespace) => format!("run playbook {namespace}/{}", target.name),
            None => format!("run playbook {}", target.name),
        },
        RuleAction::ModifyProperties(_) => "modify properties".to_owned(),
        RuleAction::AddIncidentTask(task) => format!("add task {:?}", task.title),
    };
    ActionSummary {
        action: text,
        outcome: progress.outcome.clone(),
        run: progress.run.clone(),
    }
}
