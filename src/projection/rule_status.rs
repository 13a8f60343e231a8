//! How automation rules did, as their statuses show it: counts of evaluations, and the last ones that did something. Pure
//! but for reading from the store what was counted before.
//! Invariant: bounded whatever happens; what is counted for one object is not shown on another of the same name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::run_status::{cut, time};
use crate::api::status::{AutomationRuleStatus, EvaluationCounts, EvaluationOutcome, EvaluationSummary};
use crate::rules::evaluation::{ActionOutcome, Occasion, RuleProgress, RuleStatus, State, Verdict};
use crate::store::{self, Millis, Operation, Store};

/// Evaluations that a rule lists.
const LAST: usize = 5;
/// Runs that an evaluation lists.
const RUNS_MAX: usize = 20;
/// Characters of a message, as bytes of the schema's limit.
const MESSAGE_MAX: usize = 1_000;

/// An evaluation that ended.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The workspace.
    pub workspace: String,
    /// When it ended.
    pub at: Millis,
    /// Number of the incident, if it was about one.
    pub incident: Option<i64>,
    /// What became of its rules.
    pub state: State,
}

/// How one rule did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tally {
    uid: Option<String>,
    status: AutomationRuleStatus,
}

impl Tally {
    /// Counts an evaluation of the rule, which is its `rule`-th.
    pub fn count(&mut self, evaluated: &Evaluated, rule: usize) {
        let Some(progress) = evaluated.state.rules().get(rule) else {
            return;
        };
        let counts = self.status.counts.get_or_insert_default();
        counts.evaluated += 1;
        let at = time(evaluated.at);
        self.status.last_evaluation_time = Some(at);
        let Some(outcome) = outcome(progress, counts) else {
            return;
        };
        self.status
            .last_evaluations
            .insert(0, summary(evaluated, progress, outcome));
        self.status.last_evaluations.truncate(LAST);
    }

    /// The tally of the object with this UID: another object of the same name begins anew.
    pub fn of(&mut self, uid: &str) -> &Self {
        if self.uid.as_deref().is_some_and(|known| known != uid) {
            self.status = AutomationRuleStatus::default();
        }
        self.uid = Some(uid.to_owned());
        self
    }

    /// The part of a rule's status that it is.
    pub fn status(&self) -> &AutomationRuleStatus {
        &self.status
    }

    /// Whether the status of an object says this already.
    pub fn is_shown_by(&self, status: Option<&Value>) -> bool {
        let shown = status.and_then(|status| AutomationRuleStatus::deserialize(status).ok());
        shown.is_some_and(|shown| {
            shown.counts == self.status.counts
                && shown.last_evaluation_time == self.status.last_evaluation_time
                && shown.last_evaluations == self.status.last_evaluations
        })
    }
}

/// How the evaluation of a rule is listed, if it is, counted on the way.
fn outcome(progress: &RuleProgress, counts: &mut EvaluationCounts) -> Option<EvaluationOutcome> {
    let status = match &progress.verdict {
        Verdict::Pending | Verdict::Skipped { .. } => return None,
        Verdict::Stopped => RuleStatus::Failure,
        Verdict::Matched => progress.status()?,
    };
    counts.matched += 1;
    let (count, outcome) = match status {
        RuleStatus::Success => (&mut counts.succeeded, EvaluationOutcome::Success),
        RuleStatus::PartialSuccess => (&mut counts.partially_succeeded, EvaluationOutcome::PartialSuccess),
        RuleStatus::Failure => (&mut counts.failed, EvaluationOutcome::Failure),
    };
    *count += 1;
    Some(outcome)
}

fn summary(evaluated: &Evaluated, progress: &RuleProgress, outcome: EvaluationOutcome) -> EvaluationSummary {
    let alert = match evaluated.state.occasion() {
        Occasion::AlertCreated { alert, .. } => Some(cut(alert, 64)),
        Occasion::IncidentCreated { .. } | Occasion::IncidentUpdated { .. } => None,
    };
    let failures = progress.actions.iter().filter_map(|action| match &action.outcome {
        Some(ActionOutcome::Failed { code, message, .. }) => Some(format!("{code}: {message}")),
        Some(ActionOutcome::Done) | None => None,
    });
    let stopped = (progress.verdict == Verdict::Stopped).then(|| format!("Loop: {}", Verdict::LOOP));
    let failures: Vec<String> = stopped.into_iter().chain(failures).collect();
    let runs = progress.actions.iter().filter_map(|action| action.run.as_deref());
    EvaluationSummary {
        time: Some(time(evaluated.at)),
        incident_number: evaluated.incident,
        alert_id: alert,
        outcome,
        runs: runs.take(RUNS_MAX).map(|run| cut(run, 64)).collect(),
        message: (!failures.is_empty()).then(|| cut(&failures.join("; "), MESSAGE_MAX)),
    }
}

/// Workspace and name of a rule.
type Name = (String, String);

/// How all rules did, as far as they were evaluated since the start; what was counted before is in the store.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    known: BTreeMap<Name, Tally>,
    unsaved: BTreeSet<Name>,
}

impl Tallies {
    /// The tally of a rule, to be changed.
    pub(super) async fn load(
        &mut self,
        store: &Store,
        workspace: &str,
        rule: &str,
    ) -> Result<&mut Tally, store::Error> {
        let name = (workspace.to_owned(), rule.to_owned());
        let stored = match self.known.contains_key(&name) {
            true => None,
            false => store.setting(&setting(&name)).await?,
        };
        self.unsaved.insert(name.clone());
        let read = || {
            stored
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default()
        };
        Ok(self.known.entry(name).or_insert_with(read))
    }

    /// Lets a rule go whose object is gone.
    pub(super) fn forget(&mut self, workspace: &str, rule: &str) {
        let name = (workspace.to_owned(), rule.to_owned());
        self.known.remove(&name);
        self.unsaved.remove(&name);
    }

    /// What stores the tallies that changed.
    pub(super) fn unsaved(&self) -> Result<Vec<Operation>, serde_json::Error> {
        let changed = self
            .unsaved
            .iter()
            .filter_map(|name| Some((name, self.known.get(name)?)));
        changed
            .map(|(name, tally)| {
                Ok(Operation::PutSetting {
                    key: setting(name),
                    value: serde_json::to_string(tally)?,
                })
            })
            .collect()
    }

    /// What changed is stored.
    pub(super) fn saved(&mut self) {
        self.unsaved.clear();
    }
}

/// The setting of the store that holds the tally of a rule.
fn setting((workspace, rule): &Name) -> String {
    format!("projection/rule/{workspace}/{rule}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::AutomationRuleSpec;
    use crate::rules::evaluation::{Event, PinnedRule};

    /// An evaluation of a rule with two playbooks: whether it matched, and which actions failed.
    fn evaluated(at: Millis, outcomes: Option<[bool; 2]>) -> Evaluated {
        let spec: AutomationRuleSpec = serde_json::from_value(serde_json::json!({
            "displayName": "r", "order": 1, "triggersOn": "Incidents",
            "actions": [{ "runPlaybook": { "name": "a" } }, { "addIncidentTask": { "title": "t" } }],
        }))
        .unwrap();
        let occasion = Occasion::IncidentCreated { incident: "i".into() };
        let pinned = PinnedRule { name: "r".into(), spec };
        let mut events = vec![
            Event::Opened { occasion, depth: 0 },
            Event::Pinned { rules: vec![pinned] },
        ];
        match outcomes {
            None => events.push(Event::Skipped {
                rule: 0,
                reason: "no".into(),
            }),
            Some(failed) => {
                events.push(Event::Matched { rule: 0 });
                events.extend(failed.into_iter().enumerate().map(|(action, failed)| Event::Done {
                    rule: 0,
                    action,
                    outcome: match failed {
                        true => ActionOutcome::Failed {
                            code: "MissingGrant".into(),
                            message: "no".repeat(2_000),
                            remedy: None,
                        },
                        false => ActionOutcome::Done,
                    },
                }));
            }
        }
        Evaluated {
            workspace: "soc".into(),
            at,
            incident: Some(7),
            state: State::fold(&events).unwrap().unwrap(),
        }
    }

    #[test]
    fn each_outcome_is_counted_and_the_last_that_matched_are_listed() {
        let mut tally = Tally::default();
        let cases = [
            None,
            Some([false, false]),
            Some([true, false]),
            Some([false, true]),
            Some([true, true]),
        ];
        for (at, outcomes) in cases.into_iter().enumerate() {
            tally.count(&evaluated(i64::try_from(at).unwrap() * 1_000, outcomes), 0);
        }
        let status = tally.status();
        let expected = EvaluationCounts {
            evaluated: 5,
            matched: 4,
            succeeded: 1,
            partially_succeeded: 1,
            failed: 2,
        };
        assert_eq!(status.counts, Some(expected));
        assert_eq!(status.last_evaluation_time, Some(time(4_000)));
        let listed: Vec<_> = status.last_evaluations.iter().map(|one| one.outcome).collect();
        use EvaluationOutcome::{Failure, PartialSuccess, Success};
        assert_eq!(listed, [Failure, PartialSuccess, Failure, Success]);
        let newest = &status.last_evaluations[0];
        assert_eq!(
            (newest.incident_number, newest.time.clone()),
            (Some(7), Some(time(4_000)))
        );
        let message = newest.message.as_deref().unwrap();
        assert!(
            message.starts_with("MissingGrant: no") && message.chars().count() <= 1_024,
            "{message}"
        );
        for _ in 0..9 {
            tally.count(&evaluated(9_000, Some([false, false])), 0);
        }
        assert_eq!(tally.status().last_evaluations.len(), LAST);
    }

    #[test]
    fn what_an_object_shows_is_compared_and_another_object_begins_anew() {
        let mut tally = Tally::default();
        tally.count(&evaluated(1_000, Some([true, false])), 0);
        let mut shown = serde_json::to_value(tally.of("one").status()).unwrap();
        shown["missingGrants"] = serde_json::json!([{ "namespace": "soc", "playbook": "a" }]);
        assert!(tally.is_shown_by(Some(&shown)));
        let stored = serde_json::to_string(&tally).unwrap();
        assert_eq!(serde_json::from_str::<Tally>(&stored).unwrap(), tally);
        tally.count(&evaluated(2_000, None), 0);
        assert!(!tally.is_shown_by(Some(&shown)));
        assert!(tally.of("one").status().counts.is_some());
        assert!(tally.of("other").status().counts.is_none());
    }
}
