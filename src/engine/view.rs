//! A run for people and programs: the JSON of `riposte run -o json`, and the tree of its actions. Pure.
//! Invariant: nothing secure is shown.

use super::clock::round_trip;
use super::event::{Event, FrameId, NodeId, Payload};
use super::run::turn::is_brake;
use super::state::{Frame, Node, Phase, State};
use super::status::{RunStatus, Status};
use crate::definition::{ActionId, ActionKind, BlockId, Workflow};
use crate::expression::{Object, Value};
use crate::store::Millis;

/// What stands for a value that is not shown.
pub const HIDDEN: &str = "*** hidden ***";

/// The run as JSON: `{"status","actions":{name:{"status","code","inputs","outputs","error","startTime","endTime"}},
/// "variables","outputs"}`. An action of a loop has the figures of its last repetition, and `repetitions` with all.
pub fn run(workflow: &Workflow, state: &State) -> Value {
    let mut actions = Object::new();
    let frames = frames_by_block(workflow, state);
    for (index, action) in workflow.actions.iter().enumerate() {
        let id = ActionId(u32::try_from(index).unwrap_or(u32::MAX));
        actions.insert(action.name.clone(), self::action(workflow, state, &frames, id));
    }
    let variables = state
        .variables
        .values()
        .map(|variable| (variable.name.as_str(), shown(&variable.value)));
    let mut run = Object::new();
    run.insert("status", status(state).as_str());
    run.insert("actions", Value::from(actions));
    run.insert("variables", Value::object(variables));
    let closed = state.closed.as_ref();
    run.insert(
        "outputs",
        closed
            .and_then(|closed| closed.outputs.as_ref())
            .map_or(Value::object::<&str, Value>([]), shown),
    );
    if let Some(error) = closed.and_then(|closed| closed.error.as_ref()) {
        run.insert(
            "error",
            Value::object([("code", error.code.as_str()), ("message", error.message.as_str())]),
        );
    }
    run.into()
}

/// Where the run stands.
pub fn status(state: &State) -> RunStatus {
    match &state.closed {
        Some(closed) => closed.status,
        None if state.is_calling() => RunStatus::Running,
        None => RunStatus::Waiting,
    }
}

/// The executions of each block, in the order of their beginning.
fn frames_by_block<'a>(workflow: &Workflow, state: &'a State) -> Vec<Vec<&'a Frame>> {
    let mut frames = vec![Vec::new(); workflow.blocks.len()];
    for frame in &state.frames {
        if let Some(of_block) = frames.get_mut(frame.block.0 as usize) {
            of_block.push(frame);
        }
    }
    frames
}

fn action(workflow: &Workflow, state: &State, frames: &[Vec<&Frame>], id: ActionId) -> Value {
    let block = workflow.action(id).block;
    let mut nodes: Vec<&Node> = frames[block.0 as usize]
        .iter()
        .filter_map(|frame| frame.nodes.get(&id).map(Box::as_ref))
        .collect();
    let Some(last) = nodes.pop() else {
        let (status, code) = absent(workflow, state, frames, id);
        return Value::object([("status", status), ("code", code)]);
    };
    let mut view = node(last);
    if in_loop(workflow, block) {
        let repetitions: Vec<Value> = nodes.into_iter().chain([last]).map(|one| node(one).into()).collect();
        let statuses = repetitions
            .iter()
            .filter_map(|one| one.get("status").and_then(Value::as_str));
        let failures = [Status::Failed, Status::TimedOut].map(Status::as_str);
        if let Some(worst) = failures
            .into_iter()
            .find(|failure| statuses.clone().any(|status| status == *failure))
        {
            view.insert("status", worst);
        }
        view.insert("repetitionCount", i64::try_from(repetitions.len()).unwrap_or(i64::MAX));
        view.insert("repetitions", Value::array(repetitions));
    }
    view.into()
}

/// Status and code of an action that has not begun anywhere: it may yet begin, or the end of the run or of the
/// container that it stands in came before.
fn absent(workflow: &Workflow, state: &State, frames: &[Vec<&Frame>], id: ActionId) -> (&'static str, &'static str) {
    const OPEN: (&str, &str) = ("Waiting", "");
    const BRANCH: (&str, &str) = ("Skipped", "ActionBranchingConditionNotSatisfied");
    const TERMINATED: (&str, &str) = ("Skipped", "Terminated");
    let block = workflow.action(id).block;
    let fallback = if state.closed.is_some() { TERMINATED } else { OPEN };
    let Some(owner) = workflow.block(block).owner else {
        return fallback;
    };
    let holder = &frames[workflow.action(owner).block.0 as usize];
    let Some(container) = holder.iter().rev().find_map(|frame| frame.nodes.get(&owner)) else {
        return absent(workflow, state, frames, owner);
    };
    let entered = !frames[block.0 as usize].is_empty();
    match (entered, &container.phase) {
        // Its container was cut off, by a time-out or by the end of the run.
        (true, Phase::Ended { .. }) => TERMINATED,
        (true, _) => fallback,
        (false, _) => BRANCH,
    }
}

fn in_loop(workflow: &Workflow, block: BlockId) -> bool {
    let mut here = workflow.block(block).owner;
    while let Some(owner) = here {
        let action = workflow.action(owner);
        if matches!(action.kind, ActionKind::Foreach { .. } | ActionKind::Until(_)) {
            return true;
        }
        here = workflow.block(action.block).owner;
    }
    false
}

/// One execution of an action.
fn node(node: &Node) -> Object {
    let mut view = Object::new();
    view.insert("status", phase(node));
    let code = match &node.phase {
        Phase::Held { code, .. } => code,
        _ => &node.code,
    };
    view.insert("code", code.as_str());
    if let Some(inputs) = &node.inputs {
        view.insert("inputs", shown(inputs));
    }
    if let Some(outputs) = &node.outputs {
        view.insert("outputs", shown(outputs));
    }
    if let Some(error) = &node.error {
        view.insert(
            "error",
            Value::object([("code", error.code.as_str()), ("message", error.message.as_str())]),
        );
    }
    view.insert("startTime", round_trip(node.started_at));
    if let Some(at) = node.ended_at {
        view.insert("endTime", round_trip(at));
    }
    if let Some(tracked) = &node.tracked {
        view.insert("trackedProperties", shown(tracked));
    }
    if node.attempts > 1 {
        view.insert("attempts", i64::from(node.attempts));
    }
    view
}

fn phase(node: &Node) -> &'static str {
    match &node.phase {
        Phase::Ended { status } => status.as_str(),
        Phase::Retrying { .. }
        | Phase::Held { .. }
        | Phase::Polling { .. }
        | Phase::Paused { .. }
        | Phase::Subscribed => "Waiting",
        Phase::Calling | Phase::Inside { .. } => "Running",
    }
}

/// The value of a payload, as it may be shown.
pub fn shown(payload: &Payload) -> Value {
    if payload.secure {
        Value::from(HIDDEN)
    } else {
        payload.value.clone()
    }
}

/// What an action of a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Name of the action.
    pub action: String,
    /// What it waits for.
    pub what: &'static str,
    /// What holds it, where something does.
    pub because: Option<String>,
    /// When it goes on, or ends, without it: by its own time-out or by that of the run.
    pub until: Millis,
}

/// What the actions that go on wait for, in the order of the text.
pub fn waits(workflow: &Workflow, state: &State) -> Vec<Wait> {
    let wait = |id: &NodeId| {
        let phase = &state.node(*id)?.phase;
        let what = match phase {
            Phase::Calling => "an answer",
            Phase::Retrying { .. } => "the next attempt",
            Phase::Held { .. } => "its turn",
            Phase::Polling { .. } => "the promised answer",
            Phase::Paused { .. } => "its time",
            Phase::Subscribed => "a callback",
            Phase::Inside { .. } | Phase::Ended { .. } => return None,
        };
        Some(Wait {
            action: workflow.action(id.1).name.to_string(),
            what,
            because: match phase {
                Phase::Held { message, .. } => Some(message.clone()),
                _ => None,
            },
            until: state.timer(*id).unwrap_or_else(|| state.deadline()),
        })
    };
    state.active.iter().filter_map(wait).collect()
}

/// Calls of an action that were announced and wait before they are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The action.
    pub action: ActionId,
    /// Its name.
    pub name: String,
    /// What holds it, such as `ActionsPaused`.
    pub code: String,
    /// The same for people.
    pub message: String,
    /// Whether a person can let it go on: a brake holds it, not a limit of its connection or its service.
    pub is_brake: bool,
    /// How many of its executions it holds.
    pub executions: usize,
    /// Since when this holds the first of them.
    pub since: Millis,
    /// When one asks at the latest whether it may go on.
    pub next_at: Millis,
    /// When the action ends without it, if it has a time-out.
    pub until: Option<Millis>,
}

/// What holds actions of a run, in the order of the text; what holds several executions of an action is told once.
pub fn holds(workflow: &Workflow, state: &State, events: &[Event]) -> Vec<Hold> {
    let mut holds: Vec<Hold> = Vec::new();
    for hold in state.active.iter().filter_map(|id| hold(workflow, state, events, *id)) {
        let is_same = |known: &&mut Hold| (known.action, &known.message) == (hold.action, &hold.message);
        match holds.iter_mut().find(is_same) {
            Some(known) => {
                known.executions += 1;
                known.since = known.since.min(hold.since);
                known.next_at = known.next_at.min(hold.next_at);
                known.until = known.until.into_iter().chain(hold.until).min();
            }
            None => holds.push(hold),
        }
    }
    holds
}

fn hold(workflow: &Workflow, state: &State, events: &[Event], id: NodeId) -> Option<Hold> {
    let node = state.node(id)?;
    let Phase::Held { code, message, next_at } = &node.phase else {
        return None;
    };
    let begins = events.iter().rev().find_map(|event| match event {
        Event::Held { node, at, .. } if *node == id => Some(*at),
        _ => None,
    });
    Some(Hold {
        action: id.1,
        name: workflow.action(id.1).name.to_string(),
        is_brake: is_brake(code),
        code: code.clone(),
        message: message.clone(),
        executions: 1,
        since: begins.unwrap_or(node.started_at),
        next_at: *next_at,
        until: node.deadline,
    })
}

/// Where an action stands, all its executions in loops together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The status of the one that goes on, else of the worst, else of the last.
    pub status: &'static str,
    /// How many executions there are; 0 if it has not begun.
    pub executions: usize,
    /// How long the only one took, in milliseconds.
    pub took: Option<i64>,
    /// Whether one is held before its call.
    pub is_held: bool,
}

/// Where each action stands, in the order of the definition.
pub fn standings(workflow: &Workflow, state: &State) -> Vec<Standing> {
    let frames = frames_by_block(workflow, state);
    let ids = (0..workflow.actions.len()).map(|index| ActionId(u32::try_from(index).unwrap_or(u32::MAX)));
    ids.map(|id| standing(workflow, state, &frames, id)).collect()
}

fn standing(workflow: &Workflow, state: &State, frames: &[Vec<&Frame>], id: ActionId) -> Standing {
    let here = &frames[workflow.action(id).block.0 as usize];
    let nodes: Vec<&Node> = here
        .iter()
        .filter_map(|frame| frame.nodes.get(&id).map(Box::as_ref))
        .collect();
    let status_of = |wanted: &dyn Fn(&Node) -> bool| nodes.iter().find(|node| wanted(node)).map(|node| phase(node));
    let is_bad = |node: &Node| matches!(node.status(), Some(Status::Failed | Status::TimedOut));
    let status = status_of(&|node| node.status().is_none())
        .or_else(|| status_of(&is_bad))
        .or_else(|| nodes.last().map(|node| phase(node)));
    Standing {
        status: status.unwrap_or_else(|| absent(workflow, state, frames, id).0),
        executions: nodes.len(),
        took: match nodes[..] {
            [only] => only.ended_at.map(|end| end - only.started_at),
            _ => None,
        },
        is_held: nodes.iter().any(|node| matches!(node.phase, Phase::Held { .. })),
    }
}

/// An action of a run with what is inside of it, or an iteration of a loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Name of the action, or of the iteration.
    pub name: String,
    /// The action; `None` for an iteration.
    pub action: Option<ActionId>,
    /// What [`run`] shows of it; `None` for an iteration.
    pub facts: Option<Object>,
    /// When it began and when it ended.
    pub times: (Option<i64>, Option<i64>),
    /// The actions that it waits for.
    pub after: Vec<String>,
    /// What is inside.
    pub inside: Vec<Branch>,
}

/// The actions of a run as they nest, those that have begun in the order of their beginning, then the others; at most
/// `limit`.
pub fn outline(workflow: &Workflow, state: &State, limit: usize) -> Vec<Branch> {
    let mut left = limit;
    let frames = frames_by_block(workflow, state);
    branches(workflow, state, &frames, FrameId(0), &mut left)
}

fn branches(
    workflow: &Workflow,
    state: &State,
    frames: &[Vec<&Frame>],
    frame: FrameId,
    left: &mut usize,
) -> Vec<Branch> {
    let Some(here) = state.frame(frame) else {
        return Vec::new();
    };
    let mut ids = workflow.block(here.block).actions.clone();
    ids.sort_by_key(|id| {
        let node = here.nodes.get(id);
        (
            node.is_none(),
            node.map(|node| (node.started_at, node.ended_at.is_none())),
            *id,
        )
    });
    let mut branches = Vec::new();
    for id in ids {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let action = workflow.action(id);
        let begun = here.nodes.get(&id);
        let facts = begun.map_or_else(
            || {
                let (status, code) = absent(workflow, state, frames, id);
                [("status", status), ("code", code)].into_iter().collect()
            },
            |begun| node(begun),
        );
        branches.push(Branch {
            name: action.name.to_string(),
            action: Some(id),
            facts: Some(facts),
            times: (begun.map(|node| node.started_at), begun.and_then(|node| node.ended_at)),
            after: action
                .run_after
                .iter()
                .map(|(id, _)| workflow.action(*id).name.to_string())
                .collect(),
            inside: begun.map_or_else(Vec::new, |node| inside(workflow, state, frames, (id, node), left)),
        });
    }
    branches
}

/// What is inside of an action that has begun; of a loop its iterations.
fn inside(
    workflow: &Workflow,
    state: &State,
    frames: &[Vec<&Frame>],
    (id, node): (ActionId, &Node),
    left: &mut usize,
) -> Vec<Branch> {
    let is_loop = matches!(
        workflow.action(id).kind,
        ActionKind::Foreach { .. } | ActionKind::Until(_)
    );
    let mut all = Vec::new();
    for inner in &node.frames {
        let actions = branches(workflow, state, frames, *inner, left);
        match state.frame(*inner) {
            Some(iteration) if is_loop => all.push(Branch {
                name: format!("#{}", iteration.index + 1),
                action: None,
                facts: None,
                times: (None, None),
                after: Vec::new(),
                inside: actions,
            }),
            Some(_) => all.extend(actions),
            None => {}
        }
        if *left == 0 {
            break;
        }
    }
    all
}

/// One line of the tree of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How deep it is indented.
    pub depth: usize,
    /// Name of the action, or of the iteration.
    pub name: String,
    /// Its status, such as `Succeeded` or `Running`.
    pub status: &'static str,
    /// Its code and what failed, if that says more than the status.
    pub note: String,
    /// How long it took, in milliseconds.
    pub took: Option<i64>,
}

/// The tree of the actions that have begun, in the order of their beginning; at most `limit` lines.
pub fn tree(workflow: &Workflow, state: &State, limit: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    frame_lines(workflow, state, FrameId(0), 0, limit, &mut lines);
    lines
}

fn frame_lines(workflow: &Workflow, state: &State, frame: FrameId, depth: usize, limit: usize, lines: &mut Vec<Line>) {
    let Some(here) = state.frame(frame) else { return };
    let mut nodes: Vec<(&ActionId, &Box<Node>)> = here.nodes.iter().collect();
    nodes.sort_by_key(|(id, node)| (node.started_at, node.ended_at.is_none(), **id));
    for (id, node) in nodes {
        if lines.len() >= limit {
            return;
        }
        lines.push(line(workflow, NodeId(frame, *id), node, depth));
        let is_loop = matches!(
            workflow.action(*id).kind,
            ActionKind::Foreach { .. } | ActionKind::Until(_)
        );
        for inner in &node.frames {
            let Some(iteration) = state.frame(*inner) else { continue };
            if is_loop && lines.len() < limit {
                let name = format!("#{}", iteration.index + 1);
                lines.push(Line {
                    depth: depth + 1,
                    name,
                    status: "",
                    note: String::new(),
                    took: None,
                });
            }
            frame_lines(workflow, state, *inner, depth + 1 + usize::from(is_loop), limit, lines);
        }
    }
}

fn line(workflow: &Workflow, id: NodeId, node: &Node, depth: usize) -> Line {
    let note = match (&node.error, &node.phase) {
        (Some(error), _) if node.status() != Some(Status::Skipped) => format!("{}: {}", error.code, error.message),
        (_, Phase::Retrying { .. }) => format!("attempt {} failed, retrying", node.attempts),
        (_, Phase::Held { code, message, .. }) => format!("held ({code}): {message}"),
        (_, Phase::Polling { .. }) => "waiting for the promised answer".into(),
        (_, Phase::Paused { until }) => format!("until {}", round_trip(*until)),
        (_, Phase::Subscribed) => "waiting for the service to call back".into(),
        _ => String::new(),
    };
    Line {
        depth,
        name: workflow.action(id.1).name.to_string(),
        status: phase(node),
        note,
        took: node.ended_at.map(|end| end - node.started_at),
    }
}
