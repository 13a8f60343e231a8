//! Drives one run on the engine's core in virtual time: what is ready is planned, what is called is answered at once or
//! after the mock's delay, and when nothing else happens the clock jumps to the next timer.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::incidents::Incidents;
use super::mock::{Mocks, Unmocked};
use super::occasion::{Occasion, workspace_ids};
use super::stage::Stage;
use super::world::{Made, World};
use crate::engine::call::{Answer, Call, CallError};
use crate::engine::callback::Links;
use crate::engine::clock::Moment;
use crate::engine::content::Playbook;
use crate::engine::event::{ActionError, Event, NodeId, Opened};
use crate::engine::plan::Planner;
use crate::engine::start::{self, Refused, Request};
use crate::engine::state::{IllegalEvent, Ready, State};
use crate::engine::status::RunStatus;
use crate::expression::{Object, Value};
use crate::rules::IncidentView;
use crate::store::Millis;

/// The most events of a rehearsal: a run that needs more goes round in circles.
const EVENTS_MAX: usize = 300_000;

/// A run that was rehearsed.
#[derive(Debug)]
pub struct Finished {
    /// Where it ended.
    pub state: State,
    /// The calls that it made, in order.
    pub calls: Vec<Made>,
    /// The incidents as it left them; the first is the one that it was about.
    pub incidents: Vec<IncidentView>,
    /// The comments that it wrote on incidents, in order.
    pub comments: Vec<String>,
    /// Titles of the tasks that it added to incidents, in order.
    pub tasks: Vec<String>,
}

/// Why a rehearsal did not come to an end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The playbook does not start.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// `splitOn` gave no element.
    #[error("the trigger's `splitOn` gave no element, so there is no run")]
    NoRun,
    /// It did not end.
    #[error("the run has not ended after {EVENTS_MAX} events; a loop of it does not end")]
    Endless,
    /// The engine made an event that does not fit.
    #[error("the engine failed: {0}")]
    Engine(#[from] IllegalEvent),
}

/// Rehearses a playbook of a stage, from a time on: one run, or with `splitOn` one for each element, one after the other.
/// Incidents and mocks go on from one run to the next.
///
/// # Errors
/// It does not start, or does not end.
pub fn rehearse(
    stage: &Stage,
    playbook: &Playbook,
    occasion: &Occasion,
    mocks: &Mocks,
    unmocked: Unmocked,
    now: Timestamp,
) -> Result<Vec<Finished>, Halt> {
    let now = now.as_millisecond();
    let request = Request {
        namespace: playbook.namespace.clone(),
        playbook: playbook.name.clone(),
        body: occasion.body.clone(),
        headers: occasion.headers.clone(),
        kind: occasion.kind,
        incident: Some(occasion.incident.incident.id.clone()),
        requester: "user/local".into(),
        ..Request::default()
    };
    let opened = start::open(playbook, &request, &Moment::new(now, [0; 32]))?;
    if opened.is_empty() {
        return Err(Halt::NoRun);
    }
    let incidents = Incidents::new(occasion.incident.clone(), workspace_ids(&playbook.namespace));
    let mut world = World::new(stage, mocks, unmocked, incidents);
    let mut finished = Vec::new();
    for opened in opened {
        let state;
        (state, world) = Run::begin(playbook, world, opened).drive()?;
        finished.push(Finished {
            state,
            calls: std::mem::take(&mut world.made),
            incidents: world.incidents.views.clone(),
            comments: std::mem::take(&mut world.incidents.comments),
            tasks: std::mem::take(&mut world.incidents.tasks),
        });
    }
    Ok(finished)
}

/// What comes in at a time.
struct Landing {
    id: NodeId,
    what: Coming,
}

/// What comes in.
enum Coming {
    /// The answer to a call.
    Answer(Box<Call>, Result<Answer, CallError>),
    /// The call of a callback URL.
    Callback(Answer),
}

struct Run<'a> {
    playbook: &'a Playbook,
    world: World<'a>,
    /// Callback URLs of a rehearsal lead nowhere.
    links: Links,
    state: State,
    now: Millis,
    steps: u64,
    events: usize,
    /// Times and numbers of landings; the first to come is on top.
    order: BinaryHeap<Reverse<(Millis, usize)>>,
    landings: Vec<Option<Landing>>,
    /// Actions whose call is in flight.
    flying: HashSet<NodeId>,
}

impl<'a> Run<'a> {
    fn begin(playbook: &'a Playbook, world: World<'a>, opened: Opened) -> Self {
        let now = opened.at;
        let (state, _) = State::open(&playbook.workflow, &opened);
        Self {
            playbook,
            world,
            links: Links::new("https://callback.invalid", &[[0; 32]]),
            state,
            now,
            steps: 0,
            events: 0,
            order: BinaryHeap::new(),
            landings: Vec::new(),
            flying: HashSet::new(),
        }
    }

    fn drive(mut self) -> Result<(State, World<'a>), Halt> {
        let ready = self.state.ready(&self.playbook.workflow);
        self.plan(ready)?;
        while self.state.closed.is_none() {
            if self.events > EVENTS_MAX {
                return Err(Halt::Endless);
            }
            let ready = self.next()?;
            self.plan(ready)?;
        }
        Ok((self.state, self.world))
    }

    /// Time and chance of a step: the same in each rehearsal, others at each step.
    fn moment(&mut self) -> Moment {
        self.steps += 1;
        let digest = Sha256::new()
            .chain_update(self.playbook.name.as_bytes())
            .chain_update(self.steps.to_le_bytes())
            .finalize();
        Moment::new(self.now, digest.into())
    }

    fn planner<'b>(&'b self, moment: &'b Moment) -> Planner<'b> {
        Planner {
            workflow: &self.playbook.workflow,
            state: &self.state,
            moment,
            links: &self.links,
        }
    }

    /// Plans everything that is ready, in the order of the text, until nothing is.
    fn plan(&mut self, mut ready: Vec<Ready>) -> Result<(), Halt> {
        ready.reverse();
        while let Some(next) = ready.pop() {
            if !self.state.is_open(next) {
                continue;
            }
            if self.events > EVENTS_MAX {
                return Err(Halt::Endless);
            }
            let moment = self.moment();
            let planned = self.planner(&moment).plan(next);
            for event in planned.events {
                let mut more = self.record(&event)?;
                more.reverse();
                ready.extend(more);
            }
            if let Some((id, call)) = planned.call {
                self.call(id, call);
            }
        }
        Ok(())
    }

    fn record(&mut self, event: &Event) -> Result<Vec<Ready>, Halt> {
        self.events += 1;
        Ok(self.state.apply(&self.playbook.workflow, event)?)
    }

    fn call(&mut self, id: NodeId, call: Call) {
        self.flying.insert(id);
        let (delay, outcome) = self.world.answer(&call, self.now);
        let delay = Millis::try_from(delay.as_millis()).unwrap_or(Millis::MAX);
        self.land(
            self.now.saturating_add(delay),
            id,
            Coming::Answer(Box::new(call), outcome),
        );
    }

    fn land(&mut self, at: Millis, id: NodeId, what: Coming) {
        self.order.push(Reverse((at, self.landings.len())));
        self.landings.push(Some(Landing { id, what }));
    }

    /// Goes on to whatever comes next: an answer, or a timer.
    fn next(&mut self) -> Result<Vec<Ready>, Halt> {
        let timer = self.next_timer();
        let landing = self.order.peek().map(|Reverse((at, _))| *at);
        match landing.filter(|at| *at <= timer) {
            Some(_) => self.landed(),
            None => {
                self.now = self.now.max(timer);
                self.due()
            }
        }
    }

    fn landed(&mut self) -> Result<Vec<Ready>, Halt> {
        let Some(Reverse((at, number))) = self.order.pop() else {
            return Ok(Vec::new());
        };
        self.now = self.now.max(at);
        let landing = self.landings.get_mut(number).and_then(Option::take);
        if let Some(landing) = &landing {
            self.flying.remove(&landing.id);
        }
        let Some(Landing { id, what }) = landing.filter(|landing| self.state.active.contains(&landing.id)) else {
            return Ok(Vec::new());
        };
        let moment = self.moment();
        let planner = self.planner(&moment);
        let event = match &what {
            Coming::Answer(_, outcome) => planner.tracked(planner.conclude(id, outcome)),
            Coming::Callback(answer) => planner.called_back(id, &delivered(answer)),
        };
        if let (Event::Subscribed { .. }, Coming::Answer(call, Ok(answer))) = (&event, &what) {
            let answer = self.world.callback(call, answer);
            self.land(self.now, id, Coming::Callback(answer));
        }
        self.record(&event)
    }

    /// When something happens by time alone. A call in flight has only its action's time-out.
    fn next_timer(&self) -> Millis {
        let timer = |id: &NodeId| match self.flying.contains(id) {
            true => self.state.node(*id)?.deadline,
            false => self.state.timer(*id),
        };
        self.state
            .active
            .iter()
            .filter_map(timer)
            .fold(self.state.deadline(), Millis::min)
    }

    fn due(&mut self) -> Result<Vec<Ready>, Halt> {
        let moment = self.moment();
        if self.state.deadline() <= self.now {
            let error = ActionError::new("RunTimedOut", "The run took longer than 90 days, the most that it may.");
            let event = self.planner(&moment).cut(RunStatus::TimedOut, error);
            return self.record(&event);
        }
        let is_due = |id: &NodeId| self.state.timer(*id).is_some_and(|at| at <= self.now);
        let due: Vec<NodeId> = self.state.active.iter().copied().filter(is_due).collect();
        let mut ready = Vec::new();
        for id in due {
            if !self.state.active.contains(&id) {
                continue;
            }
            let planned = self.planner(&moment).due(id);
            for event in planned.events {
                ready.extend(self.record(&event)?);
            }
            if let Some((id, call)) = planned.call.filter(|(id, _)| !self.flying.contains(id)) {
                self.call(id, call);
            }
        }
        Ok(ready)
    }
}

/// What comes to a callback URL.
fn delivered(answer: &Answer) -> Value {
    let mut delivered = Object::new();
    delivered.insert("statusCode", i64::from(answer.status));
    delivered.insert("headers", Value::from(answer.headers.clone()));
    if let Some(body) = &answer.body {
        delivered.insert("body", body.clone());
    }
    delivered.into()
}
