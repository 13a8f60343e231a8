//! What a run that is resubmitted from an action takes over of the run that it repeats: the events of all actions that
//! ended, but for that action and those that come after it. Pure.
//!
//! Invariants: what is taken over folds by itself, in the definition of the new run; nothing of it is done again. The
//! definitions may differ: executions are found by the names of their actions and by the order in which blocks began.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Event, FrameId, NodeId, Opened};
use super::state::{IllegalEvent, State};
use super::status::Status;
use crate::definition::{ActionId, BlockId, Workflow};

/// Events that are taken over at most: they are one event of the new run.
const CARRIED_MAX: usize = 50_000;
/// Actions of the top level.
const TOP: FrameId = FrameId(0);

/// A run as its journal has it.
pub(super) struct Recording<'a> {
    pub(super) workflow: &'a Workflow,
    pub(super) opened: &'a Opened,
    /// Its other events.
    pub(super) events: &'a [Event],
}

/// The name of the action as the definition has it, and the events that the new run begins with. Its first event is
/// `opened`, its definition `workflow`.
///
/// # Errors
/// The action stands inside of another or did not run, the run has not ended, or the definitions differ too much.
pub(super) fn carry(
    recording: &Recording<'_>,
    (workflow, opened): (&Workflow, &Opened),
    action: &str,
) -> Result<(String, Vec<Event>), String> {
    let chosen = chosen(workflow, action)?;
    let name = workflow.action(chosen).name.to_string();
    has_run(recording, &name)?;
    let anew = followers(workflow, chosen);
    let kept = kept(recording, workflow, &anew);
    Ok((name, Carrier::new(recording, workflow, opened).carry(&kept)?))
}

/// The action of this name, which must be one of the top level.
fn chosen(workflow: &Workflow, action: &str) -> Result<ActionId, String> {
    let unknown = || format!("its definition has no action '{action}'");
    let chosen = *workflow.names.get(&action.to_lowercase()).ok_or_else(unknown)?;
    let outer = outermost(workflow, chosen);
    if outer == chosen {
        return Ok(chosen);
    }
    Err(format!(
        "action '{}' stands inside of '{}'; only actions of the top level can be begun with, such as that one",
        workflow.action(chosen).name,
        workflow.action(outer).name
    ))
}

/// The action of the top level that an action stands in, or is.
fn outermost(workflow: &Workflow, action: ActionId) -> ActionId {
    let mut here = action;
    while let Some(owner) = workflow.block(workflow.action(here).block).owner {
        here = owner;
    }
    here
}

/// Refuses an action that did not run: what it waits for ended otherwise, and would again.
fn has_run(recording: &Recording<'_>, action: &str) -> Result<(), String> {
    let did_not = || format!("action '{action}' did not run in it; begin with an action before it");
    let id = recording
        .workflow
        .names
        .get(&action.to_lowercase())
        .ok_or_else(did_not)?;
    let mut state = State::open(recording.workflow, recording.opened).0;
    for event in events(recording) {
        state.apply(recording.workflow, event).map_err(unreadable)?;
    }
    if state.closed.is_none() {
        return Err("it has not ended; cancel it, or wait for its end".into());
    }
    match state.node(NodeId(TOP, *id)).and_then(|node| node.status()) {
        Some(Status::Skipped) | None => Err(did_not()),
        Some(Status::Succeeded | Status::Failed | Status::TimedOut | Status::Cancelled) => Ok(()),
    }
}

/// An action and all that come after it.
fn followers(workflow: &Workflow, first: ActionId) -> BTreeSet<ActionId> {
    let mut all = BTreeSet::from([first]);
    let mut queue = vec![first];
    while let Some(action) = queue.pop() {
        let successors = workflow.action(action).successors.iter();
        queue.extend(successors.copied().filter(|next| all.insert(*next)));
    }
    all
}

/// The actions of the top level, in the definition of the recording, whose ends are taken over.
fn kept(recording: &Recording<'_>, workflow: &Workflow, anew: &BTreeSet<ActionId>) -> BTreeSet<ActionId> {
    let ended = events(recording).filter_map(|event| match event {
        Event::Ended { node, .. } if node.0 == TOP => Some(node.1),
        _ => None,
    });
    let is_kept = |id: &ActionId| {
        let here = same(recording.workflow, *id, workflow);
        here.is_some_and(|here| workflow.action(here).block == BlockId(0) && !anew.contains(&here))
    };
    ended.filter(is_kept).collect()
}

/// The action of the same name in another definition.
fn same(workflow: &Workflow, action: ActionId, other: &Workflow) -> Option<ActionId> {
    let name = workflow.action(action).name.to_lowercase();
    other.names.get(&name).copied()
}

/// The events behind the first, with those that the run took over itself.
fn events<'a>(recording: &Recording<'a>) -> impl Iterator<Item = &'a Event> {
    recording.opened.carried.iter().chain(recording.events)
}

fn unreadable(error: IllegalEvent) -> String {
    format!("its journal cannot be read: {error}")
}

fn differs() -> String {
    "what it recorded does not fit the definition by now; resubmit it with the definition that it had, or the whole run"
        .into()
}

/// Folds the recording and the new run side by side, which tells what a frame of one is in the other.
struct Carrier<'a> {
    recording: &'a Recording<'a>,
    workflow: &'a Workflow,
    before: State,
    after: State,
    frames: BTreeMap<FrameId, FrameId>,
}

impl<'a> Carrier<'a> {
    fn new(recording: &'a Recording<'a>, workflow: &'a Workflow, opened: &Opened) -> Self {
        Self {
            recording,
            workflow,
            before: State::open(recording.workflow, recording.opened).0,
            after: State::open(workflow, opened).0,
            frames: BTreeMap::from([(TOP, TOP)]),
        }
    }

    fn carry(mut self, kept: &BTreeSet<ActionId>) -> Result<Vec<Event>, String> {
        let mut carried = Vec::new();
        for event in events(self.recording) {
            let mut moved = event.clone();
            let is_kept = match (&moved, moved.clone().node_mut()) {
                (Event::Closed { .. }, _) => break,
                (_, Some(node)) => self.top(*node).is_some_and(|top| kept.contains(&top)),
                (_, None) => false,
            };
            let (old, new) = (self.before.frames.len(), self.after.frames.len());
            self.before.apply(self.recording.workflow, event).map_err(unreadable)?;
            if is_kept {
                self.translate(&mut moved).ok_or_else(differs)?;
                self.after.apply(self.workflow, &moved).map_err(|_| differs())?;
                self.match_frames(old, new).ok_or_else(differs)?;
                carried.push(moved);
                if carried.len() > CARRIED_MAX {
                    return Err(format!(
                        "what it would take over are more than {CARRIED_MAX} events; resubmit the whole run"
                    ));
                }
            }
        }
        Ok(carried)
    }

    /// The action of the top level that a node of the recording belongs to.
    fn top(&self, node: NodeId) -> Option<ActionId> {
        let mut here = node;
        while here.0 != TOP {
            here = self.before.frame(here.0)?.parent?;
        }
        Some(here.1)
    }

    /// Makes an event of the recording one of the new run, without what only a call that is still to be made needs.
    fn translate(&self, event: &mut Event) -> Option<()> {
        match event {
            Event::Called { credentials, .. } => *credentials = None,
            Event::Subscribed { unsubscribe, .. } => *unsubscribe = None,
            Event::Entered { node, block, .. } => *block = self.block(node.1, *block)?,
            _ => {}
        }
        let node = event.node_mut()?;
        let action = same(self.recording.workflow, node.1, self.workflow)?;
        *node = NodeId(*self.frames.get(&node.0)?, action);
        Some(())
    }

    /// The block of an action that is what another is in the recording: the one at the same place.
    fn block(&self, owner: ActionId, block: BlockId) -> Option<BlockId> {
        let place = blocks(self.recording.workflow, owner).position(|own| own == block)?;
        blocks(self.workflow, same(self.recording.workflow, owner, self.workflow)?).nth(place)
    }

    /// Notes which frames began with an event, in both.
    fn match_frames(&mut self, old: usize, new: usize) -> Option<()> {
        let (old, new) = (old..self.before.frames.len(), new..self.after.frames.len());
        if old.len() != new.len() {
            return None;
        }
        for (old, new) in old.zip(new) {
            let frame = |index: usize| u32::try_from(index).ok().map(FrameId);
            self.frames.insert(frame(old)?, frame(new)?);
        }
        Some(())
    }
}

/// The blocks of an action, in order.
fn blocks(workflow: &Workflow, owner: ActionId) -> impl Iterator<Item = BlockId> {
    let blocks = workflow.blocks.iter().enumerate();
    blocks
        .filter(move |(_, block)| block.owner == Some(owner))
        .filter_map(|(index, _)| u32::try_from(index).ok().map(BlockId))
}
