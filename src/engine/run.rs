//! Drives one run: plans what is ready, commits, performs calls, and goes on with what they answer.
//!
//! Invariants: nothing is performed before the event that announces it is on disk; a call whose answer is on disk is
//! never made again; a run that only waits for a time far away leaves the memory, its wake-up time is in the store.

pub(super) mod cancel;
mod inbox;
pub mod queue;
pub(super) mod share;
pub(super) mod turn;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinSet};

use super::actions::call::outputs;
use super::approval::Approval;
use super::approvals;
use super::call::{Answer, Call, CallError, Place};
use super::clock::Moment;
use super::event::{ActionError, Event, NodeId};
use super::journal::{self, Error};
use super::plan::Planner;
use super::shell::{Fresh, Shared, now};
use super::state::{Phase, Ready, State};
use super::status::RunStatus;
use crate::definition::Workflow;
pub use cancel::Haste;
pub use inbox::Undelivered;
pub(super) use inbox::{context as delivery_context, released_name};

use crate::store::{
    Append, ApprovalChange, Error as StoreError, Millis, Next, Operation, Partition, Refusal, RunRow, Transaction,
};

/// A run that waits longer than this, in milliseconds, leaves the memory.
const EVICT_AFTER: Millis = 2_000;
/// A snapshot is taken once the journal is this many times as long as the last one covers: however often a run
/// waits, its snapshots together stay in proportion to its journal.
const SNAPSHOT_GROWTH: i64 = 2;
/// A run with calls in flight is looked at again after this, in milliseconds, if its process is gone.
pub const LEASE: Millis = 60_000;
/// How long the sealed values of a failed run are kept for its resubmission: 30 days.
const KEEP_SEALED: Millis = 30 * 24 * 3_600_000;
/// Events that are committed together at most: a loop without calls would otherwise gather them all.
const STEP_MAX: usize = 1_000;
/// How often a change of an incident is computed anew because the incident changed meanwhile.
const INCIDENT_ATTEMPTS: u32 = 50;

/// What others can ask of a running run.
#[derive(Debug)]
pub enum Control {
    /// Look again: something lies in the store for it, or its turn has come.
    Nudge,
    /// Leave it to another replica.
    Leave,
}

/// How the driving of a run came to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Driven {
    /// The run has ended.
    Ended(RunStatus),
    /// The run had ended before.
    Over(RunStatus),
    /// The run waits; the store knows until when.
    Waiting,
    /// The run is another replica's now.
    Left,
}

/// One run in memory.
pub struct Drive<'a> {
    shared: Arc<Shared>,
    workflow: Arc<Workflow>,
    state: State,
    snapshot_seq: i64,
    /// When the store wakes the run, if known.
    wake_at: Option<Millis>,
    calls: JoinSet<Result<Answer, CallError>>,
    flying: HashMap<Id, (NodeId, Call, AbortHandle)>,
    /// When calls that are held ask again, where that is another time than their journal says.
    turns: HashMap<NodeId, Millis>,
    /// Webhook actions that had begun and not ended at the last commit.
    subscribed: Vec<NodeId>,
    /// Whether something came for an action whose subscription is under way.
    has_early: bool,
    /// Whether the run was made by this process just now.
    is_fresh: bool,
    /// Whether the run is being left to another replica.
    leaving: bool,
    control: &'a mut mpsc::Receiver<Control>,
}

/// What is committed together.
#[derive(Default)]
struct Step {
    events: Vec<Event>,
    append: Vec<crate::store::EventRow>,
    payloads: Vec<crate::store::PayloadRow>,
    calls: Vec<(NodeId, Call, Option<Place>)>,
    /// What commits together with the events.
    with: Vec<Operation>,
}

/// What the run waited for.
enum Woken {
    Answers(Vec<(NodeId, Call, Result<Answer, CallError>)>),
    Timer,
    Nudged,
    Leave,
    Nothing,
}

impl<'a> Drive<'a> {
    /// Reads a run from the store.
    ///
    /// # Errors
    /// A store that fails, or a journal that this version cannot read.
    pub async fn load(
        shared: Arc<Shared>,
        workflow: Arc<Workflow>,
        row: &RunRow,
        control: &'a mut mpsc::Receiver<Control>,
    ) -> Result<Self, Error> {
        let loaded = journal::load(&shared.store, &shared.sealer, &workflow, &row.id).await?;
        Ok(Self {
            shared,
            workflow,
            state: loaded.state,
            snapshot_seq: loaded.snapshot_seq,
            wake_at: row.wake_at,
            calls: JoinSet::new(),
            flying: HashMap::new(),
            turns: HashMap::new(),
            subscribed: Vec::new(),
            has_early: false,
            is_fresh: false,
            leaving: false,
            control,
        })
    }

    /// A run whose beginning was just stored.
    ///
    /// # Errors
    /// Never, if the event is an opening one.
    pub fn begin(
        shared: Arc<Shared>,
        workflow: Arc<Workflow>,
        fresh: Fresh,
        control: &'a mut mpsc::Receiver<Control>,
    ) -> Result<Self, Error> {
        let folded = State::fold(&workflow, std::slice::from_ref(&fresh.event));
        let mut state = folded.map_err(|error| Error::Unreadable {
            run: fresh.row.id.clone(),
            reason: error.to_string(),
        })?;
        state.next_payload = fresh.next_payload;
        Ok(Self {
            shared,
            workflow,
            state,
            snapshot_seq: 0,
            wake_at: fresh.row.wake_at,
            calls: JoinSet::new(),
            flying: HashMap::new(),
            turns: HashMap::new(),
            subscribed: Vec::new(),
            has_early: false,
            is_fresh: true,
            leaving: false,
            control,
        })
    }

    /// Goes on until the run ends or waits for long.
    ///
    /// # Errors
    /// A store that fails, or [`Refusal::StaleRun`] if another process goes on with the run; in both cases the run goes
    /// on from what is committed.
    pub async fn drive(mut self) -> Result<Driven, Error> {
        if let Some(closed) = &self.state.closed {
            return Ok(Driven::Over(closed.status));
        }
        if !self.is_held() {
            return Ok(Driven::Left);
        }
        if let Some(driven) = self.queue().await? {
            return Ok(driven);
        }
        let mut step = Step::default();
        let mut ready = self.state.ready(&self.workflow);
        self.subscribed = self.webhooks();
        self.ask_brakes_again();
        if self.may_have_mail() {
            ready.extend(self.receive(&mut step).await?);
        }
        if self.state.cancelling.is_none() {
            ready.extend(self.recover(&mut step).await?);
            ready.extend(self.due(&mut step).await?);
        }
        loop {
            if !self.may_go_on() {
                return self.leave(step).await;
            }
            self.end_if_cancelled(&mut step)?;
            self.plan(&mut step, ready).await?;
            if let Some(status) = self.commit(std::mem::take(&mut step)).await? {
                return Ok(Driven::Ended(status));
            }
            ready = match self.wait().await {
                Woken::Nothing => {
                    self.set_alarm().await?;
                    return Ok(Driven::Waiting);
                }
                Woken::Timer if self.awaits_callback() => {
                    let mut ready = self.receive(&mut step).await?;
                    ready.extend(self.due(&mut step).await?);
                    ready
                }
                Woken::Timer => self.due(&mut step).await?,
                Woken::Nudged => {
                    let mut ready = self.receive(&mut step).await?;
                    self.ask_brakes_again();
                    ready.extend(self.due(&mut step).await?);
                    ready
                }
                Woken::Answers(answers) => {
                    let mut ready = self.settle(&mut step, answers).await?;
                    if self.has_early {
                        ready.extend(self.receive(&mut step).await?);
                    }
                    ready
                }
                Woken::Leave => {
                    self.leaving = !self.shared.takes(&self.state.opened.run);
                    Vec::new()
                }
            };
        }
    }

    fn planner<'b>(&'b self, moment: &'b Moment) -> Planner<'b> {
        Planner {
            workflow: &self.workflow,
            state: &self.state,
            moment,
            links: &self.shared.links,
        }
    }

    /// What an answer, or its absence, means for an action.
    fn concluded(&self, id: NodeId, outcome: &Result<Answer, CallError>) -> Event {
        let moment = self.moment();
        let planner = self.planner(&moment);
        planner.tracked(planner.conclude(id, outcome))
    }

    fn moment(&self) -> Moment {
        Moment::new(now(), self.shared.seed())
    }

    /// Calls that were in flight when the process ended: repeated where that is safe, else their outcome is unknown. Those
    /// that the step itself is about to make were not.
    async fn recover(&mut self, step: &mut Step) -> Result<Vec<Ready>, Error> {
        let lost: Vec<NodeId> = {
            let is_calling = |id: &NodeId| matches!(self.state.node(*id).map(|node| &node.phase), Some(Phase::Calling));
            let is_new = |id: &NodeId| step.calls.iter().any(|(new, ..)| new == id);
            let active = self.state.active.iter().copied();
            active.filter(|id| is_calling(id) && !is_new(id)).collect()
        };
        let mut ready = Vec::new();
        for id in lost {
            match self.repeatable(id) {
                Some(call) => self.admit(step, id, call).await?,
                None => {
                    let event = self.planner(&self.moment()).outcome_unknown(id);
                    ready.extend(self.record(step, event)?);
                }
            }
        }
        Ok(ready)
    }

    /// The call of an action, if repeating it is safe.
    fn repeatable(&self, id: NodeId) -> Option<Call> {
        let moment = self.moment();
        let planner = self.planner(&moment);
        let is_safe = |call: &Call| planner.declared_safe(id) || self.shared.services.safe_to_repeat(call);
        planner.rebuild(id).filter(is_safe)
    }

    /// Plans everything that is ready, until nothing is.
    async fn plan(&mut self, step: &mut Step, mut ready: Vec<Ready>) -> Result<(), Error> {
        // Started in the order of the text: the last in the list is taken first.
        ready.reverse();
        while let Some(next) = ready.pop() {
            if !self.state.is_open(next) {
                continue;
            }
            let planned = self.planner(&self.moment()).plan(next);
            for event in planned.events {
                let mut more = self.record(step, event)?;
                more.reverse();
                ready.extend(more);
            }
            if let Some((id, call)) = planned.call {
                self.admit(step, id, call).await?;
            }
            if step.events.len() >= STEP_MAX {
                self.commit_early(step).await?;
            }
        }
        Ok(())
    }

    /// Folds an event in and adds it to the step.
    fn record(&mut self, step: &mut Step, mut event: Event) -> Result<Vec<Ready>, Error> {
        let (run, next) = (self.state.opened.run.clone(), &mut self.state.next_payload);
        step.payloads
            .extend(journal::pack(event.payloads_mut(), &self.shared.sealer, &run, next));
        step.append
            .push(journal::row(&event).map_err(|error| self.unreadable(&error))?);
        let ready = self
            .state
            .apply(&self.workflow, &event)
            .map_err(|error| self.unreadable(&error))?;
        step.events.push(event);
        Ok(ready)
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> Error {
        Error::Unreadable {
            run: self.state.opened.run.clone(),
            reason: error.to_string(),
        }
    }

    /// Makes a step durable, then begins its calls. Says how the run ended, if it did.
    async fn commit(&mut self, mut step: Step) -> Result<Option<RunStatus>, Error> {
        self.flying.retain(|_, (id, _, handle)| {
            let goes_on = self.state.active.contains(id);
            if !goes_on {
                handle.abort();
            }
            goes_on
        });
        if !step.calls.is_empty() && !self.is_held() {
            return Err(Error::Elsewhere(self.state.opened.run.clone()));
        }
        if !step.events.is_empty() || !step.with.is_empty() {
            let next = self.next(&step);
            self.keep(&mut step, next).await?;
        }
        if let Some(closed) = &self.state.closed {
            return Ok(Some(closed.status));
        }
        if !step.calls.is_empty() && !self.is_held() {
            return Err(Error::Elsewhere(self.state.opened.run.clone()));
        }
        for (id, call, place) in step.calls {
            // Time may have ended the action in the same step.
            if self.state.active.contains(&id) {
                self.fly(id, call, place);
            }
        }
        Ok(None)
    }

    fn append(&mut self, step: &mut Step, next: Next) -> Result<Append, Error> {
        let (snapshot, wake_at) = match &next {
            Next::WakeAt(at) if self.leaves(step, *at) => (Some(self.snapshot(step)?), Some(*at)),
            Next::WakeAt(at) => (None, Some(*at)),
            Next::End { .. } => (None, None),
        };
        self.wake_at = wake_at;
        let appended = i64::try_from(step.append.len()).unwrap_or(i64::MAX);
        Ok(Append {
            run: self.state.opened.run.clone(),
            expected_seq: self.state.seq - appended,
            events: std::mem::take(&mut step.append),
            payloads: std::mem::take(&mut step.payloads),
            snapshot,
            next,
        })
    }

    /// Whether the run leaves the memory until `wake_at`, and its journal has grown so much that a snapshot pays.
    fn leaves(&self, step: &Step, wake_at: Millis) -> bool {
        let is_idle = step.calls.is_empty() && self.flying.is_empty() && wake_at > now() + EVICT_AFTER;
        is_idle && self.state.seq >= self.snapshot_seq.saturating_mul(SNAPSHOT_GROWTH)
    }

    /// Makes sure that the store wakes a run that leaves the memory when its next timer says so.
    async fn set_alarm(&mut self) -> Result<(), Error> {
        let wake_at = self.next_timer();
        if self.wake_at == Some(wake_at) {
            return Ok(());
        }
        let append = self.append(&mut Step::default(), Next::WakeAt(wake_at))?;
        let operations = vec![Operation::Append(append)];
        self.shared.store.commit(Transaction { operations }).await?;
        Ok(())
    }

    fn next(&self, step: &Step) -> Next {
        match &self.state.closed {
            Some(closed) => {
                let keep = match closed.status {
                    RunStatus::Failed | RunStatus::TimedOut => KEEP_SEALED,
                    RunStatus::Succeeded | RunStatus::Cancelled | RunStatus::Running | RunStatus::Waiting => 0,
                };
                Next::End {
                    status: closed.status.as_str().into(),
                    at: closed.at,
                    erase_at: closed.at + keep,
                }
            }
            None if step.calls.is_empty() && self.flying.is_empty() => Next::WakeAt(self.next_timer()),
            None => Next::WakeAt(self.next_timer().min(now() + LEASE)),
        }
    }

    /// When something happens by time alone. A call in flight has only its action's time-out.
    fn next_timer(&self) -> Millis {
        let flying: HashSet<NodeId> = self.flying.values().map(|(id, _, _)| *id).collect();
        let timer = |id: &NodeId| match flying.contains(id) {
            true => self.state.node(*id).and_then(|node| node.deadline),
            false if self.state.cancelling.is_some() => None,
            false => self.timer(*id),
        };
        self.state
            .active
            .iter()
            .filter_map(timer)
            .fold(self.state.deadline(), Millis::min)
    }

    fn snapshot(&mut self, step: &mut Step) -> Result<String, Error> {
        let (run, mut next) = (self.state.opened.run.clone(), self.state.next_payload);
        step.payloads.extend(journal::pack(
            self.state.payloads_mut(),
            &self.shared.sealer,
            &run,
            &mut next,
        ));
        self.state.next_payload = next;
        self.snapshot_seq = self.state.seq;
        serde_json::to_string(&self.state).map_err(|error| self.unreadable(&error))
    }

    fn fly(&mut self, id: NodeId, call: Call, place: Option<Place>) {
        let (services, asked) = (self.shared.services.clone(), call.clone());
        let handle = self.calls.spawn(async move {
            let answered = services.call(&asked).await;
            drop(place);
            answered
        });
        self.flying.insert(handle.id(), (id, call, handle));
    }

    /// Waits for whatever comes first.
    async fn wait(&mut self) -> Woken {
        let wait = self.next_timer().saturating_sub(now());
        if self.flying.is_empty() && wait > EVICT_AFTER {
            return match self.control.try_recv() {
                Ok(Control::Nudge) => Woken::Nudged,
                Ok(Control::Leave) => Woken::Leave,
                Err(_) => Woken::Nothing,
            };
        }
        let timer = tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0)));
        tokio::select! {
            Some(joined) = self.calls.join_next_with_id() => {
                let mut answers = Vec::from_iter(self.landed(joined));
                while let Some(joined) = self.calls.try_join_next_with_id() {
                    answers.extend(self.landed(joined));
                }
                Woken::Answers(answers)
            }
            Some(control) = self.control.recv() => match control {
                Control::Nudge => Woken::Nudged,
                Control::Leave => Woken::Leave,
            },
            () = timer => Woken::Timer,
        }
    }

    fn landed(
        &mut self,
        joined: Result<(Id, Result<Answer, CallError>), tokio::task::JoinError>,
    ) -> Option<(NodeId, Call, Result<Answer, CallError>)> {
        let (task, outcome) = match joined {
            Ok((task, outcome)) => (task, outcome),
            Err(error) => (error.id(), Err(broken(&error))),
        };
        let (id, call, _) = self.flying.remove(&task)?;
        Some((id, call, outcome))
    }

    /// Folds answers in. Those that change incidents commit alone, together with their changes.
    async fn settle(
        &mut self,
        step: &mut Step,
        answers: Vec<(NodeId, Call, Result<Answer, CallError>)>,
    ) -> Result<Vec<Ready>, Error> {
        let mut ready = Vec::new();
        for (id, call, outcome) in answers {
            if !self.state.active.contains(&id) {
                continue;
            }
            match outcome {
                Ok(answer) if !answer.writes.is_empty() || answer.asks.is_some() => {
                    self.commit_early(step).await?;
                    ready.extend(self.write(step, id, &call, answer).await?);
                }
                outcome => {
                    let event = self.concluded(id, &outcome);
                    let is_subscribed = matches!(event, Event::Subscribed { .. });
                    ready.extend(self.record(step, event)?);
                    if let Ok(answer) = outcome
                        && is_subscribed
                        && self.shared.services.stands_in(&call)
                    {
                        // A mock of a webhook is what its service calls back with.
                        let event = self.planner(&self.moment()).called_back(id, &outputs(&answer));
                        ready.extend(self.record(step, event)?);
                    }
                }
            }
        }
        Ok(ready)
    }

    /// Makes what is settled so far durable though what follows from it is not planned yet; if the process dies in
    /// between, the run is woken soon.
    async fn commit_early(&mut self, step: &mut Step) -> Result<(), Error> {
        if step.events.is_empty() {
            return Ok(());
        }
        self.keep(step, Next::WakeAt(now() + LEASE)).await
    }

    /// Commits the end of an action together with what it changes. If the incident changed since the answer was
    /// computed, it is computed anew: nothing has happened yet.
    async fn write(
        &mut self,
        step: &mut Step,
        id: NodeId,
        call: &Call,
        mut answer: Answer,
    ) -> Result<Vec<Ready>, Error> {
        for _ in 0..INCIDENT_ATTEMPTS {
            let writes = std::mem::take(&mut answer.writes);
            let sent = partitions(&writes);
            let asked = answer.asks.take().map(|asks| self.asked(id, *asks));
            let mut event = self.concluded(id, &Ok(answer));
            let (run, mut next) = (self.state.opened.run.clone(), self.state.next_payload);
            let payloads = journal::pack(event.payloads_mut(), &self.shared.sealer, &run, &mut next);
            let wake_at = now() + LEASE;
            let append = Append {
                run,
                expected_seq: self.state.seq,
                events: vec![journal::row(&event).map_err(|error| self.unreadable(&error))?],
                payloads,
                snapshot: None,
                next: Next::WakeAt(wake_at),
            };
            let writes = writes.into_iter().chain(asked);
            let operations = writes.chain([Operation::Append(append)]).collect();
            match self.shared.store.commit(Transaction { operations }).await {
                Ok(_) => {
                    self.shared.collected(sent);
                    self.state.next_payload = next;
                    self.wake_at = Some(wake_at);
                    let ready = self
                        .state
                        .apply(&self.workflow, &event)
                        .map_err(|error| self.unreadable(&error))?;
                    self.shared.observe(&self.state.opened.run, &self.workflow, vec![event]);
                    self.shared.poke();
                    return Ok(ready);
                }
                Err(StoreError::Refused(
                    Refusal::StaleIncident(_) | Refusal::StaleWatchlist(_) | Refusal::GroupTaken(_),
                )) => {
                    answer = match self.shared.services.call(call).await {
                        Ok(answer) => answer,
                        Err(error) => return self.give_up(step, id, error),
                    };
                }
                Err(error) => return Err(error.into()),
            }
        }
        let message =
            "the incident or watchlist changed too often while the action tried to change it; resubmit the run";
        let error = CallError {
            code: "Conflict".into(),
            message: message.into(),
            retryable: false,
            reached: false,
        };
        self.give_up(step, id, error)
    }

    /// What an action asks of people, to be stored.
    fn asked(&self, id: NodeId, mut approval: Approval) -> Operation {
        let action = self.workflow.action(id.1);
        approval.is_secure = action.secure_inputs || action.secure_outputs;
        let (end, run) = (self.state.deadline(), &self.state.opened.run);
        let deadline = self.state.node(id).and_then(|node| node.deadline);
        let times = (now(), deadline.map_or(end, |deadline| deadline.min(end)));
        Operation::ChangeApproval(ApprovalChange::Insert(approvals::ask(
            &self.shared.sealer,
            (run, id),
            &approval,
            times,
        )))
    }

    fn give_up(&mut self, step: &mut Step, id: NodeId, error: CallError) -> Result<Vec<Ready>, Error> {
        let event = self.planner(&self.moment()).conclude(id, &Err(error));
        self.record(step, event)
    }

    /// What is due by time: retries, polls, time-outs.
    async fn due(&mut self, step: &mut Step) -> Result<Vec<Ready>, Error> {
        let now = now();
        if self.state.closed.is_none() && self.state.deadline() <= now {
            let error = ActionError::new("RunTimedOut", "The run took longer than 90 days, the most that it may.");
            let event = self.planner(&self.moment()).cut(RunStatus::TimedOut, error);
            return self.record(step, event);
        }
        let flying: HashSet<NodeId> = self.flying.values().map(|(id, _, _)| *id).collect();
        let may = |id: &NodeId| self.state.cancelling.is_none() || flying.contains(id);
        let is_due = |id: &NodeId| may(id) && self.timer(*id).is_some_and(|at| at <= now);
        let due: Vec<NodeId> = self.state.active.iter().copied().filter(is_due).collect();
        let mut ready = Vec::new();
        for id in due {
            if !self.state.active.contains(&id) {
                continue;
            }
            let planned = self.planner(&self.moment()).due(id);
            match planned.call {
                Some((id, call)) if self.is_held_back(id) => self.ask_again(step, id, call, planned.events).await?,
                call => {
                    for event in planned.events {
                        ready.extend(self.record(step, event)?);
                    }
                    if let Some((id, call)) = call.filter(|(id, _)| !flying.contains(id)) {
                        self.admit(step, id, call).await?;
                    }
                }
            }
        }
        Ok(ready)
    }
}

/// The batches that messages are sent to.
fn partitions(writes: &[Operation]) -> Vec<Partition> {
    let sent = writes.iter().filter_map(|operation| match operation {
        Operation::InsertMessage { partition, .. } => Some(partition.clone()),
        _ => None,
    });
    sent.collect()
}

fn broken(error: &tokio::task::JoinError) -> CallError {
    let message = if error.is_cancelled() {
        "the call was cancelled"
    } else {
        "the call broke off by a fault of riposte"
    };
    CallError {
        code: "InternalError".into(),
        message: message.into(),
        retryable: false,
        reached: true,
    }
}
