//! Every playbook of the corpus is rehearsed with a generated trigger and examples for answers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use riposte::catalog::{Catalog, Current, Source};
use riposte::connectors::Connector;
use riposte::engine::content::{Content, Playbook};
use riposte::engine::state::State;
use riposte::engine::status::{RunStatus, Status};
use riposte::rehearsal::{Coverage, Halt, Mocks, Occasion, Reached, Stage, Unmocked, rehearse};

/// Codes of failures that a playbook never causes.
const OURS: &[&str] = &[
    "InternalError",
    "NotMocked",
    "OperationNotFound",
    "ConnectionNotFound",
    "OutcomeUnknown",
    "NotSupported",
];
/// Parts of messages that say that something is not served.
const UNSERVED: &[&str] = &["is not defined or not valid", "not served"];

/// The files of a folder of the corpus, which lies beside the repository or where `RIPOSTE_CORPUS` says.
fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let given = std::env::var_os("RIPOSTE_CORPUS").map(PathBuf::from);
    let root = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"));
    let entries = std::fs::read_dir(root.join(folder))
        .expect("the corpus lies beside the repository, or where RIPOSTE_CORPUS says");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

fn catalog(path: &Path, text: &str) -> Arc<Catalog> {
    Arc::new(Catalog::build([&Source::read(&path.to_string_lossy(), text)]))
}

/// The stages of every playbook of the corpus.
fn stages() -> Vec<(String, Stage)> {
    let described: Vec<Arc<Catalog>> = files("custom-connectors")
        .iter()
        .map(|(path, text)| catalog(path, text))
        .collect();
    let find = |own: &Catalog, name: &str| -> Option<Arc<Connector>> {
        let described = || {
            described
                .iter()
                .find_map(|other| other.usable_connector("default", name))
        };
        own.usable_connector("default", name).or_else(described)
    };
    let mut stages = Vec::new();
    for folder in ["playbooks", "modern-playbooks", "custom-connectors"] {
        for (path, text) in files(folder) {
            let own = catalog(&path, &text);
            let current = Current::fixed(Catalog::clone(&own));
            let names: Vec<(String, String)> = own
                .playbooks()
                .map(|playbook| (playbook.namespace.clone(), playbook.name.clone()))
                .collect();
            for (namespace, name) in names {
                let playbook: Playbook = current.playbook(&namespace, &name).unwrap();
                let file = path.file_name().unwrap().to_string_lossy();
                stages.push((format!("{file} {name}"), Stage::new(playbook, |name| find(&own, name))));
            }
        }
    }
    stages
}

/// How a rehearsal went.
enum Went {
    Well,
    /// Failed as its own logic says, or because an expression of it has no value.
    ByItself(String),
    ByUs(String),
}

fn judge(state: &State) -> Went {
    let closed = state.closed.as_ref().expect("the run has ended");
    let error = closed.error.as_ref();
    let text = error.map_or_else(String::new, |error| format!("{}: {}", error.code, error.message));
    let ours = state
        .frames
        .iter()
        .flat_map(|frame| frame.nodes.values())
        .find_map(|node| {
            let error = node.error.as_ref()?;
            let is_ours = OURS.contains(&&*error.code) || UNSERVED.iter().any(|words| error.message.contains(words));
            (node.status() == Some(Status::Failed) && is_ours).then(|| format!("{}: {}", error.code, error.message))
        });
    match (ours, closed.status) {
        (Some(ours), _) => Went::ByUs(ours),
        (None, RunStatus::Succeeded) => Went::Well,
        (None, _) => Went::ByItself(text),
    }
}

#[test]
fn every_playbook_of_the_corpus_ends() {
    let now: Timestamp = "2026-01-01T08:00:00Z".parse().unwrap();
    let (mut ran, mut well) = (0, 0);
    let (mut by_itself, mut by_us) = (Vec::new(), Vec::new());
    let mut reached = Reached::default();
    for (name, stage) in stages() {
        let occasion = Occasion::made_up(&stage, now).unwrap();
        ran += 1;
        match rehearse(
            &stage,
            stage.playbook(),
            &occasion,
            &Mocks::default(),
            Unmocked::Example,
            now,
        ) {
            Ok(finished) => {
                let mut coverage = Coverage::default();
                finished.iter().for_each(|run| coverage.add(&run.state));
                reached += coverage.of(&stage.playbook().workflow);
                let mut judged = finished.iter().map(|run| judge(&run.state));
                match judged.find(|went| !matches!(went, Went::Well)).unwrap_or(Went::Well) {
                    Went::Well => well += 1,
                    Went::ByItself(why) => by_itself.push(format!("{name}: {why}")),
                    Went::ByUs(why) => by_us.push(format!("{name}: {why}")),
                }
            }
            Err(Halt::Refused(refused)) if refused.code() == "TriggerConditionFalse" => {
                by_itself.push(format!("{name}: {refused}"));
            }
            Err(halt) => by_us.push(format!("{name}: {halt}")),
        }
    }
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    for line in &by_itself {
        let class = line.split(": ").nth(1).unwrap_or_default().to_owned();
        *classes.entry(class).or_default() += 1;
    }
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    println!(
        "ran {ran}, succeeded {well}, failed by its own logic {}, failed by ours {}",
        by_itself.len(),
        by_us.len()
    );
    println!(
        "reached {} of {} actions ({:.0} %), {} of {} branches ({:.0} %)",
        reached.actions,
        reached.all_actions,
        share(reached.actions, reached.all_actions),
        reached.branches,
        reached.all_branches,
        share(reached.branches, reached.all_branches)
    );
    println!("{classes:?}");
    for line in &by_itself {
        println!("itself {line}");
    }
    assert!(by_us.is_empty(), "failed by ours:\n{}", by_us.join("\n"));
    assert!(ran > 400, "the corpus has more playbooks than {ran}");
    assert!(share(well, ran) >= 90.0, "only {well} of {ran} succeed");
}
