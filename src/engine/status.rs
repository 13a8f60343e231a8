//! Statuses of actions and runs, and the rule that gives a block its status
//! (Logic Apps: a block's leaves decide, a skipped leaf stands for its predecessors).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::definition::workflow::RunAfterStatus;
use crate::definition::{ActionId, BlockId, Workflow};

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Status {
    Succeeded,
    Failed,
    Skipped,
    TimedOut,
    Cancelled,
}

impl Status {
    /// The name that Logic Apps gives it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
            Self::TimedOut => "TimedOut",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Whether a `runAfter` list names this status; nothing names `Cancelled`.
    pub fn is_in(self, list: &[RunAfterStatus]) -> bool {
        match self {
            Self::Succeeded => list.contains(&RunAfterStatus::Succeeded),
            Self::Failed => list.contains(&RunAfterStatus::Failed),
            Self::Skipped => list.contains(&RunAfterStatus::Skipped),
            Self::TimedOut => list.contains(&RunAfterStatus::TimedOut),
            Self::Cancelled => false,
        }
    }

    /// The status of several executions together: a failure wins over a time-out, a time-out over success.
    pub fn merge(statuses: impl IntoIterator<Item = Status>) -> Status {
        statuses
            .into_iter()
            .fold(Self::Succeeded, |merged, status| match (merged, status) {
                (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
                (Self::TimedOut, _) | (_, Self::TimedOut) => Self::TimedOut,
                _ => Self::Succeeded,
            })
    }
}

impl From<RunAfterStatus> for Status {
    fn from(status: RunAfterStatus) -> Self {
        match status {
            RunAfterStatus::Succeeded => Self::Succeeded,
            RunAfterStatus::Failed => Self::Failed,
            RunAfterStatus::Skipped => Self::Skipped,
            RunAfterStatus::TimedOut => Self::TimedOut,
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum RunStatus {
    #[default]
    Running,
    Waiting,
    Succeeded,
    Failed,
    Cancelled,
    TimedOut,
}

impl RunStatus {
    const ALL: [Self; 6] = [
        Self::Running,
        Self::Waiting,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
    ];

    /// The name that Logic Apps gives it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::TimedOut => "TimedOut",
        }
    }

    /// The status of this name, however it is written.
    pub fn parse_any_case(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|status| status.as_str().eq_ignore_ascii_case(name))
    }

    /// The status of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// The leaves that decide the status of an ended block: actions that no sibling runs after, each skipped one
/// replaced by its predecessors until none is left.
pub fn deciding_leaves(workflow: &Workflow, block: BlockId, status_of: impl Fn(ActionId) -> Status) -> Vec<ActionId> {
    let leaf = |id: &&ActionId| workflow.action(**id).successors.is_empty();
    let mut queue: Vec<ActionId> = workflow.block(block).actions.iter().filter(leaf).copied().collect();
    let mut seen: BTreeSet<ActionId> = queue.iter().copied().collect();
    let mut leaves = Vec::new();
    while let Some(id) = queue.pop() {
        if status_of(id) != Status::Skipped {
            leaves.push(id);
            continue;
        }
        for (predecessor, _) in &workflow.action(id).run_after {
            if seen.insert(*predecessor) {
                queue.push(*predecessor);
            }
        }
    }
    leaves
}

/// The status of an ended block.
pub fn block_status(workflow: &Workflow, block: BlockId, status_of: impl Fn(ActionId) -> Status) -> Status {
    Status::merge(deciding_leaves(workflow, block, &status_of).into_iter().map(status_of))
}
