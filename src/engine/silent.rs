//! An engine of one playbook that nobody drives, and whose services say nothing: for tests of what is inside.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use tempfile::TempDir;

use super::call::{Admission, Answer, Brake, Call, CallError, Services};
use super::content::{Content, Playbook, Undecided};
use super::shell::{Engine, Fresh};
use super::start::Request;
use crate::api::AutomationRuleSpec;
use crate::definition;
use crate::expression::Value;
use crate::grants::Permission;
use crate::incidents::{Desk, WorkspaceIds};
use crate::store::{Millis, Sealer, Store, Transaction};

/// The world of the engine: a playbook that changes something outside, and a service that never answers.
struct Silent(Playbook);

#[async_trait]
impl Services for Silent {
    async fn call(&self, _: &Call) -> Result<Answer, CallError> {
        std::future::pending().await
    }

    fn admit(&self, _: &Call, _: Millis) -> Admission {
        Admission::Go(None)
    }

    fn changes(&self, _: &Call) -> bool {
        true
    }

    fn brakes(&self, _: &Call) -> Vec<Brake> {
        Vec::new()
    }

    fn safe_to_repeat(&self, _: &Call) -> bool {
        false
    }
}

#[async_trait]
impl Content for Silent {
    fn playbook(&self, _: &str, _: &str) -> Option<Playbook> {
        Some(self.0.clone())
    }

    fn rules(&self, _: &str) -> Vec<(String, AutomationRuleSpec)> {
        Vec::new()
    }

    async fn permit(&self, _: &str, _: &str, _: &str) -> Result<Permission, Undecided> {
        Ok(Permission::Granted)
    }
}

fn playbook() -> Playbook {
    let definition = json!({
        "triggers": {"manual": {"type": "Request", "kind": "Http", "inputs": {}}},
        "actions": {"Isolate": {"type": "Http", "inputs": {"method": "POST", "uri": "https://edr.example/isolate"}}},
    });
    let (workflow, _) = definition::parse(&Value::from(&definition)).unwrap();
    Playbook {
        namespace: "soc".into(),
        name: "isolate".into(),
        definition: definition.to_string().into(),
        hash: "hash".into(),
        workflow: Arc::new(workflow),
        parameters: Vec::new(),
        settings: Vec::new(),
        connections: Vec::new(),
        suspended: false,
    }
}

/// Such an engine with a store in a folder, and a run that has not begun.
pub(super) async fn with_a_run(folder: &TempDir) -> (Engine, Fresh) {
    let store = Store::open(folder.path()).await.unwrap();
    let desk = Desk::new(store.clone(), WorkspaceIds::default());
    let silent = Arc::new(Silent(playbook()));
    let engine = Engine::new(store, Sealer::new([7; 32]), silent.clone(), silent, desk);
    let request = Request {
        namespace: "soc".into(),
        playbook: "isolate".into(),
        ..Request::default()
    };
    let prepared = engine.shared().prepare(&request).unwrap();
    let operations = prepared.operations;
    engine.shared().store.commit(Transaction { operations }).await.unwrap();
    (engine, prepared.fresh.unwrap())
}
