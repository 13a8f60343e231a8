//! The frame that all manifests have.

use serde::Serialize;
use serde_json::{Value, json};

use crate::api::{GROUP, VERSION};

/// The annotation with the name that people know an object by.
pub(super) const DISPLAY_NAME: &str = "riposte.dev/display-name";

/// An object of a kind of ours; `annotations` may be empty.
pub(super) fn object(kind: &str, name: &str, namespace: &str, annotations: Value, spec: &impl Serialize) -> Value {
    let mut metadata = json!({"name": name, "namespace": namespace});
    if annotations
        .as_object()
        .is_some_and(|annotations| !annotations.is_empty())
    {
        metadata["annotations"] = annotations;
    }
    let spec = serde_json::to_value(spec).unwrap_or_default();
    json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": kind, "metadata": metadata, "spec": spec})
}
