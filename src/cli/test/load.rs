//! Finds tests and what they test: files to cases that can run, and every problem of a test file with its place.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::case::Case;
use crate::api::manifest::{Object, decode_test};
use crate::api::playbook_test::{Expectation, TestTrigger, WithoutMock};
use crate::api::yaml::{self, Document};
use crate::api::{Diagnostic, PlaybookTestSpec, nearest};
use crate::catalog::{Catalog, Current, Folder};
use crate::definition::Limits;
use crate::engine::content::Content as _;
use crate::expression::Value;
use crate::rehearsal::{Mocks, Occasion, OccasionError, Stage, Unmocked};

/// The time at which tests start that give none.
const NOW: &str = "2026-01-01T08:00:00Z";
/// The most files that are looked at.
const FILES_MAX: usize = 20_000;
/// The deepest folder.
const DEPTH_MAX: usize = 16;

/// What was found.
#[derive(Default)]
pub(super) struct Suite {
    /// The tests, by file and place.
    pub cases: Vec<Case>,
    /// Problems of test files.
    pub problems: Vec<Diagnostic>,
}

/// Reads every test below the paths whose name, file or playbook has the filter's text.
pub(super) fn suite(paths: &[PathBuf], filter: Option<&str>, limits: Limits) -> anyhow::Result<Suite> {
    let mut loader = Loader {
        paths,
        limits,
        catalogs: HashMap::new(),
        stages: HashMap::new(),
        suite: Suite::default(),
    };
    let mut files = Vec::new();
    for path in paths {
        collect(path, 0, &mut files)?;
    }
    files.sort();
    files.dedup();
    for file in files {
        loader.file(&file, filter)?;
    }
    Ok(loader.suite)
}

/// The YAML and JSON files below a path.
fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let failed = || format!("cannot read {}", path.display());
    if !std::fs::metadata(path).with_context(failed)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        let is_hidden = name.to_string_lossy().starts_with('.');
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_hidden || files.len() >= FILES_MAX {
            continue;
        }
        if is_folder && depth < DEPTH_MAX {
            collect(&path, depth + 1, files)?;
        } else if !is_folder && is_content(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_content(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

struct Loader<'a> {
    paths: &'a [PathBuf],
    limits: Limits,
    catalogs: HashMap<PathBuf, Arc<Known>>,
    stages: HashMap<(PathBuf, String), Arc<Stage>>,
    suite: Suite,
}

/// A catalog in both of its forms.
struct Known {
    current: Current,
    catalog: Arc<Catalog>,
}

/// A problem of a test, with the pointer to its place.
type Problem = (String, &'static str, String);

impl Loader<'_> {
    fn file(&mut self, path: &Path, filter: Option<&str>) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        // Most files of a content folder are no tests; a test names its kind.
        if !text.contains(crate::api::playbook_test::KIND) {
            return Ok(());
        }
        let file = path.display().to_string();
        match yaml::parse(&text) {
            Ok(documents) => {
                for document in documents {
                    self.document(path, &file, document, filter);
                }
            }
            Err(problem) => self.suite.problems.push(problem.error(&file)),
        }
        Ok(())
    }

    fn document(&mut self, path: &Path, file: &str, document: Document, filter: Option<&str>) {
        let test = match decode_test(&document, file) {
            Ok(Some(test)) => test,
            Ok(None) => return,
            Err(problems) => return self.suite.problems.extend(problems),
        };
        let fits = |text: &str| filter.is_none_or(|filter| text.contains(filter));
        if !(fits(&test.metadata.name) || fits(file) || fits(&test.spec.playbook)) {
            return;
        }
        match self.case(path, file, &document, test) {
            Ok(case) => self.suite.cases.push(case),
            Err(problems) => {
                let told = problems
                    .into_iter()
                    .map(|(pointer, code, message)| Diagnostic::error(file, document.nearest(&pointer), code, message));
                self.suite.problems.extend(told);
            }
        }
    }

    fn case(
        &mut self,
        path: &Path,
        file: &str,
        document: &Document,
        test: Object<PlaybookTestSpec>,
    ) -> Result<Case, Vec<Problem>> {
        let spec = test.spec;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut problems = Vec::new();
        let mocks = mocks(&spec, folder, &mut problems);
        let stage = self
            .stage(&spec.playbook, folder)
            .map_err(|message| problems.push(("/spec/playbook".into(), "UnknownPlaybook", message)))
            .ok();
        let now: Timestamp = spec.now.as_deref().unwrap_or(NOW).parse().unwrap_or_default();
        let Some(stage) = stage else { return Err(problems) };
        check_names(&spec, &stage, &mut problems);
        let occasion = occasion(spec.trigger.as_ref(), &stage, folder, now);
        match occasion {
            Ok(occasion) if problems.is_empty() => Ok(Case {
                file: file.to_owned(),
                name: test.metadata.name,
                document: document.clone(),
                stage,
                occasion,
                parameters: values(&spec.parameters),
                settings: values(&spec.app_settings),
                mocks,
                unmocked: match spec.unmocked {
                    WithoutMock::Example => Unmocked::Example,
                    WithoutMock::Fail => Unmocked::Fail,
                },
                now,
                expect: spec.expect,
            }),
            Ok(_) => Err(problems),
            Err(message) => {
                problems.push(("/spec/trigger".into(), "InvalidTrigger", message));
                Err(problems)
            }
        }
    }

    /// The playbook that a test names, made ready once for all tests of it.
    fn stage(&mut self, named: &str, folder: &Path) -> Result<Arc<Stage>, String> {
        let (place, name) = named
            .split_once('#')
            .map_or((named, None), |(place, name)| (place, Some(name)));
        if is_content(Path::new(place)) {
            let file = folder.join(place);
            return self.staged(&file, name);
        }
        let places: Vec<PathBuf> = self
            .paths
            .iter()
            .map(|path| {
                if path.is_dir() {
                    path.clone()
                } else {
                    path.parent().unwrap_or(Path::new("")).to_owned()
                }
            })
            .map(|path| {
                if path.as_os_str().is_empty() {
                    PathBuf::from(".")
                } else {
                    path
                }
            })
            .collect();
        let found = places.iter().find_map(|path| self.staged(path, Some(place)).ok());
        found.ok_or_else(|| {
            let known: Vec<String> = places
                .iter()
                .filter_map(|path| self.catalog(path).ok())
                .flat_map(|known| {
                    let names: Vec<String> = known
                        .catalog
                        .playbooks()
                        .map(|playbook| playbook.name.clone())
                        .collect();
                    names
                })
                .collect();
            let hint = nearest(place, known.iter().map(String::as_str)).map(|hint| format!("; did you mean '{hint}'?"));
            format!(
                "there is no playbook '{place}' in the paths that are tested{}",
                hint.unwrap_or_default()
            )
        })
    }

    fn staged(&mut self, path: &Path, name: Option<&str>) -> Result<Arc<Stage>, String> {
        let key = (path.to_owned(), name.unwrap_or_default().to_owned());
        if let Some(stage) = self.stages.get(&key) {
            return Ok(stage.clone());
        }
        let known = self.catalog(path)?;
        let mut playbooks = known
            .catalog
            .playbooks()
            .filter(|playbook| name.is_none_or(|name| name == playbook.name));
        let Some(found) = playbooks.next() else {
            let broken = known
                .catalog
                .diagnostics
                .iter()
                .find(|problem| problem.severity == crate::api::diagnostic::Severity::Error);
            let reason = broken.map(|problem| format!(": {problem}")).unwrap_or_default();
            return Err(format!("{} holds no playbook that can run{reason}", path.display()));
        };
        if let (None, Some(other)) = (name, playbooks.next()) {
            let (first, second) = (&found.name, &other.name);
            return Err(format!(
                "{} holds several playbooks; add '#{first}' or '#{second}'",
                path.display()
            ));
        }
        let (namespace, name) = (found.namespace.clone(), found.name.clone());
        let playbook = known
            .current
            .playbook(&namespace, &name)
            .ok_or("the playbook cannot be read")?;
        // Connectors of a user may stand in other files of the paths.
        let others: Vec<Arc<Known>> = self
            .paths
            .to_vec()
            .iter()
            .filter_map(|path| self.catalog(path).ok())
            .collect();
        let stage = Arc::new(Stage::new(playbook, |connector| {
            let own = known.catalog.usable_connector(&namespace, connector);
            own.or_else(|| {
                others
                    .iter()
                    .find_map(|other| other.catalog.usable_connector(&namespace, connector))
            })
        }));
        self.stages.insert(key, stage.clone());
        Ok(stage)
    }

    fn catalog(&mut self, path: &Path) -> Result<Arc<Known>, String> {
        if let Some(known) = self.catalogs.get(path) {
            return Ok(known.clone());
        }
        let current = Current::fixed(Folder::read(path, self.limits).map_err(|error| error.to_string())?);
        let catalog = current.get();
        let known = Arc::new(Known { current, catalog });
        self.catalogs.insert(path.to_owned(), known.clone());
        Ok(known)
    }
}

fn mocks(spec: &PlaybookTestSpec, folder: &Path, problems: &mut Vec<Problem>) -> Mocks {
    let mut mocks = Mocks::default();
    if let Some(given) = &spec.mocks {
        match Mocks::read(&Value::from(given)) {
            Ok(read) => mocks = read,
            Err(wrong) => problems.extend(
                wrong
                    .into_iter()
                    .map(|(place, message)| (format!("/spec/mocks{place}"), "InvalidMock", message)),
            ),
        }
    }
    if let Some(name) = &spec.mocks_file {
        let read = read(&folder.join(name)).and_then(|json| {
            let told = |wrong: Vec<(String, String)>| {
                let lines = wrong.iter().map(|(place, message)| format!("'{place}' {message}"));
                format!("{name}: {}", lines.collect::<Vec<_>>().join("; "))
            };
            Mocks::read(&Value::from(&json)).map_err(told)
        });
        match read {
            Ok(others) => mocks = mocks.before(others),
            Err(message) => problems.push(("/spec/mocksFile".into(), "InvalidMock", message)),
        }
    }
    mocks
}

/// Actions and parameters that the playbook does not have.
fn check_names(spec: &PlaybookTestSpec, stage: &Stage, problems: &mut Vec<Problem>) {
    let workflow = &stage.playbook().workflow;
    let names: Vec<&str> = workflow.actions.iter().map(|action| &*action.name).collect();
    let missing = |name: &str| {
        let hint = nearest(name, names.iter().copied()).map(|hint| format!("; did you mean '{hint}'?"));
        format!("the playbook has no action '{name}'{}", hint.unwrap_or_default())
    };
    if let Some(mocks) = spec.mocks.as_ref().and_then(Json::as_object) {
        let given = mocks
            .keys()
            .filter(|name| Mocks::is_action(name) && workflow.find(name).is_none());
        problems.extend(given.map(|name| (format!("/spec/mocks/{}", escaped(name)), "UnknownAction", missing(name))));
    }
    let runs = spec.expect.runs.iter().enumerate();
    let runs = runs.map(|(index, run)| (format!("/spec/expect/runs/{index}"), run));
    for (place, expected) in [("/spec/expect".to_owned(), &spec.expect)].into_iter().chain(runs) {
        let named = named(expected).into_iter();
        let unknown = named.filter(|(_, name)| Mocks::is_action(name) && workflow.find(name).is_none());
        problems.extend(unknown.map(|(part, name)| (format!("{place}{part}"), "UnknownAction", missing(name))));
    }
    for name in spec.parameters.keys() {
        let is_it = |declared: &crate::definition::workflow::Parameter| declared.name.eq_ignore_ascii_case(name);
        if !workflow.parameters.iter().any(is_it) {
            let message = format!("the playbook has no parameter '{name}'");
            problems.push((
                format!("/spec/parameters/{}", escaped(name)),
                "UnknownParameter",
                message,
            ));
        }
    }
}

/// Names with their values.
fn values(given: &BTreeMap<String, Json>) -> Vec<(String, Value)> {
    let given = given.iter();
    given.map(|(name, value)| (name.clone(), Value::from(value))).collect()
}

/// The actions and operations that an expectation names, with the pointer to each.
fn named(expected: &Expectation) -> Vec<(String, &str)> {
    let actions = expected.actions.keys();
    let mut named: Vec<_> = actions
        .map(|name| (format!("/actions/{}", escaped(name)), name.as_str()))
        .collect();
    for (list, given) in [("callOrder", &expected.call_order), ("notCalled", &expected.not_called)] {
        let given = given.iter().enumerate();
        named.extend(given.map(|(index, name)| (format!("/{list}/{index}"), name.as_str())));
    }
    let calls = expected.calls.iter().enumerate();
    named.extend(calls.map(|(index, call)| (format!("/calls/{index}/call"), call.call.as_str())));
    named
}

/// A name as a step of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn occasion(trigger: Option<&TestTrigger>, stage: &Stage, folder: &Path, now: Timestamp) -> Result<Occasion, String> {
    let namespace = &stage.playbook().namespace;
    let value = |given: &Json| match given {
        Json::String(name) => read(&folder.join(name)),
        other => Ok(other.clone()),
    };
    let told = |error: OccasionError| error.to_string();
    match trigger {
        None => Occasion::made_up(stage, now).map_err(told),
        Some(TestTrigger::Incident(given)) => Occasion::incident(&value(given)?, namespace, now).map_err(told),
        Some(TestTrigger::Alert(given)) => Occasion::alert(&value(given)?, namespace, now).map_err(told),
        Some(TestTrigger::Entity(given)) => Occasion::entity(&value(given)?, namespace, now).map_err(told),
        Some(TestTrigger::Body(body)) => Occasion::body(Value::from(body), namespace, now).map_err(told),
        Some(TestTrigger::BodyFile(name)) => {
            let body = Value::from(&read(&folder.join(name))?);
            Occasion::body(body, namespace, now).map_err(told)
        }
    }
}

/// The one document of a YAML or JSON file.
fn read(path: &Path) -> Result<Json, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let documents = yaml::parse(&text).map_err(|problem| problem.error(&path.display().to_string()).to_string())?;
    let first = documents.into_iter().next().map(|document| document.json);
    first.ok_or_else(|| format!("{} is empty", path.display()))
}
