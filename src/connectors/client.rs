//! The HTTP client: sends guarded requests, follows guarded redirects, reads bounded answers.
//! Clients are kept per reach, so a connection opened under one guard is never used under another.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use url::Url;

use super::failure::Code;
use super::guard::{self, Denied, Reach};
use super::request::HttpRequest;
use super::resolver::{GuardedResolver, Lookup, SystemLookup};
use super::response;
use crate::engine::call::{Answer, CallError, Traffic};

const REDIRECTS: usize = 5;
/// Reaches are few: as many as there are different lists of allowed networks.
const KEPT_CLIENTS: usize = 64;

/// What the process lets calls reach, and how large answers may be.
#[derive(Clone, Debug)]
pub struct Egress {
    /// Networks that every call may reach although they are private.
    pub allowed_networks: Vec<IpNet>,
    /// Whether Http actions may use plain http to public hosts.
    pub plain_http: bool,
    /// The largest answer, decompressed, in bytes.
    pub max_response_bytes: usize,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            allowed_networks: Vec::new(),
            plain_http: true,
            max_response_bytes: 100 * 1024 * 1024,
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// Where one call may go.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// The hosts that it may reach; `None` for any public host.
    pub hosts: Option<Vec<String>>,
    /// Networks that it may reach beside the process's own.
    pub networks: Vec<IpNet>,
}

/// Sends requests; cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    egress: Egress,
    lookup: Arc<dyn Lookup>,
    clients: Mutex<HashMap<Reach, reqwest::Client>>,
}

impl Client {
    /// A client with the resolver of the system. The process must have installed a rustls provider before.
    pub fn new(egress: Egress) -> Self {
        Self::with_lookup(egress, Arc::new(SystemLookup))
    }

    /// A client with its own name resolution.
    pub fn with_lookup(egress: Egress, lookup: Arc<dyn Lookup>) -> Self {
        Self {
            inner: Arc::new(Inner {
                egress,
                lookup,
                clients: Mutex::default(),
            }),
        }
    }

    /// The largest answer that is read, in bytes.
    pub(super) fn max_response_bytes(&self) -> usize {
        self.inner.egress.max_response_bytes
    }

    /// Sends a request and reads its answer, within `timeout`.
    ///
    /// # Errors
    /// The guard refuses, the service does not answer, or its answer is too large.
    pub async fn send(&self, request: HttpRequest, bounds: &Bounds, timeout: Duration) -> Result<Answer, CallError> {
        let host = guard::authority(&request.url);
        let late = || {
            Code::TimedOut.error(
                format!("'{host}' did not answer within {} s", timeout.as_secs_f64()),
                true,
                true,
            )
        };
        tokio::time::timeout(timeout, self.follow(request, bounds))
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    async fn follow(&self, mut request: HttpRequest, bounds: &Bounds) -> Result<Answer, CallError> {
        let (mut reached, mut traffic) = (false, Traffic::default());
        for _ in 0..=REDIRECTS {
            let mut answer = self.once(&request, bounds).await.map_err(|error| CallError {
                reached: reached || error.reached,
                ..error
            })?;
            reached = true;
            traffic += answer.traffic;
            answer.traffic = traffic;
            match redirected(&request, &answer) {
                Some(next) => request = next,
                None => return Ok(answer),
            }
        }
        let host = guard::authority(&request.url);
        let message = format!("'{host}' redirects more than {REDIRECTS} times; call the final address");
        Err(Code::TooManyRedirects.error(message, false, true))
    }

    async fn once(&self, request: &HttpRequest, bounds: &Bounds) -> Result<Answer, CallError> {
        let denied = |denied: Denied| Code::EgressDenied.refusal(denied.to_string());
        if let Some(hosts) = &bounds.hosts {
            guard::check_pinned(&request.url, hosts).map_err(denied)?;
        }
        let reach = self.reach(&request.url, bounds);
        reach.check_url(&request.url).map_err(denied)?;
        let failed = |error: reqwest::Error| failure(&request.url, &error);
        let client = self.client(&reach).map_err(failed)?;
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|_| Code::InvalidRequest.refusal("the method of the call is none that HTTP has"))?;
        let mut builder = client.request(method, request.url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value.as_bytes());
        }
        if !request.body.is_empty() || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
            builder = builder.body(request.body.clone());
        }
        let response = builder.send().await.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), headers_of(response.headers()));
        let body = self.read(response).await?;
        let traffic = Traffic {
            sent: request.body.len() as u64,
            received: body.len() as u64,
        };
        let answer = response::answer(status, &headers, &body);
        Ok(located(Answer { traffic, ..answer }, &request.url))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Vec<u8>, CallError> {
        let limit = self.inner.egress.max_response_bytes;
        let url = response.url().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&url, &error))? {
            if body.len() + chunk.len() > limit {
                let host = guard::authority(&url);
                let message = format!("the answer of '{host}' is larger than {limit} bytes; ask for less");
                return Err(Code::ResponseTooLarge.error(message, false, true));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn reach(&self, url: &Url, bounds: &Bounds) -> Reach {
        let egress = &self.inner.egress;
        let networks = egress
            .allowed_networks
            .iter()
            .chain(&bounds.networks)
            .copied()
            .collect();
        let may_be_plain = egress.plain_http && bounds.hosts.is_none();
        Reach {
            networks,
            listed_only: url.scheme() == "http" && !may_be_plain,
        }
    }

    fn client(&self, reach: &Reach) -> Result<reqwest::Client, reqwest::Error> {
        let mut clients = self.inner.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(reach) {
            return Ok(client.clone());
        }
        let resolver = GuardedResolver {
            reach: reach.clone(),
            lookup: self.inner.lookup.clone(),
        };
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(resolver))
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(self.inner.egress.connect_timeout)
            .build()?;
        if clients.len() >= KEPT_CLIENTS {
            clients.clear();
        }
        clients.insert(reach.clone(), client.clone());
        Ok(client)
    }
}

/// Makes the location of a promised answer, or of the next question of a trigger, absolute: who asks there later does not
/// know where it was named.
fn located(mut answer: Answer, url: &Url) -> Answer {
    let location = answer.headers.get_exact("Location").and_then(|value| value.as_str());
    if let (200 | 202, Some(absolute)) = (answer.status, location.and_then(|location| url.join(location).ok())) {
        answer.headers.insert("Location", absolute.as_str());
    }
    answer
}

fn headers_of(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}

/// The next request of a redirect: as browsers do, and without anything secret where the origin changes.
fn redirected(request: &HttpRequest, answer: &Answer) -> Option<HttpRequest> {
    const HARMLESS: &[&str] = &["accept", "content-type", "user-agent", "idempotency-key"];
    let to_get = match (answer.status, request.method.as_str()) {
        (303, "HEAD") | (307 | 308, _) => false,
        (301 | 302, method) => method == "POST",
        (303, _) => true,
        _ => return None,
    };
    let location = answer.headers.get("Location").and_then(|value| value.as_str())?;
    let mut next = request.clone();
    next.url = request.url.join(location).ok()?;
    if next.url.origin() != request.url.origin() {
        next.headers.retain(|(name, _)| {
            let credential = request.credentials.iter().any(|own| own.eq_ignore_ascii_case(name));
            !credential && HARMLESS.contains(&name.to_ascii_lowercase().as_str())
        });
        next.credentials.clear();
    }
    if to_get {
        next.method = "GET".to_owned();
        next.body.clear();
        next.headers
            .retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    }
    Some(next)
}

/// Names what went wrong on the way, with the host and nothing else of the URL.
fn failure(url: &Url, error: &reqwest::Error) -> CallError {
    let host = guard::authority(url);
    let reached = !error.is_connect() && !error.is_builder();
    if let Some(denied) = cause::<Denied>(error) {
        return Code::EgressDenied.refusal(denied.to_string());
    }
    if let Some(tls) = cause::<rustls::Error>(error) {
        let message = format!("no trusted TLS connection to '{host}': {tls}; check its certificate");
        return Code::TlsFailed.error(message, false, reached);
    }
    if error.is_timeout() {
        return Code::TimedOut.error(format!("'{host}' did not answer in time"), true, reached);
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let reason = if error.source().is_some() {
        innermost.to_string()
    } else {
        "the request failed".to_owned()
    };
    Code::ServiceUnreachable.error(
        format!("'{host}' cannot be reached: {reason}"),
        !error.is_builder(),
        reached,
    )
}

/// Looks for a cause of this type, inside I/O errors too.
fn cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(source) = next {
        let wrapped = source
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        let inner = wrapped.and_then(|inner| inner.downcast_ref::<E>());
        if let Some(found) = source.downcast_ref::<E>().or(inner) {
            return Some(found);
        }
        next = match wrapped {
            Some(inner) => Some(inner),
            None => source.source(),
        };
    }
    None
}
