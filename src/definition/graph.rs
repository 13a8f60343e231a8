//! The graph that `runAfter` draws: names become actions of the same block, successors are filled in,
//! cycles are found, and every block gets an order in which predecessors come first.

use std::collections::VecDeque;

use super::Severity;
use super::draft::{Draft, Wait};
use super::workflow::{ActionId, BlockId, RunAfterStatus};

/// Links the actions of every block. The order has every action after its predecessors and after the action that
/// holds it; `None` if names or cycles are wrong.
pub(super) fn link(draft: &mut Draft) -> Option<Vec<ActionId>> {
    let mut sound = true;
    for (index, waits) in std::mem::take(&mut draft.waits).into_iter().enumerate() {
        for wait in waits {
            match predecessor(draft, index, &wait) {
                Some(predecessor) => connect(draft, index, predecessor, wait.statuses),
                None => sound = false,
            }
        }
    }
    let mut order = Vec::with_capacity(draft.workflow.actions.len());
    let mut left = vec![0; draft.workflow.actions.len()];
    for block in 0..draft.workflow.blocks.len() {
        sound &= sort(draft, block, &mut left, &mut order);
    }
    sound.then_some(order)
}

fn predecessor(draft: &mut Draft, index: usize, wait: &Wait) -> Option<ActionId> {
    let block = draft.workflow.actions[index].block;
    match draft.workflow.find(&wait.name) {
        Some(found) if draft.workflow.action(found).block == block => Some(found),
        Some(found) => {
            let place = place_of(draft, draft.workflow.action(found).block);
            let message = format!(
                "'{}' is {place}, but only an action beside this one can be waited for",
                wait.name
            );
            draft.report.error("InvalidRunAfter", &wait.pointer, message);
            None
        }
        None => {
            let hint = draft.action_hint(&wait.name);
            let message = format!("there is no action '{}' to wait for{hint}", wait.name);
            draft.report.error("UnknownAction", &wait.pointer, message);
            None
        }
    }
}

fn place_of(draft: &Draft, block: BlockId) -> String {
    match draft.workflow.block(block).owner {
        Some(owner) => format!("inside '{}'", draft.workflow.action(owner).name),
        None => "at the top level".to_owned(),
    }
}

fn connect(draft: &mut Draft, index: usize, predecessor: ActionId, statuses: Vec<RunAfterStatus>) {
    let id = ActionId(u32::try_from(index).unwrap_or(u32::MAX));
    let waiting = &mut draft.workflow.actions[index];
    waiting.run_after.push((predecessor, statuses));
    let successors = &mut draft.workflow.actions[predecessor.0 as usize].successors;
    if successors.last() != Some(&id) {
        successors.push(id);
    }
}

/// Adds the actions of a block to the order, predecessors first; false where a cycle kept some out.
/// `left` holds how many predecessors each action still waits for.
fn sort(draft: &mut Draft, block: usize, left: &mut [usize], order: &mut Vec<ActionId>) -> bool {
    let members = draft.workflow.blocks[block].actions.clone();
    for id in &members {
        left[id.0 as usize] = distinct_predecessors(draft, *id);
    }
    let ready = members.iter().filter(|id| left[id.0 as usize] == 0);
    let mut ready: VecDeque<ActionId> = ready.copied().collect();
    let start = order.len();
    while let Some(id) = ready.pop_front() {
        order.push(id);
        for successor in &draft.workflow.action(id).successors {
            let left = &mut left[successor.0 as usize];
            *left -= 1;
            if *left == 0 {
                ready.push_back(*successor);
            }
        }
    }
    if order.len() - start == members.len() {
        return true;
    }
    let stuck: Vec<ActionId> = members.into_iter().filter(|id| left[id.0 as usize] > 0).collect();
    report_cycles(draft, &stuck, left);
    false
}

fn distinct_predecessors(draft: &Draft, id: ActionId) -> usize {
    let mut predecessors: Vec<ActionId> = draft.workflow.action(id).run_after.iter().map(|(id, _)| *id).collect();
    predecessors.sort_unstable();
    predecessors.dedup();
    predecessors.len()
}

/// Follows predecessors from every stuck action; a path that meets itself is a cycle, reported once.
fn report_cycles(draft: &mut Draft, stuck: &[ActionId], left: &[usize]) {
    let mut walk_of = vec![0; left.len()];
    for (walk, start) in (1..).zip(stuck) {
        let mut path = Vec::new();
        let mut at = *start;
        while walk_of[at.0 as usize] == 0 {
            walk_of[at.0 as usize] = walk;
            path.push(at);
            let predecessors = draft.workflow.action(at).run_after.iter().map(|(id, _)| *id);
            match predecessors.into_iter().find(|id| left[id.0 as usize] > 0) {
                Some(predecessor) => at = predecessor,
                None => break,
            }
        }
        if walk_of[at.0 as usize] == walk
            && let Some(first) = path.iter().position(|id| *id == at)
        {
            report_cycle(draft, &path[first..]);
        }
    }
}

fn report_cycle(draft: &mut Draft, cycle: &[ActionId]) {
    let Some(first) = cycle.first() else {
        return;
    };
    let shown = cycle.iter().take(10).map(|id| &*draft.workflow.action(*id).name);
    let names: Vec<&str> = shown.collect();
    let more = if cycle.len() > names.len() { " after more" } else { "" };
    let message = format!(
        "the action waits for itself: {}{more}; break the cycle",
        names.join(" after ")
    );
    let pointer = format!("{}/runAfter", draft.workflow.action(*first).pointer);
    draft
        .report
        .add(Severity::Error, "RunAfterCycle", &pointer, None, message);
}
