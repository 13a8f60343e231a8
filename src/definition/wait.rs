//! Reads the action that pauses.

use super::action::{Entry, nothing};
use super::draft::Draft;
use super::workflow::{ActionKind, Delay};

/// `Wait`: "Delay" and "Delay until" in the designer.
pub(super) fn wait(draft: &mut Draft, entry: &Entry) -> ActionKind {
    let Some(inputs) = entry.inputs(draft) else {
        return nothing();
    };
    let (interval, until) = (inputs.member("interval"), inputs.member("until"));
    match (interval, until) {
        (Some(interval), None) if draft.is_object(&interval) => ActionKind::Wait(Delay::For {
            count: draft.required_template(entry.owner(), &interval, "count"),
            unit: draft.required_template(entry.owner(), &interval, "unit"),
        }),
        (None, Some(until)) if draft.is_object(&until) => ActionKind::Wait(Delay::Until(draft.required_template(
            entry.owner(),
            &until,
            "timestamp",
        ))),
        (Some(_), Some(_)) | (None, None) => {
            let message = "a Wait has either 'interval' (with 'count' and 'unit') or 'until' (with 'timestamp')";
            draft.report.error("InvalidWait", &inputs.pointer, message);
            nothing()
        }
        (Some(_), None) | (None, Some(_)) => nothing(),
    }
}
