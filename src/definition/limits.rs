//! The limits of a definition, in one place so that they can be raised. They mirror those of Logic Apps.

/// Limits that a definition must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Actions in the whole workflow, nested ones included.
    pub actions: usize,
    /// Blocks around an action.
    pub depth: usize,
    /// Variables in the whole workflow.
    pub variables: usize,
    /// Cases of one Switch, the default not counted.
    pub cases: usize,
    /// Characters in the name of an action or trigger.
    pub name: usize,
    /// Elements that a Foreach handles at once.
    pub repetitions: u32,
    /// Elements that a Foreach handles at once where nothing is said.
    pub default_repetitions: u32,
    /// Retries of a call.
    pub retries: u32,
    /// Runs of a workflow at once, where its trigger limits them.
    pub runs: u32,
    /// Runs that wait for their turn.
    pub waiting_runs: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            actions: 500,
            depth: 8,
            variables: 250,
            cases: 25,
            name: 80,
            repetitions: 50,
            default_repetitions: 20,
            retries: 90,
            runs: 100,
            waiting_runs: 200,
        }
    }
}
