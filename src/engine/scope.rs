//! What an expression of a run sees: the state, from where an action stands.

use jiff::Timestamp;

use super::clock::{Moment, round_trip};
use super::event::{Event, FrameId, NodeId};
use super::state::{Frame, Node, Phase, State};
use super::status::Status;
use crate::definition::workflow::Trigger;
use crate::definition::{ActionId, ActionKind, BlockId, Workflow};
use crate::expression::{Scope, Value};

/// The ARM id of Riposte's own "subscription": content splits such ids, so they keep the original's form.
const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000000";
/// The id of that "subscription".
pub(super) const NO_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// The surroundings of an action.
pub struct RunScope<'a> {
    /// The workflow.
    pub workflow: &'a Workflow,
    /// The state.
    pub state: &'a State,
    /// The frame that the action stands in.
    pub frame: FrameId,
    /// Time and chance.
    pub moment: &'a Moment,
    /// The object of the action that is ending, where its tracked properties are evaluated.
    pub current: Option<Value>,
    /// The callback URL, where a webhook is subscribed or unsubscribed.
    pub callback: Option<String>,
}

/// Where a name leads to.
enum Found<'a> {
    /// One execution.
    One(NodeId, &'a Node),
    /// It is inside a loop that is looked at from outside: one execution an iteration.
    Many(Vec<(NodeId, &'a Node)>),
    /// It never begins, because the container that it stands in ended without it.
    NotTaken,
    /// It has not begun.
    NotYet,
}

impl<'a> RunScope<'a> {
    /// The frames of a block that are seen from here, and whether a loop lies between.
    fn frames_of(&self, block: BlockId) -> (Vec<FrameId>, bool) {
        let mut here = Some(self.frame);
        while let Some(id) = here {
            let Some(frame) = self.state.frame(id) else { break };
            if frame.block == block {
                return (vec![id], false);
            }
            here = frame.parent.map(|parent| parent.0);
        }
        let Some(owner) = self.workflow.block(block).owner else {
            return (Vec::new(), false);
        };
        let action = self.workflow.action(owner);
        let (outer, looped) = self.frames_of(action.block);
        let nodes = outer.iter().filter_map(|frame| self.state.node(NodeId(*frame, owner)));
        let is_until = matches!(action.kind, ActionKind::Until(_));
        // Of an Until only the last round is seen.
        let inner = nodes.flat_map(|node| match (is_until, node.frames.len()) {
            (true, rounds @ 1..) => node.frames[rounds - 1..].iter().copied(),
            _ => node.frames.iter().copied(),
        });
        let of_block = |id: &FrameId| self.state.frame(*id).is_some_and(|frame| frame.block == block);
        (
            inner.filter(of_block).collect(),
            looped || matches!(action.kind, ActionKind::Foreach { .. }),
        )
    }

    fn find(&self, name: &str) -> Option<(ActionId, Found<'a>)> {
        let id = self.workflow.find(name)?;
        let (frames, looped) = self.frames_of(self.workflow.action(id).block);
        let nodes: Vec<_> = frames
            .iter()
            .map(|frame| NodeId(*frame, id))
            .filter_map(|node| Some((node, self.state.node(node)?)))
            .filter(|(_, node)| node.status().is_some())
            .collect();
        let found = match (nodes.as_slice(), looped) {
            (_, true) => Found::Many(nodes),
            ([(id, node)], false) => Found::One(*id, node),
            _ if self.is_past(id) => Found::NotTaken,
            _ => Found::NotYet,
        };
        Some((id, found))
    }

    /// Whether the outermost container that holds the action and is seen from here has ended.
    fn is_past(&self, id: ActionId) -> bool {
        let mut id = id;
        while let Some(owner) = self.workflow.block(self.workflow.action(id).block).owner {
            let (frames, _) = self.frames_of(self.workflow.action(owner).block);
            if let [frame] = frames.as_slice()
                && let Some(node) = self.state.node(NodeId(*frame, owner))
            {
                return node.status().is_some();
            }
            id = owner;
        }
        false
    }

    /// A part of the outputs of an ended action, null where it has none; of an action of a loop that is looked at from
    /// outside, an array with the part of each iteration.
    fn each(&self, name: &str, part: impl Fn(&Value) -> Value) -> Option<Value> {
        let part = |node: &Node| {
            node.outputs
                .as_ref()
                .map(|outputs| part(&outputs.value))
                .unwrap_or_default()
        };
        match self.find(name)?.1 {
            Found::One(_, node) => Some(part(node)),
            Found::Many(nodes) => Some(Value::array(nodes.into_iter().map(|(_, node)| part(node)))),
            Found::NotTaken => Some(Value::Null),
            Found::NotYet => None,
        }
    }

    /// The object of an ended action, as `actions()` and `result()` give it.
    pub(super) fn record(&self, id: NodeId, node: &Node) -> Value {
        let status = node.status().map_or("Running", Status::as_str);
        let mut record: Vec<(&str, Value)> = vec![("name", Value::from(self.workflow.action(id.1).name.clone()))];
        record.extend(node.inputs.iter().map(|inputs| ("inputs", inputs.value.clone())));
        record.extend(node.outputs.iter().map(|outputs| ("outputs", outputs.value.clone())));
        record.push(("startTime", round_trip(node.started_at).into()));
        record.extend(node.ended_at.map(|at| ("endTime", round_trip(at).into())));
        record.push(("trackingId", self.tracking_id(id).into()));
        record.push(("clientTrackingId", self.state.opened.client_tracking_id().into()));
        record.push(("code", node.code.as_str().into()));
        record.push(("status", status.into()));
        record.extend(node.error.iter().map(|error| {
            let members = [("code", error.code.as_str()), ("message", error.message.as_str())];
            ("error", Value::object(members))
        }));
        let tracked = node
            .tracked
            .iter()
            .map(|tracked| ("trackedProperties", tracked.value.clone()));
        record.extend(tracked);
        Value::object(record)
    }

    /// The object of an action that never begins.
    fn skipped(&self, id: ActionId) -> Value {
        Value::object([
            ("name", Value::from(self.workflow.action(id).name.clone())),
            ("code", "ActionBranchingConditionNotSatisfied".into()),
            ("status", Status::Skipped.as_str().into()),
        ])
    }

    /// The block of a container that has just one.
    fn only_block(&self, container: ActionId) -> Option<BlockId> {
        match self.workflow.action(container).kind {
            ActionKind::Foreach { body, .. } | ActionKind::Scope { body } => Some(body),
            ActionKind::Until(ref until) => Some(until.body),
            _ => None,
        }
    }

    /// The id of one execution of an action.
    pub(super) fn tracking_id(&self, id: NodeId) -> String {
        let run = self.state.opened.run.as_bytes();
        let name = [run, &id.0.0.to_be_bytes(), &id.1.0.to_be_bytes()].concat();
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &name).to_string()
    }

    /// The object of an action that ends with an event.
    pub fn ending(&self, id: NodeId, event: &Event) -> Value {
        let Event::Ended {
            at,
            status,
            code,
            inputs,
            outputs,
            error,
            ..
        } = event
        else {
            return Value::Null;
        };
        let begun = self.state.node(id);
        let mut node = begun.cloned().unwrap_or_else(|| Node::ended(*at, *status));
        node.phase = Phase::Ended { status: *status };
        node.ended_at = Some(*at);
        node.code.clone_from(code);
        node.outputs.clone_from(outputs);
        node.error.clone_from(error);
        if inputs.is_some() {
            node.inputs.clone_from(inputs);
        }
        self.record(id, &node)
    }

    /// The frame of the innermost loop around, for which `wanted` holds, with its loop.
    fn loop_frame(&self, wanted: impl Fn(ActionId) -> bool) -> Option<(&'a Frame, NodeId)> {
        let mut here = self.state.frame(self.frame)?;
        loop {
            let parent = here.parent?;
            if wanted(parent.1) {
                return Some((here, parent));
            }
            here = self.state.frame(parent.0)?;
        }
    }

    fn element(&self, frame: &Frame, of: NodeId) -> Option<Value> {
        self.state.node(of)?.items().get(frame.index as usize).cloned()
    }
}

impl Scope for RunScope<'_> {
    fn now(&self) -> Timestamp {
        self.moment.timestamp()
    }

    fn random(&self) -> [u8; 16] {
        self.moment.random()
    }

    fn parameter(&self, name: &str) -> Option<Value> {
        let mut parameters = self.state.opened.parameters.iter();
        parameters
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, payload)| payload.value.clone())
    }

    fn variable(&self, name: &str) -> Option<Value> {
        self.state
            .variables
            .get(&name.to_lowercase())
            .map(|variable| variable.value.value.clone())
    }

    fn action(&self, name: &str) -> Option<Value> {
        let (id, found) = self.find(name)?;
        match found {
            Found::One(id, node) => Some(self.record(id, node)),
            Found::Many(nodes) => Some(Value::array(nodes.into_iter().map(|(id, node)| self.record(id, node)))),
            Found::NotTaken => Some(self.skipped(id)),
            Found::NotYet => None,
        }
    }

    fn outputs(&self, name: &str) -> Option<Value> {
        self.each(name, Value::clone)
    }

    fn body(&self, name: &str) -> Option<Value> {
        self.each(name, |outputs| outputs.get("body").cloned().unwrap_or_default())
    }

    fn current_action(&self) -> Option<Value> {
        self.current.clone()
    }

    fn trigger(&self) -> Option<Value> {
        let opened = &self.state.opened;
        let at = round_trip(opened.at);
        let mut record = vec![("name", Value::from(opened.trigger.as_str()))];
        let inputs = self.workflow.triggers.first().and_then(Trigger::shown_inputs);
        record.extend(inputs.map(|inputs| ("inputs", inputs)));
        record.extend([
            ("outputs", opened.outputs.value.clone()),
            ("startTime", at.as_str().into()),
            ("endTime", at.as_str().into()),
        ]);
        record.extend(opened.scheduled_at.map(|at| ("scheduledTime", round_trip(at).into())));
        record.extend(opened.code.as_deref().map(|code| ("code", code.into())));
        record.extend([
            ("trackingId", opened.run.as_str().into()),
            ("clientTrackingId", opened.client_tracking_id().into()),
            ("originHistoryName", opened.run.as_str().into()),
            ("status", "Succeeded".into()),
        ]);
        Some(Value::object(record))
    }

    fn item(&self) -> Option<Value> {
        let is_foreach = |id| matches!(self.workflow.action(id).kind, ActionKind::Foreach { .. });
        let (frame, of) = self.loop_frame(is_foreach)?;
        self.element(frame, of)
    }

    fn items(&self, name: &str) -> Option<Value> {
        let wanted = self.workflow.find(name)?;
        let (frame, of) = self.loop_frame(|id| id == wanted)?;
        self.element(frame, of)
    }

    fn iteration_index(&self, name: &str) -> Option<i64> {
        let wanted = self.workflow.find(name)?;
        self.loop_frame(|id| id == wanted)
            .map(|(frame, _)| i64::from(frame.index))
    }

    fn result(&self, name: &str) -> Option<Value> {
        let (container, Found::One(_, node)) = self.find(name)? else {
            return None;
        };
        let kind = &self.workflow.action(container).kind;
        let is_loop = matches!(kind, ActionKind::Foreach { .. } | ActionKind::Until(_));
        let entered = node.frames.first().and_then(|frame| self.state.frame(*frame));
        let Some(block) = entered.map(|frame| frame.block).or_else(|| self.only_block(container)) else {
            return Some(Value::array([]));
        };
        let records = |action: &ActionId| {
            let executed = node.frames.iter().map(|frame| NodeId(*frame, *action));
            let ended = executed.filter_map(|id| Some((id, self.state.node(id)?)));
            ended.map(|(id, node)| self.record(id, node)).collect::<Vec<_>>()
        };
        let of_action = |action: &ActionId| {
            let mut records = records(action);
            if is_loop {
                let name = Value::from(self.workflow.action(*action).name.clone());
                return Some(Value::object([("name", name), ("outputs", Value::array(records))]));
            }
            Some(records.pop().unwrap_or_else(|| self.skipped(*action)))
        };
        Some(Value::array(
            self.workflow.block(block).actions.iter().filter_map(of_action),
        ))
    }

    fn workflow(&self) -> Value {
        let opened = &self.state.opened;
        workflow_object(&opened.namespace, &opened.playbook, Some(&opened.run))
    }

    fn callback_url(&self) -> Option<String> {
        self.callback.clone()
    }

    fn app_setting(&self, name: &str) -> Option<Value> {
        let mut settings = self.state.opened.settings.iter();
        let found = settings.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, payload)| payload.value.clone())
    }
}

/// The object of a workflow, with its run if there is one yet.
pub(super) fn workflow_object(namespace: &str, playbook: &str, run: Option<&str>) -> Value {
    let id = format!("{SUBSCRIPTION}/resourceGroups/{namespace}/providers/Microsoft.Logic/workflows/{playbook}");
    let run = run.map(|run| {
        Value::object([
            ("id", Value::from(format!("{id}/runs/{run}"))),
            ("name", run.into()),
            ("type", "Microsoft.Logic/workflows/runs".into()),
        ])
    });
    let mut members = vec![
        ("id", Value::from(id)),
        ("name", playbook.into()),
        ("type", "Microsoft.Logic/workflows".into()),
        ("location", "local".into()),
        ("tags", Value::object::<&str, Value>([])),
    ];
    members.extend(run.map(|run| ("run", run)));
    Value::object(members)
}
