//! Which actions and branches of a playbook its rehearsals reached.

use std::collections::BTreeSet;

use crate::definition::{ActionId, ActionKind, BlockId, Workflow};
use crate::engine::state::State;
use crate::engine::status::Status;

/// What the rehearsals of one playbook reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    actions: BTreeSet<ActionId>,
    branches: BTreeSet<BlockId>,
}

/// How many there are, and how many were reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Actions that began and were not skipped.
    pub actions: usize,
    /// Actions of the playbook.
    pub all_actions: usize,
    /// Branches of If and Switch and bodies of loops that were entered.
    pub branches: usize,
    /// Branches of the playbook; an empty one counts, because not to enter anything is a way too.
    pub all_branches: usize,
}

impl Coverage {
    /// Adds what a run reached.
    pub fn add(&mut self, state: &State) {
        for frame in &state.frames {
            self.branches.insert(frame.block);
            let begun = frame
                .nodes
                .iter()
                .filter(|(_, node)| node.status() != Some(Status::Skipped));
            self.actions.extend(begun.map(|(id, _)| *id));
        }
    }

    /// Adds what other rehearsals reached.
    pub fn merge(&mut self, other: &Self) {
        self.actions.extend(&other.actions);
        self.branches.extend(&other.branches);
    }

    /// How much of a playbook that is.
    pub fn of(&self, workflow: &Workflow) -> Reached {
        let is_branch = |block: &&BlockId| {
            let owner = workflow.block(**block).owner;
            owner.is_some_and(|owner| branches(&workflow.action(owner).kind))
        };
        let blocks: Vec<BlockId> = (0..workflow.blocks.len())
            .map(|index| BlockId(u32::try_from(index).unwrap_or(u32::MAX)))
            .collect();
        Reached {
            actions: self.actions.len(),
            all_actions: workflow.actions.len(),
            branches: self.branches.iter().filter(is_branch).count(),
            all_branches: blocks.iter().filter(is_branch).count(),
        }
    }

    /// Names of the actions that were not reached, in the order of the text.
    pub fn missed(&self, workflow: &Workflow) -> Vec<String> {
        let actions = workflow.actions.iter().zip(0_u32..);
        let missed = actions.filter(|(_, id)| !self.actions.contains(&ActionId(*id)));
        missed.map(|(action, _)| action.name.to_string()).collect()
    }
}

impl std::ops::AddAssign for Reached {
    fn add_assign(&mut self, other: Self) {
        self.actions += other.actions;
        self.all_actions += other.all_actions;
        self.branches += other.branches;
        self.all_branches += other.all_branches;
    }
}

/// Whether the blocks of an action are ways that a run may take or not.
fn branches(kind: &ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::If { .. } | ActionKind::Switch { .. } | ActionKind::Foreach { .. } | ActionKind::Until(_)
    )
}
