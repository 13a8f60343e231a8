//! ARM templates, as playbooks are published, to manifests: what a deployment to Azure would do, done on paper.
//! Pure: text in, manifests and a verdict for each workflow out. Never a secret in a manifest.
//!
//! A file goes through `json` (tolerant reading), `template` (resources, each with the `scope` that its expressions
//! see), then `connector`, `connection` and `workflow`; `verdict` says what becomes of each workflow.

mod connection;
mod connector;
mod expression;
mod json;
mod known;
mod manifest;
mod name;
mod open;
mod scope;
mod secret;
mod survey;
mod template;
mod verdict;
mod workflow;

use std::collections::HashSet;
use std::rc::Rc;

pub use known::{BuiltInConnectors, DescribedConnectors, KnownConnectors};
pub use verdict::Verdict;

use crate::definition;
use crate::expression::Value;
use connection::Connections;
use connector::Connector;
use scope::Session;
use verdict::{Finding, judge};
use workflow::Playbook;

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
    /// The connectors that it uses.
    pub connectors: Vec<String>,
}

/// A file that has been read, before it is known which connectors there are.
pub struct Draft {
    file_name: String,
    connections: Connections,
    connectors: Vec<Connector>,
    playbooks: Vec<Playbook>,
    /// What holds for the whole file.
    findings: Vec<Finding>,
}

/// Imports a template against the built-in connectors and those that it describes itself.
pub fn import(file_name: &str, text: &str, options: &Options) -> Import {
    let draft = read(file_name, text, options);
    let manifests = draft.manifests();
    let entries = draft.judge(&DescribedConnectors::new(&manifests, &BuiltInConnectors));
    Import { manifests, entries }
}

/// Reads a template. What cannot be read is said by [`Draft::judge`].
pub fn read(file_name: &str, text: &str, options: &Options) -> Draft {
    let mut draft = Draft {
        file_name: file_name.to_owned(),
        connections: Connections::new(&options.namespace),
        connectors: Vec::new(),
        playbooks: Vec::new(),
        findings: Vec::new(),
    };
    match json::read(text) {
        Ok(reading) => {
            draft.findings.extend(reading.notes.into_iter().map(Finding::advice));
            draft.fill(&reading.value, options);
        }
        Err(reason) => draft.findings.push(Finding {
            verdict: Verdict::Invalid,
            reason,
        }),
    }
    draft
}

impl Draft {
    fn fill(&mut self, template: &Value, options: &Options) {
        let stem = telling_name(&self.file_name);
        let session = Rc::new(Session::new(&options.namespace, &stem));
        let resources = template::resources(template, &session);
        let of_kind = |kind: &'static str| resources.iter().filter(move |resource| resource.kind == kind);
        let mut taken = HashSet::new();
        for resource in of_kind("microsoft.web/customapis") {
            self.connectors
                .push(connector::read(resource, &options.namespace, &mut taken));
        }
        of_kind("microsoft.web/connections").for_each(|resource| self.connections.add(resource));
        let mut taken = HashSet::new();
        for resource in of_kind("microsoft.logic/workflows") {
            self.playbooks
                .push(workflow::read(resource, &mut self.connections, &mut taken));
        }
        self.findings.extend(session.notes().into_iter().map(Finding::advice));
        if self.playbooks.is_empty() && self.connectors.is_empty() {
            self.findings.push(without_workflow(template));
        }
    }

    /// The manifests: ApiConnections, Connectors, Playbooks.
    pub fn manifests(&self) -> Vec<serde_json::Value> {
        let connections = self.connections.all.iter().map(|connection| &connection.manifest);
        let connectors = self
            .connectors
            .iter()
            .filter_map(|connector| connector.manifest.as_ref());
        let playbooks = self.playbooks.iter().filter_map(|playbook| playbook.manifest.as_ref());
        connections.chain(connectors).chain(playbooks).cloned().collect()
    }

    /// One entry for each workflow, given the connectors that there are.
    pub fn judge(&self, known: &dyn KnownConnectors) -> Vec<Entry> {
        if !self.playbooks.is_empty() {
            return self
                .playbooks
                .iter()
                .map(|playbook| self.playbook_entry(playbook, known))
                .collect();
        }
        if self.connectors.is_empty() {
            return vec![self.entry("template", &self.file_name, Vec::new(), Vec::new())];
        }
        let connectors = self.connectors.iter();
        connectors
            .map(|one| self.entry("connector", &one.name, one.findings.clone(), vec![one.name.clone()]))
            .collect()
    }

    fn entry(&self, kind: &'static str, name: &str, mut findings: Vec<Finding>, connectors: Vec<String>) -> Entry {
        findings.extend(self.findings.iter().cloned());
        let (verdict, reasons) = judge(findings);
        Entry {
            kind,
            name: name.to_owned(),
            verdict,
            reasons,
            connectors,
        }
    }

    fn playbook_entry(&self, playbook: &Playbook, known: &dyn KnownConnectors) -> Entry {
        let mut findings = playbook.findings.clone();
        if playbook.manifest.is_some() {
            let problems = match definition::parse(&playbook.definition) {
                Ok((_, warnings)) => warnings,
                Err(problems) => problems,
            };
            findings.extend(problems.iter().map(Finding::of_definition));
            findings.extend(unknown_calls(playbook, known));
        }
        let mut connectors: Vec<String> = playbook
            .connectors
            .iter()
            .map(|(_, connector)| connector.clone())
            .collect();
        connectors.sort();
        connectors.dedup();
        let described = self
            .connectors
            .iter()
            .filter(|connector| connectors.contains(&connector.name));
        findings.extend(described.flat_map(|connector| connector.findings.iter().cloned()));
        self.entry("workflow", &playbook.name, findings, connectors)
    }
}

/// Connectors that there are not, and operations that their connectors do not have.
fn unknown_calls(playbook: &Playbook, known: &dyn KnownConnectors) -> Vec<Finding> {
    let mut findings = Vec::new();
    for call in &playbook.calls {
        let bound = call.alias.as_ref().and_then(|alias| {
            playbook
                .connectors
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(alias))
        });
        let Some((_, connector)) = bound else {
            let reason = format!(
                "{}: names its connection otherwise than by `$connections`",
                call.pointer
            );
            findings.push(Finding {
                verdict: Verdict::Unsupported,
                reason,
            });
            continue;
        };
        if !known.knows(connector) {
            let reason = format!("connector `{connector}` is not there");
            findings.push(Finding {
                verdict: Verdict::NeedsConnector,
                reason,
            });
        } else if let Some((method, path)) = &call.operation
            && !known.knows_operation(connector, method, path)
        {
            let reason = format!(
                "{}: connector `{connector}` has no operation `{method} {path}`",
                call.pointer
            );
            findings.push(Finding {
                verdict: Verdict::Unsupported,
                reason,
            });
        }
    }
    findings
}

/// The name of a file without its extension, or of its folder where all templates are named alike.
fn telling_name(path: &str) -> String {
    let mut segments = path.rsplit(['/', '\\']);
    let file = segments.next().unwrap_or_default();
    let stem = file.strip_suffix(".json").unwrap_or(file);
    let usual = ["azuredeploy", "maintemplate", "template", "deploy"].contains(&stem.to_lowercase().as_str());
    segments
        .next()
        .filter(|folder| usual && !folder.is_empty() && !folder.starts_with('.'))
        .unwrap_or(stem)
        .to_owned()
}

/// Why a file holds nothing to import.
fn without_workflow(template: &Value) -> Finding {
    let bare = template.get("definition").or_else(|| template.get("actions")).is_some();
    let (verdict, reason) = if bare {
        (
            Verdict::Unsupported,
            "a bare workflow definition is not imported: put it into an ARM template, or into a Playbook",
        )
    } else if template.get("resources").is_none() {
        (Verdict::Invalid, "not an ARM template: it has no `resources`")
    } else {
        (
            Verdict::Invalid,
            "the template holds no workflow and no custom connector",
        )
    };
    Finding {
        verdict,
        reason: reason.to_owned(),
    }
}
