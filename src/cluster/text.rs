//! Secrets and ConfigMaps that objects name: read by `get`, one by one, and again after a while, so that what is missing
//! heals without a restart. Nothing is listed or watched, so the operator needs no right to do so. Only the keys that
//! are named are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::reference::{TextKind, TextRef, wanted};
use super::shelf::{Shelf, Snapshot};

/// How old what is known may grow.
const FRESH: Duration = Duration::from_secs(30);
/// How long to wait before asking again for what is missing.
const MISSING: Duration = Duration::from_secs(3);
/// How many are asked for at the same time.
const AT_ONCE: usize = 8;

/// Keeps the shelf's texts as the catalog needs them, until told to stop.
pub(super) async fn follow(
    client: Client,
    shelf: Arc<Shelf>,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    stop: CancellationToken,
) {
    // The first snapshot that is published, not the empty one that the channel begins with.
    if snapshots.changed().await.is_err() {
        return;
    }
    let mut due: BTreeMap<TextRef, Instant> = BTreeMap::new();
    loop {
        let named = wanted(&snapshots.borrow_and_update().catalog);
        due.retain(|text, _| named.contains_key(text));
        let now = Instant::now();
        let is_due = |text: &TextRef| due.get(text).is_none_or(|at| *at <= now);
        let asked: Vec<_> = named
            .iter()
            .filter(|(text, _)| is_due(text))
            .map(|(text, keys)| read(client.clone(), text.clone(), keys.clone()))
            .collect();
        let read = futures::stream::iter(asked)
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        for (text, found) in read {
            let again = if matches!(found, Found::Text(_)) {
                FRESH
            } else {
                MISSING
            };
            due.insert(text.clone(), Instant::now() + again);
            match found {
                Found::Text(manifest) => shelf.put_text(&text, Ok(&manifest)),
                Found::Missing(reason) => shelf.put_text(&text, Err(reason)),
                Found::Unknown => {}
            }
        }
        shelf.keep_texts(|text| named.contains_key(text));
        let next = due.values().min().copied().unwrap_or_else(|| Instant::now() + FRESH);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(next) => {}
            changed = snapshots.changed() => if changed.is_err() { return },
        }
    }
}

/// What became of a question.
enum Found {
    /// Its manifest.
    Text(String),
    /// There is none, or it may not be read; with what to do.
    Missing(String),
    /// The API server does not say; what is known stays.
    Unknown,
}

async fn read(client: Client, text: TextRef, keys: BTreeSet<String>) -> (TextRef, Found) {
    let found = ask(&client, &text, &keys).await;
    (text, found)
}

async fn ask(client: &Client, text: &TextRef, keys: &BTreeSet<String>) -> Found {
    let (namespace, name) = (&text.namespace, &text.name);
    let data = match text.kind {
        TextKind::Secret => {
            let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
            let found = api.get_opt(name).await;
            found.map(|secret| secret.map(|secret| texts_of(secret, keys)))
        }
        TextKind::ConfigMap => {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
            let found = api.get_opt(name).await;
            found.map(|map| map.map(|map| map.data.unwrap_or_default()))
        }
    };
    let kind = text.kind.as_str();
    match data {
        Ok(Some(mut data)) => {
            data.retain(|key, _| keys.contains(key));
            let field = match text.kind {
                TextKind::Secret => "stringData",
                TextKind::ConfigMap => "data",
            };
            let metadata = json!({ "name": name, "namespace": namespace });
            let manifest = json!({ "apiVersion": "v1", "kind": kind, "metadata": metadata, field: data });
            Found::Text(manifest.to_string())
        }
        Ok(None) => Found::Missing(format!("{kind} `{namespace}/{name}` does not exist; create it")),
        Err(kube::Error::Api(status)) if status.code == 403 => Found::Missing(format!(
            "{kind} `{namespace}/{name}` may not be read by the operator; give it `get` on it, or add the namespace to \
             the watched ones"
        )),
        Err(error) => {
            tracing::warn!(%error, kind, namespace, name, "what an object names could not be read");
            Found::Unknown
        }
    }
}

/// The values of a Secret that are text; other ones fit no parameter.
fn texts_of(secret: Secret, keys: &BTreeSet<String>) -> BTreeMap<String, String> {
    let data = secret.data.unwrap_or_default().into_iter();
    let named = data.filter(|(key, _)| keys.contains(key));
    named
        .filter_map(|(key, bytes)| Some((key, String::from_utf8(bytes.0).ok()?)))
        .collect()
}
