//! A playbook made ready for a rehearsal: what it has not, such as a Secret, a parameter or a connection, gets a
//! placeholder.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reads::{Reads, Root};
use crate::connectors::Connector;
use crate::definition::workflow::{Parameter, ParameterType};
use crate::definition::{self, Action, ActionKind};
use crate::engine::call::Target;
use crate::engine::content::{Connection, GivenParameter, Playbook};
use crate::expression::{Object, Value};

/// A playbook with everything that a rehearsal of it needs.
#[derive(Debug)]
pub struct Stage {
    playbook: Playbook,
    /// Connectors by name of the connection.
    connectors: BTreeMap<String, Arc<Connector>>,
    reads: Reads,
    notes: Vec<String>,
}

impl Stage {
    /// Makes a playbook ready; `connector` finds the connector of a name.
    pub fn new(mut playbook: Playbook, connector: impl Fn(&str) -> Option<Arc<Connector>>) -> Self {
        let reads = Reads::of(&playbook.workflow, &playbook.parameters);
        let mut notes = Vec::new();
        playbook.suspended = false;
        bind(&mut playbook, &mut notes);
        for declared in playbook.workflow.clone().parameters.iter() {
            if declared.name != "$connections" {
                give(&mut playbook, declared, &reads, &mut notes);
            }
        }
        for name in definition::app_settings(&playbook.workflow) {
            set(&mut playbook, &name, &mut notes);
        }
        let connections = playbook.connections.iter();
        let connectors = connections.filter_map(|bound| {
            let name = bound.connector.as_deref()?;
            Some((bound.name.clone(), connector(name)?))
        });
        Self {
            connectors: connectors.collect(),
            playbook,
            reads,
            notes,
        }
    }

    /// The playbook, placeholders included.
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// The placeholders, for people.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The playbook with these parameters and app settings, whatever else it gives them.
    pub fn with(&self, parameters: &[(String, Value)], settings: &[(String, Value)]) -> Playbook {
        let mut playbook = self.playbook.clone();
        replace(&mut playbook.parameters, parameters);
        replace(&mut playbook.settings, settings);
        playbook
    }

    /// Whether Riposte itself answers the call of an action.
    pub(super) fn answers_itself(&self, action: &Action) -> bool {
        let call = match &action.kind {
            ActionKind::Call(call) => call,
            ActionKind::Webhook(webhook) => &webhook.subscribe,
            _ => return false,
        };
        let alias = definition::connection_of(call).unwrap_or_default();
        let mut bound = self.playbook.connections.iter();
        let bound = bound.find(|bound| bound.alias.eq_ignore_ascii_case(&alias));
        let connector = bound.and_then(|bound| self.connectors.get(&bound.name));
        connector.is_some_and(|connector| connector.operations.iter().any(|operation| operation.is_own()))
    }

    pub(super) fn reads(&self) -> &Reads {
        &self.reads
    }

    pub(super) fn connector_of(&self, target: &Target) -> Option<&Connector> {
        let (Target::Connection(name) | Target::Operation { connection: name, .. }) = target else {
            return None;
        };
        self.connectors.get(name).map(Arc::as_ref)
    }

    /// Name of the connector that a call goes to, known or not.
    pub(super) fn kind_of(&self, target: &Target) -> Option<&str> {
        let (Target::Connection(name) | Target::Operation { connection: name, .. }) = target else {
            return None;
        };
        let bound = self.playbook.connections.iter().find(|bound| bound.name == *name)?;
        bound.connector.as_deref()
    }
}

/// Binds what the workflow uses and nothing binds.
fn bind(playbook: &mut Playbook, notes: &mut Vec<String>) {
    for used in definition::connections(&playbook.workflow) {
        let alias = used.rsplit('/').next().unwrap_or(&used).to_owned();
        let is_it =
            |bound: &Connection| bound.alias.eq_ignore_ascii_case(&alias) || bound.name.eq_ignore_ascii_case(&alias);
        match playbook.connections.iter_mut().find(|bound| is_it(bound)) {
            Some(bound) => {
                if bound.connector.is_none() {
                    bound.connector = Some(connector_named(&alias));
                }
            }
            None => {
                notes.push(format!(
                    "connection '{alias}' is not bound; a placeholder stands for it"
                ));
                playbook.connections.push(Connection {
                    connector: Some(connector_named(&alias)),
                    name: alias.clone(),
                    alias,
                });
            }
        }
    }
}

/// The connector after which the designer names a connection: without the number of a second one.
fn connector_named(alias: &str) -> String {
    let plain = alias.trim_end_matches(|last: char| last.is_ascii_digit());
    match plain.strip_suffix(['-', '_']) {
        Some(name) if !name.is_empty() && plain.len() < alias.len() => name.to_lowercase(),
        _ => alias.to_lowercase(),
    }
}

/// Gives values to some of the names, in place of those that they have.
fn replace(all: &mut Vec<GivenParameter>, given: &[(String, Value)]) {
    for (name, value) in given {
        all.retain(|known| !known.name.eq_ignore_ascii_case(name));
        all.push(GivenParameter {
            name: name.clone(),
            value: Ok(value.clone()),
            secret: false,
        });
    }
}

/// Gives a parameter a placeholder if it has no value.
fn give(playbook: &mut Playbook, declared: &Parameter, reads: &Reads, notes: &mut Vec<String>) {
    let given = playbook
        .parameters
        .iter_mut()
        .find(|given| given.name.eq_ignore_ascii_case(&declared.name));
    let reason = match given.as_ref().map(|given| &given.value) {
        Some(Ok(_)) => return,
        Some(Err(_)) => "has no value here",
        None if declared.default.is_some() => return,
        None => "has neither a value nor a default",
    };
    notes.push(format!(
        "parameter '{}' {reason}; a placeholder stands for it",
        declared.name
    ));
    let value = placeholder(declared, reads);
    match given {
        Some(given) => given.value = Ok(value),
        None => playbook.parameters.push(GivenParameter {
            name: declared.name.clone(),
            value: Ok(value),
            secret: declared.kind.is_secure(),
        }),
    }
}

/// Gives an app setting a placeholder if it has no value.
fn set(playbook: &mut Playbook, name: &str, notes: &mut Vec<String>) {
    let is_it = |given: &GivenParameter| given.name.eq_ignore_ascii_case(name);
    if playbook
        .settings
        .iter()
        .any(|given| is_it(given) && given.value.is_ok())
    {
        return;
    }
    notes.push(format!(
        "app setting '{name}' has no value here; a placeholder stands for it"
    ));
    playbook.settings.retain(|given| !is_it(given));
    playbook.settings.push(GivenParameter {
        name: name.to_owned(),
        value: Ok(Value::from("example")),
        secret: false,
    });
}

/// A value of a parameter's type that fits what the playbook does with it.
fn placeholder(declared: &Parameter, reads: &Reads) -> Value {
    if let Some(allowed) = declared.allowed.first() {
        return allowed.clone();
    }
    let shape = reads.shape(&Root::Parameter(declared.name.to_lowercase()));
    let fitting = shape.filter(|shape| !shape.is_unknown()).map(|shape| shape.value(None));
    let fits = |value: &Value| match declared.kind {
        ParameterType::Int => matches!(value, Value::Int(_)),
        ParameterType::Float => matches!(value, Value::Int(_) | Value::Float(_)),
        ParameterType::Bool => matches!(value, Value::Bool(_)),
        ParameterType::Array => matches!(value, Value::Array(_)),
        ParameterType::Object | ParameterType::SecureObject => matches!(value, Value::Object(_)),
        ParameterType::String | ParameterType::SecureString => matches!(value, Value::String(_)),
    };
    fitting.filter(fits).unwrap_or_else(|| match declared.kind {
        ParameterType::Int | ParameterType::Float => Value::from(1),
        ParameterType::Bool => Value::from(true),
        ParameterType::Array => Value::array([]),
        ParameterType::Object | ParameterType::SecureObject => Object::new().into(),
        ParameterType::String | ParameterType::SecureString => Value::from("example"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_tells_its_connector() {
        for (alias, connector) in [
            ("azuresentinel-1", "azuresentinel"),
            ("Teams_2", "teams"),
            ("office365", "office365"),
        ] {
            assert_eq!(connector_named(alias), connector);
        }
    }
}
