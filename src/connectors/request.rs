//! From a call to the request on the wire. Pure: the time of a signature comes in as an argument.
//! Invariant: what authenticates is known by name ([`HttpRequest::credentials`]), so it can be left behind on a redirect.

use std::fmt;

use jiff::Timestamp;
use url::Url;
use uuid::Uuid;

use super::authentication;
use super::body;
use super::connection::ResolvedConnection;
use super::failure::Code;
use super::spec::{Match, Place, encode_component};
use crate::engine::call::{Call, CallError};

/// The longest URL that the original sends, in characters.
const URL_LIMIT: usize = 16_384;

/// One HTTP request.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Where it goes.
    pub url: Url,
    /// Its headers, each name once.
    pub headers: Vec<(String, String)>,
    /// Names of the headers that prove who calls.
    pub credentials: Vec<String>,
    /// Its body, empty for none.
    pub body: Vec<u8>,
}

impl fmt::Debug for HttpRequest {
    /// Shows neither query, nor header values, nor body: any of them may hold a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl HttpRequest {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Sets a header in place of one of the same name.
    pub(super) fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Sets a header that proves who calls.
    pub(super) fn set_credential(&mut self, name: &str, value: impl Into<String>) {
        self.set_header(name, value);
        self.credentials.push(name.to_owned());
    }

    /// Adds a query parameter, encoded as `encodeURIComponent` does.
    pub(super) fn add_query(&mut self, name: &str, value: &str) {
        let pair = format!("{}={}", encode_component(name), encode_component(value));
        self.add_raw_query(&pair);
    }

    fn add_raw_query(&mut self, more: &str) {
        let query = match self.url.query().filter(|query| !query.is_empty()) {
            Some(query) => format!("{query}&{more}"),
            None => more.to_owned(),
        };
        self.url.set_query(Some(&query));
    }

    fn add_missing_header(&mut self, name: &str, value: &str) {
        if self.header(name).is_none() {
            self.set_header(name, value);
        }
    }
}

/// The request of an `Http` action.
///
/// # Errors
/// A URI that is none, headers or a body that cannot be sent, or an authentication that is not supported.
pub fn http(call: &Call) -> Result<HttpRequest, CallError> {
    let url = absolute(&call.path)
        .ok_or_else(|| Code::InvalidRequest.refusal("the uri of the action is no absolute http or https URI"))?;
    let mut request = start(call, &call.method, url, None)?;
    if let Some(given) = &call.authentication {
        authentication::of_action(&mut request, given)?;
    }
    checked(request)
}

/// The request of an operation through an ApiConnection.
///
/// # Errors
/// A connection without address or parameter, path values or headers or a body that cannot be sent.
pub fn operation(
    call: &Call,
    found: &Match<'_>,
    connection: &ResolvedConnection,
    now: Timestamp,
) -> Result<HttpRequest, CallError> {
    let real = &found.operation.real;
    let path = real.path.fill(|name| found.value(name)).ok_or_else(|| {
        let path = found.operation.path.as_str();
        Code::InvalidRequest.refusal(format!(
            "the path does not fill '{path}': a value is empty, '.' or '..'"
        ))
    })?;
    let mut url = base_url(connection)?;
    url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
    if let Some((_, query)) = call.path.split_once('?') {
        url.set_query(Some(query));
    }
    let mut request = start(call, &real.method, url, found.operation.consumes.as_deref())?;
    if let Some(query) = &real.query {
        request.add_raw_query(query);
    }
    for default in &found.operation.defaults {
        match default.place {
            Place::Header => request.add_missing_header(&default.name, &default.value),
            Place::Query if !call.queries.iter().any(|(name, _)| *name == default.name) => {
                request.add_query(&default.name, &default.value);
            }
            Place::Query => {}
        }
    }
    if !matches!(real.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        request.add_missing_header("Idempotency-Key", &call.idempotency_key);
    }
    authentication::of_connection(&mut request, connection, now)?;
    checked(request)
}

/// Whether a call asks for an answer that the service promised at a location of its own, not for an operation.
pub fn is_poll(call: &Call) -> bool {
    call.method.eq_ignore_ascii_case("GET") && absolute(&call.path).is_some()
}

/// The request for an answer that the service promised (202 with a Location), with the credentials of the connection,
/// whose pinned hosts bound it.
///
/// # Errors
/// A location or headers that cannot be sent, or a connection without a parameter.
pub fn poll(call: &Call, connection: &ResolvedConnection, now: Timestamp) -> Result<HttpRequest, CallError> {
    let url = absolute(&call.path)
        .ok_or_else(|| Code::InvalidRequest.refusal("the location of the answer is no absolute http or https URI"))?;
    let mut request = start(call, "GET", url, None)?;
    authentication::of_connection(&mut request, connection, now)?;
    checked(request)
}

fn absolute(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// The address of a connection's service.
///
/// # Errors
/// No address, one that is no plain http or https URL, or a missing parameter in it.
pub fn base_url(connection: &ResolvedConnection) -> Result<Url, CallError> {
    let name = &connection.name;
    let template = connection.base_url.as_ref().or(connection.connector.base_url.as_ref());
    let template = template.ok_or_else(|| {
        let advice = format!("ApiConnection '{name}' has no address: give it a baseUrl");
        Code::InvalidRequest.refusal(advice)
    })?;
    let text = authentication::fill(template, connection)?;
    let bare = |url: &Url| {
        let plain = matches!(url.scheme(), "http" | "https") && url.has_host();
        plain && url.username().is_empty() && url.password().is_none() && url.query().is_none()
    };
    Url::parse(&text).ok().filter(bare).ok_or_else(|| {
        Code::InvalidRequest.refusal(format!(
            "the address of ApiConnection '{name}' is no plain http or https URL"
        ))
    })
}

fn start(call: &Call, method: &str, url: Url, consumes: Option<&str>) -> Result<HttpRequest, CallError> {
    let headers = call.headers.iter().filter(|(name, _)| !is_dropped(name)).cloned();
    let mut request = HttpRequest {
        method: method.to_ascii_uppercase(),
        url,
        headers: Vec::new(),
        credentials: Vec::new(),
        body: Vec::new(),
    };
    for (name, value) in headers {
        request.set_header(&name, value);
    }
    for (name, value) in &call.queries {
        request.add_query(name, value);
    }
    let boundary = Uuid::new_v5(&Uuid::NAMESPACE_OID, call.idempotency_key.as_bytes()).to_string();
    let payload = body::encode(call.body.as_ref(), request.header("content-type"), consumes, &boundary)?;
    if let Some(media) = payload.content_type {
        request.set_header("Content-Type", media);
    }
    request.body = payload.bytes;
    if !call.traceparent.is_empty() {
        request.add_missing_header("traceparent", &call.traceparent);
    }
    request.add_missing_header("User-Agent", concat!("riposte/", env!("CARGO_PKG_VERSION")));
    Ok(request)
}

/// The headers of an action that the original never sends, and those that belong to the connection itself.
fn is_dropped(name: &str) -> bool {
    const DROPPED: &[&str] = &[
        "allow",
        "cookie",
        "expires",
        "host",
        "last-modified",
        "origin",
        "set-cookie",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "proxy-authorization",
        "proxy-connection",
    ];
    const KEPT: &[&str] = &["content-disposition", "content-encoding", "content-type"];
    let name = name.to_ascii_lowercase();
    let content = name.starts_with("content-") && !KEPT.contains(&name.as_str());
    content || name.starts_with("accept-") || DROPPED.contains(&name.as_str())
}

/// Refuses what no HTTP client could send.
fn checked(request: HttpRequest) -> Result<HttpRequest, CallError> {
    for (name, value) in &request.headers {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(Code::InvalidRequest.refusal("a header has a name that HTTP does not allow"));
        }
        if value.chars().any(|c| c.is_control() && c != '\t') {
            let message = format!("the value of header '{name}' has a line break or another control character");
            return Err(Code::InvalidRequest.refusal(message));
        }
    }
    if request.url.as_str().len() > URL_LIMIT {
        return Err(Code::InvalidRequest.refusal(format!("the URL is longer than {URL_LIMIT} characters")));
    }
    Ok(request)
}
