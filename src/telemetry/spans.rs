//! The spans of an ended run: one for the run, and one for each execution of an action. Pure.
//! Invariant: a span says names, times, statuses and codes; no value and no message, which may hold what is secret.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status as SpanStatus, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::definition::{ActionKind, Workflow};
use crate::engine::event::{FrameId, NodeId};
use crate::engine::node::Node;
use crate::engine::state::State;
use crate::engine::status::{RunStatus, Status};
use crate::engine::trace::{self, Trace};
use crate::store::Millis;

/// The most spans of one run; a larger run says in its own how many there are not.
const SPANS_MAX: usize = 10_000;

/// The spans of a run; none where its caller does not record the trace, or where it has not ended.
pub(super) fn of(workflow: &Workflow, state: &State) -> Vec<SpanData> {
    let trace = Trace::of(&state.opened);
    let Some(closed) = state.closed.as_ref().filter(|_| trace.sampled) else {
        return Vec::new();
    };
    let opened = &state.opened;
    let mut attributes = vec![
        KeyValue::new("riposte.run.id", opened.run.clone()),
        KeyValue::new("riposte.namespace", opened.namespace.clone()),
        KeyValue::new("riposte.playbook", opened.playbook.clone()),
        KeyValue::new("riposte.trigger", opened.trigger.clone()),
        KeyValue::new("riposte.status", closed.status.as_str()),
    ];
    let nodes: Vec<(NodeId, &Node)> = nodes(state).collect();
    if let Some(missing) = nodes.len().checked_sub(SPANS_MAX).filter(|missing| *missing > 0) {
        attributes.push(KeyValue::new("riposte.spans.dropped", as_int(missing)));
    }
    let run = Draft {
        id: trace.run_span(),
        parent: trace.parent,
        name: format!("run {}", opened.playbook),
        kind: SpanKind::Server,
        times: (opened.at, closed.at),
        failure: failed_run(closed.status).then(|| closed.error.as_ref().map_or("Failed", |error| &error.code)),
        attributes,
    };
    let mut spans = vec![run.finish(&trace)];
    for (id, node) in nodes.into_iter().take(SPANS_MAX) {
        spans.push(action(workflow, state, &trace, id, node, closed.at));
    }
    spans
}

fn nodes(state: &State) -> impl Iterator<Item = (NodeId, &Node)> {
    state.frames.iter().zip(0..).flat_map(|(frame, index)| {
        let of_frame = frame.nodes.iter();
        of_frame.map(move |(action, node)| (NodeId(FrameId(index), *action), node.as_ref()))
    })
}

fn action(workflow: &Workflow, state: &State, trace: &Trace, id: NodeId, node: &Node, end: Millis) -> SpanData {
    let action = workflow.action(id.1);
    let frame = state.frame(id.0);
    let container = frame.and_then(|frame| frame.parent);
    let status = node.status();
    let mut attributes = vec![
        KeyValue::new("riposte.action", action.name.to_string()),
        KeyValue::new("riposte.status", status.map_or("Aborted", Status::as_str)),
        KeyValue::new("riposte.code", node.code.clone()),
    ];
    if node.attempts > 1 {
        attributes.push(KeyValue::new("riposte.attempts", i64::from(node.attempts)));
    }
    if let Some(frame) = frame.filter(|frame| frame.index > 0) {
        attributes.push(KeyValue::new("riposte.iteration", i64::from(frame.index)));
    }
    let is_call = matches!(action.kind, ActionKind::Call(_) | ActionKind::Webhook(_));
    Draft {
        id: trace.action_span(id),
        parent: Some(container.map_or_else(|| trace.run_span(), |container| trace.action_span(container))),
        name: action.name.to_string(),
        kind: if is_call { SpanKind::Client } else { SpanKind::Internal },
        times: (node.started_at, node.ended_at.unwrap_or(end)),
        failure: matches!(status, Some(Status::Failed | Status::TimedOut)).then_some(node.code.as_str()),
        attributes,
    }
    .finish(trace)
}

fn failed_run(status: RunStatus) -> bool {
    match status {
        RunStatus::Failed | RunStatus::TimedOut => true,
        RunStatus::Succeeded | RunStatus::Cancelled | RunStatus::Running | RunStatus::Waiting => false,
    }
}

/// What differs between spans.
struct Draft<'a> {
    id: trace::SpanId,
    parent: Option<trace::SpanId>,
    name: String,
    kind: SpanKind,
    times: (Millis, Millis),
    failure: Option<&'a str>,
    attributes: Vec<KeyValue>,
}

impl Draft<'_> {
    fn finish(self, trace: &Trace) -> SpanData {
        let (start, end) = self.times;
        SpanData {
            span_context: SpanContext::new(
                TraceId::from_bytes(trace.id),
                SpanId::from_bytes(self.id),
                TraceFlags::SAMPLED,
                false,
                TraceState::default(),
            ),
            parent_span_id: self.parent.map_or(SpanId::INVALID, SpanId::from_bytes),
            parent_span_is_remote: self.parent.is_some() && self.parent == trace.parent,
            span_kind: self.kind,
            name: self.name.into(),
            start_time: time(start),
            end_time: time(end.max(start)),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self
                .failure
                .map_or(SpanStatus::Unset, |code| SpanStatus::error(code.to_owned())),
            instrumentation_scope: InstrumentationScope::builder("riposte")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        }
    }
}

fn time(millis: Millis) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn as_int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
