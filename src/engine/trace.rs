//! The trace of a run (W3C Trace Context): its identity, and that of each action's span, follow from the run's, so a run
//! that another process goes on with stays one trace. Pure.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::event::{NodeId, Opened};
use crate::expression::Value;

/// Identity of a span; never zero.
pub type SpanId = [u8; 8];

/// The trace that a run belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Its identity; never zero.
    pub id: [u8; 16],
    /// The caller's span, where the run was started by a call that carries one (`traceparent`).
    pub parent: Option<SpanId>,
    /// Whether the caller records the trace; a run without a caller is recorded.
    pub sampled: bool,
    run: String,
}

impl Trace {
    /// The trace of a run: that of the call that started it, or one of its own.
    pub fn of(opened: &Opened) -> Self {
        let headers = opened.outputs.value.get("headers");
        let carried = headers.and_then(|headers| headers.get("traceparent"));
        let run = opened.run.clone();
        match carried.and_then(Value::as_str).and_then(parse) {
            Some((id, parent, sampled)) => Self {
                id,
                parent: Some(parent),
                sampled,
                run,
            },
            None => Self {
                id: own_id(&run),
                parent: None,
                sampled: true,
                run,
            },
        }
    }

    /// The span of the run.
    pub fn run_span(&self) -> SpanId {
        self.span("run")
    }

    /// The span of one execution of an action.
    pub fn action_span(&self, node: NodeId) -> SpanId {
        self.span(&format!("{}/{}", node.0.0, node.1.0))
    }

    /// What a call of an action carries (`traceparent`).
    pub fn parent_of_call(&self, node: NodeId) -> String {
        let mut text = String::from("00-");
        push_hex(&mut text, &self.id);
        text.push('-');
        push_hex(&mut text, &self.action_span(node));
        text.push_str(if self.sampled { "-01" } else { "-00" });
        text
    }

    fn span(&self, what: &str) -> SpanId {
        let digest = Sha256::new()
            .chain_update(self.run.as_bytes())
            .chain_update([0])
            .chain_update(what.as_bytes())
            .finalize();
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        not_zero(id)
    }
}

/// The identity of a run is a UUID wherever the engine made it.
fn own_id(run: &str) -> [u8; 16] {
    let id = Uuid::try_parse(run).unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, run.as_bytes()));
    not_zero(id.into_bytes())
}

/// Zero means that there is none.
fn not_zero<const N: usize>(mut id: [u8; N]) -> [u8; N] {
    if id.iter().all(|byte| *byte == 0) {
        id[N - 1] = 1;
    }
    id
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
}

/// Reads a `traceparent` of any version, as the specification asks.
fn parse(text: &str) -> Option<([u8; 16], SpanId, bool)> {
    let mut parts = text.trim().splitn(4, '-');
    let [version, trace, parent, rest] = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let [version] = hex(version)?;
    let flags = rest.get(..2)?;
    let ends = if version == 0 {
        rest.len() == 2
    } else {
        rest.len() == 2 || rest[2..].starts_with('-')
    };
    let (trace, parent, [flags]) = (hex(trace)?, hex(parent)?, hex(flags)?);
    let valid = version != 0xff && ends && trace != [0; 16] && parent != [0; 8];
    valid.then_some((trace, parent, flags & 1 == 1))
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let plain = text.len() == 2 * N && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate().filter(|_| plain) {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    plain.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::ActionId;
    use crate::engine::event::{FrameId, Payload};

    fn opened(traceparent: &str) -> Opened {
        let headers = Value::object([("Traceparent", traceparent)]);
        Opened {
            run: "0197f1de-7c00-7000-8000-0000000000aa".into(),
            outputs: Payload::open(Value::object([("headers", headers)])),
            ..Opened::default()
        }
    }

    #[test]
    fn a_run_goes_on_with_the_trace_of_its_caller() {
        let trace = Trace::of(&opened("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
        assert_eq!(
            (trace.parent, trace.sampled),
            (Some([0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]), false)
        );
        let call = trace.parent_of_call(NodeId(FrameId(0), ActionId(1)));
        assert!(
            call.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && call.ends_with("-00"),
            "{call}"
        );
        let other = trace.parent_of_call(NodeId(FrameId(1), ActionId(1)));
        assert_ne!(call, other, "each execution has a span of its own");
        assert_eq!(call, trace.clone().parent_of_call(NodeId(FrameId(0), ActionId(1))));
    }

    #[test]
    fn what_is_no_trace_context_begins_a_trace() {
        for text in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-é",
        ] {
            let trace = Trace::of(&opened(text));
            assert_eq!((trace.parent, trace.sampled), (None, true), "{text}");
            assert_eq!(trace.id[15], 0xaa, "the run's own identity");
        }
        let later = Trace::of(&opened("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"));
        assert!(later.parent.is_some(), "later versions may say more");
    }
}
