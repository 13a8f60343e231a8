//! Follows the engine's notices and draws runs as live trees.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::output::{Live, Style, Tone};
use crate::definition::Workflow;
use crate::engine::event::Event;
use crate::engine::state::State;
use crate::engine::view;

/// The most lines of a tree that are drawn.
const LINES_MAX: usize = 200;
/// The most lines of live trees.
const LIVE_MAX: usize = 30;

/// A run that is followed.
struct Followed {
    workflow: Arc<Workflow>,
    state: State,
}

/// Runs that are followed, and the terminal that shows them.
pub struct Watch {
    style: Style,
    live: Live,
    runs: BTreeMap<String, Followed>,
    /// Runs whose end was shown.
    shown: BTreeSet<String>,
}

impl Watch {
    /// Nothing is followed yet.
    pub fn new(style: Style) -> Self {
        Self {
            style,
            live: Live::new(style),
            runs: BTreeMap::new(),
            shown: BTreeSet::new(),
        }
    }

    /// Prints lines that stay.
    pub fn print(&mut self, lines: &[String]) {
        self.live.print(lines);
        self.draw();
    }

    /// Begins to follow a run from a state.
    pub fn follow(&mut self, workflow: Arc<Workflow>, state: State) {
        self.runs.insert(state.opened.run.clone(), Followed { workflow, state });
    }

    /// Whether a run is followed.
    pub fn follows(&self, run: &str) -> bool {
        self.runs.contains_key(run)
    }

    /// Whether the end of a run was shown.
    pub fn shown(&self, run: &str) -> bool {
        self.shown.contains(run)
    }

    /// Shows a run that has ended.
    pub fn ended(&mut self, workflow: &Workflow, state: &State) {
        self.shown.insert(state.opened.run.clone());
        let lines = tree(self.style, workflow, state, LINES_MAX);
        self.print(&lines);
    }

    /// Folds an event of a run in and shows it; a run that ended is printed and followed no more.
    pub fn event(&mut self, run: &str, event: &Event) {
        let Some(followed) = self.runs.get_mut(run) else { return };
        // What is folded in already came with the state.
        if followed.state.apply(&followed.workflow, event).is_err() {
            return;
        }
        if followed.state.closed.is_some()
            && let Some(ended) = self.runs.remove(run)
        {
            self.ended(&ended.workflow, &ended.state);
        }
        self.draw();
    }

    fn draw(&mut self) {
        let trees = self
            .runs
            .values()
            .map(|run| tree(self.style, &run.workflow, &run.state, LIVE_MAX));
        let mut lines: Vec<String> = trees.flatten().collect();
        lines.truncate(LIVE_MAX);
        self.live.draw(&lines);
    }
}

/// The lines of a run: its name and status, and its actions below.
pub fn tree(style: Style, workflow: &Workflow, state: &State, limit: usize) -> Vec<String> {
    let status = view::status(state).as_str();
    let opened = &state.opened;
    let title = style.paint(
        Tone::Strong,
        &format!("playbook {}/{}", opened.namespace, opened.playbook),
    );
    let requester = style.paint(Tone::Quiet, &format!("for {}", super::output::clean(&opened.requester)));
    let mut lines = vec![format!("{} {title} {status} {requester}", style.status(status))];
    if let Some(error) = state.closed.as_ref().and_then(|closed| closed.error.as_ref()) {
        let text = format!("   {}: {}", error.code, super::output::clean(&error.message));
        lines.push(style.paint(Tone::Bad, &text));
    }
    let actions = view::tree(workflow, state, limit);
    lines.extend(actions.iter().map(|line| format!("   {}", style.line(line))));
    lines
}
