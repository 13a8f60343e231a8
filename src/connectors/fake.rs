//! A fake of a service for tests and `riposte dev --fakes`: a real HTTP server on loopback that answers each operation
//! of a connector with an example of its response schema, and keeps what it was asked.
//! It refuses calls without the connector's authentication, and knows nothing else: 404.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::example::example;
use super::spec::Connector;
use crate::api::connector::ConnectorAuthentication;

/// The calls that a fake keeps; older ones are forgotten.
const KEPT_CALLS: usize = 10_000;

/// A running fake; it stops when dropped.
#[derive(Debug)]
pub struct Fake {
    /// Where it is, such as `http://127.0.0.1:40123`.
    pub base_url: String,
    calls: Arc<Mutex<Vec<FakeCall>>>,
    server: JoinHandle<()>,
}

/// A call that a fake got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeCall {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The encoded path.
    pub path: String,
    /// The raw query.
    pub query: Option<String>,
    /// All headers, names in lower case. They hold whatever credential the caller sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The operation that answered.
    pub operation: Option<String>,
    /// The status that was answered.
    pub status: u16,
}

impl FakeCall {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Fake {
    /// The calls so far, oldest first.
    pub fn calls(&self) -> Vec<FakeCall> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Service {
    connector: Arc<Connector>,
    calls: Arc<Mutex<Vec<FakeCall>>>,
}

/// Serves a fake of a connector on a free port of 127.0.0.1.
///
/// # Errors
/// No port can be opened.
pub async fn serve(connector: Arc<Connector>) -> std::io::Result<Fake> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let calls = Arc::new(Mutex::default());
    let router = Router::new().fallback(handle).with_state(Service {
        connector,
        calls: calls.clone(),
    });
    let server = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::warn!(%error, "a fake service stopped");
        }
    });
    Ok(Fake {
        base_url,
        calls,
        server,
    })
}

async fn handle(State(service): State<Service>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let connector = &service.connector;
    let operation = connector
        .find_real(method.as_str(), uri.path())
        .map(|found| found.operation);
    let (status, answer) = match operation {
        _ if !is_authenticated(connector, &headers, uri.query()) => (
            StatusCode::UNAUTHORIZED,
            problem("AuthenticationRequired", "the call has no credential"),
        ),
        None => (
            StatusCode::NOT_FOUND,
            problem("NotFound", "the service has no such operation"),
        ),
        Some(operation) => {
            let schema = operation.response.as_ref();
            (
                StatusCode::OK,
                schema
                    .map(|schema| example(schema, &connector.document))
                    .unwrap_or_default(),
            )
        }
    };
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let call = FakeCall {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        headers: headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: body.to_vec(),
        operation: operation.map(|operation| operation.id.clone()),
        status: status.as_u16(),
    };
    let mut calls = service.calls.lock().unwrap_or_else(PoisonError::into_inner);
    if calls.len() == KEPT_CALLS {
        calls.remove(0);
    }
    calls.push(call);
    if answer.is_null() {
        return status.into_response();
    }
    (status, [(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

fn problem(code: &str, message: &str) -> serde_json::Value {
    json!({"error": {"code": code, "message": message}})
}

/// Whether the connector's credential is there and not empty; its value does not matter.
fn is_authenticated(connector: &Connector, headers: &HeaderMap, query: Option<&str>) -> bool {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let fixed = |value: &str| value.split('{').next().unwrap_or_default().to_owned();
    let after = |text: &str, prefix: &str| text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    match &connector.authentication {
        None => true,
        Some(ConnectorAuthentication::Header(template)) => after(header(&template.name), &fixed(&template.value)),
        Some(ConnectorAuthentication::Query(template)) => {
            let mut pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
            pairs.any(|(name, value)| name == template.name && after(&value, &fixed(&template.value)))
        }
        Some(ConnectorAuthentication::Basic(_)) => after(header("authorization"), "Basic "),
        Some(ConnectorAuthentication::SharedKey(_)) => after(header("authorization"), "SharedKey "),
    }
}
