//! What requests pass: the check of the host that they were sent to, and the headers and problem details of answers.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{self, Kind, Problem};
use super::state::ServerState;

/// Names of loopback in a `Host` header.
const LOOPBACK: &[&str] = &["localhost", "127.0.0.1", "[::1]"];
/// The port that a `Host` header without one means.
const HTTP: u16 = 80;

/// Headers of every answer that does not bring its own.
const HEADERS: &[(HeaderName, &str)] = &[
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

/// Lets a request through and completes its answer.
pub(super) async fn pass(State(state): State<ServerState>, request: Request, next: Next) -> Response {
    let is_for_us = state.settings.loopback_port.is_none_or(|port| names(&request, port));
    let response = if is_for_us {
        next.run(request).await
    } else {
        Problem::new(Kind::Misdirected, "this server answers to the names of loopback only").into_response()
    };
    with_headers(response).await
}

/// Adds the headers that an answer does not bring by itself.
pub(super) async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let headers = response.headers_mut();
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Whether every host that a request names is loopback, with this port.
fn names(request: &Request, port: u16) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let host = host.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    let is_loopback = |authority: &Authority| {
        let is_known = LOOPBACK.iter().any(|name| authority.host().eq_ignore_ascii_case(name));
        let is_bare = !authority.as_str().contains('@');
        is_known && is_bare && authority.port_u16().unwrap_or(HTTP) == port
    };
    host.as_ref().is_some_and(is_loopback) && request.uri().authority().is_none_or(is_loopback)
}

/// Gives the errors that the router makes by itself the form of all others, and keeps their headers (`Allow`).
pub(super) async fn with_details(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.headers().get(CONTENT_TYPE) == Some(&problem::CONTENT) {
        return response;
    }
    let mut detailed = Problem::of_status(status).into_response();
    if let Some(allow) = response.headers().get(axum::http::header::ALLOW) {
        detailed.headers_mut().insert(axum::http::header::ALLOW, allow.clone());
    }
    detailed
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn is_taken(uri: &str, host: &str) -> bool {
        let request = Request::builder().uri(uri).header(HOST, host).body(Body::empty());
        names(&request.unwrap(), 8080)
    }

    #[test]
    fn only_names_of_loopback_with_the_port_are_taken() {
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LocalHost:8080"] {
            assert!(is_taken("/", host), "{host}");
        }
        for host in [
            "localhost",
            "localhost:81",
            "evil.example:8080",
            "127.0.0.1.evil.example:8080",
            "",
            "a@localhost:8080",
        ] {
            assert!(!is_taken("/", host), "{host}");
        }
        assert!(!is_taken("http://evil.example:8080/", "localhost:8080"));
    }
}
