//! Fakes of outside services: real HTTP servers on loopback that check what they are asked, keep every call, and hold
//! an answer back until told.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::program::DEADLINE;

/// The key of the fake VirusTotal.
pub(crate) const API_KEY: &str = "0123456789abcdef-a-key-of-virustotal";
/// The id of the fake Log Analytics workspace.
pub(crate) const WORKSPACE: &str = "5f3c1c9e-0c55-4a0e-8f0a-6f0d6f5f1f11";
/// The key of the fake Log Analytics workspace.
pub(crate) const WORKSPACE_KEY: &str = "dGhlIGtleSBvZiBhIHdvcmtzcGFjZSwgNjQgYnl0ZXMgaW4gdHJ1dGg=";
/// The address that the fake VirusTotal calls malicious.
pub(crate) const MALICIOUS: &str = "185.220.101.45";
/// What it thinks of that address, and of every other.
pub(crate) const REPUTATIONS: (i64, i64) = (-11, 7);

/// What a service was asked.
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }
}

/// The address that a call is about and the answer, or what is wrong with the call.
type Judged = Result<(String, Value), String>;

/// A call that a service got.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    /// The address that it is about.
    pub(crate) about: String,
    /// Its idempotency key, if it has one.
    pub(crate) key: Option<String>,
}

/// A running fake.
pub(crate) struct Service {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

struct Inner {
    judge: fn(&Asked) -> Judged,
    calls: watch::Sender<Vec<Got>>,
    complaints: watch::Sender<Vec<String>>,
    /// The address whose answers are held back.
    held: watch::Sender<Option<String>>,
}

impl Service {
    /// VirusTotal, which knows reports about addresses.
    pub(crate) async fn virus_total() -> Self {
        Self::serve(report).await
    }

    /// The data collector of Azure Monitor.
    pub(crate) async fn data_collector() -> Self {
        Self::serve(collect).await
    }

    async fn serve(judge: fn(&Asked) -> Judged) -> Self {
        let inner = Arc::new(Inner {
            judge,
            calls: watch::channel(Vec::new()).0,
            complaints: watch::channel(Vec::new()).0,
            held: watch::channel(None).0,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(receive).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// Holds every answer about an address back.
    pub(crate) fn hold(&self, about: &str) {
        self.inner.held.send_replace(Some(about.to_owned()));
    }

    /// Gives every answer.
    pub(crate) fn release(&self) {
        self.inner.held.send_replace(None);
    }

    /// The calls about an address so far.
    pub(crate) fn calls(&self, about: &str) -> Vec<Got> {
        let calls = self.inner.calls.borrow();
        calls.iter().filter(|call| call.about == about).cloned().collect()
    }

    /// Waits until there were so many calls about an address.
    pub(crate) async fn await_calls(&self, about: &str, count: usize) {
        let mut calls = self.inner.calls.subscribe();
        let enough = calls.wait_for(|calls| calls.iter().filter(|call| call.about == about).count() >= count);
        let enough = tokio::time::timeout(DEADLINE, enough).await.is_ok();
        assert!(enough, "{about} was asked for {} times", self.calls(about).len());
    }

    /// All calls so far; none may have been wrong.
    pub(crate) fn count(&self) -> usize {
        assert_eq!(*self.inner.complaints.borrow(), Vec::<String>::new());
        self.inner.calls.borrow().len()
    }
}

async fn receive(
    State(service): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::HEAD {
        // A connection is tested: whoever answers is there.
        return StatusCode::OK.into_response();
    }
    let asked = Asked {
        method,
        uri,
        headers,
        body,
    };
    match (service.judge)(&asked) {
        Ok((about, answer)) => {
            let mut held = service.held.subscribe();
            let key = Some(asked.header("idempotency-key")).filter(|key| !key.is_empty());
            let got = Got {
                about: about.clone(),
                key: key.map(str::to_owned),
            };
            service.calls.send_modify(|calls| calls.push(got));
            // The sender lives in the same structure.
            let _ = held.wait_for(|held| held.as_ref() != Some(&about)).await;
            axum::Json(answer).into_response()
        }
        Err(complaint) => {
            let complaint = format!("{} {}: {complaint}", asked.method, asked.uri);
            service.complaints.send_modify(|all| all.push(complaint));
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}

fn report(asked: &Asked) -> Judged {
    let address = asked.uri.path().strip_prefix("/api/v3/ip_addresses/");
    let address = address.ok_or("there is no such operation")?;
    address
        .parse::<std::net::IpAddr>()
        .map_err(|error| format!("'{address}': {error}"))?;
    if asked.method != Method::GET || asked.uri.query().is_some() {
        return Err("a report is asked for by GET without a query".to_owned());
    }
    if asked.header("x-apikey") != API_KEY {
        return Err("wrong or no x-apikey".to_owned());
    }
    let reputation = if address == MALICIOUS {
        REPUTATIONS.0
    } else {
        REPUTATIONS.1
    };
    let data = json!({"id": address, "type": "ip_address", "attributes": {"reputation": reputation, "as_owner": "AS"}});
    Ok((address.to_owned(), json!({ "data": data })))
}

fn collect(asked: &Asked) -> Judged {
    let target = asked.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    if asked.method != Method::POST || target != "/api/logs?api-version=2016-04-01" {
        return Err("records are sent by POST to /api/logs?api-version=2016-04-01".to_owned());
    }
    if asked.header("log-type") != "VTIPReport" || asked.header("time-generated-field").is_empty() {
        return Err("the headers of the playbook are missing".to_owned());
    }
    let expected = signature(asked);
    if asked.header("authorization") != expected {
        return Err(format!("{} is not {expected}", asked.header("authorization")));
    }
    let record: Value = serde_json::from_slice(&asked.body).map_err(|error| error.to_string())?;
    let address = record["id"].as_str().ok_or("the record has no id")?;
    Ok((address.to_owned(), json!({})))
}

/// What `Authorization` must be, as the HTTP Data Collector API documents it.
fn signature(asked: &Asked) -> String {
    let (kind, date) = (asked.header("content-type"), asked.header("x-ms-date"));
    let text = format!("POST\n{}\n{kind}\nx-ms-date:{date}\n/api/logs", asked.body.len());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(WORKSPACE_KEY).unwrap());
    let signed = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    format!("SharedKey {WORKSPACE}:{signed}")
}
