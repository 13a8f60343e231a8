//! Drives the evaluation of automation rules: the shell around [`rules::evaluation`](crate::rules::evaluation).
//!
//! Invariants: a playbook's run is on disk in the same transaction as the event that it was started; what a rule changes
//! on an incident is on disk in the same transaction as the event that it did.

use std::sync::Arc;
use std::time::Duration;

use super::journal::Error;
use super::run::{Driven, LEASE};
use super::shell::{Engine, Shared, now};
use super::start::{Refused, Request, StartKind};
use super::status::RunStatus;
use crate::api::automation_rule::{AddIncidentTask, ModifyProperties, PlaybookTarget, RuleAction};
use crate::grants::Permission;
use crate::incidents::{self, Cause};
use crate::rules::condition::{self, Subject};
use crate::rules::evaluation::{
    ActionOutcome, ContinueReason, Event, Occasion, PLAYBOOK_WAIT, State, Step, Verdict, pin,
};
use crate::rules::{Author, IncidentView, Patch, body};
use crate::store::{Append, Error as StoreError, EventRow, Next, Operation, Refusal, RunRow, Store, Transaction};

/// How often a change is computed anew because the incident changed meanwhile.
const ATTEMPTS: u32 = 50;

/// One evaluation in memory.
struct Evaluation<'a> {
    shared: &'a Arc<Shared>,
    run: &'a RunRow,
    state: State,
    seq: i64,
}

/// Evaluates until the end and says how it ended.
///
/// # Errors
/// A store that fails; the evaluation then goes on from what is committed.
pub(super) async fn drive(shared: &Arc<Shared>, run: &RunRow) -> Result<Driven, Error> {
    let mut evaluation = Evaluation::load(shared, run).await?;
    if *evaluation.state.next() == Step::Ended {
        return Ok(Driven::Over(RunStatus::Succeeded));
    }
    loop {
        if !shared.holds(&run.id) {
            return Err(Error::Elsewhere(run.id.clone()));
        }
        match evaluation.state.next().clone() {
            Step::Pin => evaluation.pin().await?,
            Step::Check { rule } => evaluation.check(rule).await?,
            Step::Perform { rule, action } => evaluation.perform(rule, action).await?,
            Step::Await {
                rule,
                action,
                run,
                until,
            } => evaluation.wait(rule, action, &run, until).await?,
            Step::End => {
                let event = evaluation.state.ending();
                evaluation.commit(event, Vec::new()).await?;
            }
            Step::Ended => return Ok(Driven::Ended(RunStatus::Succeeded)),
        }
    }
}

/// Reads an evaluation from the store: its state, and how many events it has.
pub(super) async fn load(store: &Store, run: &str) -> Result<(State, i64), Error> {
    let unreadable = |reason: String| Error::Unreadable {
        run: run.to_owned(),
        reason,
    };
    let mut events: Vec<Event> = Vec::new();
    for row in store.journal(run, 0).await? {
        events.push(serde_json::from_str(&row.body).map_err(|error| unreadable(error.to_string()))?);
    }
    let state = State::fold(&events).map_err(|error| unreadable(error.to_string()))?;
    let state = state.ok_or_else(|| unreadable("the journal is empty".into()))?;
    Ok((state, i64::try_from(events.len()).unwrap_or(i64::MAX)))
}

impl<'a> Evaluation<'a> {
    async fn load(shared: &'a Arc<Shared>, run: &'a RunRow) -> Result<Self, Error> {
        let (state, seq) = load(&shared.store, &run.id).await?;
        Ok(Self {
            shared,
            run,
            state,
            seq,
        })
    }

    /// Commits an event together with what goes with it, and folds it in.
    async fn commit(&mut self, event: Event, mut with: Vec<Operation>) -> Result<(), Error> {
        let unreadable = |reason: String| Error::Unreadable {
            run: self.run.id.clone(),
            reason,
        };
        let at = now();
        let next = match &event {
            Event::Ended { .. } => Next::End {
                status: "Succeeded".into(),
                at,
                erase_at: at,
            },
            Event::Started { until, .. } => Next::WakeAt(*until),
            Event::Opened { .. }
            | Event::Pinned { .. }
            | Event::Skipped { .. }
            | Event::Matched { .. }
            | Event::Stopped { .. }
            | Event::Done { .. }
            | Event::Continued { .. } => Next::WakeAt(at + LEASE),
        };
        let body = serde_json::to_string(&event).map_err(|error| unreadable(error.to_string()))?;
        with.push(Operation::Append(Append {
            run: self.run.id.clone(),
            expected_seq: self.seq,
            events: vec![EventRow { at, body }],
            payloads: Vec::new(),
            snapshot: None,
            next,
        }));
        self.shared.store.commit(Transaction { operations: with }).await?;
        self.seq += 1;
        self.state.apply(&event).map_err(|error| unreadable(error.to_string()))
    }

    async fn pin(&mut self) -> Result<(), Error> {
        let rules = self.shared.content.rules(&self.run.namespace);
        let named = rules.iter().map(|(name, spec)| (name.as_str(), spec));
        let rules = pin(named, self.state.occasion(), super::clock::timestamp(now()));
        self.commit(Event::Pinned { rules }, Vec::new()).await
    }

    /// The incident as it is now, or the alert that has none.
    async fn view(&self) -> Result<Option<IncidentView>, Error> {
        let view = match self.state.occasion() {
            Occasion::AlertCreated { alert, incident: None } => self
                .shared
                .desk
                .alert(alert)
                .await
                .map(|alert| alert.map(IncidentView::of_alert)),
            occasion => match occasion.incident() {
                Some(incident) => self.shared.desk.view(incident).await,
                None => Ok(None),
            },
        };
        view.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: incidents::Error) -> Error {
        match error {
            incidents::Error::Store(error) => error.into(),
            other => Error::Unreadable {
                run: self.run.id.clone(),
                reason: other.to_string(),
            },
        }
    }

    async fn check(&mut self, rule: usize) -> Result<(), Error> {
        let view = self.view().await?;
        let reason = match (&view, self.state.rule(rule)) {
            (Some(view), Some(pinned)) => {
                let subject = Subject {
                    view,
                    occasion: self.state.occasion(),
                };
                condition::unmet(&pinned.spec, &subject).map(|unmet| unmet.to_string())
            }
            _ => Some("the incident is gone".into()),
        };
        match reason {
            Some(reason) => self.commit(Event::Skipped { rule, reason }, Vec::new()).await,
            None if self.state.is_loop() => {
                let with = self.remark(rule).await?;
                self.commit(Event::Stopped { rule }, with).await
            }
            None => self.commit(Event::Matched { rule }, Vec::new()).await,
        }
    }

    /// The comment by which an incident tells that rules rest on it, at most once a day.
    async fn remark(&self, rule: usize) -> Result<Vec<Operation>, Error> {
        let Some(incident) = self.state.occasion().incident() else {
            return Ok(Vec::new());
        };
        let (at, name) = (
            super::clock::timestamp(now()),
            self.state.rule(rule).map(|rule| &*rule.name),
        );
        let id = format!("loop/{incident}/{}", at.strftime("%F"));
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, id.as_bytes()).to_string();
        let message = format!(
            "Automation rule {} was stopped: {}.",
            name.unwrap_or_default(),
            Verdict::LOOP
        );
        let author = Author::Application("Riposte".to_owned());
        match self.shared.desk.plan_remark(incident, &message, &author, at, &id).await {
            Ok(planned) => Ok(planned.operations),
            Err(incidents::Error::Store(error)) => Err(error.into()),
            // A courtesy: an incident that is full of comments does without.
            Err(_) => Ok(Vec::new()),
        }
    }

    async fn perform(&mut self, rule: usize, action: usize) -> Result<(), Error> {
        match self.state.action(rule, action).cloned() {
            Some(RuleAction::RunPlaybook(target)) => self.run_playbook(rule, action, &target).await,
            Some(RuleAction::ModifyProperties(change)) => {
                let patch = patch(change);
                self.change(rule, action, Change::Patch(patch)).await
            }
            Some(RuleAction::AddIncidentTask(task)) => self.change(rule, action, Change::Task(task)).await,
            None => {
                self.done(
                    rule,
                    action,
                    failed("ActionNotFound", "the rule has no such action"),
                    Vec::new(),
                )
                .await
            }
        }
    }

    async fn done(
        &mut self,
        rule: usize,
        action: usize,
        outcome: ActionOutcome,
        with: Vec<Operation>,
    ) -> Result<(), Error> {
        self.commit(Event::Done { rule, action, outcome }, with).await
    }

    async fn run_playbook(&mut self, rule: usize, action: usize, target: &PlaybookTarget) -> Result<(), Error> {
        let workspace = &self.run.namespace;
        let namespace = target.namespace.clone().unwrap_or_else(|| workspace.clone());
        let permission = self.shared.content.permit(workspace, &namespace, &target.name).await?;
        if let Permission::Missing(missing) = permission {
            let outcome = ActionOutcome::Failed {
                code: "MissingGrant".into(),
                message: missing.to_string(),
                remedy: Some(missing.manifest()),
            };
            return self.done(rule, action, outcome, Vec::new()).await;
        }
        let Some(request) = self.request(rule, namespace, target).await? else {
            let outcome = failed(
                "IncidentNotFound",
                "the incident or alert that the rule is about is gone",
            );
            return self.done(rule, action, outcome, Vec::new()).await;
        };
        match self.shared.prepare(&request) {
            Ok(mut prepared) => {
                let wait = i64::try_from(PLAYBOOK_WAIT.as_millis()).unwrap_or(i64::MAX);
                let (run, until) = (prepared.ids.first().cloned().unwrap_or_default(), now() + wait);
                let operations = std::mem::take(&mut prepared.operations);
                self.commit(
                    Event::Started {
                        rule,
                        action,
                        run,
                        until,
                    },
                    operations,
                )
                .await?;
                Engine::of(self.shared.clone()).began(prepared);
                Ok(())
            }
            Err(refused) => self.done(rule, action, refusal(&refused), Vec::new()).await,
        }
    }

    /// The request that runs a playbook for this occasion; `None` if its subject is gone.
    async fn request(&self, rule: usize, namespace: String, target: &PlaybookTarget) -> Result<Option<Request>, Error> {
        let Some(view) = self.view().await? else {
            return Ok(None);
        };
        let ids = self.shared.desk.workspaces().ids(&self.run.namespace);
        let unique = format!("{}/{}", self.run.id, self.seq);
        let unique = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, unique.as_bytes()).to_string();
        let (kind, body) = match self.state.occasion() {
            Occasion::AlertCreated { alert, .. } => {
                let Some(alert) = view.alerts.iter().find(|known| known.id == *alert) else {
                    return Ok(None);
                };
                (StartKind::Alert, body::alert_trigger(alert, &ids))
            }
            Occasion::IncidentCreated { .. } => (
                StartKind::Incident,
                body::incident_trigger(&view, None, &ids, body::EventType::Create, &unique),
            ),
            Occasion::IncidentUpdated { updates, .. } => {
                let event_type = body::EventType::Update;
                (
                    StartKind::Incident,
                    body::incident_trigger(&view, Some(updates), &ids, event_type, &unique),
                )
            }
        };
        let name = self.state.rule(rule).map(|rule| rule.name.clone()).unwrap_or_default();
        Ok(Some(Request {
            outputs: None,
            namespace,
            playbook: target.name.clone(),
            body,
            kind,
            incident: self.state.occasion().incident().map(str::to_owned),
            requester: format!("rule/{name}"),
            parent: Some(self.run.id.clone()),
            depth: self.state.depth(),
            ..Request::default()
        }))
    }

    /// Changes the incident, computed anew as often as it changes meanwhile.
    async fn change(&mut self, rule: usize, action: usize, change: Change) -> Result<(), Error> {
        let Some(incident) = self.state.occasion().incident().map(str::to_owned) else {
            let outcome = failed("NotAnIncident", "a rule about alerts can only run playbooks");
            return self.done(rule, action, outcome, Vec::new()).await;
        };
        let name = self.state.rule(rule).map(|rule| rule.name.clone()).unwrap_or_default();
        let author = Author::Rule(name);
        for _ in 0..ATTEMPTS {
            let planned = self.plan(&incident, &change, &author, (rule, action)).await;
            let (outcome, operations) = match planned {
                Ok(operations) => (ActionOutcome::Done, operations),
                Err(incidents::Error::Store(error)) => return Err(error.into()),
                Err(error) => (failed("ChangeRefused", &error.to_string()), Vec::new()),
            };
            match self.done(rule, action, outcome, operations).await {
                Err(Error::Store(StoreError::Refused(Refusal::StaleIncident(_)))) => {}
                other => {
                    self.shared.poke();
                    return other;
                }
            }
        }
        let outcome = failed(
            "Conflict",
            "the incident changed too often while the rule tried to change it",
        );
        self.done(rule, action, outcome, Vec::new()).await
    }

    async fn plan(
        &self,
        incident: &str,
        change: &Change,
        author: &Author,
        place: (usize, usize),
    ) -> Result<Vec<Operation>, incidents::Error> {
        let at = super::clock::timestamp(now());
        let depth = self.state.depth().saturating_add(1);
        let cause = Cause { author, depth };
        match change {
            Change::Patch(patch) => self
                .shared
                .desk
                .plan_patch(incident, patch, cause, at)
                .await
                .map(|planned| planned.operations),
            Change::Task(task) => {
                let name = format!("{}/{}/{}", self.run.id, place.0, place.1);
                let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string();
                let description = task.description.as_deref().unwrap_or_default();
                let planned = self
                    .shared
                    .desk
                    .plan_task(incident, &task.title, description, author, at, &id)
                    .await;
                planned.map(|planned| planned.operations)
            }
        }
    }

    /// Waits until a playbook's run ended, or the rule may wait no longer.
    async fn wait(&mut self, rule: usize, action: usize, run: &str, until: i64) -> Result<(), Error> {
        let why = loop {
            let mut ended = self.shared.ends.of(run);
            if let Some(status) = self.shared.store.run(run).await?.and_then(|row| row.status) {
                break ContinueReason::Ended { status };
            }
            let left = until - now();
            if left <= 0 {
                break ContinueReason::TimeUp;
            }
            if !self.shared.takes(&self.run.id) {
                return Err(Error::Elsewhere(self.run.id.clone()));
            }
            let limit = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            // Whatever ended the wait, the store says what is true.
            tokio::select! {
                () = ended.told() => {}
                () = self.shared.moved_elsewhere(run) => {}
                () = tokio::time::sleep(limit) => {}
            }
        };
        self.commit(Event::Continued { rule, action, why }, Vec::new()).await
    }
}

/// What a rule does to its incident.
enum Change {
    Patch(Patch),
    Task(AddIncidentTask),
}

fn patch(change: ModifyProperties) -> Patch {
    Patch {
        severity: change.severity,
        status: change.status,
        classification: change.classification,
        classification_reason: change.classification_reason,
        classification_comment: change.classification_comment,
        owner: change.owner,
        labels_to_add: change.labels,
        ..Patch::default()
    }
}

fn refusal(refused: &Refused) -> ActionOutcome {
    failed(refused.code(), &refused.to_string())
}

fn failed(code: &str, message: &str) -> ActionOutcome {
    ActionOutcome::Failed {
        code: code.into(),
        message: message.into(),
        remedy: None,
    }
}
