//! What must be true of a run that has ended, from what the world saw and what is in the store.

use std::collections::{HashMap, HashSet};

use riposte::engine::event::{Event, FrameId, NodeId};
use riposte::engine::node::Node;
use riposte::engine::state::State;
use riposte::engine::status::Status;
use riposte::expression::Value;

use super::playbook::{Block, Kind, Manner, Model, Reply, Step};
use super::summary::{Fault, Summary};
use super::world::{Arrival, Posted};

/// The code of an action whose outcome is lost.
const UNKNOWN: &str = "OutcomeUnknown";

/// A run that has ended, and what is known of it.
pub(super) struct Ended<'a> {
    pub(super) run: &'a str,
    pub(super) model: &'a Model,
    pub(super) journal: &'a [Event],
    pub(super) status: &'a str,
    pub(super) arrivals: &'a [Arrival],
    pub(super) posted: &'a HashMap<String, Vec<Posted>>,
    /// The calls that a kill hit before their answer was committed.
    pub(super) hits: &'a HashSet<String>,
    /// Whether the store failed while the run was open: a living process may then lose answers too.
    pub(super) is_troubled: bool,
}

impl Ended<'_> {
    pub(super) fn check(&self, summary: &mut Summary) {
        let state = match State::fold(&self.model.workflow, self.journal) {
            Ok(state) => state,
            Err(error) => return self.fault(summary, Fault::WrongEnd, &format!("the journal is illegal: {error}")),
        };
        let expected = self.block(&self.model.block, FrameId(0), &state, summary);
        if expected.as_str() != self.status {
            let text = format!("the run ended as {}, not as {}", self.status, expected.as_str());
            self.fault(summary, Fault::WrongEnd, &text);
        }
        self.check_calls(summary);
        summary.runs += 1;
        summary.callbacks += self
            .posted
            .values()
            .flatten()
            .filter(|posted| posted.is_accepted)
            .count();
    }

    fn fault(&self, summary: &mut Summary, fault: Fault, text: &str) {
        let (run, name) = (self.run, &self.model.name);
        summary.faults.push((fault, format!("{run} ({name}): {text}")));
    }

    /// Each attempt of an unsafe call arrived once; others were repeated by another process only.
    fn check_calls(&self, summary: &mut Summary) {
        let mut attempts: HashMap<(&str, u32), Vec<&Arrival>> = HashMap::new();
        for arrival in self.arrivals {
            attempts
                .entry((&arrival.key, arrival.attempt))
                .or_default()
                .push(arrival);
        }
        for ((key, attempt), arrivals) in attempts {
            summary.retries += usize::from(attempt > 1);
            summary.repetitions += arrivals.len() - 1;
            let lives: HashSet<u32> = arrivals.iter().map(|arrival| arrival.life).collect();
            if arrivals.len() > 1 && arrivals[0].is_unsafe {
                self.fault(summary, Fault::Twice, &format!("{arrivals:?}"));
            } else if lives.len() < arrivals.len() && !self.is_troubled {
                let text = format!("attempt {attempt} of {key} was made again by the same process: {arrivals:?}");
                self.fault(summary, Fault::Repeated, &text);
            }
        }
    }

    /// How a block must have ended; checks each of its actions.
    fn block(&self, block: &Block, frame: FrameId, state: &State, summary: &mut Summary) -> Status {
        let mut ended = Vec::new();
        for (index, step) in block.iter().enumerate() {
            let id = NodeId(frame, self.model.workflow.names[&step.name.to_lowercase()]);
            let runs = step
                .after(index)
                .iter()
                .all(|(before, named)| named.contains(&ended[*before]));
            let node = state.node(id);
            let expected = match (runs, node) {
                (true, Some(node)) => self.action(step, id, node, state, summary),
                (true, None) | (false, _) => Status::Skipped,
            };
            if node.and_then(Node::status) != Some(expected) || runs != (expected != Status::Skipped) {
                let is = node.map(|node| (&node.phase, &node.code));
                let text = format!("{} is {is:?}, not {}", step.name, expected.as_str());
                self.fault(summary, Fault::WrongEnd, &text);
            }
            ended.push(expected);
        }
        merged(block, &ended)
    }

    fn action(&self, step: &Step, id: NodeId, node: &Node, state: &State, summary: &mut Summary) -> Status {
        let mut inside = |block: &Block, place: usize| match node.frames.get(place) {
            Some(frame) => self.block(block, *frame, state, summary),
            None => Status::Cancelled,
        };
        match &step.kind {
            Kind::Compose => Status::Succeeded,
            Kind::Fail => Status::Failed,
            Kind::Scope(block) | Kind::If(true, block, _) | Kind::If(false, _, block) => inside(block, 0),
            Kind::Switch(case, blocks) => inside(&blocks[usize::from(*case)], 0),
            Kind::Foreach(count, _, block) => worst((0..*count as usize).map(|place| inside(block, place)).collect()),
            Kind::Until(rounds, block) => {
                let rounds = (0..*rounds as usize).map(|place| inside(block, place));
                rounds.last().unwrap_or(Status::Cancelled)
            }
            Kind::Wait(seconds) => {
                let pause = node.ended_at.unwrap_or_default() - node.started_at;
                if pause < seconds * 1000 {
                    let text = format!("{} paused for {pause} ms instead of {seconds} s", step.name);
                    self.fault(summary, Fault::ShortWait, &text);
                }
                Status::Succeeded
            }
            Kind::Call {
                manner,
                replies,
                retries,
            } => {
                let key = self.key(step, id);
                match node.code == UNKNOWN {
                    true => self.unknown(&key, *manner == Manner::Unsafe, summary),
                    false => self.answered(&key, node, replies, *retries, summary),
                }
            }
            Kind::Webhook(_) => {
                let key = self.key(step, id);
                match node.code == UNKNOWN {
                    true => self.unknown(&key, true, summary),
                    false => self.called_back(&key, node, summary),
                }
            }
        }
    }

    fn key(&self, step: &Step, id: NodeId) -> String {
        format!("{}/{}/{}", self.run, step.name, id.0.0)
    }

    /// An outcome may be unknown where a crash hit an unsafe call, and nowhere else.
    fn unknown(&self, key: &str, is_unsafe: bool, summary: &mut Summary) -> Status {
        summary.unknown += 1;
        if !is_unsafe || !(self.is_troubled || self.hits.contains(key)) {
            self.fault(
                summary,
                Fault::WrongEnd,
                &format!("nothing made the outcome of {key} unknown"),
            );
        }
        Status::Failed
    }

    /// How a call ends that is answered so; the answer that was kept is one that the world gave.
    fn answered(&self, key: &str, node: &Node, replies: &[Reply], retries: u32, summary: &mut Summary) -> Status {
        let texts: Vec<_> = (1..=retries + 1).map(|attempt| of(replies, attempt)).collect();
        let last = texts.iter().find(|reply| !is_retried(**reply)).or(texts.last());
        let kept = node
            .outputs
            .as_ref()
            .and_then(|outputs| outputs.value.at(&["body", "number"])?.as_int());
        let gave = |arrival: &Arrival| arrival.key == key && arrival.is_answered && Some(arrival.number as i64) == kept;
        let is_kept = matches!(last, Some(Reply::Status(_)));
        if is_kept && !self.arrivals.iter().any(gave) {
            self.fault(
                summary,
                Fault::WrongEnd,
                &format!("nobody gave the answer {kept:?} of {key}"),
            );
        }
        match last {
            Some(Reply::Status(200)) => Status::Succeeded,
            _ => Status::Failed,
        }
    }

    /// One of the callbacks ended the action, and no other was accepted.
    fn called_back(&self, key: &str, node: &Node, summary: &mut Summary) -> Status {
        let outputs = node.outputs.as_ref().map(|outputs| &outputs.value);
        let nonce = outputs
            .and_then(|outputs| outputs.at(&["body", "nonce"]))
            .and_then(Value::as_str);
        let posted = self.posted.get(key).map(Vec::as_slice).unwrap_or_default();
        let accepted: Vec<_> = posted.iter().filter(|posted| posted.is_accepted).collect();
        let is_posted = posted.iter().any(|posted| Some(posted.nonce.as_str()) == nonce);
        let is_counted = accepted.iter().all(|posted| Some(posted.nonce.as_str()) == nonce);
        if !is_posted || !is_counted || accepted.len() > 1 {
            let text = format!("{key} was ended by {nonce:?} of {posted:?}");
            self.fault(summary, Fault::Callback, &text);
        }
        Status::Succeeded
    }
}

fn of(replies: &[Reply], attempt: u32) -> Reply {
    replies[(attempt as usize).min(replies.len()) - 1]
}

fn is_retried(reply: Reply) -> bool {
    match reply {
        Reply::Status(status) => status == 429 || status >= 500,
        Reply::Cut => true,
    }
}

/// The leaves of a block decide how it ends; a skipped one stands for those before it.
fn merged(block: &Block, ended: &[Status]) -> Status {
    let is_leaf = |index: &usize| {
        let follows = |(later, step): (usize, &Step)| step.after(later).iter().any(|(before, _)| before == index);
        !block.iter().enumerate().any(follows)
    };
    let mut queue: Vec<usize> = (0..block.len()).filter(is_leaf).collect();
    let mut deciding = Vec::new();
    while let Some(index) = queue.pop() {
        match ended[index] {
            Status::Skipped => queue.extend(block[index].after(index).iter().map(|(before, _)| *before)),
            status => deciding.push(status),
        }
    }
    worst(deciding)
}

fn worst(statuses: Vec<Status>) -> Status {
    match statuses.iter().any(|status| *status != Status::Succeeded) {
        true => Status::Failed,
        false => Status::Succeeded,
    }
}
