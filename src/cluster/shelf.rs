//! What the watches and reads have brought so far, object by object, and the snapshot that is made of it.
//! Invariants: an object is read again only if what its user wrote differs, so a status never causes a new catalog; an
//! edit that cannot be read leaves the last version that could in the catalog, until the object is mended or goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::core::DynamicObject;
use kube::{Resource as _, ResourceExt as _};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::reference::TextRef;
use super::resource::{PLAYBOOK, Resource};
use crate::api::diagnostic::Severity;
use crate::api::yaml;
use crate::api::{GROUP, VERSION};
use crate::catalog::{Catalog, Source};
use crate::definition::{self, Limits};
use crate::expression::Value;

/// What `kubectl apply` notes; a copy of the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Kind, namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// The key of an object of a kind.
    pub fn of(kind: &'static str, object: &DynamicObject) -> Self {
        Self {
            kind,
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        }
    }

    /// As diagnostics name the source of an object.
    fn file(&self) -> String {
        format!("{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

/// The objects of one kind in one namespace, or in all: what one watch tells of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The kind.
    pub resource: Resource,
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
}

impl Scope {
    fn includes(&self, key: &Key) -> bool {
        let namespace = self.namespace.as_ref();
        key.kind == self.resource.kind && namespace.is_none_or(|namespace| *namespace == key.namespace)
    }
}

/// What is known of one object.
#[derive(Debug)]
struct Shelved {
    uid: Option<String>,
    digest: [u8; 32],
    source: Source,
    reading: Reading,
}

impl Shelved {
    /// The same after what was known of the object, whose last good version stays if this one is broken. An object that
    /// only has the name of the one before begins anew.
    fn after(mut self, known: Self) -> Self {
        if self.reading.errors.is_empty() || self.uid != known.uid {
            return self;
        }
        self.reading.last_good = if known.reading.errors.is_empty() {
            known.reading.generation
        } else {
            known.reading.last_good
        };
        self.source = self.source.or_objects_of(known.source);
        self
    }
}

/// How the reading of an object went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The generation that was read.
    pub generation: Option<i64>,
    /// Why this generation is not in the catalog, with the place of each problem; empty if it is.
    pub errors: Vec<String>,
    /// The generation that is in the catalog instead of this one, which has errors: the last one without.
    pub last_good: Option<i64>,
}

impl Reading {
    /// Whether some version of the object is in the catalog.
    pub fn is_served(&self) -> bool {
        self.errors.is_empty() || self.last_good.is_some()
    }
}

/// Everything that is configured, at one moment, with how the reading of each object went.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The catalog.
    pub catalog: Arc<Catalog>,
    /// Whether every watch has told of all its objects, and every Secret that they name was asked for.
    pub complete: bool,
    readings: BTreeMap<Key, Reading>,
    absent: BTreeMap<TextRef, String>,
}

impl Snapshot {
    /// How the reading of an object went; `None` if it was not read yet.
    pub fn reading(&self, key: &Key) -> Option<&Reading> {
        self.readings.get(key)
    }

    /// What could not be read of the Secrets and ConfigMaps of a namespace, and why.
    pub fn absent<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a str> {
        let here = self.absent.iter().filter(move |(text, _)| text.namespace == namespace);
        here.map(|(_, reason)| reason.as_str())
    }
}

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<Key, Shelved>,
    texts: BTreeMap<TextRef, ([u8; 32], Source)>,
    absent: BTreeMap<TextRef, String>,
    /// The objects of watches that are listing.
    listing: BTreeMap<Scope, BTreeSet<Key>>,
    loaded: BTreeSet<Scope>,
    texts_asked: bool,
}

/// The shelf; shared by all watches.
#[derive(Debug)]
pub struct Shelf {
    inner: Mutex<Inner>,
    expected: BTreeSet<Scope>,
    limits: Limits,
    changed: Notify,
}

impl Shelf {
    /// An empty shelf that is complete when these scopes were listed. Playbooks must keep the limits.
    pub fn new(expected: impl IntoIterator<Item = Scope>, limits: Limits) -> Self {
        Self {
            inner: Mutex::default(),
            expected: expected.into_iter().collect(),
            limits,
            changed: Notify::new(),
        }
    }

    /// Waits for a change.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The scopes that were not listed yet, for people.
    pub fn missing(&self) -> Vec<&'static str> {
        let inner = self.lock();
        let missing = self.expected.iter().filter(|scope| !inner.loaded.contains(scope));
        missing.map(|scope| scope.resource.plural).collect()
    }

    /// A watch begins to list.
    pub fn begin(&self, scope: &Scope) {
        self.lock().listing.insert(scope.clone(), BTreeSet::new());
    }

    /// A watch has listed everything; what it did not name is gone.
    pub fn end(&self, scope: &Scope) {
        let mut inner = self.lock();
        let listed = inner.listing.remove(scope).unwrap_or_default();
        inner
            .objects
            .retain(|key, _| !scope.includes(key) || listed.contains(key));
        inner.loaded.insert(scope.clone());
        drop(inner);
        self.changed.notify_one();
    }

    /// Takes an object as it is now.
    pub fn put(&self, scope: &Scope, object: &DynamicObject) {
        let key = Key::of(scope.resource.kind, object);
        let text = manifest(scope.resource, object).to_string();
        let digest: [u8; 32] = Sha256::digest(&text).into();
        let generation = object.meta().generation;
        let mut inner = self.lock();
        if let Some(listed) = inner.listing.get_mut(scope) {
            listed.insert(key.clone());
        }
        if let Some(known) = inner.objects.get_mut(&key).filter(|known| known.digest == digest) {
            if known.reading.generation != generation {
                known.reading.generation = generation;
                self.changed.notify_one();
            }
            return;
        }
        drop(inner);
        let source = Source::read_json_within(&key.file(), &text, self.limits);
        let errors = errors(scope.resource, object.data.get("spec"), &source, self.limits);
        let shelved = Shelved {
            uid: object.uid(),
            digest,
            source,
            reading: Reading {
                generation,
                errors,
                last_good: None,
            },
        };
        let mut inner = self.lock();
        let shelved = match inner.objects.remove(&key) {
            Some(known) => shelved.after(known),
            None => shelved,
        };
        inner.objects.insert(key, shelved);
        drop(inner);
        self.changed.notify_one();
    }

    /// An object is gone.
    pub fn remove(&self, scope: &Scope, object: &DynamicObject) {
        let key = Key::of(scope.resource.kind, object);
        if self.lock().objects.remove(&key).is_some() {
            self.changed.notify_one();
        }
    }

    /// Takes the manifest of a Secret or ConfigMap as it is now, or why there is none.
    pub(super) fn put_text(&self, text: &TextRef, found: Result<&str, String>) {
        let mut inner = self.lock();
        let changed = match found {
            Ok(manifest) => {
                let digest: [u8; 32] = Sha256::digest(manifest).into();
                let known = inner.texts.get(text).is_some_and(|(known, _)| *known == digest);
                if !known {
                    let file = format!("{}/{}/{}", text.kind.as_str(), text.namespace, text.name);
                    let source = Source::read_json(&file, manifest);
                    inner.texts.insert(text.clone(), (digest, source));
                }
                inner.absent.remove(text).is_some() || !known
            }
            Err(reason) => {
                let removed = inner.texts.remove(text).is_some();
                let before = inner.absent.insert(text.clone(), reason.clone());
                removed || before.as_ref() != Some(&reason)
            }
        };
        drop(inner);
        if changed {
            self.changed.notify_one();
        }
    }

    /// Forgets the Secrets and ConfigMaps that nothing names any more; all others were asked for.
    pub(super) fn keep_texts(&self, wanted: impl Fn(&TextRef) -> bool) {
        let mut inner = self.lock();
        inner.texts.retain(|text, _| wanted(text));
        inner.absent.retain(|text, _| wanted(text));
        let first = !std::mem::replace(&mut inner.texts_asked, true);
        drop(inner);
        if first {
            self.changed.notify_one();
        }
    }

    /// The snapshot of what is known; `None` before every watch has listed.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let inner = self.lock();
        if !self.expected.is_subset(&inner.loaded) {
            return None;
        }
        let sources = inner.objects.values().map(|shelved| &shelved.source);
        let texts = inner.texts.values().map(|(_, source)| source);
        let readings = inner.objects.iter();
        let mut catalog = Catalog::build(sources.chain(texts));
        catalog.limits = self.limits;
        Some(Snapshot {
            catalog: Arc::new(catalog),
            complete: inner.texts_asked,
            readings: readings
                .map(|(key, shelved)| (key.clone(), shelved.reading.clone()))
                .collect(),
            absent: inner.absent.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every step leaves the maps valid.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the user wrote of an object, as a manifest.
fn manifest(resource: Resource, object: &DynamicObject) -> Json {
    let mut annotations = object.annotations().clone();
    annotations.remove(LAST_APPLIED);
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": resource.kind,
        "metadata": { "name": object.name_any(), "namespace": object.namespace(), "annotations": annotations },
        "spec": object.data.get("spec").cloned().unwrap_or(Json::Null),
    })
}

/// The errors of an object, each with its place. Those of a definition are named by their path in it, because nobody
/// sees the lines that the API server stores.
fn errors(resource: Resource, spec: Option<&Json>, source: &Source, limits: Limits) -> Vec<String> {
    if !source.is_broken() {
        return Vec::new();
    }
    let of_definition = match spec {
        Some(spec) if resource == PLAYBOOK => definition_errors(spec, limits),
        Some(_) | None => Vec::new(),
    };
    if !of_definition.is_empty() {
        return of_definition;
    }
    let errors = source.diagnostics().iter();
    let errors = errors.filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors
        .map(|diagnostic| match &diagnostic.hint {
            Some(hint) => format!("{}; {hint}", diagnostic.message),
            None => diagnostic.message.clone(),
        })
        .collect()
}

fn definition_errors(spec: &Json, limits: Limits) -> Vec<String> {
    let text = spec.get("definitionText").and_then(Json::as_str);
    let (field, definition) = match (spec.get("definition"), text) {
        (Some(definition), _) => ("definition", definition.clone()),
        (None, Some(text)) => match yaml::parse(text) {
            Ok(documents) if documents.len() == 1 => ("definitionText", documents[0].json.clone()),
            Ok(documents) => {
                return vec![format!(
                    "definitionText must hold one document, it holds {}",
                    documents.len()
                )];
            }
            Err(problem) => return vec![format!("definitionText:{}: {}", problem.position, problem.message)],
        },
        (None, None) => return Vec::new(),
    };
    match definition::parse_within(&Value::from(&definition), limits) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .iter()
            .filter(|problem| problem.severity == definition::Severity::Error)
            .map(|problem| format!("{field}{}: {}", problem.pointer, problem.message))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::resource::{API_CONNECTION, AUTOMATION_RULE};

    fn object(kind: &str, name: &str, generation: i64, spec: Json) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "riposte.dev/v1alpha1",
            "kind": kind,
            "metadata": { "name": name, "namespace": "soc", "generation": generation, "uid": name },
            "spec": spec,
            "status": { "observedGeneration": -1 },
        }))
        .unwrap()
    }

    fn playbook(name: &str, generation: i64, kind: &str) -> DynamicObject {
        let definition = json!({
            "triggers": { "hand": { "type": "Request", "inputs": {} } },
            "actions": { "say": { "type": kind, "inputs": 1, "runAfter": {} } },
        });
        object("Playbook", name, generation, json!({ "definition": definition }))
    }

    fn scope(resource: Resource) -> Scope {
        Scope {
            resource,
            namespace: None,
        }
    }

    #[test]
    fn a_snapshot_waits_for_every_scope_and_drops_what_a_new_list_lacks() {
        let (playbooks, rules) = (scope(PLAYBOOK), scope(AUTOMATION_RULE));
        let shelf = Shelf::new([playbooks.clone(), rules.clone()], Limits::default());
        shelf.begin(&playbooks);
        shelf.put(&playbooks, &playbook("one", 1, "Compose"));
        shelf.put(&playbooks, &playbook("two", 1, "Compose"));
        shelf.end(&playbooks);
        assert!(shelf.snapshot().is_none());
        assert_eq!(shelf.missing(), ["automationrules"]);
        shelf.begin(&rules);
        shelf.end(&rules);
        let snapshot = shelf.snapshot().unwrap();
        assert!(!snapshot.complete);
        assert!(snapshot.catalog.playbook("soc", "two").is_some());
        shelf.keep_texts(|_| false);
        shelf.begin(&playbooks);
        shelf.put(&playbooks, &playbook("one", 1, "Compose"));
        shelf.end(&playbooks);
        let snapshot = shelf.snapshot().unwrap();
        assert!(snapshot.complete);
        assert!(snapshot.catalog.playbook("soc", "two").is_none());
        assert!(snapshot.catalog.playbook("soc", "one").is_some());
    }

    #[test]
    fn a_broken_definition_is_named_by_its_path() {
        let playbooks = scope(PLAYBOOK);
        let shelf = Shelf::new([playbooks.clone()], Limits::default());
        shelf.begin(&playbooks);
        shelf.put(&playbooks, &playbook("one", 3, "Compoze"));
        shelf.end(&playbooks);
        let snapshot = shelf.snapshot().unwrap();
        let key = Key {
            kind: "Playbook",
            namespace: "soc".into(),
            name: "one".into(),
        };
        let reading = snapshot.reading(&key).unwrap();
        assert_eq!(reading.generation, Some(3));
        let [error] = reading.errors.as_slice() else {
            panic!("{reading:?}")
        };
        assert!(
            error.starts_with("definition/actions/say/type: ") && error.contains("Compose"),
            "{error}"
        );
        assert!(snapshot.catalog.playbook("soc", "one").is_none());
        assert!(!reading.is_served());
    }

    #[test]
    fn a_broken_edit_keeps_the_last_good_version_until_the_object_goes() {
        let playbooks = scope(PLAYBOOK);
        let shelf = Shelf::new([playbooks.clone()], Limits::default());
        shelf.begin(&playbooks);
        shelf.put(&playbooks, &playbook("one", 1, "Compose"));
        shelf.end(&playbooks);
        let known = || {
            let snapshot = shelf.snapshot().unwrap();
            let found = snapshot.catalog.playbook("soc", "one").is_some();
            let reading = snapshot.readings.values().next().cloned().unwrap_or_default();
            (found, reading.errors.len(), reading.last_good)
        };
        assert_eq!(known(), (true, 0, None));
        shelf.put(&playbooks, &playbook("one", 2, "Compoze"));
        assert_eq!(known(), (true, 1, Some(1)));
        shelf.put(&playbooks, &playbook("one", 3, "Compozze"));
        assert_eq!(known(), (true, 1, Some(1)));
        shelf.put(&playbooks, &playbook("one", 4, "Compose"));
        assert_eq!(known(), (true, 0, None));
        shelf.put(&playbooks, &playbook("one", 5, "Compoze"));
        assert_eq!(known(), (true, 1, Some(4)));
        let mut other = playbook("one", 1, "Compozze");
        other.metadata.uid = Some("another".into());
        shelf.put(&playbooks, &other);
        assert_eq!(known(), (false, 1, None), "another object of the same name");
        shelf.put(&playbooks, &playbook("one", 4, "Compose"));
        shelf.put(&playbooks, &playbook("one", 5, "Compoze"));
        shelf.remove(&playbooks, &playbook("one", 5, "Compoze"));
        assert_eq!(known(), (false, 0, None));
    }

    #[test]
    fn a_status_makes_no_new_reading() {
        let connections = scope(API_CONNECTION);
        let shelf = Shelf::new([connections.clone()], Limits::default());
        let mut connection = object("ApiConnection", "vt", 1, json!({ "connector": "virustotal" }));
        shelf.put(&connections, &connection);
        let before = shelf
            .lock()
            .objects
            .values()
            .map(|shelved| shelved.digest)
            .collect::<Vec<_>>();
        connection.data["status"] = json!({ "observedGeneration": 1 });
        connection
            .annotations_mut()
            .insert(LAST_APPLIED.into(), "everything".into());
        shelf.put(&connections, &connection);
        let after = shelf
            .lock()
            .objects
            .values()
            .map(|shelved| shelved.digest)
            .collect::<Vec<_>>();
        assert_eq!(before, after);
    }
}
