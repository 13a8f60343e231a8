//! Connectors from outside: requests and answers, the guarded client against servers on loopback, the built-in
//! connectors against fakes of their services and against real playbooks.

#![allow(clippy::unwrap_used, clippy::panic)] // Its helpers are tests too, which the lints cannot see.

mod by_id;
mod client;
mod corpus;
mod logs;
mod openapi;
mod pages;
mod request;
mod response;
mod sentinel;
mod services;
mod watchlist;

use std::sync::Arc;
use std::time::Duration;

use riposte::api::SecretString;
use riposte::connectors::{Connector, ResolvedConnection, catalog};
use riposte::engine::call::{Call, Target};
use riposte::expression::Value;

/// A call through the ApiConnection of this name.
fn call(connection: &str, method: &str, path: &str) -> Call {
    Call {
        idempotency_key: "run-1/action-1".to_owned(),
        run: "run-1".to_owned(),
        namespace: "soc".to_owned(),
        playbook: "enrich".to_owned(),
        action: "Ask".to_owned(),
        depth: 0,
        target: Target::Connection(connection.to_owned()),
        method: method.to_owned(),
        path: path.to_owned(),
        queries: Vec::new(),
        headers: Vec::new(),
        body: None,
        authentication: None,
        minimum_items: None,
        timeout: Duration::from_secs(10),
        traceparent: String::new(),
    }
}

/// The call of an Http action.
fn http_call(method: &str, uri: &str) -> Call {
    Call {
        target: Target::Http,
        ..call("", method, uri)
    }
}

/// A connection to a connector, with text parameters.
fn connection(connector: Arc<Connector>, parameters: &[(&str, &str)]) -> ResolvedConnection {
    let secret = |(name, value): &(&str, &str)| ((*name).to_owned(), SecretString::from(*value));
    ResolvedConnection {
        name: format!("{}-1", connector.name),
        connector,
        base_url: None,
        parameters: parameters.iter().map(secret).collect(),
        authentication: None,
        hosts: Vec::new(),
        allowed_networks: Vec::new(),
    }
}

/// A connection to a built-in connector.
fn built_in(name: &str, parameters: &[(&str, &str)]) -> ResolvedConnection {
    connection(catalog::built_in(name).expect("a built-in connector"), parameters)
}

fn json(text: &str) -> Value {
    Value::from_json(text).expect("JSON")
}
