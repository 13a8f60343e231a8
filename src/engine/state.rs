//! The state of a run: what its events fold into. Pure and total: an event that does not fit is refused, never guessed at.
//!
//! Invariant: what [`State::apply`] returns over time, less what was done, equals [`State::ready`] of the folded state.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::event::{ActionError, Event, FrameId, NodeId, Opened, Payload};
pub use super::node::{Frame, Node, Phase};
use super::status::{RunStatus, Status};
use super::variable::Variable;
use crate::definition::{Action, ActionId, ActionKind, BlockId, Workflow};
use crate::store::Millis;

/// The longest time that a run may take: 90 days, as in Logic Apps.
pub const RUN_DURATION: Millis = 90 * 24 * 3_600_000;

/// Everything that is known of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// How it began.
    pub opened: Opened,
    /// How many events are folded in.
    pub seq: i64,
    /// The executions of blocks; 0 is the top level.
    pub frames: Vec<Frame>,
    /// Variables by lower-case name.
    pub variables: BTreeMap<String, Variable>,
    /// Actions that have begun and not ended.
    pub active: BTreeSet<NodeId>,
    /// Number of the next payload row.
    pub next_payload: i64,
    /// Who wishes it to end, if somebody does and calls are still in flight: nothing begins any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelling: Option<String>,
    /// How it ended, once it has.
    pub closed: Option<Closed>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub at: Millis,
    /// How.
    pub status: RunStatus,
    /// What failed.
    pub error: Option<ActionError>,
    /// The declared outputs.
    pub outputs: Option<Payload>,
}

/// Something to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ready {
    /// Begin an action.
    Start(NodeId),
    /// End an action as skipped, because its predecessors ended otherwise than it waits for.
    Skip(NodeId),
    /// End a container whose frames have ended.
    Finish(NodeId),
    /// End the run: the top level has ended.
    Close,
}

/// An event that does not fit the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} does not fit the run: {reason}")]
pub struct IllegalEvent {
    /// Number of the event.
    pub seq: i64,
    /// What does not fit.
    pub reason: String,
}

impl State {
    /// The state after the first event, and what is ready.
    pub fn open(workflow: &Workflow, opened: &Opened) -> (Self, Vec<Ready>) {
        let mut state = Self {
            next_payload: 0,
            opened: Opened {
                carried: Vec::new(),
                ..opened.clone()
            },
            seq: 1,
            frames: Vec::new(),
            variables: BTreeMap::new(),
            active: BTreeSet::new(),
            cancelling: None,
            closed: None,
        };
        let mut ready = Vec::new();
        state.open_frame(workflow, BlockId(0), None, 0, &mut ready);
        if state.frames[0].left == 0 {
            ready.push(Ready::Close);
        }
        (state, ready)
    }

    /// Folds a whole journal.
    ///
    /// # Errors
    /// An empty journal, or an event that does not fit.
    pub fn fold(workflow: &Workflow, events: &[Event]) -> Result<Self, IllegalEvent> {
        let Some(Event::Opened(opened)) = events.first() else {
            return Err(IllegalEvent {
                seq: 0,
                reason: "a journal begins with `opened`".into(),
            });
        };
        let (mut state, _) = Self::open(workflow, opened);
        for event in &opened.carried {
            state.apply(workflow, event)?;
        }
        state.seq = 1;
        for event in &events[1..] {
            state.apply(workflow, event)?;
        }
        Ok(state)
    }

    /// The node, if it has begun.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.frame(id.0)
            .and_then(|frame| frame.nodes.get(&id.1))
            .map(Box::as_ref)
    }

    /// The frame of an index.
    pub fn frame(&self, id: FrameId) -> Option<&Frame> {
        self.frames.get(id.0 as usize)
    }

    /// When the run times out.
    pub fn deadline(&self) -> Millis {
        self.opened.at.saturating_add(RUN_DURATION)
    }

    /// Folds one event in and tells what became ready.
    ///
    /// # Errors
    /// An event that does not fit; the state is then unchanged.
    pub fn apply(&mut self, workflow: &Workflow, event: &Event) -> Result<Vec<Ready>, IllegalEvent> {
        self.check(workflow, event)?;
        self.seq += 1;
        let mut ready = Vec::new();
        match event {
            Event::Opened(_) => {}
            Event::Entered {
                at,
                node,
                block,
                inputs,
                deadline,
            } => {
                self.begin(*node, Node::inside(*at, inputs.clone(), *deadline));
                self.enter(workflow, *node, *block, &mut ready);
            }
            Event::Looped {
                at,
                node,
                items,
                deadline,
            } => {
                self.begin(*node, Node::inside(*at, Some(items.clone()), *deadline));
                self.iterate(workflow, *node, &mut ready);
            }
            Event::Called { .. } => self.call(event),
            Event::Repeated { node, .. } => self.repeat(workflow, *node, &mut ready),
            Event::Paused {
                at,
                node,
                until,
                inputs,
            } => {
                let paused = Node::new(*at, Phase::Paused { until: *until });
                let inputs = Some(inputs.clone());
                self.begin(*node, Node { inputs, ..paused });
            }
            Event::Subscribed { .. } => self.subscribe(event),
            Event::Retrying { node, next_at, .. } => {
                self.set_phase(*node, Phase::Retrying { next_at: *next_at });
            }
            Event::Held { .. } | Event::Released { .. } => self.hold(event),
            Event::Polling {
                node: id,
                location,
                next_at,
                attempt,
                ..
            } => {
                let (location, next_at) = (location.clone(), *next_at);
                self.attempt(*id, *attempt, Phase::Polling { location, next_at });
            }
            Event::Ended { .. } => self.end(workflow, event, &mut ready),
            Event::Cancelling { by, .. } => self.cancelling = Some(by.clone()),
            Event::Closed { .. } => self.close(event),
        }
        if self.cancelling.is_some() {
            ready.clear();
        }
        Ok(ready)
    }

    /// A service took a subscription.
    fn subscribe(&mut self, event: &Event) {
        let Event::Subscribed {
            node: id,
            outputs,
            unsubscribe,
            ..
        } = event
        else {
            return;
        };
        self.set_phase(*id, Phase::Subscribed);
        if let Some(node) = self.node_mut(*id) {
            node.outputs = Some(outputs.clone());
            node.unsubscribe.clone_from(unsubscribe);
        }
    }

    /// A call is held before it is made, or goes on.
    fn hold(&mut self, event: &Event) {
        match event {
            Event::Held {
                node,
                code,
                message,
                next_at,
                ..
            } => {
                let (code, message, next_at) = (code.clone(), message.clone(), *next_at);
                self.set_phase(*node, Phase::Held { code, message, next_at });
            }
            Event::Released { node: id, by, .. } => {
                self.set_phase(*id, Phase::Calling);
                if let Some(node) = self.node_mut(*id) {
                    node.freed |= by.is_some();
                }
            }
            Event::Opened(_)
            | Event::Entered { .. }
            | Event::Looped { .. }
            | Event::Called { .. }
            | Event::Retrying { .. }
            | Event::Repeated { .. }
            | Event::Paused { .. }
            | Event::Subscribed { .. }
            | Event::Polling { .. }
            | Event::Ended { .. }
            | Event::Cancelling { .. }
            | Event::Closed { .. } => {}
        }
    }

    /// A call is about to be made.
    fn call(&mut self, event: &Event) {
        let Event::Called {
            at,
            node: id,
            attempt,
            inputs,
            credentials,
            deadline,
        } = event
        else {
            return;
        };
        if *attempt == 1 {
            let (inputs, credentials) = (inputs.clone(), credentials.clone());
            let node = Node {
                inputs,
                credentials,
                deadline: *deadline,
                ..Node::new(*at, Phase::Calling)
            };
            self.begin(*id, node);
        }
        self.attempt(*id, *attempt, Phase::Calling);
    }

    /// Refuses an event that does not fit, before anything changes.
    fn check(&self, workflow: &Workflow, event: &Event) -> Result<(), IllegalEvent> {
        let illegal = |reason: String| Err(IllegalEvent { seq: self.seq, reason });
        if self.closed.is_some() {
            return illegal("the run has ended".into());
        }
        let (id, fits): (NodeId, fn(Option<&Phase>) -> bool) = match event {
            Event::Opened(_) => return illegal("the run is open already".into()),
            Event::Cancelling { .. } if self.cancelling.is_some() => {
                return illegal("the run is being cancelled".into());
            }
            Event::Cancelling { .. } | Event::Closed { by: None, .. } => return Ok(()),
            Event::Closed { by: Some(node), .. } => (*node, |phase| phase.is_none()),
            Event::Entered { node, .. } | Event::Looped { node, .. } | Event::Paused { node, .. } => {
                (*node, |phase| phase.is_none())
            }
            Event::Repeated { node, .. } => (*node, |phase| matches!(phase, Some(Phase::Inside { open: 0, .. }))),
            Event::Subscribed { node, .. } => (*node, |phase| matches!(phase, Some(Phase::Calling))),
            Event::Called { node, attempt: 1, .. } => (*node, |phase| phase.is_none()),
            Event::Called { node, .. } => (*node, |phase| matches!(phase, Some(Phase::Retrying { .. }))),
            Event::Retrying { node, .. } => (*node, |phase| {
                matches!(phase, Some(Phase::Calling | Phase::Polling { .. }))
            }),
            Event::Held { node, .. } => (*node, |phase| {
                matches!(phase, Some(Phase::Calling | Phase::Held { .. }))
            }),
            Event::Released { node, .. } => (*node, |phase| matches!(phase, Some(Phase::Held { .. }))),
            Event::Polling { node, .. } => (*node, |phase| {
                matches!(phase, Some(Phase::Calling | Phase::Polling { .. }))
            }),
            Event::Ended { node, .. } => (*node, |phase| !matches!(phase, Some(Phase::Ended { .. }))),
        };
        let Some(frame) = self.frame(id.0).filter(|frame| !frame.closed) else {
            return illegal(format!("frame {} is not open", id.0.0));
        };
        if workflow
            .actions
            .get(id.1.0 as usize)
            .is_none_or(|action| action.block != frame.block)
        {
            return illegal(format!("action {} does not stand in frame {}", id.1.0, id.0.0));
        }
        if !suits(workflow, id.1, event) || !fits(frame.nodes.get(&id.1).map(|node| &node.phase)) {
            return illegal(format!(
                "action '{}' is not where the event finds it",
                workflow.action(id.1).name
            ));
        }
        Ok(())
    }

    fn begin(&mut self, id: NodeId, node: Node) {
        self.active.insert(id);
        if let Some(frame) = self.frames.get_mut(id.0.0 as usize) {
            frame.nodes.insert(id.1, Box::new(node));
        }
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.frames
            .get_mut(id.0.0 as usize)
            .and_then(|frame| frame.nodes.get_mut(&id.1))
            .map(Box::as_mut)
    }

    fn set_phase(&mut self, id: NodeId, phase: Phase) {
        if let Some(node) = self.node_mut(id) {
            node.phase = phase;
        }
    }

    fn attempt(&mut self, id: NodeId, attempt: u32, phase: Phase) {
        if let Some(node) = self.node_mut(id) {
            node.attempts = attempt;
            node.phase = phase;
        }
    }

    /// Opens a frame and tells which of its actions begin.
    fn open_frame(
        &mut self,
        workflow: &Workflow,
        block: BlockId,
        parent: Option<NodeId>,
        index: u32,
        ready: &mut Vec<Ready>,
    ) -> FrameId {
        let id = FrameId(u32::try_from(self.frames.len()).unwrap_or(u32::MAX));
        let actions = &workflow.block(block).actions;
        let left = u32::try_from(actions.len()).unwrap_or(u32::MAX);
        self.frames.push(Frame {
            block,
            parent,
            index,
            nodes: BTreeMap::new(),
            left,
            closed: left == 0,
        });
        let first = actions
            .iter()
            .filter(|action| workflow.action(**action).run_after.is_empty());
        ready.extend(first.map(|action| Ready::Start(NodeId(id, *action))));
        id
    }

    /// A container goes into its one block.
    fn enter(&mut self, workflow: &Workflow, id: NodeId, block: BlockId, ready: &mut Vec<Ready>) {
        let frame = self.open_frame(workflow, block, Some(id), 0, ready);
        let closed = self.frames[frame.0 as usize].closed;
        if let Some(node) = self.node_mut(id) {
            node.frames.push(frame);
            node.phase = Phase::Inside {
                next_item: 1,
                open: u32::from(!closed),
            };
        }
        if closed {
            ready.push(Ready::Finish(id));
        }
    }

    /// An Until goes into its next round.
    fn repeat(&mut self, workflow: &Workflow, id: NodeId, ready: &mut Vec<Ready>) {
        let ActionKind::Until(until) = &workflow.action(id.1).kind else {
            return;
        };
        let round = self.node(id).map_or(0, |node| node.frames.len());
        let index = u32::try_from(round).unwrap_or(u32::MAX);
        let frame = self.open_frame(workflow, until.body, Some(id), index, ready);
        let closed = self.frames[frame.0 as usize].closed;
        if let Some(node) = self.node_mut(id) {
            node.frames.push(frame);
            node.phase = Phase::Inside {
                next_item: index.saturating_add(1),
                open: u32::from(!closed),
            };
        }
        if closed {
            ready.push(Ready::Finish(id));
        }
    }

    /// A Foreach begins as many iterations as it may.
    fn iterate(&mut self, workflow: &Workflow, id: NodeId, ready: &mut Vec<Ready>) {
        let ActionKind::Foreach { body, concurrency, .. } = &workflow.action(id.1).kind else {
            return;
        };
        let Some(node) = self.node(id) else { return };
        let count = node.items().len();
        let Phase::Inside {
            mut next_item,
            mut open,
        } = node.phase
        else {
            return;
        };
        let mut frames = Vec::new();
        while open < *concurrency && (next_item as usize) < count {
            let frame = self.open_frame(workflow, *body, Some(id), next_item, ready);
            frames.push(frame);
            next_item += 1;
            open += u32::from(!self.frames[frame.0 as usize].closed);
        }
        if let Some(node) = self.node_mut(id) {
            node.frames.append(&mut frames);
            node.phase = Phase::Inside { next_item, open };
        }
        if open == 0 && next_item as usize >= count {
            ready.push(Ready::Finish(id));
        }
    }

    /// An action ends: its variable changes, its successors and perhaps its frame move on.
    fn end(&mut self, workflow: &Workflow, event: &Event, ready: &mut Vec<Ready>) {
        let Event::Ended {
            at,
            node: id,
            status,
            code,
            inputs,
            outputs,
            error,
            tracked,
        } = event
        else {
            return;
        };
        self.close_inside(*id, *at);
        self.active.remove(id);
        let Some(frame) = self.frames.get_mut(id.0.0 as usize) else {
            return;
        };
        let node = frame
            .nodes
            .entry(id.1)
            .or_insert_with(|| Box::new(Node::new(*at, Phase::Calling)));
        node.phase = Phase::Ended { status: *status };
        node.ended_at = Some(*at);
        node.code.clone_from(code);
        node.outputs.clone_from(outputs);
        node.error.clone_from(error);
        node.tracked.clone_from(tracked);
        if inputs.is_some() {
            node.inputs.clone_from(inputs);
        }
        frame.left = frame.left.saturating_sub(1);
        let action = workflow.action(id.1);
        if let (Status::Succeeded, Some(inputs)) = (status, inputs) {
            Variable::fold(&mut self.variables, workflow, &action.kind, inputs);
        }
        self.follow(workflow, action, id.0, ready);
        self.leave(workflow, id.0, ready);
    }

    /// The run ends: what goes on is cancelled.
    fn close(&mut self, event: &Event) {
        let Event::Closed {
            at,
            by,
            status,
            error,
            outputs,
        } = event
        else {
            return;
        };
        if let Some(id) = by {
            let mut node = Node::new(
                *at,
                Phase::Ended {
                    status: Status::Succeeded,
                },
            );
            node.ended_at = Some(*at);
            node.code = "OK".into();
            self.begin(*id, node);
            self.active.remove(id);
        }
        for id in std::mem::take(&mut self.active) {
            if let Some(node) = self.node_mut(id) {
                node.phase = Phase::Ended {
                    status: Status::Cancelled,
                };
                node.ended_at = Some(*at);
                node.code = "Terminated".into();
            }
        }
        self.closed = Some(Closed {
            at: *at,
            status: *status,
            error: error.clone(),
            outputs: outputs.clone(),
        });
    }

    /// Closes every frame below a container, so that nothing more happens in them.
    fn close_inside(&mut self, id: NodeId, at: Millis) {
        let mut queue: VecDeque<FrameId> = self.node(id).map(|node| node.frames.clone()).unwrap_or_default().into();
        while let Some(frame_id) = queue.pop_front() {
            let Some(frame) = self.frames.get_mut(frame_id.0 as usize) else {
                continue;
            };
            if frame.closed {
                continue;
            }
            frame.closed = true;
            for (action, node) in &mut frame.nodes {
                if node.status().is_none() {
                    queue.extend(node.frames.iter().copied());
                    node.phase = Phase::Ended {
                        status: Status::Cancelled,
                    };
                    node.ended_at = Some(at);
                    node.code = "Cancelled".into();
                    self.active.remove(&NodeId(frame_id, *action));
                }
            }
        }
    }

    /// The successors of an ended action whose predecessors have all ended.
    fn follow(&self, workflow: &Workflow, action: &Action, frame: FrameId, ready: &mut Vec<Ready>) {
        for successor in &action.successors {
            ready.extend(self.turn(workflow, NodeId(frame, *successor)));
        }
    }

    /// What is to be done with an action that has not begun: nothing while a predecessor goes on.
    fn turn(&self, workflow: &Workflow, id: NodeId) -> Option<Ready> {
        let frame = self.frame(id.0)?;
        let mut runs = true;
        for (predecessor, statuses) in &workflow.action(id.1).run_after {
            runs &= frame.nodes.get(predecessor)?.status()?.is_in(statuses);
        }
        Some(if runs { Ready::Start(id) } else { Ready::Skip(id) })
    }

    /// If a frame has ended, its container goes on.
    fn leave(&mut self, workflow: &Workflow, id: FrameId, ready: &mut Vec<Ready>) {
        let Some(frame) = self.frames.get_mut(id.0 as usize) else {
            return;
        };
        if frame.left > 0 || frame.closed {
            return;
        }
        frame.closed = true;
        let Some(parent) = frame.parent else {
            ready.push(Ready::Close);
            return;
        };
        if let Some(Phase::Inside { open, .. }) = self.node_mut(parent).map(|node| &mut node.phase) {
            *open = open.saturating_sub(1);
        }
        match &workflow.action(parent.1).kind {
            ActionKind::Foreach { .. } => self.iterate(workflow, parent, ready),
            _ => ready.push(Ready::Finish(parent)),
        }
    }

    /// Everything that is ready, computed from nothing but the state: after a crash, and to check `apply`.
    pub fn ready(&self, workflow: &Workflow) -> Vec<Ready> {
        if self.closed.is_some() || self.cancelling.is_some() {
            return Vec::new();
        }
        let mut ready = Vec::new();
        for (index, frame) in self.frames.iter().enumerate().filter(|(_, frame)| !frame.closed) {
            let id = FrameId(u32::try_from(index).unwrap_or(u32::MAX));
            let fresh = workflow
                .block(frame.block)
                .actions
                .iter()
                .filter(|action| !frame.nodes.contains_key(action));
            ready.extend(fresh.filter_map(|action| self.turn(workflow, NodeId(id, *action))));
        }
        let finished = self.active.iter().filter(|id| self.is_finished(workflow, **id));
        ready.extend(finished.map(|id| Ready::Finish(*id)));
        if self.frames.first().is_some_and(|top| top.left == 0) {
            ready.push(Ready::Close);
        }
        ready
    }

    /// Whether something that became ready can still be done: a time-out or the end of the run may have overtaken it.
    pub fn is_open(&self, ready: Ready) -> bool {
        self.closed.is_none()
            && self.cancelling.is_none()
            && match ready {
                Ready::Start(id) | Ready::Skip(id) => self
                    .frame(id.0)
                    .is_some_and(|frame| !frame.closed && !frame.nodes.contains_key(&id.1)),
                Ready::Finish(id) => self.active.contains(&id),
                Ready::Close => true,
            }
    }

    fn is_finished(&self, workflow: &Workflow, id: NodeId) -> bool {
        let Some(node) = self.node(id) else { return false };
        let Phase::Inside { open: 0, next_item } = node.phase else {
            return false;
        };
        match workflow.action(id.1).kind {
            ActionKind::Foreach { .. } => next_item as usize >= node.items().len(),
            _ => true,
        }
    }

    /// When the run next needs attention though no call answers: retries, polls, time-outs.
    pub fn next_timer(&self) -> Millis {
        self.active
            .iter()
            .filter_map(|id| self.timer(*id))
            .fold(self.deadline(), Millis::min)
    }

    /// When an active action next needs attention, if it ever does by itself.
    pub fn timer(&self, id: NodeId) -> Option<Millis> {
        let node = self.node(id)?;
        let due = match node.phase {
            Phase::Retrying { next_at } | Phase::Held { next_at, .. } | Phase::Polling { next_at, .. } => Some(next_at),
            Phase::Paused { until } => Some(until),
            Phase::Calling | Phase::Subscribed | Phase::Inside { .. } | Phase::Ended { .. } => None,
        };
        due.into_iter().chain(node.deadline).min()
    }

    /// The Response that answered the caller of the run, once one has.
    pub fn response(&self, workflow: &Workflow) -> Option<&Node> {
        let mut nodes = self.frames.iter().flat_map(|frame| &frame.nodes);
        let found = nodes.find(|(id, node)| {
            matches!(workflow.action(**id).kind, ActionKind::Response(_)) && node.status() == Some(Status::Succeeded)
        });
        found.map(|(_, node)| node.as_ref())
    }

    /// Whether a call is in flight.
    pub fn is_calling(&self) -> bool {
        self.active
            .iter()
            .any(|id| matches!(self.node(*id).map(|node| &node.phase), Some(Phase::Calling)))
    }

    /// Every payload of the state.
    pub fn payloads_mut(&mut self) -> Vec<&mut Payload> {
        let mut all = vec![&mut self.opened.outputs];
        all.extend(self.opened.parameters.iter_mut().map(|(_, payload)| payload));
        all.extend(self.variables.values_mut().map(|variable| &mut variable.value));
        for node in self.frames.iter_mut().flat_map(|frame| frame.nodes.values_mut()) {
            all.extend(
                node.inputs
                    .iter_mut()
                    .chain(node.credentials.iter_mut())
                    .chain(node.unsubscribe.iter_mut())
                    .chain(node.outputs.iter_mut())
                    .chain(node.tracked.iter_mut()),
            );
            if let Phase::Polling { location, .. } = &mut node.phase {
                all.push(location);
            }
        }
        all.extend(self.closed.iter_mut().flat_map(|closed| closed.outputs.iter_mut()));
        all
    }
}

/// Whether an action of its kind can do what the event says.
fn suits(workflow: &Workflow, id: ActionId, event: &Event) -> bool {
    let kind = &workflow.action(id).kind;
    let is_loop = matches!(kind, ActionKind::Foreach { .. });
    match event {
        Event::Entered { block, .. } => {
            let block = workflow.blocks.get(block.0 as usize);
            !is_loop && block.is_some_and(|block| block.owner == Some(id))
        }
        Event::Looped { .. } => is_loop,
        Event::Called { .. } | Event::Retrying { .. } | Event::Held { .. } | Event::Released { .. } => {
            matches!(kind, ActionKind::Call(_) | ActionKind::Webhook(_))
        }
        Event::Polling { .. } => matches!(kind, ActionKind::Call(_)),
        Event::Subscribed { .. } => matches!(kind, ActionKind::Webhook(_)),
        Event::Repeated { .. } => matches!(kind, ActionKind::Until(_)),
        Event::Paused { .. } => matches!(kind, ActionKind::Wait(_)),
        Event::Closed { .. } => matches!(kind, ActionKind::Terminate { .. }),
        Event::Opened(_) | Event::Cancelling { .. } | Event::Ended { .. } => true,
    }
}
