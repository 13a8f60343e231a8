//! The guarded client against servers on loopback.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use riposte::connectors::client::Bounds;
use riposte::connectors::{Client, Egress, Lookup, request};
use riposte::engine::call::{Answer, CallError};
use riposte::expression::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::http_call;

const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn egress() -> Egress {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Egress {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        plain_http: false,
        ..Egress::default()
    }
}

/// Serves a router on loopback; gives its port.
pub(super) async fn serve(router: Router) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

async fn send(client: &Client, method: &str, uri: &str) -> Result<Answer, CallError> {
    let mut call = http_call(method, uri);
    call.headers = vec![("X-Secret".to_owned(), "s3cret".to_owned())];
    call.authentication = Some(super::json(r#"{"type":"Raw","value":"Bearer s3cret"}"#));
    call.body = (method == "POST").then(|| Value::from("body"));
    client
        .send(request::http(&call).unwrap(), &Bounds::default(), TIMEOUT)
        .await
}

fn code(result: Result<Answer, CallError>) -> String {
    result.map_or_else(|error| error.code, |answer| answer.status.to_string())
}

/// Answers with what it was asked: method, path, and whether anything secret came along.
async fn echo(request: Request) -> Response {
    let headers = request.headers();
    let secret = headers.contains_key("authorization") || headers.contains_key("x-secret");
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("0")
        .to_owned();
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    format!("{method} {path} secret={secret} length={length} host={host}").into_response()
}

/// Redirects `/to/{status}?{target}` to the target.
async fn redirect(Path(status): Path<u16>, request: Request) -> Response {
    let target = request.uri().query().unwrap_or_default().to_owned();
    (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, target)]).into_response()
}

async fn redirecting() -> u16 {
    serve(Router::new().route("/to/{status}", any(redirect)).fallback(echo)).await
}

fn text(answer: &Answer) -> &str {
    answer.body.as_ref().and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test]
async fn only_allowed_networks_are_reached() {
    let port = redirecting().await;
    let open = Client::new(egress());
    let closed = Client::new(Egress {
        allowed_networks: Vec::new(),
        ..egress()
    });
    let uri = format!("http://127.0.0.1:{port}/x?key=s3cret");
    let answer = send(&open, "GET", &uri).await.unwrap();
    assert_eq!(
        text(&answer),
        format!("GET /x secret=true length=0 host=127.0.0.1:{port}")
    );
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"] {
        let error = send(&closed, "GET", &format!("http://{host}:{port}/x?key=s3cret"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.retryable, error.reached),
            ("EgressDenied", false, false),
            "{host}"
        );
        assert!(!error.message.contains("s3cret"), "{error}");
    }
    let plain = send(&open, "GET", "http://192.0.43.7/").await.unwrap_err();
    assert!(plain.message.contains("plain http"), "{plain}");
}

#[tokio::test]
async fn every_redirect_is_guarded() {
    let (port, other) = (redirecting().await, redirecting().await);
    let client = Client::new(egress());
    let at = |status: u16, target: &str| format!("http://127.0.0.1:{port}/to/{status}?{target}");
    for target in [
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "https://10.0.0.1/",
        "file:///etc/passwd",
    ] {
        let error = send(&client, "GET", &at(302, target)).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.reached), ("EgressDenied", true), "{target}");
    }
    let same = send(&client, "POST", &at(307, "/next")).await.unwrap();
    assert_eq!(
        text(&same),
        format!("POST /next secret=true length=4 host=127.0.0.1:{port}")
    );
    let away = format!("http://127.0.0.1:{other}/next");
    let left = send(&client, "POST", &at(308, &away)).await.unwrap();
    assert_eq!(
        text(&left),
        format!("POST /next secret=false length=4 host=127.0.0.1:{other}")
    );
    for status in [301, 302, 303] {
        let turned = send(&client, "POST", &at(status, "/next")).await.unwrap();
        assert_eq!(
            text(&turned),
            format!("GET /next secret=true length=0 host=127.0.0.1:{port}"),
            "{status}"
        );
    }
    assert_eq!(code(send(&client, "GET", &at(304, "/next")).await), "304");
    let pinned = Bounds {
        hosts: Some(vec![format!("127.0.0.1:{port}")]),
        networks: Vec::new(),
    };
    let request = request::http(&http_call("GET", &at(302, &away))).unwrap();
    let error = client.send(request, &pinned, TIMEOUT).await.unwrap_err();
    assert_eq!(error.code, "EgressDenied");
    assert!(error.message.contains(&format!("127.0.0.1:{other}")), "{error}");
}

#[tokio::test]
async fn redirects_end() {
    let asked = Arc::new(Mutex::new(0));
    async fn again(State(asked): State<Arc<Mutex<u32>>>) -> Response {
        *asked.lock().unwrap() += 1;
        (StatusCode::FOUND, [(header::LOCATION, "/again")]).into_response()
    }
    let port = serve(Router::new().route("/again", get(again)).with_state(asked.clone())).await;
    let error = send(&Client::new(egress()), "GET", &format!("http://127.0.0.1:{port}/again"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.retryable, error.reached),
        ("TooManyRedirects", false, true)
    );
    assert_eq!(*asked.lock().unwrap(), 6);
}

struct Fixed(Vec<&'static str>);

#[async_trait]
impl Lookup for Fixed {
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        assert_eq!(host, "service.example");
        Ok(self.0.iter().map(|address| address.parse().unwrap()).collect())
    }
}

#[tokio::test]
async fn names_are_checked_by_all_their_addresses() {
    let port = redirecting().await;
    let uri = format!("http://service.example:{port}/x");
    let client = |addresses: &[&'static str]| Client::with_lookup(egress(), Arc::new(Fixed(addresses.to_vec())));
    let answer = send(&client(&["127.0.0.1"]), "GET", &uri).await.unwrap();
    assert_eq!(
        text(&answer),
        format!("GET /x secret=true length=0 host=service.example:{port}")
    );
    for addresses in [
        ["127.0.0.1", "169.254.169.254"],
        ["10.0.0.1", "127.0.0.1"],
        ["::1", "127.0.0.1"],
    ] {
        let error = send(&client(&addresses), "GET", &uri).await.unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.reached),
            ("EgressDenied", false),
            "{addresses:?}"
        );
        assert!(error.message.contains("service.example"), "{error}");
    }
    let none = send(&client(&[]), "GET", &uri).await.unwrap_err();
    assert_eq!(
        (none.code.as_str(), none.retryable, none.reached),
        ("ServiceUnreachable", true, false)
    );
}

#[tokio::test]
async fn answers_are_bounded_in_size_and_time() {
    async fn never() -> Response {
        std::future::pending().await
    }
    let client = Client::new(Egress {
        max_response_bytes: 10_000,
        ..egress()
    });
    let error = send(&client, "GET", &format!("http://127.0.0.1:{}/", endless().await))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.retryable, error.reached),
        ("ResponseTooLarge", false, true)
    );
    let port = serve(Router::new().route("/never", get(never))).await;
    let call = request::http(&http_call("GET", &format!("http://127.0.0.1:{port}/never?key=s3cret"))).unwrap();
    let error = client
        .send(call, &Bounds::default(), Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.retryable, error.reached),
        ("TimedOut", true, true)
    );
    assert!(!error.message.contains("s3cret"), "{error}");
}

/// Serves one answer without length and without end, so that only reading tells how much comes.
async fn endless() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_exact(&mut [0; 16]).await.unwrap();
        let mut more: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n";
        while socket.write_all(more).await.is_ok() {
            more = &[b'x'; 1024];
        }
    });
    port
}

#[tokio::test]
async fn unreachable_services_are_told_apart() {
    let client = Client::new(egress());
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let refused = send(&client, "GET", &format!("http://127.0.0.1:{free}/?key=s3cret"))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.retryable, refused.reached),
        ("ServiceUnreachable", true, false)
    );
    assert!(
        refused.message.contains(&format!("127.0.0.1:{free}")) && !refused.message.contains("s3cret"),
        "{refused}"
    );
    let plain = redirecting().await;
    let tls = send(&client, "GET", &format!("https://127.0.0.1:{plain}/"))
        .await
        .unwrap_err();
    assert_eq!((tls.code.as_str(), tls.reached), ("TlsFailed", false), "{tls}");
}
