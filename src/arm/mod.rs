//! ARM templates, as playbooks are published, and bare workflows, as the portal shows them, to manifests: what a
//! deployment to Azure would do, done on paper.
//! Pure: text in, manifests and a verdict for each workflow out. Never a secret in a manifest.
//!
//! A file goes through `json` (tolerant reading), `template` (resources, each with the `scope` that its expressions
//! see), then `connector`, `connection` and `workflow`; `verdict` says what becomes of each workflow. `export` is the way
//! back.

mod connection;
mod connector;
mod copy;
mod decode;
mod draft;
mod export;
mod expression;
mod json;
mod known;
mod manifest;
mod name;
mod open;
mod resolve;
mod scope;
mod secret;
mod session;
mod standard;
mod survey;
mod template;
mod verdict;
mod workflow;

pub use decode::decode;
pub use draft::{Draft, Part, Remark};
pub use export::{Export, ExportError, export};
pub use known::{BuiltInConnectors, DescribedConnectors, KnownConnectors};
pub use standard::Beside;
pub use verdict::Verdict;

use crate::expression::Value;

/// The location of everything.
const LOCATION: &str = "local";
/// The id of the subscription and tenant.
const NIL_ID: &str = "00000000-0000-0000-0000-000000000000";

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace of the manifests; it stands for the resource group.
    pub namespace: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
        }
    }
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Import {
    /// The manifests: ApiConnections, Connectors, Playbooks.
    pub manifests: Vec<serde_json::Value>,
    /// One for each workflow; a file without any has one for itself.
    pub entries: Vec<Entry>,
}

/// What became of a workflow, or of a file without any.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Entry {
    /// `workflow`; for a file without any `connector` or `template`.
    pub kind: &'static str,
    /// Name of the Playbook, the Connector or the file.
    pub name: String,
    /// Whether it runs.
    pub verdict: Verdict,
    /// Why not, and what to do; also advice for what runs.
    pub reasons: Vec<String>,
    /// The code of each reason, such as `UnknownConnector`.
    pub codes: Vec<&'static str>,
    /// The connectors that it uses.
    pub connectors: Vec<String>,
}

/// Imports a file against the built-in connectors and those that it describes itself.
pub fn import(file_name: &str, text: &str, options: &Options) -> Import {
    let draft = read(file_name, text, options);
    let manifests = draft.manifests();
    let entries = draft.judge(&DescribedConnectors::new(&manifests, &BuiltInConnectors));
    Import { manifests, entries }
}

/// Reads the text of a file. What cannot be read is said by [`Draft::judge`].
pub fn read(file_name: &str, text: &str, options: &Options) -> Draft {
    read_beside(file_name, text, &Beside::default(), options)
}

/// Reads the text of a file, and of the files beside it that complete a workflow of the standard plan.
pub fn read_beside(file_name: &str, text: &str, beside: &Beside, options: &Options) -> Draft {
    match json::read(text) {
        Ok(reading) => Draft::read(file_name, &reading.value, beside, reading.notes, options),
        Err(reason) => Draft::unreadable(file_name, reason, options),
    }
}

/// Reads a file whose JSON has been read already.
pub fn read_value(file_name: &str, value: &Value, options: &Options) -> Draft {
    Draft::read(file_name, value, &Beside::default(), Vec::new(), options)
}

/// The text of a JSON file without what Azure tolerates but JSON does not have (comments, commas at the end, line
/// breaks in strings); every line stays where it is.
pub fn strict_json(text: &str) -> String {
    json::strict(text)
}

/// Whether a file holds something to import: an ARM template or a bare workflow, and no manifest.
pub fn is_importable(file: &serde_json::Value) -> bool {
    if file.get("apiVersion").is_some() {
        return false;
    }
    let schema = file.get("$schema").and_then(serde_json::Value::as_str);
    let is_object = |pointer: &str| file.pointer(pointer).is_some_and(serde_json::Value::is_object);
    schema.is_some_and(|schema| schema.to_lowercase().contains("deploymenttemplate")) || is_bare(is_object)
}

/// Whether a file is a workflow definition, or an object that holds one as the code view of the portal shows it;
/// `is_object` says whether an object stands at a pointer.
fn is_bare(is_object: impl Fn(&str) -> bool) -> bool {
    let is_definition = |at: &str| is_object(&format!("{at}/triggers")) && is_object(&format!("{at}/actions"));
    is_definition("") || is_definition("/definition")
}
