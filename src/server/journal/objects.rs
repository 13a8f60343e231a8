//! Objects of the group `riposte.dev` out of the catalog, as an API server would give them: `dev` has no API server, and
//! its clients should not notice. Read only. Pure.

use serde_json::{Value, json};

use crate::api::diagnostic::Severity;
use crate::api::{GROUP, Kind, VERSION};
use crate::catalog::Catalog;
use crate::definition::workflow::{TriggerClass, TriggerKind};

/// The kinds that the catalog holds, with their names in paths.
pub(super) const OBJECTS: &[(Kind, &str)] = &[
    (Kind::Playbook, "playbooks"),
    (Kind::AutomationRule, "automationrules"),
    (Kind::ApiConnection, "apiconnections"),
];

/// The objects of a kind, of one namespace or of all, by namespace and name; rules by their order.
pub(super) fn list(catalog: &Catalog, kind: Kind, namespace: Option<&str>) -> Vec<Value> {
    let is_wanted = |object: &Value| namespace.is_none_or(|wanted| object["metadata"]["namespace"] == wanted);
    let playbooks = catalog.playbooks().map(|playbook| {
        let mut object = of(
            catalog,
            Kind::Playbook,
            &playbook.namespace,
            &playbook.name,
            json!(playbook.spec),
        );
        if let Some(trigger) = playbook.workflow.triggers.first() {
            object["status"]["triggerKind"] = json!(trigger_kind(&trigger.kind));
        }
        object
    });
    let rules = catalog.all_rules();
    let rules = rules.map(|rule| {
        of(
            catalog,
            Kind::AutomationRule,
            &rule.namespace,
            &rule.name,
            json!(rule.spec),
        )
    });
    let connections = catalog.connections().map(|connection| {
        let (namespace, name) = (&connection.namespace, &connection.name);
        of(catalog, Kind::ApiConnection, namespace, name, json!(connection.spec))
    });
    let objects = playbooks.chain(rules).chain(connections);
    objects
        .filter(|object| object["kind"] == kind.as_str())
        .filter(is_wanted)
        .collect()
}

fn of(catalog: &Catalog, kind: Kind, namespace: &str, name: &str, spec: Value) -> Value {
    let problems = catalog.problems(kind.as_str(), namespace, name);
    let error = problems.iter().find(|problem| problem.severity == Severity::Error);
    let ready = match error {
        None => json!({ "type": "Ready", "status": "True", "reason": "Succeeded", "message": "" }),
        Some(error) => json!({ "type": "Ready", "status": "False", "reason": error.code, "message": error.message }),
    };
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": kind.as_str(),
        "metadata": { "name": name, "namespace": namespace },
        "spec": spec,
        "status": { "conditions": [ready] },
    })
}

/// The kind of trigger as Microsoft Sentinel tells playbooks apart.
fn trigger_kind(kind: &TriggerKind) -> &'static str {
    match kind.class() {
        TriggerClass::Incident => "Incident",
        TriggerClass::Alert => "Alert",
        TriggerClass::Entity => "Entity",
        TriggerClass::Schedule | TriggerClass::Other => "Other",
    }
}
