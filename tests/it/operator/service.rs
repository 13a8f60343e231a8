//! A service that playbooks of operators call: it counts what each run does, and answers at once, late or with a refusal.
//! Invariant: a call is counted before anything else happens, so a process that dies hides nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::any;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    AtOnce,
    /// Not before the gate is open.
    Held,
    /// With 404.
    Refused,
}

/// How the call of an action is answered by the number in the request that began the run.
type Manners = fn(usize, &str) -> Manner;

struct Inner {
    url: String,
    manners: Manners,
    /// How often each action of each run was asked for.
    calls: Mutex<BTreeMap<(String, String), usize>>,
    is_open: watch::Sender<bool>,
    /// How many calls came that are held.
    held: watch::Sender<usize>,
}

#[derive(Clone)]
pub(super) struct Service(Arc<Inner>);

impl Service {
    pub(super) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self(Arc::new(Inner {
            url: format!("http://{}", listener.local_addr().unwrap()),
            manners,
            calls: Mutex::default(),
            is_open: watch::channel(false).0,
            held: watch::channel(0).0,
        }));
        let routes = Router::new().route("/{action}/{number}/{run}", any(answer));
        let routes = routes.with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        service
    }

    /// Answers what is held, and holds nothing any more.
    pub(super) fn open(&self) {
        self.0.is_open.send_replace(true);
    }

    /// Waits until so many calls are held.
    pub(super) async fn holds(&self, calls: usize, at_most: Duration) {
        let mut held = self.0.held.subscribe();
        let waited = tokio::time::timeout(at_most, held.wait_for(|held| *held >= calls)).await;
        assert!(waited.is_ok(), "{} of {calls} calls are held", *self.0.held.borrow());
    }

    /// How often an action of a run was asked for.
    pub(super) fn calls(&self, run: &str, action: &str) -> usize {
        let calls = self.0.calls.lock().unwrap();
        calls
            .get(&(run.to_owned(), action.to_owned()))
            .copied()
            .unwrap_or_default()
    }

    /// A playbook whose runs call it four times, one after the other: a safe call, an unsafe one, another safe one whatever
    /// became of that, and one that is declared to be safe.
    pub(super) fn playbook(&self, name: &str) -> Value {
        let call = |action: &str, method: &str, after: Value| {
            let uri = format!(
                "{}/{action}/@{{triggerBody()['number']}}/@{{workflow()['run']['name']}}",
                self.0.url
            );
            json!({"type": "Http", "runAfter": after,
                "inputs": {"method": method, "uri": uri, "retryPolicy": {"type": "none"}}})
        };
        let mut tell = call("Tell", "POST", json!({"Set": ["Succeeded"]}));
        tell["metadata"] = json!({"riposte.dev/safe-to-repeat": true});
        let definition = json!({
            "contentVersion": "1.0.0.0",
            "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
            "actions": {
                "Look": call("Look", "GET", json!({})),
                "Open": call("Open", "POST", json!({"Look": ["Succeeded"]})),
                "Set": call("Set", "PUT", json!({"Open": ["Succeeded", "Failed"]})),
                "Tell": tell,
            },
        });
        json!({"apiVersion": "riposte.dev/v1alpha1", "kind": "Playbook", "metadata": {"name": name}, "spec": {
            "definition": definition, "successfulRunsHistoryLimit": 1_000, "failedRunsHistoryLimit": 1_000,
        }})
    }
}

async fn answer(
    State(service): State<Service>,
    Path((action, number, run)): Path<(String, usize, String)>,
) -> (StatusCode, Json<Value>) {
    let manner = (service.0.manners)(number, &action);
    let call = (run, action);
    *service.0.calls.lock().unwrap().entry(call).or_default() += 1;
    match manner {
        Manner::AtOnce => {}
        Manner::Held => {
            service.0.held.send_modify(|held| *held += 1);
            let mut is_open = service.0.is_open.subscribe();
            // The sender is as old as the service.
            let _ = is_open.wait_for(|is_open| *is_open).await;
        }
        Manner::Refused => return (StatusCode::NOT_FOUND, Json(json!({}))),
    }
    (StatusCode::OK, Json(json!({})))
}
