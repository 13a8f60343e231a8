//! The log of a run: one line for each event of its journal, so that who has read `n` lines asks for those after `n`.
//! Pure. Invariant: a line holds neither inputs nor outputs, so nothing secure, and no character that ends it.

use crate::definition::Workflow;
use crate::engine::clock::round_trip;
use crate::engine::event::{ActionError, Event, NodeId, Opened};

/// The lines of these events.
pub(super) fn lines(workflow: &Workflow, events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| one_line(&format!("{} {}", round_trip(event.at()), text(workflow, event))))
        .collect()
}

fn text(workflow: &Workflow, event: &Event) -> String {
    let name = |node: &NodeId| workflow.action(node.1).name.to_string();
    match event {
        Event::Opened(opened) => format!(
            "run of {}/{} started by {} with trigger {}{}",
            opened.namespace,
            opened.playbook,
            opened.requester,
            opened.trigger,
            resubmission(opened)
        ),
        Event::Entered { node, .. } => format!("{} entered", name(node)),
        Event::Looped { node, .. } => format!("{} begins its repetitions", name(node)),
        Event::Repeated { node, .. } => format!("{} begins its next round", name(node)),
        Event::Paused { node, until, .. } => format!("{} waits until {}", name(node), round_trip(*until)),
        Event::Subscribed { node, .. } => format!("{} waits for the service to call back", name(node)),
        Event::Called { node, attempt: 1, .. } => format!("{} called", name(node)),
        Event::Called { node, attempt, .. } => format!("{} called, attempt {attempt}", name(node)),
        Event::Retrying {
            node,
            code,
            message,
            next_at,
            ..
        } => format!(
            "{} failed ({code}: {message}); next attempt at {}",
            name(node),
            round_trip(*next_at)
        ),
        Event::Held {
            node, code, message, ..
        } => format!("{} is held ({code}): {message}", name(node)),
        Event::Released { node, by: None, .. } => format!("{} goes on", name(node)),
        Event::Released { node, by: Some(by), .. } => format!("{} was let go on by {by}", name(node)),
        Event::Polling { node, next_at, .. } => {
            format!(
                "{} waits for the promised answer; asks at {}",
                name(node),
                round_trip(*next_at)
            )
        }
        Event::Ended {
            node,
            status,
            code,
            error,
            ..
        } => format!("{} {} {code}{}", name(node), status.as_str(), reason(error.as_ref())),
        Event::Cancelling { by, .. } => format!("cancelled by {by}; the calls in flight end first"),
        Event::Closed { status, error, .. } => format!("run {}{}", status.as_str(), reason(error.as_ref())),
    }
}

fn resubmission(opened: &Opened) -> String {
    match (&opened.resubmit_of, &opened.resubmit_from) {
        (None, _) => String::new(),
        (Some(run), None) => format!(", as run {run} was"),
        (Some(run), Some(action)) => format!(", as run {run} was, from action {action} on"),
    }
}

fn reason(error: Option<&ActionError>) -> String {
    error.map_or_else(String::new, |error| format!(": {}: {}", error.code, error.message))
}

fn one_line(text: &str) -> String {
    let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.trim_end().chars().map(shown).collect()
}
