//! The state of an evaluation: the fold of its journal. Invariant: [`State::next`] always names one next step until
//! the evaluation has ended, and only events that answer this step are legal.

use super::event::{ActionOutcome, ContinueReason, EndedRule, Event, Occasion, PinnedRule, RuleStatus};
use crate::api::automation_rule::RuleAction;

/// How many changes by automation, one caused by the other, rules still answer to. More are a loop: two rules that
/// contradict each other, or a playbook that comments on each comment.
pub const CHAIN_MAX: u32 = 8;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Choose the rules; answered by [`Event::Pinned`].
    Pin,
    /// Check the conditions of a rule on the incident as it is now; answered by `Matched`, `Stopped` or `Skipped`.
    Check {
        /// The rule.
        rule: usize,
    },
    /// Perform an action; answered by `Done`, or by `Started` for a playbook.
    Perform {
        /// The rule.
        rule: usize,
        /// The action.
        action: usize,
    },
    /// Wait for a run or a time; answered by `Continued`.
    Await {
        /// The rule.
        rule: usize,
        /// The action.
        action: usize,
        /// The run.
        run: String,
        /// How long at most, in milliseconds since the Unix epoch.
        until: i64,
    },
    /// Nothing is left; answered by [`State::ending`].
    End,
    /// The evaluation is over.
    Ended,
}

/// What became of a rule so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not checked yet.
    Pending,
    /// It does not apply.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It applies, but does nothing, because it is part of a loop.
    Stopped,
    /// It applies.
    Matched,
}

impl Verdict {
    /// Why a rule does nothing although its conditions hold.
    pub const LOOP: &'static str = "its conditions hold, but it looks like a loop: more than 8 changes by rules and \
        playbooks led to this one, with none by a person and no new alert in between; rules rest until one of these \
        comes. A condition on IncidentUpdatedBySource ends the loop for good";
}

/// What became of an action so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionProgress {
    /// What came of it; `None` before its end.
    pub outcome: Option<ActionOutcome>,
    /// The run that it started.
    pub run: Option<String>,
    /// Why the rule went on after starting the run.
    pub continued: Option<ContinueReason>,
}

/// A pinned rule with what became of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleProgress {
    /// The rule.
    pub pinned: PinnedRule,
    /// Whether it applies.
    pub verdict: Verdict,
    /// Its actions, in their order.
    pub actions: Vec<ActionProgress>,
}

/// An event that does not answer the step that is next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event {event} does not fit an evaluation whose next step is {step:?}; its journal is damaged")]
pub struct IllegalEvent {
    /// Name of the event.
    pub event: &'static str,
    /// The step that was next; `None` before the first event.
    pub step: Option<Step>,
}

/// The state of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    occasion: Occasion,
    depth: u32,
    rules: Vec<RuleProgress>,
    step: Step,
}

impl State {
    /// The state after the first event, which must be [`Event::Opened`].
    ///
    /// # Errors
    /// It is another event.
    pub fn open(first: &Event) -> Result<Self, IllegalEvent> {
        match first {
            Event::Opened { occasion, depth } => Ok(Self {
                occasion: occasion.clone(),
                depth: *depth,
                rules: Vec::new(),
                step: Step::Pin,
            }),
            other => Err(IllegalEvent {
                event: other.name(),
                step: None,
            }),
        }
    }

    /// The state after a whole journal; `None` if it is empty.
    ///
    /// # Errors
    /// An event does not fit those before it.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Result<Option<Self>, IllegalEvent> {
        let mut events = events.into_iter();
        let Some(first) = events.next() else {
            return Ok(None);
        };
        let mut state = Self::open(first)?;
        for event in events {
            state.apply(event)?;
        }
        Ok(Some(state))
    }

    /// Takes the next event of the journal.
    ///
    /// # Errors
    /// The event does not answer the next step; the state stays as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        let next = match event {
            Event::Opened { .. } => None,
            Event::Pinned { rules } => self.pin(rules),
            Event::Skipped { rule, reason } => self.skip(*rule, reason),
            Event::Matched { rule } => self.begin(*rule),
            Event::Stopped { rule } => self.stop(*rule),
            Event::Done { rule, action, outcome } => self.finish(*rule, *action, outcome),
            Event::Started {
                rule,
                action,
                run,
                until,
            } => self.start(*rule, *action, run, *until),
            Event::Continued { rule, action, why } => self.go_on(*rule, *action, why),
            Event::Ended { .. } => (self.step == Step::End).then_some(Step::Ended),
        };
        self.step = next.ok_or_else(|| IllegalEvent {
            event: event.name(),
            step: Some(self.step.clone()),
        })?;
        Ok(())
    }

    /// What to do next.
    pub fn next(&self) -> &Step {
        &self.step
    }

    /// Why the rules are evaluated.
    pub fn occasion(&self) -> &Occasion {
        &self.occasion
    }

    /// How many changes by automation led to this one.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Whether so many changes by automation led to this one that rules rest.
    pub fn is_loop(&self) -> bool {
        self.depth > CHAIN_MAX
    }

    /// The pinned rules with what became of them so far.
    pub fn rules(&self) -> &[RuleProgress] {
        &self.rules
    }

    /// A pinned rule.
    pub fn rule(&self, rule: usize) -> Option<&PinnedRule> {
        self.rules.get(rule).map(|progress| &progress.pinned)
    }

    /// An action of a pinned rule.
    pub fn action(&self, rule: usize, action: usize) -> Option<&RuleAction> {
        self.rule(rule)?.spec.actions.get(action)
    }

    /// The last event, which answers [`Step::End`].
    pub fn ending(&self) -> Event {
        let ended = |progress: &RuleProgress| {
            Some(EndedRule {
                name: progress.pinned.name.clone(),
                status: progress.status()?,
            })
        };
        Event::Ended {
            rules: self.rules.iter().filter_map(ended).collect(),
        }
    }

    fn pin(&mut self, rules: &[PinnedRule]) -> Option<Step> {
        if self.step != Step::Pin {
            return None;
        }
        self.rules = rules.iter().cloned().map(RuleProgress::new).collect();
        Some(self.check(0))
    }

    fn skip(&mut self, rule: usize, reason: &str) -> Option<Step> {
        if self.step != (Step::Check { rule }) {
            return None;
        }
        self.rules.get_mut(rule)?.verdict = Verdict::Skipped {
            reason: reason.to_owned(),
        };
        Some(self.check(rule + 1))
    }

    fn stop(&mut self, rule: usize) -> Option<Step> {
        if self.step != (Step::Check { rule }) || !self.is_loop() {
            return None;
        }
        self.rules.get_mut(rule)?.verdict = Verdict::Stopped;
        Some(self.check(rule + 1))
    }

    fn begin(&mut self, rule: usize) -> Option<Step> {
        if self.step != (Step::Check { rule }) {
            return None;
        }
        self.rules.get_mut(rule)?.verdict = Verdict::Matched;
        Some(self.perform(rule, 0))
    }

    fn finish(&mut self, rule: usize, action: usize, outcome: &ActionOutcome) -> Option<Step> {
        if self.step != (Step::Perform { rule, action }) {
            return None;
        }
        self.progress(rule, action)?.outcome = Some(outcome.clone());
        Some(self.perform(rule, action + 1))
    }

    /// Only a playbook can be started; that it was started is all that the action promises.
    fn start(&mut self, rule: usize, action: usize, run: &str, until: i64) -> Option<Step> {
        let is_playbook = matches!(self.action(rule, action), Some(RuleAction::RunPlaybook(_)));
        if self.step != (Step::Perform { rule, action }) || !is_playbook {
            return None;
        }
        let progress = self.progress(rule, action)?;
        progress.outcome = Some(ActionOutcome::Done);
        progress.run = Some(run.to_owned());
        Some(Step::Await {
            rule,
            action,
            run: run.to_owned(),
            until,
        })
    }

    fn go_on(&mut self, rule: usize, action: usize, why: &ContinueReason) -> Option<Step> {
        match &self.step {
            Step::Await { rule: r, action: a, .. } if (*r, *a) == (rule, action) => {}
            Step::Pin | Step::Check { .. } | Step::Perform { .. } | Step::Await { .. } | Step::End | Step::Ended => {
                return None;
            }
        }
        self.progress(rule, action)?.continued = Some(why.clone());
        Some(self.perform(rule, action + 1))
    }

    fn check(&self, rule: usize) -> Step {
        match self.rules.get(rule) {
            Some(_) => Step::Check { rule },
            None => Step::End,
        }
    }

    fn perform(&self, rule: usize, action: usize) -> Step {
        match self.action(rule, action) {
            Some(_) => Step::Perform { rule, action },
            None => self.check(rule + 1),
        }
    }

    fn progress(&mut self, rule: usize, action: usize) -> Option<&mut ActionProgress> {
        self.rules.get_mut(rule)?.actions.get_mut(action)
    }
}

impl RuleProgress {
    fn new(pinned: PinnedRule) -> Self {
        let actions = vec![ActionProgress::default(); pinned.spec.actions.len()];
        Self {
            pinned,
            verdict: Verdict::Pending,
            actions,
        }
    }

    /// What became of the rule; `None` if it did not match or its actions are not all over.
    pub fn status(&self) -> Option<RuleStatus> {
        if self.verdict != Verdict::Matched {
            return None;
        }
        let outcomes: Option<Vec<_>> = self.actions.iter().map(|action| action.outcome.as_ref()).collect();
        let failed = |outcome: &&ActionOutcome| matches!(outcome, ActionOutcome::Failed { .. });
        let outcomes = outcomes?;
        Some(match outcomes.iter().position(failed) {
            None => RuleStatus::Success,
            Some(0) => RuleStatus::Failure,
            Some(_) => RuleStatus::PartialSuccess,
        })
    }
}
