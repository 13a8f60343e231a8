//! A file that has been read, before it is known which connectors there are: its manifests, where each comes from,
//! what is to be said about it, and the verdict once the connectors are known.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::connection::Connections;
use super::connector::{self, Connector};
use super::known::KnownConnectors;
use super::session::Session;
use super::standard::Beside;
use super::survey::Call;
use super::template::{self, Resource};
use super::verdict::{Finding, Verdict, judge};
use super::workflow::{self, Playbook};
use super::{Entry, Options};
use crate::connectors::Called;
use crate::definition::{self, Problem};
use crate::expression::{Template, Value};

/// A file that has been read.
pub struct Draft {
    file_name: String,
    connections: Connections,
    connectors: Vec<Connector>,
    playbooks: Vec<Playbook>,
    /// What holds for the whole file.
    findings: Vec<Finding>,
}

/// A manifest and the part of the file that it comes from.
pub struct Part<'a> {
    /// The manifest.
    pub manifest: &'a serde_json::Value,
    /// JSON pointer to its resource in the file.
    pub pointer: &'a str,
    /// Of a Playbook, JSON pointer to its definition in the file.
    pub definition: Option<&'a str>,
    /// Whether the file does not hold it but only needs it.
    pub is_assumed: bool,
}

/// Something to say about a file before its connectors are known.
pub struct Remark {
    /// JSON pointer to the resource that it is about; empty for the whole file.
    pub resource: String,
    /// JSON pointer to its place in the file.
    pub pointer: String,
    /// Stable code, such as `InvalidTemplate`.
    pub code: &'static str,
    /// What is to be said.
    pub message: String,
    /// The best verdict that it leaves.
    pub verdict: Verdict,
}

impl Draft {
    pub(super) fn unreadable(file_name: &str, reason: String, options: &Options) -> Self {
        let mut draft = Self::empty(file_name, options);
        draft.findings.push(Finding::new(Verdict::Invalid, "Syntax", reason));
        draft
    }

    pub(super) fn read(file_name: &str, file: &Value, beside: &Beside, notes: Vec<String>, options: &Options) -> Self {
        let mut draft = Self::empty(file_name, options);
        let session = Rc::new(Session::new(&options.namespace, &telling_name(file_name)));
        let is_object = |pointer: &str| {
            let path: Vec<&str> = pointer.split('/').skip(1).collect();
            file.at(&path).is_some_and(|value| value.as_object().is_some())
        };
        if super::is_bare(is_object) {
            draft
                .playbooks
                .push(workflow::read_bare(file, beside, &session, &mut draft.connections));
        } else {
            draft.fill(file, &session);
        }
        draft.connections.finish();
        session.close();
        let notes = notes.into_iter().chain(session.notes());
        draft.findings.extend(notes.map(Finding::advice));
        draft
    }

    fn empty(file_name: &str, options: &Options) -> Self {
        Self {
            file_name: file_name.to_owned(),
            connections: Connections::new(&options.namespace),
            connectors: Vec::new(),
            playbooks: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn fill(&mut self, template: &Value, session: &Rc<Session>) {
        let resources = template::resources(template, session);
        // Where nothing of a kind is deployed with the default parameters, everything of that kind is read.
        let of_kind = |kind: &'static str| {
            let all = resources.iter().filter(move |resource| resource.kind == kind);
            let any = all.clone().any(|resource| resource.deployed);
            all.filter(move |resource| resource.deployed || !any)
        };
        let mut taken = HashSet::new();
        for resource in of_kind("microsoft.web/customapis") {
            self.connectors
                .push(connector::read(resource, &session.namespace, &mut taken));
        }
        of_kind("microsoft.web/connections").for_each(|resource| self.connections.add(resource));
        let mut taken = HashSet::new();
        for resource in of_kind("microsoft.logic/workflows") {
            self.playbooks
                .push(workflow::read(resource, &mut self.connections, &mut taken));
        }
        if self.playbooks.is_empty() && self.connectors.is_empty() {
            self.findings.push(without_workflow(template, &resources));
        }
    }

    /// The manifests: ApiConnections, Connectors, Playbooks.
    pub fn manifests(&self) -> Vec<serde_json::Value> {
        self.parts().map(|part| part.manifest.clone()).collect()
    }

    /// The manifests in the same order, each with where it comes from.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let part = |manifest, pointer, definition| Part {
            manifest,
            pointer,
            definition,
            is_assumed: false,
        };
        let connections = self.connections.all.iter().map(move |one| Part {
            is_assumed: one.is_assumed,
            ..part(&one.manifest, &one.pointer, None)
        });
        let connectors = self.connectors.iter();
        let connectors = connectors.filter_map(move |one| Some(part(one.manifest.as_ref()?, &one.pointer, None)));
        let playbooks = self.playbooks.iter().filter_map(move |one| {
            let definition = Some(one.definition_pointer.as_str());
            Some(part(one.manifest.as_ref()?, &one.pointer, definition))
        });
        connections.chain(connectors).chain(playbooks)
    }

    /// What is to be said without knowing the connectors, and without the problems of definitions; each once.
    pub fn remarks(&self) -> Vec<Remark> {
        let connectors = self.connectors.iter().map(|one| (&*one.pointer, "", &one.findings));
        let playbooks = self.playbooks.iter();
        let playbooks = playbooks.map(|one| (&*one.pointer, &*one.definition_pointer, &one.findings));
        let all = connectors.chain(playbooks).chain([("", "", &self.findings)]);
        let mut seen = HashSet::new();
        let mut remarks = Vec::new();
        for (resource, definition, findings) in all {
            for finding in findings.iter().filter(|finding| seen.insert(finding.text())) {
                let base = if finding.in_definition { definition } else { resource };
                remarks.push(Remark {
                    resource: resource.to_owned(),
                    pointer: format!("{base}{}", finding.pointer),
                    code: finding.code,
                    message: finding.reason.clone(),
                    verdict: finding.verdict,
                });
            }
        }
        remarks
    }

    /// One entry for each workflow, given the connectors that there are.
    pub fn judge(&self, known: &dyn KnownConnectors) -> Vec<Entry> {
        if !self.playbooks.is_empty() {
            let playbooks = self.playbooks.iter();
            return playbooks.map(|playbook| self.playbook_entry(playbook, known)).collect();
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
        let (verdict, findings) = judge(findings);
        Entry {
            kind,
            name: name.to_owned(),
            verdict,
            reasons: findings.iter().map(Finding::text).collect(),
            codes: findings.iter().map(|finding| finding.code).collect(),
            connectors,
        }
    }

    fn playbook_entry(&self, playbook: &Playbook, known: &dyn KnownConnectors) -> Entry {
        let mut findings = playbook.findings.clone();
        if playbook.manifest.is_some() {
            let given = given(playbook);
            let problems = match definition::parse_given(&playbook.definition, definition::Limits::default(), given) {
                Ok((_, warnings)) => warnings,
                Err(problems) => problems,
            };
            findings.extend(problems.iter().map(|problem| of_definition(playbook, problem)));
            findings.extend(playbook.calls.iter().filter_map(|call| check(playbook, call, known)));
        }
        let connectors = playbook.connectors.iter().map(|(_, connector)| connector.clone());
        let mut connectors: Vec<String> = connectors.collect();
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

/// Whether the connector of a call is there and has the operation.
fn check(playbook: &Playbook, call: &Call, known: &dyn KnownConnectors) -> Option<Finding> {
    let bound = call.alias.as_ref().and_then(|alias| {
        let mut bindings = playbook.connectors.iter();
        bindings.find(|(name, _)| name.eq_ignore_ascii_case(alias))
    });
    let Some((_, name)) = bound else {
        let reason = "names its connection otherwise than by `$connections`";
        return Some(Finding::new(Verdict::Unsupported, "ComputedConnection", reason).in_definition(&call.pointer));
    };
    let Some(connector) = known.connector(name) else {
        let reason = format!("connector `{name}` is not there");
        return Some(Finding::new(Verdict::NeedsConnector, "UnknownConnector", reason));
    };
    let (method, path) = call.operation.as_ref()?;
    // What is no template is a problem of the definition.
    let template = Template::parse_text(path).ok()?;
    let finding = match connector.called(method, &template) {
        Called::Known => return None,
        Called::AtRunTime => {
            let reason = format!("which operation of connector `{name}` it calls is decided at run time");
            Finding::new(Verdict::Runs, "DecidedAtRunTime", reason)
        }
        Called::Unknown(path) => {
            let reason = format!("connector `{name}` has no operation `{method} {path}`");
            Finding::new(Verdict::NeedsConnector, "UnknownOperation", reason)
        }
    };
    Some(finding.in_definition(&call.pointer))
}

/// The name of a file without its extension, or of its folder where all templates are named alike.
fn telling_name(path: &str) -> String {
    let mut segments = path.rsplit(['/', '\\']);
    let file = segments.next().unwrap_or_default();
    let stem = file.strip_suffix(".json").unwrap_or(file);
    let usual =
        ["azuredeploy", "maintemplate", "template", "deploy", "workflow"].contains(&stem.to_lowercase().as_str());
    segments
        .next()
        .filter(|folder| usual && !folder.is_empty() && !folder.starts_with('.'))
        .unwrap_or(stem)
        .to_owned()
}

/// Why a file holds nothing to import.
fn without_workflow(template: &Value, resources: &[Resource]) -> Finding {
    if resources.iter().any(|resource| resource.kind == template::DEPLOYMENT) {
        let reason = "the template holds no workflow itself: those that it links to are files of their own";
        return Finding::new(Verdict::Unsupported, "LinkedTemplate", reason);
    }
    let reason = if template.get("resources").is_none() {
        "not an ARM template: it has no `resources`"
    } else {
        "the template holds no workflow and no custom connector"
    };
    Finding::new(Verdict::Invalid, "NothingToImport", reason)
}

/// A problem of a definition. One at an open value, where the definition must have a constant, is for the reader to mend.
fn of_definition(playbook: &Playbook, problem: &Problem) -> Finding {
    let finding = Finding::of_definition(problem);
    let steps = problem.pointer.split('/').skip(1);
    let steps: Vec<String> = steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let text = playbook
        .definition
        .at(&steps)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let text = text.to_lowercase();
    let mut open = playbook.open.iter();
    let Some(name) = open.find(|name| text.contains(&format!("parameters('{name}')"))) else {
        return finding;
    };
    if finding.verdict != Verdict::Invalid {
        return finding;
    }
    let reason = format!(
        "{}; parameter `{name}` stands here, which the template leaves open: write its value into the definition",
        finding.reason
    );
    Finding::new(Verdict::Unsupported, "OpenConstant", reason).in_definition(&problem.pointer)
}

/// The values that a Playbook's manifest gives to parameters, by lower-case name, without those left to the reader.
fn given(playbook: &Playbook) -> BTreeMap<String, Value> {
    let manifest = playbook.manifest.as_ref();
    let parameters = manifest.and_then(|manifest| manifest.pointer("/spec/parameters")?.as_array());
    let values = parameters.into_iter().flatten().filter_map(|parameter| {
        let name = parameter.get("name")?.as_str()?;
        Some((name.to_lowercase(), Value::from(parameter.get("value")?)))
    });
    values.filter(|(name, _)| !playbook.open.contains(name)).collect()
}
