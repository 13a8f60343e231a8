//! The status of a PlaybookRun: what people see of a run with kubectl. Pure.
//! Invariants: bounded whatever the run does, nothing secure in it, and the same run gives the same status.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::status::{ActionStatus, ActionSummary, PlaybookRunStatus, PlaybookSnapshot, RunPhase};
use crate::controllers::condition::{RECONCILING, STALLED, Shown, Truth, conditions};
use crate::definition::Workflow;
use crate::engine::state::State;
use crate::engine::status::RunStatus;
use crate::engine::{clock, view};
use crate::expression::Value;
use crate::store::Millis;

/// A run ends well or not: the condition that scripts wait for.
pub const SUCCEEDED: &str = "Succeeded";
/// Actions that a status lists at most.
const ACTIONS_MAX: usize = 100;
/// Characters of the message of a failure.
const MESSAGE_MAX: usize = 1_024;
/// Characters of a code.
const CODE_MAX: usize = 253;

/// What is known of the object beside the run.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The status that it has, for the times of its conditions and the playbook that it began with.
    pub before: Option<&'a PlaybookRunStatus>,
    /// Generation of its spec.
    pub generation: Option<i64>,
    /// Now.
    pub now: Timestamp,
    /// The playbook, where it is known.
    pub playbook: Option<(&'a str, i64)>,
}

/// The status of a run.
pub fn run_status(workflow: &Workflow, state: &State, about: About<'_>) -> PlaybookRunStatus {
    let shown = view::run(workflow, state);
    let began = began(&shown);
    let failure = failure(state, &began);
    let status = view::status(state);
    let conditions_now = shown_conditions(status, &began, failure.as_ref());
    let before = about.before.map_or(&[][..], |status| status.conditions.as_slice());
    PlaybookRunStatus {
        observed_generation: about.generation,
        conditions: conditions(before, &conditions_now, about.generation, about.now),
        phase: Some(phase(status)),
        run_id: Some(state.opened.run.clone()),
        resubmit_of: state.opened.resubmit_of.clone(),
        playbook: snapshot(state, about),
        start_time: Some(time(state.opened.at)),
        completion_time: state.closed.as_ref().map(|closed| time(closed.at)),
        error_code: failure.as_ref().map(|failure| cut(&failure.code, CODE_MAX)),
        waiting_for: (status == RunStatus::Waiting).then(|| waiting_for(state, &began)),
        url: None,
        actions_total: Some(i32::try_from(workflow.actions.len()).unwrap_or(i32::MAX)),
        actions: table(&began),
    }
}

/// Whether a status shows an end.
pub fn is_ended(status: Option<&PlaybookRunStatus>) -> bool {
    let conditions = status.map_or(&[][..], |status| status.conditions.as_slice());
    conditions
        .iter()
        .any(|condition| condition.type_ == SUCCEEDED && condition.status != "Unknown")
}

/// Where a run stands, as objects name it.
pub fn phase(status: RunStatus) -> RunPhase {
    match status {
        RunStatus::Running => RunPhase::Running,
        RunStatus::Waiting => RunPhase::Waiting,
        RunStatus::Succeeded => RunPhase::Succeeded,
        RunStatus::Failed => RunPhase::Failed,
        RunStatus::Cancelled => RunPhase::Cancelled,
        RunStatus::TimedOut => RunPhase::TimedOut,
    }
}

/// A time of the store as Kubernetes writes it, in whole seconds.
pub fn time(at: Millis) -> Time {
    Time(clock::timestamp(at.div_euclid(1_000) * 1_000))
}

/// A text of at most so many characters that a terminal does not take for commands.
pub fn cut(text: &str, most: usize) -> String {
    let is_command = |letter: char| letter.is_control() && letter != '\n';
    let shown = text
        .chars()
        .map(|letter| if is_command(letter) { '\u{fffd}' } else { letter });
    match text.char_indices().nth(most) {
        None => shown.collect(),
        Some(_) => shown.take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// One action that began.
struct Began<'a> {
    name: &'a str,
    status: ActionStatus,
    view: &'a Value,
}

struct Failure {
    code: String,
    message: String,
}

impl Began<'_> {
    fn text(&self, field: &str) -> Option<&str> {
        self.view
            .get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    fn number(&self, field: &str) -> Option<i32> {
        match self.view.get(field)? {
            Value::Int(number) => i32::try_from(*number).ok(),
            _ => None,
        }
    }

    fn time(&self, field: &str) -> Option<Time> {
        let at: Timestamp = self.text(field)?.parse().ok()?;
        Some(time(at.as_millisecond()))
    }

    fn failed(&self) -> bool {
        matches!(self.status, ActionStatus::Failed | ActionStatus::TimedOut)
    }

    fn is_open(&self) -> bool {
        matches!(self.status, ActionStatus::Running | ActionStatus::Waiting)
    }
}

/// The actions that began or were skipped, in the order of the text.
fn began(run: &Value) -> Vec<Began<'_>> {
    let actions = run.get("actions").and_then(Value::as_object);
    let all = actions.into_iter().flat_map(|actions| actions.iter());
    all.filter_map(|(name, view)| {
        view.get("startTime")?;
        let status = view.get("status").and_then(Value::as_str)?;
        Some(Began {
            name,
            status: action_status(status),
            view,
        })
    })
    .collect()
}

fn action_status(name: &str) -> ActionStatus {
    [
        ("Waiting", ActionStatus::Waiting),
        ("Succeeded", ActionStatus::Succeeded),
        ("Failed", ActionStatus::Failed),
        ("Skipped", ActionStatus::Skipped),
        ("TimedOut", ActionStatus::TimedOut),
        ("Cancelled", ActionStatus::Cancelled),
    ]
    .into_iter()
    .find(|(known, _)| *known == name)
    .map_or(ActionStatus::Running, |(_, status)| status)
}

/// At most so many rows, in order; where there are more, those that failed or go on have precedence.
fn table(began: &[Began<'_>]) -> Vec<ActionSummary> {
    let weighty = began
        .iter()
        .filter(|action| action.failed() || action.is_open())
        .count();
    let mut room_for_others = ACTIONS_MAX.saturating_sub(weighty);
    let chosen = began.iter().filter(|action| {
        let is_weighty = action.failed() || action.is_open();
        let fits = is_weighty || room_for_others > 0;
        room_for_others -= usize::from(fits && !is_weighty);
        fits
    });
    chosen.take(ACTIONS_MAX).map(row).collect()
}

fn row(action: &Began<'_>) -> ActionSummary {
    ActionSummary {
        name: cut(action.name, 80),
        status: action.status,
        code: action.text("code").map(|code| cut(code, CODE_MAX)),
        executions: action.number("repetitionCount"),
        attempts: action.number("attempts"),
        start_time: action.time("startTime"),
        end_time: action.time("endTime"),
    }
}

/// What made the run fail: the first action that failed, or what the run says of itself.
fn failure(state: &State, began: &[Began<'_>]) -> Option<Failure> {
    let closed = state.closed.as_ref()?;
    match closed.status {
        RunStatus::Failed | RunStatus::TimedOut => {}
        RunStatus::Succeeded | RunStatus::Cancelled | RunStatus::Running | RunStatus::Waiting => return None,
    }
    let first = began
        .iter()
        .filter(|action| action.failed())
        .min_by_key(|action| action.text("endTime").map(str::to_owned));
    let text = |action: &Began<'_>, field| action.view.get("error")?.get(field)?.as_str().map(str::to_owned);
    let of_action = first.and_then(|action| {
        Some(Failure {
            code: text(action, "code")?,
            message: format!("action '{}' failed: {}", action.name, text(action, "message")?),
        })
    });
    let of_run = closed.error.as_ref().map(|error| Failure {
        code: error.code.clone(),
        message: error.message.clone(),
    });
    let unknown = || Failure {
        code: closed.status.as_str().to_owned(),
        message: "the run failed; `riposte describe` shows its actions".to_owned(),
    };
    Some(of_action.or(of_run).unwrap_or_else(unknown))
}

fn shown_conditions(status: RunStatus, began: &[Began<'_>], failure: Option<&Failure>) -> Vec<Shown> {
    let message = failure.map_or_else(
        || progress(status, began),
        |failure| cut(&format!("{}: {}", failure.code, failure.message), MESSAGE_MAX),
    );
    shown(status, &message)
}

/// The conditions of runs that stand so.
pub(super) fn shown(status: RunStatus, message: &str) -> Vec<Shown> {
    let truth = match status {
        RunStatus::Running | RunStatus::Waiting => Truth::Unknown,
        RunStatus::Succeeded => Truth::True,
        RunStatus::Failed | RunStatus::Cancelled | RunStatus::TimedOut => Truth::False,
    };
    let beside = match status {
        RunStatus::Running | RunStatus::Waiting => Some(RECONCILING),
        RunStatus::Failed | RunStatus::TimedOut => Some(STALLED),
        RunStatus::Succeeded | RunStatus::Cancelled => None,
    };
    let reason = status.as_str();
    let beside = beside.map(|kind| Shown::new(kind, true, reason, message));
    let succeeded = Shown::new(SUCCEEDED, truth, reason, message);
    std::iter::once(succeeded).chain(beside).collect()
}

fn progress(status: RunStatus, began: &[Began<'_>]) -> String {
    let count = |wanted: ActionStatus| began.iter().filter(|action| action.status == wanted).count();
    let (done, skipped) = (count(ActionStatus::Succeeded), count(ActionStatus::Skipped));
    match status {
        RunStatus::Running => format!("{done} actions done"),
        RunStatus::Waiting => format!("{done} actions done; it waits"),
        RunStatus::Cancelled => format!("cancelled after {done} actions"),
        RunStatus::Succeeded | RunStatus::Failed | RunStatus::TimedOut => {
            format!("{done} actions succeeded, {skipped} skipped")
        }
    }
}

fn waiting_for(state: &State, began: &[Began<'_>]) -> String {
    let names: Vec<&str> = began
        .iter()
        .filter(|action| action.status == ActionStatus::Waiting)
        .map(|action| action.name)
        .take(5)
        .collect();
    let until = time(state.next_timer()).0;
    cut(&format!("{}, until {until}", names.join(", ")), MESSAGE_MAX)
}

fn snapshot(state: &State, about: About<'_>) -> Option<PlaybookSnapshot> {
    let known = about.before.and_then(|status| status.playbook.clone());
    known.or_else(|| {
        about.playbook.map(|(uid, generation)| PlaybookSnapshot {
            uid: uid.to_owned(),
            generation,
            definition_digest: state.opened.definition.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::definition::{ActionId, parse};
    use crate::engine::event::{ActionError, Event, FrameId, NodeId, Opened, Payload};
    use crate::engine::status::Status;

    /// A run of so many actions, of which those in `failed` failed; it ended, or goes on.
    fn status(actions: u32, failed: &[u32], end: Option<RunStatus>) -> PlaybookRunStatus {
        let named: serde_json::Map<_, _> = (0..actions)
            .map(|index| (format!("Action{index}"), json!({ "type": "Compose", "inputs": 1 })))
            .collect();
        let definition = json!({
            "triggers": { "manual": { "type": "Request", "kind": "Http", "inputs": {} } }, "actions": named,
        });
        let (workflow, _) = parse(&Value::from_json(&definition.to_string()).unwrap()).unwrap();
        let opened = Opened {
            run: "r".into(),
            definition: "hash".into(),
            ..Opened::default()
        };
        let ended = |index: u32| Event::Ended {
            tracked: None,
            at: 1_000 + i64::from(index),
            node: NodeId(FrameId(0), ActionId(index)),
            status: if failed.contains(&index) {
                Status::Failed
            } else {
                Status::Succeeded
            },
            code: "OK".into(),
            inputs: None,
            outputs: Some(Payload::hidden_if(true, "swordfish".into())),
            error: failed
                .contains(&index)
                .then(|| ActionError::new("Broken", format!("it {index} broke\u{1b}[2J"))),
        };
        let closed = end.map(|status| Event::Closed {
            at: 9_000,
            by: None,
            status,
            error: None,
            outputs: None,
        });
        let mut events = vec![Event::Opened(Box::new(opened))];
        events.extend((0..actions).map(ended));
        events.extend(closed);
        let state = State::fold(&workflow, &events).unwrap();
        let about = About {
            before: None,
            generation: Some(1),
            now: Timestamp::UNIX_EPOCH,
            playbook: Some(("uid", 7)),
        };
        run_status(&workflow, &state, about)
    }

    fn shown(status: &PlaybookRunStatus) -> Vec<(&str, &str, &str)> {
        let conditions = status.conditions.iter();
        conditions
            .map(|condition| {
                (
                    condition.type_.as_str(),
                    condition.status.as_str(),
                    condition.reason.as_str(),
                )
            })
            .collect()
    }

    /// Type, status and reason of a condition.
    type Facts = (&'static str, &'static str, &'static str);

    #[test]
    fn each_end_has_its_conditions() {
        let cases: [(&[u32], Option<RunStatus>, &[Facts]); 5] = [
            (&[], Some(RunStatus::Succeeded), &[("Succeeded", "True", "Succeeded")]),
            (&[], Some(RunStatus::Cancelled), &[("Succeeded", "False", "Cancelled")]),
            (
                &[1],
                Some(RunStatus::Failed),
                &[("Succeeded", "False", "Failed"), ("Stalled", "True", "Failed")],
            ),
            (
                &[],
                Some(RunStatus::TimedOut),
                &[("Succeeded", "False", "TimedOut"), ("Stalled", "True", "TimedOut")],
            ),
            (
                &[],
                None,
                &[("Succeeded", "Unknown", "Waiting"), ("Reconciling", "True", "Waiting")],
            ),
        ];
        for (failed, end, expected) in cases {
            let status = status(3, failed, end);
            assert_eq!(shown(&status), expected, "{end:?}");
            assert_eq!(is_ended(Some(&status)), end.is_some());
            assert_eq!(status.completion_time.is_some(), end.is_some());
        }
        assert!(!is_ended(None));
    }

    #[test]
    fn a_table_is_bounded_and_keeps_what_failed() {
        let status = status(300, &[250], Some(RunStatus::Failed));
        assert_eq!((status.actions.len(), status.actions_total), (ACTIONS_MAX, Some(300)));
        let last = &status.actions[ACTIONS_MAX - 1];
        assert_eq!((last.name.as_str(), last.status), ("Action250", ActionStatus::Failed));
        assert_eq!(status.error_code.as_deref(), Some("Broken"));
        let message = &status.conditions[0].message;
        assert!(
            message.contains("action 'Action250' failed: it 250 broke\u{fffd}[2J"),
            "{message}"
        );
    }

    #[test]
    fn nothing_secure_is_shown() {
        let text = serde_json::to_string(&status(3, &[1], Some(RunStatus::Failed))).unwrap();
        assert!(!text.contains("swordfish") && text.contains("Action1"), "{text}");
    }
}
